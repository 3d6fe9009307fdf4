/** What can be wrong. */
export type Fault =
  "internal error" | "changed row" | "unclear error" | "wrong answer" | "slow batch" | "gap";

/** What is wrong, and where there is one, the smallest call that shows it. */
export interface Finding {
  fault: Fault;
  target: string;
  problem: string;
  call?: string;
}

export function described({ fault, target, problem, call }: Finding): string {
  const line = `${fault}: ${target}: ${problem}`;
  return call === undefined ? line : `${line}\n  ${call}`;
}
