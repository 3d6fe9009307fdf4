import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import { beginning } from "../connection/settings.js";
import { databaseError } from "../errors/database-error.js";
import { sqlStateOf } from "../errors/sql-state.js";
import { VmstateError } from "../errors/vmstate-error.js";
import type { Migration } from "./files.js";
import { handOverStatements } from "./hand-over.js";
import { type History, pendingOf, readHistory } from "./history.js";
import { become, requireOwner } from "./owner.js";
import { takeOver } from "./take-over.js";

export interface ApplyOptions {
  migrations: readonly Migration[];
  databaseUrl: string;
  /** The longest wait for a lock, as PostgreSQL writes intervals: `5s`. */
  lockTimeout: string | undefined;
}

/** How long to wait for locks on tables: queries of others queue behind the wait. */
const TABLE_LOCK_TIMEOUT = "10s";

/** The advisory lock of node-pg-migrate, so that its command line and `vmstate migrate` exclude each other. */
const LOCK = "7241865325823964";

/** What one transaction did. */
export interface Step {
  /** The migration that was applied; undefined: none was pending. */
  applied: string | undefined;
  /** Up to which migration a copy without records was taken over. */
  takenOver: string | undefined;
}

/**
 * Applies the first migration that the database does not have.
 *
 * Works as the schema's owner, in one transaction that also takes the lock: so a pooler that gives each transaction
 * another server connection does no harm.
 */
export async function applyNext(client: Client, options: ApplyOptions): Promise<Step> {
  // Under a stricter isolation level the transaction would not see what others committed while it waited for the lock.
  await client.query(beginning("isolation level read committed read write"));
  const tableLocks = await lock(client, options);
  const owner = await requireOwner(client);
  if (await handOver(client, options, tableLocks)) return await applyNext(client, options);
  await become(client, owner);
  const found = await readHistory(client);
  const takenOver = found.hasUnrecorded ? await takeOver(client, options) : undefined;
  const history = takenOver === undefined ? found : await readHistory(client);
  const [next] = pendingOf(options.migrations, history.applied);
  if (next === undefined) {
    await record(client, history, options);
  } else {
    await apply(client, next, options, tableLocks);
    await record(client, await readHistory(client), options);
  }
  await client.query("commit");
  return { applied: next?.name, takenOver };
}

/**
 * Gives the schema's owner what other roles own of the schema, and commits.
 *
 * Works as the role that logged in. It commits because a copy without records is compared in another session, which
 * must not wait for the locks.
 *
 * @returns whether there was anything, and the transaction is over
 */
async function handOver(client: Client, { migrations }: ApplyOptions, patience: Patience): Promise<boolean> {
  const statements = await handOverStatements(client, migrations);
  if (statements.length === 0) return false;
  await runPatiently(client, statements.join(";"), patience, performance.now());
  await client.query("commit");
  return true;
}

/** How long to wait for locks on tables. */
interface Patience {
  /** Milliseconds for all attempts together; 0: for ever. */
  inAll: number;
  /** Milliseconds for one attempt, which then releases all its locks. */
  atOnce: number;
}

async function lock(client: Client, { lockTimeout }: ApplyOptions): Promise<Patience> {
  try {
    if (lockTimeout !== undefined) await setLockTimeout(client, lockTimeout);
    await client.query(`select pg_advisory_xact_lock(${LOCK})`);
    await setLockTimeout(client, lockTimeout ?? TABLE_LOCK_TIMEOUT);
    return await readPatience(client);
  } catch (cause) {
    if (sqlStateOf(cause) !== LOCK_NOT_AVAILABLE) throw cause;
    throw new VmstateError(
      "another session is migrating this database and did not finish in time: try again, or with a longer --lock-timeout",
      { cause },
    );
  }
}

async function setLockTimeout(client: Client, timeout: string): Promise<void> {
  await client.query("select set_config('lock_timeout', $1, true)", [timeout]);
}

/**
 * Reads how long to wait for locks.
 *
 * An attempt gives up before deadlock_timeout, so that PostgreSQL never cancels the application instead of us.
 */
async function readPatience(client: Client): Promise<Patience> {
  const { rows } = await client.query<{ name: string; ms: number }>(
    "select name, setting::integer as ms from pg_settings where name in ('lock_timeout', 'deadlock_timeout')",
  );
  const { lock_timeout: inAll = 0, deadlock_timeout = 0 } = Object.fromEntries(
    rows.map(({ name, ms }) => [name, ms]),
  );
  const soon = Math.ceil(deadlock_timeout / 2);
  return { inAll, atOnce: inAll === 0 ? soon : Math.min(inAll, soon) };
}

