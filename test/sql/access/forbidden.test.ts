import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AccessKind } from "../../../src/index.js";
import { readFacts } from "../../support/catalog-facts.js";
import { withDatabase } from "../../support/database.js";
import { running, writingNothing } from "../scenario.js";
import { Actors, errorOf, type Actor } from "./actors.js";
import { calls, changes, reads, type Attempt } from "./attempts.js";
import { PUBLIC_VIEWS, VERBS } from "./life.js";

const db = withDatabase();
let actors: Actors;
beforeAll(async () => {
  actors = new Actors(db);
  await running(db.sql);
});
afterAll(async () => {
  await actors[Symbol.asyncDispose]();
});

/** What of all that the role may do, tried one by one. */
async function allowed<A extends Attempt>(sql: postgres.Sql, attempts: readonly A[]): Promise<A[]> {
  const found = [];
  for (const attempt of attempts) {
    const error = await errorOf(sql.unsafe(attempt.statement));
    if (error?.code !== "42501") found.push(attempt);
  }
  return found;
}

const namesOf = (attempts: readonly Attempt[]): string[] => attempts.map(({ what }) => what);

const ROLES: [string, AccessKind[], { verbs: readonly string[]; views: string[] }][] = [
  ["control_plane", ["control_plane"], { verbs: VERBS, views: PUBLIC_VIEWS }],
  [
    "sled_agent",
    ["sled_agent"],
    { verbs: ["report_sled", "report_vmm", "report_vmm_batch", "report_vmms"], views: ["schema_version"] },
  ],
  [
    "reader",
    ["reader"],
    { verbs: ["explain_update", "instance_at", "instances_in_state"], views: PUBLIC_VIEWS },
  ],
  [
    "operator",
    ["operator"],
    {
      verbs: ["explain_update", "instance_at", "instances_in_state", "maintain_history"],
      views: PUBLIC_VIEWS,
    },
  ],
  ["stranger", [], { verbs: [], views: [] }],
];

describe.each(ROLES)("a role of kind %s", (name, kinds, { verbs, views }) => {
  let actor: Actor;
  beforeAll(async () => {
    actor = await actors.create(name, kinds);
    // or COPY of a file would be refused for another reason
    await db.sql.unsafe(`grant pg_read_server_files, pg_write_server_files to ${actor.role}`);
    await actor.sql.unsafe(`create function ${actor.role}.hostile() returns trigger language plpgsql as
      $$ begin return null; end $$`);
  });

  test("may call only the verbs of its kind, and pure functions if views it may read need them", async () => {
    const called = await allowed(actor.sql, await calls(db.sql));
    expect(namesOf(called.filter(({ isPure }) => !isPure)).sort()).toEqual([...verbs].sort());
    expect(called.some(({ isPure }) => isPure)).toBe(views.length > 1);
    const granted = await db.sql<{ name: string }[]>`
      select p.proname as name from pg_proc as p
      where p.pronamespace = 'vmstate'::regnamespace and has_function_privilege(${actor.role}, p.oid, 'execute')
      order by p.proname`;
    expect(granted.map(({ name }) => name)).toEqual(namesOf(called));
  });

  test("may read no table, and only the public views of its kind", async () => {
    const read = await allowed(actor.sql, await reads(db.sql));
    const of = ({ what }: Attempt): string => what.replace(/^copy of /, "").replace(/\..*/, "");
    expect([...new Set(read.map(of))].sort()).toEqual(views);
  });

  test("may do nothing else that the owner may do", async () => {
    const attempts = await changes(db.sql, actor.role);
    expect(attempts.length).toBeGreaterThan(600);
    const before = await readFacts(db.sql);
    expect(namesOf(await writingNothing(db.sql, () => allowed(actor.sql, attempts)))).toEqual([]);
    expect(await readFacts(db.sql)).toEqual(before);
  });

  test("may grant its rights to no other role", async () => {
    const before = await readFacts(db.sql);
    for (const what of [
      "schema vmstate",
      "all functions in schema vmstate",
      "all tables in schema vmstate",
    ]) {
      await errorOf(actor.sql.unsafe(`grant all on ${what} to public`));
    }
    expect(await readFacts(db.sql)).toEqual(before);
  });
});

test("PUBLIC may execute no function", async () => {
  const open = await db.sql`
    select p.oid::regprocedure from pg_proc as p
    where p.pronamespace = 'vmstate'::regnamespace
      and (p.proacl is null or exists (select from aclexplode(p.proacl) as a where a.grantee = 0))`;
  expect(open).toEqual([]);
});
