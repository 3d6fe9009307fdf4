/**
 * For services: {@link retrying}, which makes a call again when what it failed by passes.
 *
 * @module vmstate/retry
 */

import pRetry from "p-retry";
import { isRetryable } from "../errors/retryable.js";

export { isRetryable } from "../errors/retryable.js";

export interface RetryOptions {
  /** How often to call at most. Default: 10, which takes about 10 seconds if the database does not come back. */
  attempts?: number | undefined;
  /** Hears of each failed attempt that will be made again, for logs and metrics. `attempt` counts from 1. */
  onRetry?: ((error: Error, attempt: number) => void) | undefined;
}

const ATTEMPTS = 10;
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Calls until the call succeeds, or fails with an error that {@link isRetryable} says will not pass.
 *
 * It waits longer after each attempt, a random time that begins at 25 to 50 ms and is never more than 2 seconds.
 *
 * It is safe for each verb with ids that were chosen before, outside of `call`: a verb that was committed although its
 * answer was lost recognises the replay. In a transaction, begin it inside of `call`, so that each attempt has a fresh
 * one: PostgreSQL takes no more statements in one that failed. What else the transaction writes has to bear a replay,
 * too; the outcome of the verb is `unchanged` then, and not `applied`.
 *
 * ```ts
 * await retrying(vm, (vm) => vm.beginStart(start));
 * await retrying(sql, (sql) => sql.begin(async (tx) => await vmstate(tx).beginStart(start)));
 * ```
 *
 * @param client what `call` gets: bound functions, a client or a pool, but no transaction
 * @throws what the last attempt threw
 */
export async function retrying<Client, T>(
  client: Client,
  call: (client: Client) => PromiseLike<T> | T,
  { attempts = ATTEMPTS, onRetry }: RetryOptions = {},
): Promise<T> {
  return await pRetry(async () => await call(client), {
    retries: attempts - 1,
    minTimeout: FIRST_PAUSE_MS,
    maxTimeout: LONGEST_PAUSE_MS,
    randomize: true,
    shouldRetry: ({ error, attemptNumber }) => {
      if (!isRetryable(error)) return false;
      onRetry?.(error, attemptNumber);
      return true;
    },
  });
}
