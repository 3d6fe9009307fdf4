import type postgres from "postgres";
import { unwindStart } from "../../../src/index.js";
import {
  applied,
  migrated,
  migrating,
  running,
  say,
  saying,
  type Scenario,
  unwoundMigration,
  update,
} from "../scenario.js";
import { active, instance, migration } from "./writes.js";

/** Makes the rows that a write meets. */
export type Given = (sql: postgres.Sql) => Promise<Scenario>;

/** A VMM runs although no link names it: the source of a completed migration. */
export const withOrphan = migrated;
/** A dead VMM, no longer linked. */
export const withAbandoned: Given = async (sql) => {
  const s = await saying(sql, "destroyed");
  await update(sql, s);
  return s;
};
/** The source has handed its guest over, and is still linked. */
export const handingOver: Given = async (sql) => {
  const s = await migrating(sql);
  await say(sql, s, "active", "running", "completed");
  return s;
};
/** A saga holds the updater lock under fencing token 5; the last commit had 3. */
export const withUpdaterLock: Given = async (sql) => {
  const s = await running(sql);
  await instance("updater_generation = 3, committed_updater_generation = 3")(sql, s);
  await instance("updater_id = gen_random_uuid(), updater_generation = 5, updater_lease_until = now()")(
    sql,
    s,
  );
  return s;
};
/** A migration that is over, and deleted. */
export const withDeletedMigration: Given = async (sql) => {
  const s = await unwoundMigration(sql);
  await update(sql, s);
  await migration("time_deleted = now()")(sql, s);
  return s;
};
/** A dead VMM, no longer linked, and deleted. */
export const withDeletedVmm: Given = async (sql) => {
  const s = await withAbandoned(sql);
  await active("time_deleted = now()")(sql, s);
  return s;
};
/** A migration that decides nothing, because the start of its source was unwound. */
export const withUnwoundSource: Given = async (sql) => {
  const s = await migrating(sql);
  await applied(unwindStart(sql, s.start));
  return s;
};
