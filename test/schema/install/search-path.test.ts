import type postgres from "postgres";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readCaptures } from "../../../src/schema/drift/captures.js";
import type { Difference } from "../../../src/schema/drift/compare.js";
import { findDrift } from "../../../src/schema/drift/find-drift.js";
import { PACKAGE_ROOT, readMigrations } from "../../../src/schema/files.js";
import { createEmptyDatabase, type TestDatabase } from "../../support/database.js";
import { PATH_BEFORE, SAFE_PATH } from "../../../tools/release/search-path.js";
import { Actors, errorOf, PASSWORD } from "../../sql/access/actors.js";
import { live, VERBS } from "../../sql/access/life.js";
import { namesIn } from "./names.js";
import { arm, BUILT_IN, HOSTILE, makeOverloads, typesOfVmstate } from "./overloads.js";
import { byHand, type Way, WAYS } from "./ways.js";

/** How many of the migrations do not set the search_path. */
const BEFORE = 4;
/** Overloads of mallory come before PostgreSQL's own functions and operators, also where the types are the same. */
const SHADOWED = "public, pg_catalog";

const names = await namesIn(PACKAGE_ROOT);
const migrations = await readMigrations(PACKAGE_ROOT);

let db: TestDatabase;
let actors: Actors;
/** A role that has no right but CREATE on schema public, as every role had before PostgreSQL 15. */
let mallory: postgres.Sql;
beforeEach(async () => {
  db = await createEmptyDatabase();
  actors = new Actors(db);
  const { role, sql } = await actors.create("mallory", [], { connection: { search_path: "pg_catalog" } });
  await db.sql.unsafe(`grant create on schema public to ${role}`);
  mallory = sql;
});
afterEach(async () => {
  await actors[Symbol.asyncDispose]();
  await db.drop();
});

/** How a role that may create the schema logs in. */
async function ownerWith(searchPath: string): Promise<string> {
  const { role } = await actors.create("owner", []);
  const url = Object.assign(new URL(db.url), { username: role, password: PASSWORD });
  await db.sql.unsafe(`
    alter role ${role} set search_path = ${searchPath};
    grant create on database ${url.pathname.slice(1)} to ${role};
    grant create on schema public to ${role}`);
  return url.href;
}

/** Applies the first migrations beside overloads of mallory, who makes those with the types of vmstate as soon as she can. */
async function migrateBeside(searchPath: string, last: number, way: Way = byHand): Promise<string> {
  const url = await ownerWith(searchPath);
  expect(await makeOverloads(mallory, names, BUILT_IN)).toBeGreaterThan(400);
  await way(url, 1);
  await db.sql`grant usage on schema vmstate to public`;
  expect(await makeOverloads(mallory, names, await typesOfVmstate(mallory))).toBeGreaterThan(100);
  await db.sql`revoke usage on schema vmstate from public`;
  await way(url, last);
  return url;
}

/** In a session that itself calls no overload. */
async function captures(): Promise<string[]> {
  const careful = db.connect({ max: 1, connection: { search_path: "pg_catalog" } });
  return (await readCaptures(careful)).map(({ name }) => name);
}

/** What the server keeps for itself is no difference of this test. */
function isOurs(difference: Difference): boolean {
  return difference.difference !== "changed" || difference.property !== "options";
}

