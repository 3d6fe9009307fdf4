import type { Cast } from "./cast.js";

/** What an answer may hold that the story tells. */
export interface AnyResult {
  outcome?: string | null;
  reason?: string | null;
  vmmOutcome?: string | null;
  migrationInOutcome?: string | null;
  migrationOutOutcome?: string | null;
  replacedPropolisId?: string | null;
  unlinkedPropolisIds?: string[] | null;
  updateNeeded?: boolean | null;
}

/** `beginStart(web, saga-1, A, sled-1)`: ids by their names; addresses, ports and times left out. */
export function callText(verb: string, args: object, cast: Cast): string {
  const shown = Object.entries(args).flatMap(([key, value]: [string, unknown]) =>
    argumentText(key, value, cast),
  );
  return `${verb}(${shown.join(", ")})`;
}

function argumentText(key: string, value: unknown, cast: Cast): string[] {
  if (typeof value === "number") return [`generation ${value}`];
  return typeof value === "string" && key !== "propolisIp" ? [cast.name(value)] : [];
}

/** `applied, replaces A` */
export function outcomeText(answer: AnyResult, cast: Cast): string {
  const { migrationInOutcome, migrationOutOutcome, replacedPropolisId, unlinkedPropolisIds } = answer;
  const migration = migrationInOutcome ?? migrationOutOutcome;
  const unlinked = unlinkedPropolisIds?.map((id) => cast.name(id)) ?? [];
  return [
    answer.outcome ?? answer.vmmOutcome,
    answer.reason,
    migration && `migration ${migration}`,
    replacedPropolisId && `replaces ${cast.name(replacedPropolisId)}`,
    unlinked.length > 0 && `unlinks ${unlinked.join(", ")}`,
    answer.updateNeeded && "update needed",
  ]
    .filter(Boolean)
    .join(", ");
}
