import { createHash } from "node:crypto";
import type postgres from "postgres";
import { PACKAGE_ROOT, readMigrations } from "../schema/files.js";
import { closeToAll, createMigrated, dropDatabase, withDatabase } from "./databases.js";
import { newName, timeOf } from "./names.js";

const HOUR_MS = 3_600_000;
/** Half of the time that a template is kept, so that no process copies one that is being dropped. */
const USED_FOR_MS = 12 * HOUR_MS;
const KEPT_FOR_MS = 2 * USED_FOR_MS;

/** The advisory lock of making a template: a random number. */
const LOCK = "8031746225910517";

/**
 * Finds or makes the migrated database that is copied for each test.
 *
 * There is one for all who test with these migrations on this server.
 */
export async function provideTemplate(admin: postgres.Sql, serverUrl: string): Promise<string> {
  const prefix = await templatePrefix();
  return (await findTemplate(admin, prefix)) ?? (await makeOnce(admin, serverUrl, prefix));
}

async function makeOnce(admin: postgres.Sql, serverUrl: string, prefix: string): Promise<string> {
  await admin`select pg_catalog.pg_advisory_lock(${LOCK})`;
  try {
    // The process that held the lock before may have made the template.
    const found = await findTemplate(admin, prefix);
    if (found !== undefined) return found;
    return await makeTemplate(admin, serverUrl, newName(prefix));
  } finally {
    await admin`select pg_catalog.pg_advisory_unlock(${LOCK})`;
  }
}

/**
 * Makes the template.
 *
 * While it accepts connections it is not finished, and {@link findTemplate} passes over it.
 */
async function makeTemplate(admin: postgres.Sql, serverUrl: string, name: string): Promise<string> {
  const url = withDatabase(serverUrl, name);
  try {
    await createMigrated(admin, url);
    await closeToAll(admin, url);
    return name;
  } catch (error) {
    await dropDatabase(admin, name);
    throw error;
  }
}

/** Finds a template of this role, because only a superuser may copy another's. */
async function findTemplate(admin: postgres.Sql, prefix: string): Promise<string | undefined> {
  const oldest = `${prefix}_${timeOf(Date.now() - USED_FOR_MS)}`;
  const [template] = await admin<{ name: string }[]>`
    select d.datname as name from pg_catalog.pg_database as d
    where pg_catalog.starts_with(d.datname, ${prefix}) and d.datname operator(pg_catalog.>) ${oldest}
      and not d.datallowconn and pg_catalog.pg_get_userbyid(d.datdba) operator(pg_catalog.=) current_user
    order by d.datname desc limit 1`;
  return template?.name;
}

async function templatePrefix(): Promise<string> {
  const hash = createHash("sha256");
  for (const { text } of await readMigrations(PACKAGE_ROOT)) hash.update(text);
  return `vmstate_template_${hash.digest("hex").slice(0, 12)}`;
}

/** Drops the databases of killed processes, and templates of long ago. */
export async function dropForgotten(admin: postgres.Sql): Promise<void> {
  const forgotten = await admin<{ name: string }[]>`
    select d.datname as name from pg_catalog.pg_database as d
    where d.datname operator(pg_catalog.~) '^vmstate_(test|template_[0-9a-f]{12})_[0-9]{14}_[0-9a-f]{12}$'
      and substring(d.datname from '_([0-9]{14})_') operator(pg_catalog.<) ${timeOf(Date.now() - KEPT_FOR_MS)}
      and not exists (select from pg_catalog.pg_stat_activity as a where a.datid operator(pg_catalog.=) d.oid)`;
  // Leaves a database that belongs to another role, that another process drops first, or that a session connects to.
  for (const { name } of forgotten) await admin`drop database ${admin(name)}`.catch(() => undefined);
}
