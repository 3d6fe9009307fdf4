import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bindSledAgent, type AccessKind } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { applied, call, running } from "../scenario.js";
import { Actors, errorOf, type Actor } from "./actors.js";
import { HOSTILE, makeHostile } from "./hostile.js";
import { live, PUBLIC_VIEWS, VERBS } from "./life.js";

const db = withDatabase();
let actors: Actors;
let controlPlane: Actor;
let agent: Actor;
beforeAll(async () => {
  actors = new Actors(db);
  controlPlane = await hostile("control_plane");
  agent = await hostile("sled_agent");
});
afterAll(async () => {
  await actors[Symbol.asyncDispose]();
});

/** In a session of one connection, for which nothing means what it says. */
async function hostile(kind: AccessKind): Promise<Actor> {
  const actor = await actors.create(kind, [kind], { fetch_types: false });
  await makeHostile(actor, db.sql);
  return actor;
}

describe("the hostile session is hostile:", () => {
  const careless: [string, string, string][] = [
    ["a function", "", "v_now timestamp with time zone := clock_timestamp();"],
    ["an operator", "", "v_is boolean := 1 = 1;"],
    ["a type", "set search_path = ''", "v_text text;"],
    ["an array type", "set search_path = ''", "v_ids uuid[] := '{00000000-0000-0000-0000-000000000000}';"],
  ];
  test.each(careless)(
    "%s without a schema resolves to a planted one in a careless body",
    async (what, setting, declaration) => {
      const name = what.replaceAll(" ", "_");
      await db.sql
        .unsafe(`create function public.${name}() returns void language plpgsql security definer ${setting}
      as $$ declare ${declaration} begin end $$`);
      const error = await errorOf(controlPlane.sql.unsafe(`select from public.${name}()`));
      expect(error?.message).toBe(HOSTILE);
    },
  );

  test("a table without a schema resolves to a temporary one in a careless body", async () => {
    await db.sql
      .unsafe(`create function public.a_table() returns void language plpgsql security definer set search_path = ''
      as $$ begin perform r.rolname from pg_roles as r; end $$`);
    expect(await errorOf(controlPlane.sql`select from public.a_table()`)).toMatchObject({ code: "42703" });
  });
});

describe("in a hostile session", () => {
  test("the lifecycle of an instance gives the usual answers", async () => {
    expect(await live(controlPlane.sql)).toEqual(await live(db.sql));
  });

  test.each(VERBS)("%s refuses NULL arguments with the usual error", async (verb) => {
    const [{ nulls }] = await db.sql<[{ nulls: string }]>`
      select string_agg('null', ', ') as nulls from pg_proc as p, unnest(p.proargtypes)
      where p.pronamespace = 'vmstate'::regnamespace and p.proname = ${verb}`;
    const statement = `select from vmstate.${verb}(${nulls})`;
    const expected = await errorOf(db.sql.unsafe(statement));
    const { code, message, detail, hint } = (await errorOf(controlPlane.sql.unsafe(statement))) ?? {};
    expect(code).toBe("VM001");
    expect({ message, detail, hint }).toEqual({
      message: expected?.message,
      detail: expected?.detail,
      hint: expected?.hint,
    });
  });

  test.each(PUBLIC_VIEWS)("view %s has its usual rows", async (view) => {
    const count = (sql: postgres.Sql): Promise<number> =>
      sql`select from vmstate.${sql(view)}`.then((r) => r.count);
    await running(db.sql);
    expect(await count(controlPlane.sql)).toBe(await count(db.sql));
  });

  test("a sled agent reports VMMs of its own sled only", async () => {
    const [own, foreign] = [await running(db.sql), await running(db.sql)];
    await applied(bindSledAgent(db.sql, { role: agent.role, sledId: own.start.sledId }));
    const report = { p_state: "rebooting", p_generation: 3, p_time: "2024-02-29T00:00:00Z" };
    const ids = { p_instance_id: own.instanceId, p_propolis_id: own.propolisId };
    expect(await call(agent.sql, "report_vmm", { ...ids, ...report })).toMatchObject([
      { vmm_outcome: "applied" },
    ]);
    expect(await call(agent.sql, "report_vmm", { ...ids, ...report })).toMatchObject([
      { vmm_outcome: "stale" },
    ]);
    const others = { p_instance_id: foreign.instanceId, p_propolis_id: foreign.propolisId };
    const refused = { code: "42501", detail: expect.stringContaining(own.start.sledId) as unknown };
    expect(await errorOf(call(agent.sql, "report_vmm", { ...others, ...report }))).toMatchObject(refused);
    const batch = (elements: postgres.JSONValue): Promise<unknown> =>
      errorOf(agent.sql`select from vmstate.report_vmms(${agent.sql.json(elements)})`);
    const element = { state: "rebooting", generation: 3, time: report.p_time };
    const { instanceId: instance_id, propolisId: propolis_id } = foreign;
    expect(await batch([{ ...element, instance_id, propolis_id }])).toMatchObject(refused);
    expect(await batch([element])).toMatchObject({ code: "VM001" });
    expect(await batch(["none"])).toMatchObject({ code: "VM001" });
  });
});
