import type postgres from "postgres";
import pg from "pg";
import { CONNECTION_CLOSED, type ExpectedErrors } from "./expected-errors.js";

export type Isolation = "read committed" | "repeatable read" | "serializable";

type Query = pg.QueryArrayConfig;
type Rows = Promise<pg.QueryArrayResult>;

/**
 * Connections that may get lost. Those of `postgres` do not stand it: a transaction ends the process, or goes on
 * outside of itself, and a query that meets the closing socket is never answered.
 */
export function newPool(url: string, applicationName: string, max: number): pg.Pool {
  const options = "-c deadlock_timeout=10ms";
  const pool = new pg.Pool({ connectionString: url, application_name: applicationName, max, options });
  // An error of an idle connection is ignored; a call on the connection gets its own error.
  return pool.on("error", ignore).on("connect", (client) => void client.on("error", ignore));
}

/** Runs each statement in a transaction of its own, and repeats it until no fault interrupts it. */
export function repeating(pool: pg.Pool, expectedErrors: ExpectedErrors): postgres.ISql {
  return templates((query) => expectedErrors.persist(() => borrow(pool, (client) => client.query(query))));
}

/** Runs `act` in one transaction. */
export async function transact<T>(
  pool: pg.Pool,
  isolation: Isolation,
  act: (sql: postgres.ISql) => Promise<T>,
): Promise<T> {
  return await borrow(pool, async (client) => {
    await client.query(`begin isolation level ${isolation}`);
    const result = await act(templatesFor(client));
    await client.query("commit");
    return result;
  });
}

export function templatesFor(client: pg.ClientBase): postgres.ISql {
  return templates((query) => client.query(query));
}

/** Makes a client that runs templates, which is all that the functions of this package need. */
function templates(run: (query: Query) => Rows): postgres.ISql {
  const template = (strings: TemplateStringsArray, ...values: unknown[]): unknown => ({
    raw: async () => {
      const text = strings.reduce((text, part, n) => `${text}$${n}${part}`);
      const { rows } = await run({ text, values, rowMode: "array" });
      return rows;
    },
  });
  return template as unknown as postgres.ISql;
}

/** Runs `act` on a connection of the pool; a lost connection is not used again. */
async function borrow<T>(pool: pg.Pool, act: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  try {
    const client = await pool.connect();
    try {
      const result = await act(client);
      client.release();
      return result;
    } catch (error) {
      await client.query("rollback").then(
        () => client.release(),
        () => client.release(true),
      );
      throw error;
    }
  } catch (error) {
    throw withCode(error);
  }
}

/** What `pg` throws when a connection was cut has no code, and no class of its own. */
export function withCode(error: unknown): unknown {
  if (!(error instanceof Error) || error.constructor !== Error || "code" in error) return error;
  return Object.assign(new Error(error.message, { cause: error }), { code: CONNECTION_CLOSED });
}

function ignore(): void {
  // nothing
}
