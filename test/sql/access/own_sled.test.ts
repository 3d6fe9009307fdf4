import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  bindSledAgent,
  grantAccess,
  reportSled,
  revokeAccess,
  silentSleds,
  watchedVmms,
} from "../../../src/index.js";
import { createDatabase, withDatabase } from "../../support/database.js";
import { mutate } from "../../verification/mutants/mutate.js";
import { applied, writingNothing } from "../scenario.js";
import { reportVmmsOf, sledRow, sledWith, vmmHeardAgo } from "../sleds.js";
import { Actors, errorOf, type Actor } from "./actors.js";

const db = withDatabase();
const { sql } = db;
let actors: Actors;
let agent: Actor;
beforeAll(async () => {
  actors = new Actors(db);
  agent = await actors.create("sled", ["sled_agent"]);
});
beforeEach(async () => {
  await bindSledAgent(sql, { role: agent.role });
});
afterAll(async () => {
  await actors[Symbol.asyncDispose]();
});

/** The report of a sled is refused, agreeing or not, and nothing is written. */
async function expectRefused(client: postgres.Sql, sledId: string, detail: string): Promise<void> {
  const before = await sledRow(sql, sledId);
  for (const vmmCount of [0, 9]) {
    const report = { sledId, vmmCount, digest: EMPTY };
    const error = await writingNothing(sql, () => errorOf(reportSled(client, report)));
    expect(error).toMatchObject({
      code: "42501",
      message: `vmstate.report_sled: this role may not report sled ${sledId}`,
      detail,
    });
    expect(error?.hint).toContain("vmstate.bind_sled_agent");
  }
  expect(await sledRow(sql, sledId)).toEqual(before);
}

const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

describe("a sled agent", () => {
  test("reports the sled that it is bound to", async () => {
    const { sledId, vmms } = await sledWith(sql, "running", "stopping");
    await applied(bindSledAgent(sql, { role: agent.role, sledId }));
    expect(await reportVmmsOf(agent.sql, sledId, vmms)).toMatchObject({ outcome: "applied", vmmCount: 2 });
    expect(await reportVmmsOf(agent.sql, sledId, [])).toMatchObject({ reason: "differs", vmmCount: 2 });
  });

  test("is refused another sled, with VMMs or without, and is not told which VMMs are there", async () => {
    const own = randomUUID();
    await applied(bindSledAgent(sql, { role: agent.role, sledId: own }));
    const { sledId } = await sledWith(sql, "running");
    for (const foreign of [sledId, randomUUID()])
      await expectRefused(agent.sql, foreign, `Role "${agent.role}" is bound to sled ${own}.`);
  });

  test("is refused every sled while it is bound to none", async () => {
    await expectRefused(agent.sql, randomUUID(), `Role "${agent.role}" is bound to no sled.`);
  });

  test("is refused its sled at once when it is bound to another one", async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    await applied(bindSledAgent(sql, { role: agent.role, sledId: one }));
    await applied(reportVmmsOf(agent.sql, one, []));
    await applied(bindSledAgent(sql, { role: agent.role, sledId: two }));
    await expectRefused(agent.sql, one, `Role "${agent.role}" is bound to sled ${two}.`);
    await applied(reportVmmsOf(agent.sql, two, []));
  });

  test("gets VM001 for a malformed report, of a foreign sled too", async () => {
    await applied(bindSledAgent(sql, { role: agent.role, sledId: randomUUID() }));
    const report = { sledId: randomUUID(), vmmCount: -1, digest: EMPTY };
    expect(await errorOf(reportSled(agent.sql, report))).toMatchObject({ code: "VM001" });
  });

  test("is refused a report from an index function that another role's ANALYZE runs", async () => {
    const { role } = agent;
    const sledId = randomUUID();
    await agent.sql.unsafe(`
      create function ${role}.report(n integer) returns integer language plpgsql immutable as $$
      begin
        if session_user <> '${role}' then perform vmstate.report_sled('${sledId}', 0, '${EMPTY}'); end if;
        return n;
      end $$;
      create table ${role}.lure (n integer);
      create index on ${role}.lure (${role}.report(n));
      insert into ${role}.lure values (1), (2), (3);`);
    expect(await errorOf(sql.unsafe(`analyze ${role}.lure`))).toMatchObject({ code: "42501" });
    expect(await sledRow(sql, sledId)).toBeUndefined();
  });

  test("may report its sled until revoke_access takes its access away", async () => {
    const sledId = randomUUID();
    const other = await actors.create("revoked", ["sled_agent"]);
    await applied(bindSledAgent(sql, { role: other.role, sledId }));
    await applied(reportVmmsOf(other.sql, sledId, []));
    await applied(revokeAccess(sql, { role: other.role, kind: "sled_agent" }));
    expect(await errorOf(reportVmmsOf(other.sql, sledId, []))).toMatchObject({ code: "42501" });
    await applied(grantAccess(sql, { role: other.role, kind: "sled_agent" }));
    await applied(reportVmmsOf(other.sql, sledId, []));
  });
});

test("nothing but the check of report_sled refuses another sled: without the check, the report is accepted", async () => {
  await using database = await createDatabase();
  await mutate(database.sql, {
    file: "verbs/sled_agent/report_sled",
    from: "v_sleds IS NOT NULL AND p_sled_id <> ALL (v_sleds)",
    to: "false",
  });
  await grantAccess(database.sql, { role: agent.role, kind: "sled_agent" });
  const stranger = database.connect({ max: 1, connection: { role: agent.role } });
  expect(await reportVmmsOf(stranger, randomUUID(), [])).toMatchObject({ outcome: "applied" });
  await database.sql`drop owned by ${database.sql(agent.role)}`;
});

test("a control_plane role reports every sled", async () => {
  const control = await actors.create("control", ["control_plane"]);
  const { sledId, vmms } = await sledWith(sql, "running");
  expect(await reportVmmsOf(control.sql, sledId, vmms)).toMatchObject({ outcome: "applied" });
});

test("a reader reads silent_sled and watched_vmm, and reports no sled", async () => {
  const reader = await actors.create("reader", ["reader"]);
  const { sledId, s } = await sledWith(sql, "running");
  const { propolisId } = s;
  await vmmHeardAgo(sql, propolisId, "1 hour");
  expect(await silentSleds(reader.sql)).toContainEqual(expect.objectContaining({ sledId, vmmCount: 1 }));
  expect(await watchedVmms(reader.sql)).toContainEqual(expect.objectContaining({ propolisId }));
  expect(await errorOf(reportVmmsOf(reader.sql, sledId, []))).toMatchObject({ code: "42501" });
});
