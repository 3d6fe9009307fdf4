import { connectionLossIn } from "../../errors/connection-loss.js";
import type { PostgresClient } from "../sql-client.js";

/** The one connection of a transaction or of a reserved client, as long as it lives. */
interface Session {
  /** Why the connection is gone. */
  lost?: unknown;
  /** Rejects each call that has no answer yet. */
  waiting: Set<(error: unknown) => void>;
}

const sessions = new WeakMap<PostgresClient, Session>();

/**
 * Sends a query in the session of the client.
 *
 * When the connection of a transaction or of a reserved client is lost, `postgres` never answers the queries that wait
 * for their turn on that connection. It does not send a later query either, or sends it on a new connection and so
 * outside of the transaction. So this function rejects all of them. A pool has other connections.
 */
export function inSession<T>(sql: PostgresClient, send: () => PromiseLike<T>): PromiseLike<T> {
  return "savepoint" in sql || "release" in sql ? sentIn(sessionOf(sql), send) : send();
}

function sessionOf(sql: PostgresClient): Session {
  let session = sessions.get(sql);
  if (session === undefined) {
    session = { waiting: new Set() };
    sessions.set(sql, session);
  }
  return session;
}

async function sentIn<T>(session: Session, send: () => PromiseLike<T>): Promise<T> {
  if ("lost" in session) throw session.lost;
  const { promise: loss, reject } = rejectable();
  session.waiting.add(reject);
  try {
    return await Promise.race([send(), loss]);
  } catch (error) {
    if (connectionLossIn(error) !== undefined) lose(session, error);
    throw error;
  } finally {
    session.waiting.delete(reject);
  }
}

function rejectable(): { promise: Promise<never>; reject: (error: unknown) => void } {
  let reject!: (error: unknown) => void;
  const promise = new Promise<never>((_, rejectIt) => {
    reject = rejectIt;
  });
  return { promise, reject };
}

function lose(session: Session, error: unknown): void {
  session.lost = error;
  for (const reject of session.waiting) reject(error);
}
