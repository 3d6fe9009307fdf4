import { afterAll, beforeAll, expect, test } from "vitest";
import { withDatabase } from "../../support/database.js";
import { expectEveryVerb } from "../../support/every-verb.js";
import { Actors, type Actor } from "./actors.js";
import { LIFE, live, VERBS } from "./life.js";

const db = withDatabase();
let actors: Actors;
let controlPlane: Actor;
beforeAll(async () => {
  actors = new Actors(db);
  controlPlane = await actors.create("control_plane", ["control_plane"]);
});
afterAll(async () => {
  await actors[Symbol.asyncDispose]();
});

test("the life has every verb in it", async () => {
  await expectEveryVerb(db.sql, "test/sql/access/life.ts", VERBS);
});

test("who logs in as such a role can live an instance's whole life", async () => {
  expect(await live(controlPlane.sql)).toEqual(LIFE);
});

test("so can who becomes such a role by SET ROLE", async () => {
  const sql = db.connect({ max: 1, connection: { role: controlPlane.role } });
  expect(await sql`select current_user::text as role`).toEqual([{ role: controlPlane.role }]);
  expect(await live(sql)).toEqual(LIFE);
});
