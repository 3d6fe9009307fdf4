import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import { sqlStateOf } from "../errors/sql-state.js";
import { VmstateError } from "../errors/vmstate-error.js";

/** How long to wait for locks on tables: queries of others queue behind the wait. */
const TABLE_LOCK_TIMEOUT = "10s";

/** The advisory lock of node-pg-migrate, so that its command line and `vmstate migrate` exclude each other. */
const LOCK = "7241865325823964";

/** Another session held a lock for longer than lock_timeout. */
export const LOCK_NOT_AVAILABLE = "55P03";

/** How long to wait for locks on tables. */
export interface LockWait {
  /** Milliseconds for all attempts together; 0: no limit. */
  totalMs: number;
  /** Milliseconds for one attempt, which then releases all its locks. */
  attemptMs: number;
}

/**
 * Waits until no other session migrates the database; answers how long to wait for locks on tables.
 *
 * @param lockTimeout the longest wait for a lock, as PostgreSQL writes intervals
 */
export async function lockOutOthers(client: Client, lockTimeout: string | undefined): Promise<LockWait> {
  try {
    if (lockTimeout !== undefined) await setLockTimeout(client, lockTimeout);
    await client.query(`select pg_advisory_xact_lock(${LOCK})`);
    await setLockTimeout(client, lockTimeout ?? TABLE_LOCK_TIMEOUT);
    return await readLockWait(client);
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
async function readLockWait(client: Client): Promise<LockWait> {
  const { rows } = await client.query<{ name: string; ms: number }>(
    "select name, setting::integer as ms from pg_settings where name in ('lock_timeout', 'deadlock_timeout')",
  );
  const { lock_timeout: totalMs = 0, deadlock_timeout = 0 } = Object.fromEntries(
    rows.map(({ name, ms }) => [name, ms]),
  );
  const halfOfDeadlock = Math.ceil(deadlock_timeout / 2);
  return { totalMs, attemptMs: totalMs === 0 ? halfOfDeadlock : Math.min(totalMs, halfOfDeadlock) };
}

/** How long queries that queued behind our lock get to run before the next attempt. */
const GIVE_WAY_MS = 100;

/**
 * Runs statements, and repeats them until all their locks are taken.
 *
 * An attempt that cannot take a lock releases all its locks and lets the queries that wait behind them run.
 *
 * @param begun what `performance.now()` returned when the first attempt began
 */
export async function runWithLockRetries(
  client: Client,
  text: string,
  { totalMs, attemptMs }: LockWait,
  begun: number,
): Promise<void> {
  await client.query("savepoint vmstate_migration");
  for (;;) {
    await setLockTimeout(client, `${attemptMs}ms`);
    try {
      await client.query(text);
      return;
    } catch (cause) {
      const isOver = totalMs > 0 && performance.now() - begun >= totalMs;
      if (sqlStateOf(cause) !== LOCK_NOT_AVAILABLE || isOver) throw cause;
      await client.query("rollback to savepoint vmstate_migration");
      await pause(GIVE_WAY_MS);
    }
  }
}

/**
 * Locks out autovacuum.
 *
 * PostgreSQL cancels an autovacuum only for a session that has waited for `deadlock_timeout`, which no attempt of
 * {@link runWithLockRetries} does. This lock may wait that long, and holds off the next autovacuum; no verb and no reader waits for this lock.
 */
export async function lockOutAutovacuum(client: Client): Promise<void> {
  await client.query(`
    do $$ begin
      if to_regclass('vmstate.migration') is not null then
        lock table vmstate.instance, vmstate.vmm, vmstate.migration in share update exclusive mode;
      end if;
    end $$`);
}
