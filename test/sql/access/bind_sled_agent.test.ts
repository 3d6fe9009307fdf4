import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bindSledAgent } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { expectInvalid } from "../scenario.js";
import { Actors, errorOf } from "./actors.js";

const db = withDatabase();
const { sql } = db;
let actors: Actors;
beforeAll(() => {
  actors = new Actors(db);
});
afterAll(async () => {
  await actors[Symbol.asyncDispose]();
});

async function boundTo(role: string): Promise<string | undefined> {
  const [row] = await sql<{ sled: string }[]>`
    select b.sled_id as sled from vmstate.sled_agent_binding as b where b.role = ${role}`;
  return row?.sled;
}

test("binds, rebinds and unbinds a role; each replay is unchanged", async () => {
  const { role } = await actors.create("agent", []);
  const [first, second] = [randomUUID(), randomUUID()];
  const steps: [string | null | undefined, string, string | undefined][] = [
    [undefined, "unchanged", undefined],
    [first, "applied", first],
    [first, "unchanged", first],
    [second, "applied", second],
    [null, "applied", undefined],
    [null, "unchanged", undefined],
  ];
  for (const [sledId, outcome, bound] of steps) {
    expect(await bindSledAgent(sql, { role, sledId })).toEqual({ outcome });
    expect(await boundTo(role)).toBe(bound);
  }
});

test("several roles may report for one sled", async () => {
  const [one, other] = [await actors.create("one", []), await actors.create("other", [])];
  const sledId = randomUUID();
  for (const { role } of [one, other]) {
    expect(await bindSledAgent(sql, { role, sledId })).toEqual({ outcome: "applied" });
    expect(await boundTo(role)).toBe(sledId);
  }
});

test("the binding of a role that was dropped can be removed", async () => {
  const role = `vmstate_test_dropped_${process.pid}`;
  await sql`create role ${sql(role)}`;
  await bindSledAgent(sql, { role, sledId: randomUUID() });
  await sql`drop role ${sql(role)}`;
  expect(await bindSledAgent(sql, { role })).toEqual({ outcome: "applied" });
  expect(await boundTo(role)).toBeUndefined();
});

test("VM001 for a role that is null or does not exist", async () => {
  for (const p_sled_id of [randomUUID(), null]) {
    await expectInvalid(sql, "bind_sled_agent", { p_role: null, p_sled_id }, "p_role", /null/);
    const p_role = "vmstate_test_nobody";
    await expectInvalid(sql, "bind_sled_agent", { p_role, p_sled_id }, "p_role", /"vmstate_test_nobody"/);
  }
});

test("42501 for a role that is not the owner, even with EXECUTE", async () => {
  const { role, sql: login } = await actors.create("stranger", ["sled_agent"]);
  await sql.unsafe(`grant execute on all functions in schema vmstate to ${role}`);
  expect(await errorOf(bindSledAgent(login, { role, sledId: randomUUID() }))).toMatchObject({
    code: "42501",
  });
  expect(await boundTo(role)).toBeUndefined();
});