const LOCK_NOT_AVAILABLE = "55P03";
const DEPENDENT_OBJECTS = "2BP01";
/** SQLSTATEs for a name that exists already: of a column, constraint or trigger, function, schema, table or index. */
const DUPLICATES = ["42701", "42710", "42723", "42P06", "42P07"];

/** How long queries that queued behind our lock get to run before the next attempt. */
const GIVE_WAY_MS = 100;

async function apply(
  client: Client,
  migration: Migration,
  { databaseUrl }: ApplyOptions,
  patience: Patience,
): Promise<void> {
  const begun = performance.now();
  try {
    await keepVacuumAway(client);
    await runPatiently(client, await textFor(client, migration), patience, begun);
  } catch (cause) {
    throw failure(migration, cause, databaseUrl);
  }
}

/**
 * Runs statements, and repeats them until all their locks are taken.
 *
 * An attempt that cannot take a lock releases all its locks and lets the queries that wait behind them run.
 */
async function runPatiently(
  client: Client,
  text: string,
  { inAll, atOnce }: Patience,
  begun: number,
): Promise<void> {
  await client.query("savepoint vmstate_migration");
  for (;;) {
    await setLockTimeout(client, `${atOnce}ms`);
    try {
      await client.query(text);
      return;
    } catch (cause) {
      const isOver = inAll > 0 && performance.now() - begun >= inAll;
      if (sqlStateOf(cause) !== LOCK_NOT_AVAILABLE || isOver) throw cause;
      await client.query("rollback to savepoint vmstate_migration");
      await pause(GIVE_WAY_MS);
    }
  }
}

const CREATE_SCHEMA = /^CREATE SCHEMA IF NOT EXISTS vmstate;$/m;

/**
 * Returns the text of a migration, without CREATE SCHEMA if the schema exists.
 *
 * PostgreSQL asks for CREATE on the database before it looks whether the schema is there. The line stays, empty, so
 * that an error names the line of the file.
 */
async function textFor(client: Client, { text }: Migration): Promise<string> {
  const { rows } = await client.query("select from pg_namespace where nspname = 'vmstate'");
  return rows.length === 0 ? text : text.replace(CREATE_SCHEMA, "");
}

/**
 * Locks out autovacuum.
 *
 * PostgreSQL cancels an autovacuum for a session that waits as long as `deadlock_timeout`, which no attempt does. This
 * lock waits so long, and keeps the next autovacuum away; no verb and no reader waits for it.
 */
async function keepVacuumAway(client: Client): Promise<void> {
  await client.query(`
    do $$ begin
      if to_regclass('vmstate.migration') is not null then
        lock table vmstate.instance, vmstate.vmm, vmstate.migration in share update exclusive mode;
      end if;
    end $$`);
}

function failure({ name }: Migration, cause: unknown, databaseUrl: string): VmstateError {
  const { message } = databaseError(cause, databaseUrl);
  return new VmstateError(
    `schema migration ${name} failed and was rolled back: ${message}${adviceOn(cause)}`,
    {
      cause,
    },
  );
}

function adviceOn(cause: unknown): string {
  const code = sqlStateOf(cause);
  if (code === LOCK_NOT_AVAILABLE) return "; try again, or with a longer --lock-timeout";
  if (code === DEPENDENT_OBJECTS) return dependentsOf(cause);
  return DUPLICATES.includes(code)
    ? "; a part of it may have been applied by hand: see `vmstate doctor`"
    : "";
}

/** Names the user's objects that stand in the way: the server lists them in the DETAIL, a line each. */
function dependentsOf(cause: unknown): string {
  const detail = (cause as { detail?: string }).detail ?? "";
  const lines = detail.split("\n").filter((line) => line !== "");
  return `; ${[...lines, "drop what is yours, migrate, and create it again"].join("; ")}`;
}

/**
 * Records in node-pg-migrate's table the migrations that are missing there.
 *
 * This tool or another one may have applied them. The table is made as node-pg-migrate makes it, which a test compares.
 */
async function record(client: Client, { applied, recorded }: History, options: ApplyOptions): Promise<void> {
  const names = applied.slice(recorded.length, options.migrations.length).map(({ name }) => name);
  if (names.length === 0) return;
  await client.query(`
    create table if not exists vmstate.pgmigrations (
      id serial primary key, name varchar(255) not null, run_on timestamp not null)`);
  await client.query(
    `insert into vmstate.pgmigrations (name, run_on)
    select c.name, c.time_applied from vmstate.schema_change as c where c.name = any ($1) order by c.number`,
    [names],
  );
  // node-pg-migrate orders by run_on, and writes the time of the time zone of its session.
  await client.query(`
    update vmstate.pgmigrations as m set run_on = c.time_applied
    from vmstate.schema_change as c where c.name = m.name`);
}
