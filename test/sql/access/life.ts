import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type postgres from "postgres";
import { plainArguments, PLAIN_FUNCTIONS, PLAIN_VERBS } from "../../support/plain-calls.js";
import { snakeCase } from "../../support/verbs.js";
import { call } from "../scenario.js";

export const PUBLIC_VIEWS = [
  "abandoned_vmm",
  "api_instance",
  "api_migration",
  "api_vmm",
  "instance_detail",
  "invariant_violation",
  "orphaned_vmm",
  "pending_update",
  "restartable_instance",
  "schema_version",
  "stuck_instance",
  "watched_vmm",
];

/** What `live` returns. */
export const LIFE = [
  "create_instance applied",
  "finish_instance_creation applied",
  "configure_instance applied",
  "begin_start applied",
  "unwind_start applied",
  "begin_start applied",
  "report_vmm applied",
  ...PLAIN_VERBS.map((verb) => `${verb} answered`),
  "begin_migration applied",
  "unwind_migration applied",
  "begin_migration applied",
  "report_vmms applied applied",
  "begin_update applied",
  "unlock_update applied",
  "begin_update applied",
  "break_update applied",
  "begin_update applied",
  "inherit_update applied",
  "commit_update applied",
  "delete_vmm applied",
  "instances_in_state found",
  "request_stop applied",
  "fail_sled_vmms applied",
  "fail_sled applied",
  "run_update applied",
  "begin_start applied",
  "fail_vmm applied",
  "run_update applied",
  "delete_instance applied",
  "purge nothing",
];

/** The verbs that the life calls: all that a role with the access control_plane may call. */
export const VERBS: readonly string[] = [...new Set(LIFE.map((line) => line.split(" ", 1).join()))];

/** Nothing is as old as that, so every session finds the same. */
function purged(row: postgres.Row): string {
  const nothing = { migrations: 0, vmms: 0, instances: 0, left_over: false };
  return isDeepStrictEqual({ ...row }, nothing) ? "nothing" : JSON.stringify(row);
}

/**
 * A life of an instance in which every verb is called, in plain SQL that needs nothing but the verb; each with its
 * outcomes, in the order of the calls.
 */
export async function live(sql: postgres.Sql): Promise<string[]> {
  const calls: string[] = [];
  const record = (name: string, rows: postgres.Row[]): postgres.Row | undefined => {
    const outcomes = rows.map((row) => String(row["outcome"] ?? row["vmm_outcome"] ?? purged(row)));
    calls.push([name, ...outcomes].join(" "));
    return rows[0];
  };
  const verb = async (
    name: string,
    a: Record<string, string | number | null>,
  ): Promise<postgres.Row | undefined> => record(name, await call(sql, name, a));

  const p_instance_id = randomUUID();
  const p_project_id = randomUUID();
  const on = { p_instance_id };
  const p_time = new Date().toISOString();
  const place = { ...on, p_propolis_ip: "fd00::1" };
  const [unwound, source, lost, target] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const [startSaga, migrateSaga] = [randomUUID(), randomUUID()];
  const [parent, child] = [randomUUID(), randomUUID()];
  const [sourceSled, targetSled, lastVmm] = [randomUUID(), randomUUID(), randomUUID()];

  await verb("create_instance", {
    p_id: p_instance_id,
    p_project_id,
    p_name: "web",
    p_intended_state: "stopped",
  });
  await verb("finish_instance_creation", { p_id: p_instance_id });
  await verb("configure_instance", { ...on, p_auto_restart_policy: "never" });
  await verb("begin_start", {
    ...place,
    p_saga_id: startSaga,
    p_propolis_id: unwound,
    p_sled_id: randomUUID(),
  });
  await verb("unwind_start", { ...on, p_saga_id: startSaga, p_propolis_id: unwound });
  await verb("begin_start", {
    ...place,
    p_saga_id: randomUUID(),
    p_propolis_id: source,
    p_sled_id: sourceSled,
  });
  await verb("report_vmm", { ...on, p_propolis_id: source, p_state: "running", p_generation: 2, p_time });
  for (const name of PLAIN_FUNCTIONS) {
    const [row] = await call(sql, snakeCase(name), plainArguments(name, p_instance_id));
    calls.push(
      `${snakeCase(name)} ${/^(applied|unchanged)$/.test(String(row?.["outcome"])) ? "answered" : "refused"}`,
    );
  }

  const migrate = async (p_destination_propolis_id: string, p_migration_id: string): Promise<void> => {
    const ids = { p_saga_id: migrateSaga, p_migration_id, p_source_propolis_id: source };
    await verb("begin_migration", { ...place, ...ids, p_destination_propolis_id, p_sled_id: targetSled });
  };
  const [failed, completed] = [randomUUID(), randomUUID()];
  await migrate(lost, failed);
  await verb("unwind_migration", { ...on, p_saga_id: migrateSaga, p_migration_id: failed });
  await migrate(target, completed);
  const side = (direction: "in" | "out"): Record<string, string | number> => ({
    [`migration_${direction}_id`]: completed,
    [`migration_${direction}_state`]: "completed",
    [`migration_${direction}_generation`]: 2,
    [`migration_${direction}_time`]: p_time,
  });
  const report = { instance_id: p_instance_id, state: "running", generation: 3, time: p_time };
  const reports = [
    { ...report, propolis_id: source, ...side("out") },
    { ...report, propolis_id: target, ...side("in") },
  ];
  record("report_vmms", await sql`select * from vmstate.report_vmms(${sql.json(reports)})`);

  const lease = { ...on, p_lease: "1 hour" };
  const updater = (row: postgres.Row | undefined): number => Number(row?.["updater_generation"]);
  const first = updater(await verb("begin_update", { ...lease, p_saga_id: parent }));
  await verb("unlock_update", { ...on, p_saga_id: parent, p_updater_generation: first });
  const second = updater(await verb("begin_update", { ...lease, p_saga_id: parent }));
  await verb("break_update", { ...on, p_updater_generation: second, p_reason: "the saga is dead" });
  const third = updater(await verb("begin_update", { ...lease, p_saga_id: parent }));
  const plan = await verb("inherit_update", {
    ...lease,
    p_parent_saga_id: parent,
    p_updater_generation: third,
    p_saga_id: child,
  });
  await verb("commit_update", {
    ...on,
    p_saga_id: child,
    p_updater_generation: updater(plan),
    p_plan_token: String(plan?.["plan_token"]),
  });
  await verb("delete_vmm", { ...on, p_propolis_id: unwound });
  const inState = await call(sql, "instances_in_state", { p_project_id, p_state: "running" });
  calls.push(`instances_in_state ${inState[0]?.["instance_id"] === p_instance_id ? "found" : "missing"}`);
  await verb("request_stop", on);
  await verb("fail_sled_vmms", {
    p_sled_id: sourceSled,
    p_propolis_ids: `{${source}}`,
    p_reason: "no_such_vmm",
  });
  await verb("fail_sled", { p_sled_id: targetSled, p_reason: "sled_off" });
  await verb("run_update", { ...on, p_saga_id: randomUUID() });
  await verb("begin_start", {
    ...place,
    p_saga_id: randomUUID(),
    p_propolis_id: lastVmm,
    p_sled_id: sourceSled,
  });
  await verb("fail_vmm", { ...on, p_propolis_id: lastVmm, p_reason: "operator" });
  await verb("run_update", { ...on, p_saga_id: randomUUID() });
  await verb("delete_instance", on);
  await verb("purge", { p_before: "2000-01-01T00:00:00Z" });
  return calls;
}
