import type {
  BeginUpdateResult,
  CommitUpdateResult,
  ExplainUpdateResult,
  InheritUpdateResult,
  RunUpdateResult,
  UnlockUpdateResult,
} from "./results.js";
import type {
  BeginUpdateArguments,
  CommitUpdateArguments,
  ExplainUpdateArguments,
  InheritUpdateArguments,
  RunUpdateArguments,
  UnlockUpdateArguments,
} from "./generated.js";
import { callForRow } from "./call.js";
import type { SqlClient } from "./sql-client.js";
import { statement } from "./statement.js";

/**
 * Takes the updater lock and answers the plan: first step of an update saga.
 *
 * The lock lasts for `lease`. Keep `updaterGeneration` (the fencing token) and `planToken` for {@link commitUpdate}.
 * `networkVmm`, `unlinkedVmms` and `terminateVmms` say where the VMMs of the plan are.
 * `unchanged`: nothing to do, and no lock is held.
 */
export function beginUpdate(sql: SqlClient, a: BeginUpdateArguments): Promise<BeginUpdateResult> {
  return callForRow(
    sql,
    "beginUpdate",
    a,
    () => statement`select pg_catalog.to_json(vmstate.begin_update(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}, p_lease => ${a.lease}))::pg_catalog.text`,
  );
}

/**
 * Gives the updater lock of a parent saga to its child saga.
 *
 * The lock has a new `updaterGeneration` afterwards.
 */
export function inheritUpdate(sql: SqlClient, a: InheritUpdateArguments): Promise<InheritUpdateResult> {
  return callForRow(
    sql,
    "inheritUpdate",
    a,
    () => statement`select pg_catalog.to_json(vmstate.inherit_update(
    p_instance_id => ${a.instanceId}, p_parent_saga_id => ${a.parentSagaId},
    p_updater_generation => ${a.updaterGeneration}, p_saga_id => ${a.sagaId}, p_lease => ${a.lease}))::pg_catalog.text`,
  );
}

/**
 * Writes the plan that `planToken` names: last step of an update saga.
 *
 * Releases the lock.
 */
export function commitUpdate(sql: SqlClient, a: CommitUpdateArguments): Promise<CommitUpdateResult> {
  return callForRow(
    sql,
    "commitUpdate",
    a,
    () => statement`select pg_catalog.to_json(vmstate.commit_update(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}, p_updater_generation => ${a.updaterGeneration},
    p_plan_token => ${a.planToken}))::pg_catalog.text`,
  );
}

/** Releases the lock without applying the plan: undo of an update saga. */
export function unlockUpdate(sql: SqlClient, a: UnlockUpdateArguments): Promise<UnlockUpdateResult> {
  return callForRow(
    sql,
    "unlockUpdate",
    a,
    () => statement`select pg_catalog.to_json(vmstate.unlock_update(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId},
    p_updater_generation => ${a.updaterGeneration}))::pg_catalog.text`,
  );
}

/**
 * Plans and commits an update in one call.
 *
 * For callers with nothing to do in between. Answers the plan that was applied.
 */
export function runUpdate(sql: SqlClient, a: RunUpdateArguments): Promise<RunUpdateResult> {
  return callForRow(
    sql,
    "runUpdate",
    a,
    () => statement`select pg_catalog.to_json(vmstate.run_update(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}))::pg_catalog.text`,
  );
}

/**
 * Reads the plan that {@link beginUpdate} would answer now.
 *
 * `applied`: there is a plan.
 */
export function explainUpdate(sql: SqlClient, a: ExplainUpdateArguments): Promise<ExplainUpdateResult> {
  return callForRow(
    sql,
    "explainUpdate",
    a,
    () =>
      statement`select pg_catalog.to_json(vmstate.explain_update(p_instance_id => ${a.instanceId}))::pg_catalog.text`,
  );
}
