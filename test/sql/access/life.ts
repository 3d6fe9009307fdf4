import { basename } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type postgres from "postgres";
import { ARGUMENTS } from "../../../src/client/generated.js";
import type { Arguments, Verb } from "../../../src/simulator/checked-client.js";
import { applied, type Call, Lifecycle, next } from "../../support/lifecycle.js";
import { camelCase, leftOutOf, snakeCase, VERB_FILES } from "../../support/verbs.js";
import { call } from "../scenario.js";

export const PUBLIC_VIEWS = [
  "abandoned_vmm",
  "api_instance",
  "api_migration",
  "api_vmm",
  "history_extent",
  "instance_detail",
  "instance_history",
  "invariant_violation",
  "migration_history",
  "orphaned_vmm",
  "pending_update",
  "restartable_instance",
  "schema_version",
  "silent_sled",
  "stuck_instance",
  "vmm_history",
  "watched_vmm",
];

/** The verbs that a role with the access control_plane may call; a test compares them with those that the life calls. */
export const VERBS: readonly string[] = VERB_FILES.map((file) => basename(file, ".sql")).filter(
  (verb) => !leftOutOf("test/sql/access/life.ts").includes(verb),
);

/**
 * Plays a life of an instance in which every verb is called, in plain SQL that needs nothing but the verb.
 *
 * @returns the verbs in the order of the calls
 * @throws Error when a verb gives another answer than the expected one
 */
export async function live(sql: postgres.Sql): Promise<string[]> {
  const called: string[] = [];
  const asked: Call = async (verb, argument) => {
    const name = snakeCase(verb);
    called.push(name);
    const rows = await call(sql, name, argumentsOf(sql, verb, argument));
    return (LISTS.has(name) ? rows : camelRow(rows[0])) as never;
  };
  const life = new Lifecycle(applied(asked));
  await life.create();
  await life.failToStart();
  const vmm = await life.run();
  await asked("reportVmms", [next(vmm, "rebooting")]);
  called.push("report_vmm_batch");
  const { instanceId, propolisId } = vmm;
  const late = await sql`select * from vmstate.report_vmm_batch(array[${instanceId}::pg_catalog.uuid],
    array[${propolisId}::pg_catalog.uuid], '{running}', '{3}', '{2026-01-01}')`;
  requireRow([{ outcome: late[0]?.["vmm_outcome"] as unknown }], { outcome: "stale" });
  await life.plainly();
  await life.stop(await life.move(vmm));
  await life.restart();
  await life.loseSleds();
  const { projectId } = life;
  called.push("instances_in_state");
  const p_state = "failed";
  const found = await call(sql, "instances_in_state", { p_project_id: projectId, p_state });
  requireRow(found, { instance_id: life.instanceId });
  await life.delete();
  // Nothing is as old as that, so every session finds the same.
  called.push("purge");
  const purged = await call(sql, "purge", { p_before: "2000-01-01T00:00:00Z" });
  requireRow(purged, { migrations: 0, vmms: 0, instances: 0, left_over: false });
  called.push("instance_at");
  const [past] = await call(sql, "instance_at", {
    p_instance_id: life.instanceId,
    p_time: "9000-01-01T00:00:00Z",
  });
  requireRow([{ outcome: past?.["outcome"] as unknown }], { outcome: "gone" });
  // Makes the next partition, if no session has made it before.
  called.push("maintain_history");
  const [maintained] = await call(sql, "maintain_history", { p_width: "7 days" });
  requireRow([{ reason: maintained?.["reason"] as unknown }], { reason: null });
  return called;
}

/** Verbs that answer a row for each VMM. */
const LISTS = new Set(["report_vmms", "fail_sled", "fail_sled_vmms"]);

/** Returns the arguments by their names in SQL, without keys that the verb does not take. */
function argumentsOf<V extends Verb>(
  sql: postgres.Sql,
  verb: V,
  argument: Arguments<V>,
): Record<string, string | number | null> {
  if (verb === "reportVmms") return { p_reports: sql.json((argument as object[]).map(snakeKeys)) as never };
  const names = Object.keys(ARGUMENTS[verb as keyof typeof ARGUMENTS]);
  const given = Object.entries(argument as object).filter(([name]) => names.includes(name));
  return Object.fromEntries(
    given.map(([name, value]) => [
      P_ID.has(verb) && name === "instanceId" ? "p_id" : `p_${snakeCase(name)}`,
      textOf(value),
    ]),
  );
}

/** The word that SQL has for the id of an instance that is being made. */
const P_ID = new Set<Verb>(["createInstance", "finishInstanceCreation"]);

function textOf(value: unknown): string | number | null {
  if (value instanceof Date) return value.toISOString();
  return Array.isArray(value) ? `{${value.join(",")}}` : (value as string | number | null);
}

function snakeKeys(row: object): postgres.JSONValue {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [snakeCase(name), textOf(value)]));
}

function camelRow(row: postgres.Row | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row ?? {}).map(([name, value]) => [camelCase(name), value as unknown]),
  );
}

function requireRow(rows: readonly postgres.Row[], expected: object): void {
  if (isDeepStrictEqual({ ...rows[0] }, expected)) return;
  throw new Error(`expected ${JSON.stringify(expected)}, but the answer was ${JSON.stringify(rows)}`);
}
