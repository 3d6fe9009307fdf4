import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../../support/database.js";
import { Actors, type Actor } from "./actors.js";
import { LIFE, live, VERBS } from "./life.js";

let db: TestDatabase;
let actors: Actors;
let controlPlane: Actor;
beforeAll(async () => {
  db = await createDatabase();
  actors = new Actors(db);
  controlPlane = await actors.create("control_plane", ["control_plane"]);
});
afterAll(async () => {
  await actors[Symbol.asyncDispose]();
  await db.drop();
});

test("the example lifecycle calls every verb", () => {
  const called = new Set(LIFE.map((line) => line.split(" ", 1).join()));
  expect([...called].sort()).toEqual([...VERBS].sort());
});

test("a control_plane role that logs in plays the whole lifecycle of an instance", async () => {
  expect(await live(controlPlane.sql)).toEqual(LIFE);
});

test("a session that becomes a control_plane role by SET ROLE plays the whole lifecycle", async () => {
  const sql = db.connect({ max: 1, connection: { role: controlPlane.role } });
  expect(await sql`select current_user::text as role`).toEqual([{ role: controlPlane.role }]);
  expect(await live(sql)).toEqual(LIFE);
});
