import { connectionLossIn } from "./connection-loss.js";
import { sqlStateOf } from "./sql-state.js";

/** SQLSTATEs of errors that a repeated call may not meet, and why. */
const RETRYABLE = new Set([
  // Serialization failure and deadlock: PostgreSQL chose this transaction to give way, and the other one is done soon.
  "40001",
  "40P01",
  // It is not known whether the transaction was committed: a replay finds out.
  "40003",
  // The caller's own lock_timeout: the session that holds the lock releases it at the end of its transaction.
  "55P03",
  // No connection is left, or a limit of the role is reached: other connections end.
  "53300",
  // The server shuts down, crashed, starts or is being promoted; or it ended an idle session.
  "57P01",
  "57P02",
  "57P03",
  "57P05",
]);

/**
 * Tells whether the same call, or the same whole transaction, may succeed when it is made once more.
 *
 * That is so after 40001 and 40P01 (another transaction went first), a lost or refused connection and class 08, 57P01 to
 * 57P03 and 57P05 (the server restarts), 53300 (too many connections), 55P03 (`lock_timeout`) and 40003. It is not so
 * after 57014, since somebody wanted the call to end, nor when the program itself has closed the client.
 *
 * @param error what a function of this package threw, or any client: `postgres`, `pg`, or a library on top of them
 */
export function isRetryable(error: unknown): boolean {
  const loss = connectionLossIn(error);
  if (loss !== undefined) return !loss.isClosed;
  const state = sqlStateOf(error);
  // PgBouncer reports a server that it has lost as 08P01.
  return RETRYABLE.has(state) || /^08...$/.test(state);
}
