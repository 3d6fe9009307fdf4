import { setTimeout as sleep } from "node:timers/promises";
import type postgres from "postgres";

const POLL_MS = 5;
const DEADLINE_MS = 120_000;

/**
 * Resolves once the server itself says that the session waits for a lock that another session holds.
 *
 * @param sql a client other than the waiting one, not busy itself
 * @param pid the session's backend: `select pg_backend_pid()`
 */
export async function untilWaiting(sql: postgres.ISql, pid: number, deadlineMs = DEADLINE_MS): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await isWaiting(sql, pid))) {
    if (performance.now() > deadline)
      throw new Error(`session ${pid} waits for no lock after ${deadlineMs} ms`);
    await sleep(POLL_MS);
  }
}

async function isWaiting(sql: postgres.ISql, pid: number): Promise<boolean> {
  const [session] = await sql<{ waiting: boolean }[]>`
    select cardinality(pg_blocking_pids(pid)) > 0 as waiting from pg_stat_activity where pid = ${pid}`;
  if (session === undefined) throw new Error(`session ${pid} is gone`);
  return session.waiting;
}
