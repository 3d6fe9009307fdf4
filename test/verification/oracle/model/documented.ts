/** The answers that several verbs may give. */
export const ON_INSTANCE = ["applied", "unchanged", "gone", "not_found"];
export const ON_REPORTED_VMM = ["applied", "stale", "terminal", "gone", "not_found"].map(
  (outcome) => `vmm ${outcome}`,
);
export const ON_REPORTED_SIDES = ["in", "out"].flatMap((side) =>
  ["applied", "stale", "terminal", "wrong_side", "gone", "not_found"].map((outcome) => `${side} ${outcome}`),
);
export const conflicts = (...reasons: string[]): string[] => reasons.map((reason) => `conflict ${reason}`);
