import { randomBytes } from "node:crypto";
import type postgres from "postgres";
import type { TestDatabase } from "../support/database.js";

const PASSWORD = "secret";

/** Roles of one test. The server keeps them for all databases, so they are dropped with what they own. */
export class Roles implements AsyncDisposable {
  readonly #db: TestDatabase;
  readonly #names: string[] = [];

  constructor(db: TestDatabase) {
    this.#db = db;
  }

  /** @param options of CREATE ROLE, after the password */
  async create(purpose: string, options = ""): Promise<string> {
    const role = `vmstate_test_${purpose}_${randomBytes(6).toString("hex")}`;
    await this.#db.sql.unsafe(`create role ${role} login password '${PASSWORD}' ${options}`);
    this.#names.push(role);
    return role;
  }

  /** The database's URL, with the role as its user. */
  urlOf(role: string): string {
    return Object.assign(new URL(this.#db.url), { username: role, password: PASSWORD }).href;
  }

  connect(role: string): postgres.Sql {
    return this.#db.connect({ max: 1, username: role, password: PASSWORD });
  }

  /** Fails while anything belongs to the role. */
  async drop(role: string): Promise<void> {
    await this.#db.sql`drop role ${this.#db.sql(role)}`;
    this.#names.splice(this.#names.indexOf(role), 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { sql } = this.#db;
    for (const role of this.#names.reverse())
      await sql.unsafe(`drop owned by ${role} cascade; drop role ${role}`);
  }
}

export async function majorOf(sql: postgres.Sql): Promise<number> {
  const [{ major }] = await sql<[{ major: number }]>`
    select current_setting('server_version_num')::integer / 10000 as major`;
  return major;
}

/** The owners of the schema and of all that is in it, node-pg-migrate's table and its sequence included. */
export async function ownersIn(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ owner: string }[]>`
    with home as (select oid from pg_namespace where nspname = 'vmstate')
    select distinct pg_get_userbyid(o.owner)::text as owner
    from (
      select nspowner from pg_namespace join home using (oid)
      union all select relowner from pg_class join home on home.oid = relnamespace
      union all select proowner from pg_proc join home on home.oid = pronamespace
      union all select typowner from pg_type join home on home.oid = typnamespace
    ) as o (owner)`;
  return rows.map(({ owner }) => owner);
}

/** All that the schema contains, bookkeeping included. */
export async function objectsIn(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ object: string }[]>`
    select pg_describe_object(classid, objid, 0) as object from pg_depend
    where refclassid = 'pg_namespace'::regclass and refobjid = to_regnamespace('vmstate') and deptype = 'n'
    order by object`;
  return rows.map(({ object }) => object);
}
