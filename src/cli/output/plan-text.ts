import type { IntendedState, MigrationVerdict } from "../../client/generated.js";
import type { Colors } from "../../terminal/io.js";
import type { ExplainUpdateResult } from "../../client/results.js";

/** What is printed beside the plan. */
export interface Background {
  /** Null: a migration is linked, and this role may not read what its verdict is. */
  verdict: MigrationVerdict | null;
  intendedState: IntendedState;
  leaseExpired: boolean | null;
}

/** What `explainUpdate` answers of an instance that exists, and what is printed beside the plan. */
export type Explanation = Exclude<ExplainUpdateResult, { outcome: "not_found" }> & Background;

const VERDICTS: Record<MigrationVerdict, string> = {
  none: "no migration is linked: the active VMM decides",
  void: "the active VMM was unwound, or is in no part of it",
  in_progress: "the destination side decides, and has not ended",
  handed_over: "the source side completed, the destination side has not ended",
  completed: "the guest is on the destination VMM",
  failed: "the guest did not reach the destination VMM",
};

/** Writes what `vmstate explain` prints. */
export function planText(explanation: Explanation, colors: Colors): string {
  const { instanceId, apiState, verdict } = explanation;
  return [
    `instance ${colors.bold(instanceId)} shows ${colors.cyan(apiState)}`,
    ...(verdict ? [`migration verdict: ${colors.bold(verdict)} (${VERDICTS[verdict]})`] : []),
    ...updateLines(explanation),
    ...lockLines(explanation),
    ...leftOutLines(explanation, colors),
  ].join("\n");
}

function updateLines(explanation: Explanation): string[] {
  if (explanation.outcome === "gone") return ["The instance is deleted: there is nothing to update."];
  if (explanation.outcome === "unchanged") return ["There is nothing to update."];
  return ["An update would:", ...steps(explanation).map((step) => `  - ${step}`)];
}

type Plan = Extract<Explanation, { outcome: "applied" | "unchanged" }>;

function steps(plan: Plan): string[] {
  return [...activeSteps(plan), ...unlinkSteps(plan), ...migrationSteps(plan), ...stateSteps(plan)];
}

function activeSteps({ activePropolisId, newActivePropolisId }: Plan): string[] {
  const stays = newActivePropolisId === null || newActivePropolisId === activePropolisId;
  return stays
    ? []
    : [`make VMM ${newActivePropolisId} the active one`, `move the network to VMM ${newActivePropolisId}`];
}

function unlinkSteps({ unlinkedPropolisIds, terminatePropolisIds }: Plan): string[] {
  return unlinkedPropolisIds.map((id) =>
    terminatePropolisIds.includes(id) ? `unlink VMM ${id} and terminate it on its sled` : `unlink VMM ${id}`,
  );
}

function migrationSteps({ migrationId, newMigrationId }: Plan): string[] {
  return migrationId === newMigrationId ? [] : [`clear migration ${String(migrationId)}`];
}

function stateSteps({ state, newState, intendedState, newIntendedState, network }: Plan): string[] {
  return [
    ...(network === "delete" ? ["delete the network"] : []),
    ...(state === newState ? [] : [`change the state from ${state} to ${newState}`]),
    ...(intendedState === newIntendedState
      ? []
      : [`change the intent from ${intendedState} to ${newIntendedState}`]),
  ];
}

function lockLines(explanation: Explanation): string[] {
  const { updaterId, updaterGeneration, updaterLeaseUntil, leaseExpired } = explanation;
  if (!updaterId || !updaterLeaseUntil) return [];
  const lease = `${leaseExpired ? "expired" : "until"} ${updaterLeaseUntil.toISOString()}`;
  return [
    `The updater lock is held by saga ${updaterId},`,
    `updater generation (fencing token) ${updaterGeneration}, lease ${lease}.`,
  ];
}

/** Says what a role without rights on the tables may not read. */
function leftOutLines({ verdict }: Explanation, colors: Colors): string[] {
  return verdict ? [] : [colors.dim("This role may not read the migration verdict.")];
}
