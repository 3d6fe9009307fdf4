import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { beginUpdate, deleteInstance, unwindStart, type ReportedVmmState } from "../../../src/index.js";
import { applied, migrating, say, type Scenario } from "../scenario.js";

/** Keeps the rows about the instance of the scenario. */
export async function ofInstance<Row extends { instanceId: string }>(
  s: Scenario,
  rows: Promise<Row[]>,
): Promise<Row[]> {
  return (await rows).filter(({ instanceId }) => instanceId === s.instanceId);
}

/** Makes a saga take the updater lock of the instance. */
export async function lock(sql: postgres.Sql, s: Scenario): Promise<Scenario> {
  await applied(beginUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID(), lease: "1 hour" }));
  return s;
}

/** Makes an instance that migrates, whose destination VMM is reported in this state. */
export async function migratingTo(sql: postgres.Sql, state: ReportedVmmState): Promise<Scenario> {
  const s = await migrating(sql);
  await say(sql, s, "destination", state);
  return s;
}

/** Makes a deleted instance, its last VMM still running on some sled. */
export async function deletedWithOrphan(sql: postgres.Sql): Promise<Scenario> {
  const s = await migrating(sql);
  await say(sql, s, "destination", "migrating", "in_progress");
  await applied(unwindStart(sql, s.start));
  await applied(deleteInstance(sql, s));
  return s;
}