describe("CVE-2018-1058: with planted overloads of all functions and operators that sql/ uses,", () => {
  it.each(WAYS)("migrations capture no overload: %s", async (name, way) => {
    const url = await migrateBeside("public", BEFORE, way);
    // Sessions of `migrate` have a safe search_path from the first migration on.
    const captured =
      name === "migrate" ? [] : [expect.stringMatching(/^function public\.hash_record_extended\(/)];
    expect(await captures()).toEqual(expect.arrayContaining(captured));
    await way(url, migrations.length);
    expect(await captures()).toEqual([]);
    expect((await findDrift(db.sql)).filter(isOurs)).toEqual([]);
  });

  it("migrations capture no overload: schema public before pg_catalog", async () => {
    const url = await migrateBeside(SHADOWED, BEFORE);
    const before = (await captures()).join("\n");
    for (const where of [
      "function vmstate.next_generation",
      "view vmstate.stuck_instance",
      "trigger guard_state",
      "default value for vmstate.vmm.time_created",
      "domain constraint between_0_and_65535",
      "table constraint cooldown_is_not_negative",
      "index vmstate.vmm_unlinked",
    ])
      expect(before).toContain(` in ${where}`);
    await byHand(url, migrations.length);
    expect(await captures()).toEqual([]);
    expect((await findDrift(db.sql)).filter(isOurs)).toEqual([]);
  });

  it.each(["public", SHADOWED])(
    "the lifecycle of an instance runs no overload: search_path %s",
    async (path) => {
      await migrateBeside(path, migrations.length);
      const { sql } = await actors.create("control_plane", ["control_plane"], { fetch_types: false });
      await arm(mallory);
      expect(await errorOf(mallory`select public.clock_timestamp()`)).toMatchObject({ message: HOSTILE });
      expect(new Set(await live(sql))).toEqual(new Set(VERBS));
    },
  );

  it("doctor names each captured overload, and the object that uses it", async () => {
    await byHand(db.url, migrations.length);
    await makeOverloads(mallory, names, BUILT_IN);
    const [{ definition }] = await db.sql<[{ definition: string }]>`
      select pg_get_functiondef('vmstate.next_generation'::regproc) as definition`;
    await db.sql.unsafe(definition.replace("p_generation +", "p_generation OPERATOR(public.+)"));
    await db.sql.unsafe("alter table vmstate.vmm alter time_created set default public.clock_timestamp()");
    expect(await findDrift(db.sql)).toEqual(
      expect.arrayContaining([
        {
          difference: "unexpected",
          kind: "use of",
          name: "operator public.+(bigint,integer) in function vmstate.next_generation(bigint)",
        },
        {
          difference: "unexpected",
          kind: "use of",
          name: "function public.clock_timestamp() in default value for vmstate.vmm.time_created",
        },
      ]),
    );
  });
});

describe("a migration sets a safe search_path, then restores", () => {
  const pathOf = async (sql: postgres.ISql): Promise<string> => {
    const [row] = await sql<[{ search_path: string }]>`show search_path`;
    return row.search_path;
  };
  const statements = (text: string): string[] => text.split(/(?<=^\$\$;\n)/m);

  it("the search_path of the transaction, inside a transaction", async () => {
    const sql = db.connect({ max: 1, connection: { search_path: "before" } });
    await sql.begin(async (transaction) => {
      await transaction`set local search_path = within`;
      for (const statement of statements(SAFE_PATH)) await transaction.unsafe(statement);
      expect(await pathOf(transaction)).toBe("pg_catalog, pg_temp");
      for (const statement of statements(PATH_BEFORE)) await transaction.unsafe(statement);
      expect(await pathOf(transaction)).toBe("within");
    });
    expect(await pathOf(sql)).toBe("before");
  });

  it("the search_path of the session, outside of a transaction", async () => {
    const sql = db.connect({ max: 1, connection: { search_path: "before" } });
    for (const statement of statements(SAFE_PATH)) await sql.unsafe(statement);
    expect(await pathOf(sql)).toBe("pg_catalog, pg_temp");
    for (const statement of statements(PATH_BEFORE)) await sql.unsafe(statement);
    expect(await pathOf(sql)).toBe("before");
  });

  it("nothing by itself when its transaction is rolled back", async () => {
    const sql = db.connect({ max: 1, connection: { search_path: "before" } });
    const rolledBack = sql.begin(async (transaction) => {
      await transaction.unsafe(SAFE_PATH);
      await transaction`select from no_such_table`;
    });
    expect(await errorOf(rolledBack)).toMatchObject({ code: "42P01" });
    expect(await pathOf(sql)).toBe("before");
  });
});
