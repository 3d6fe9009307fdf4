import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { DatabaseError } from "../../../src/errors/call-errors.js";
import { grantAccess, type AccessKind } from "../../../src/index.js";
import type { ClientOptions, TestDatabase } from "../../support/database.js";
import { until } from "../../support/until.js";

export const PASSWORD = "secret";

/** A role that can log in, with a schema of its own by the same name. */
export interface Actor {
  role: string;
  /** One connection, logged in as the role. */
  sql: postgres.Sql;
}

/** The roles of one test file. The server keeps them for all databases, so they have to be dropped. */
export class Actors implements AsyncDisposable {
  readonly #db: TestDatabase;
  readonly #actors: Actor[] = [];

  constructor(db: TestDatabase) {
    this.#db = db;
  }

  async create(purpose: string, kinds: readonly AccessKind[], options: ClientOptions = {}): Promise<Actor> {
    const { sql } = this.#db;
    const role = `vmstate_test_${purpose}_${randomBytes(6).toString("hex")}`;
    await sql.unsafe(`create role ${role} login password '${PASSWORD}'`);
    const login = { max: 1, username: role, password: PASSWORD, ...options };
    const actor = { role, sql: this.#db.connect(login) };
    this.#actors.push(actor);
    await sql.unsafe(`create schema ${role} authorization ${role}`);
    for (const kind of kinds) await grantAccess(sql, { role, kind });
    return actor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { sql } = this.#db;
    await Promise.all(this.#actors.map((actor) => actor.sql.end({ timeout: 1 })));
    for (const { role } of this.#actors) {
      await until(`no session of ${role}`, async () => {
        const sessions = await sql`select pid from pg_stat_activity where usename = ${role}`;
        return sessions.length === 0;
      });
      await sql.unsafe(`drop owned by ${role} cascade; drop role ${role}`);
    }
  }
}

/** The error a statement or a wrapper fails with, or undefined. */
export async function errorOf(
  query: PromiseLike<unknown>,
): Promise<postgres.PostgresError | DatabaseError | undefined> {
  try {
    await query;
    return undefined;
  } catch (error) {
    if (error instanceof postgres.PostgresError || error instanceof DatabaseError) return error;
    throw error;
  }
}
