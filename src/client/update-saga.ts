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
import { oneRow } from "./rows.js";
import type { SqlClient } from "./sql-client.js";
import { statement } from "./statement.js";

/**
 * First step of an update saga: takes the updater lock for `lease` and answers the plan. Keep `updaterGeneration` (the
 * fencing token) and `planToken` for {@link commitUpdate}. `unchanged`: nothing to do, and no lock is held.
 */
export function beginUpdate(sql: SqlClient, a: BeginUpdateArguments): Promise<BeginUpdateResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.begin_update(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}, p_lease => ${a.lease}))::pg_catalog.text`,
  );
}

/** A child saga takes the updater lock over from its parent; the lock has a new `updaterGeneration` afterwards. */
export function inheritUpdate(sql: SqlClient, a: InheritUpdateArguments): Promise<InheritUpdateResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.inherit_update(
    p_instance_id => ${a.instanceId}, p_parent_saga_id => ${a.parentSagaId},
    p_updater_generation => ${a.updaterGeneration}, p_saga_id => ${a.sagaId}, p_lease => ${a.lease}))::pg_catalog.text`,
  );
}

/** Last step of an update saga: writes exactly the plan that `planToken` names and releases the lock. */
export function commitUpdate(sql: SqlClient, a: CommitUpdateArguments): Promise<CommitUpdateResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.commit_update(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}, p_updater_generation => ${a.updaterGeneration},
    p_plan_token => ${a.planToken}))::pg_catalog.text`,
  );
}

/** Undo of an update saga: releases the lock and applies nothing. */
export function unlockUpdate(sql: SqlClient, a: UnlockUpdateArguments): Promise<UnlockUpdateResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.unlock_update(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId},
    p_updater_generation => ${a.updaterGeneration}))::pg_catalog.text`,
  );
}

/** Plans and commits in one call, for callers with nothing to do in between. Answers the plan it applied. */
export function runUpdate(sql: SqlClient, a: RunUpdateArguments): Promise<RunUpdateResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.run_update(
    p_instance_id => ${a.instanceId}, p_saga_id => ${a.sagaId}))::pg_catalog.text`,
  );
}

/** The plan as {@link beginUpdate} would answer it now, read only. `applied`: there is one. */
export function explainUpdate(sql: SqlClient, a: ExplainUpdateArguments): Promise<ExplainUpdateResult> {
  return oneRow(
    sql,
    statement`select pg_catalog.to_json(vmstate.explain_update(p_instance_id => ${a.instanceId}))::pg_catalog.text`,
  );
}
