import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { explainUpdate, type AccessKind } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { failed, migrated, running, say, saying, starting, update, type Scenario } from "../scenario.js";
import { Actors } from "./actors.js";
import { PUBLIC_VIEWS } from "./life.js";

const KINDS: AccessKind[] = ["control_plane", "operator", "reader"];

const db = withDatabase();
let actors: Actors;
let pending: Scenario;
const clients = new Map<string, postgres.Sql>();
beforeAll(async () => {
  actors = new Actors(db);
  for (const kind of KINDS) clients.set(kind, (await actors.create(kind, [kind])).sql);
  pending = await inEveryView(db.sql);
});
afterAll(async () => {
  await actors[Symbol.asyncDispose]();
});

/** Makes rows for every public view; returns an instance that is to be updated. */
async function inEveryView(sql: postgres.Sql): Promise<Scenario> {
  await failed(sql, { intendedState: "running" });
  await update(sql, await saying(sql, "destroyed"));
  await migrated(sql);
  const [stuck, broken] = [await starting(sql), await running(sql)];
  await sql.begin(async (transaction) => {
    await transaction`set local session_replication_role = replica`;
    await transaction`update vmstate.instance set time_state_updated = '2020-01-01' where id = ${stuck.instanceId}`;
    await transaction`update vmstate.vmm set time_state_updated = '2020-01-01', time_reported = '2020-01-01' where id = ${stuck.propolisId}`;
    await transaction`update vmstate.instance set active_propolis_id = ${randomUUID()} where id = ${broken.instanceId}`;
    await transaction`update vmstate.vmm set time_reported = '2020-01-01' where id = ${broken.propolisId}`;
  });
  const s = await running(sql);
  await say(sql, s, "active", "failed");
  return s;
}

/** All rows, but for the age, which is another each time. */
async function rowsOf(sql: postgres.Sql, view: string): Promise<unknown[]> {
  return [...(await sql`select to_jsonb(v) - 'age' as row from vmstate.${sql(view)} as v order by row`)];
}

test.each(KINDS.flatMap((kind) => PUBLIC_VIEWS.map((view) => [kind, view] as const)))(
  "a role of kind %s reads the same rows in %s as the owner",
  async (kind, view) => {
    const sql = clients.get(kind) ?? db.sql;
    const rows = await rowsOf(sql, view);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows).toEqual(await rowsOf(db.sql, view));
  },
);

test.each(KINDS)("a role of kind %s may call explain_update", async (kind) => {
  const sql = clients.get(kind) ?? db.sql;
  expect(await explainUpdate(sql, pending)).toEqual(await explainUpdate(db.sql, pending));
});
