import { randomBytes } from "node:crypto";
import type postgres from "postgres";
import { LOCAL_SETTINGS } from "../../connection/settings.js";
import { sqlStateOf } from "../../errors/sql-state.js";
import { VmstateError } from "../../errors/vmstate-error.js";

/** Short, because verbs queue behind a session that waits for a lock. */
const LOCK_TIMEOUT = "1s";

class RolledBack<T> extends Error {
  constructor(readonly answer: T) {
    super();
  }
}

/**
 * Runs `use`, rolls back what it did, and returns what it returned.
 *
 * `begin` opens the transaction or savepoint.
 */
export async function rolledBack<S, T>(
  begin: (act: (sql: S) => Promise<never>) => Promise<unknown>,
  use: (sql: S) => Promise<T>,
): Promise<T> {
  try {
    return (await begin(async (sql) => {
      throw new RolledBack(await use(sql));
    })) as never;
  } catch (error) {
    if (error instanceof RolledBack) return error.answer as T;
    throw error;
  }
}

/** Runs `use` with the name of a schema that does not exist yet; rolls back what `use` makes in it. */
export async function withSecondSchema<T>(
  sql: postgres.Sql,
  use: (sql: postgres.TransactionSql, schema: string) => Promise<T>,
): Promise<T> {
  const schema = `vmstate_${randomBytes(6).toString("hex")}`;
  return await rolledBack<postgres.TransactionSql, T>(
    (act) => sql.begin(act),
    async (transaction) => {
      await prepareTransaction(transaction);
      return await use(transaction, schema);
    },
  );
}

/** Runs statements that are written for schema vmstate in another schema. */
export async function makeIn(sql: postgres.TransactionSql, schema: string, text: string): Promise<void> {
  await sql.unsafe(text.replaceAll(/\bvmstate\b/g, schema)).catch(explain);
}

/**
 * Sets for this transaction what the names and storage of new objects depend on.
 *
 * Also sets how long to wait for locks.
 */
export async function prepareTransaction(sql: postgres.TransactionSql): Promise<void> {
  await sql.unsafe(LOCAL_SETTINGS);
  await sql`
    select set_config('search_path', '', true), set_config('lock_timeout', ${LOCK_TIMEOUT}, true),
      set_config('default_tablespace', '', true)`;
}

function explain(cause: unknown): never {
  if (sqlStateOf(cause) !== "42501") throw cause;
  throw new VmstateError(
    "this role lacks CREATE on the database, which the comparison needs: it builds the expected schema beside the live one, and rolls back",
    { cause },
  );
}
