import { afterAll, beforeAll, expect, test } from "vitest";
import { withDatabase } from "../../support/database.js";
import { expectEveryVerb } from "../../support/every-verb.js";
import { Actors, type Actor } from "./actors.js";
import { live } from "./life.js";

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

test("the example lifecycle calls every verb", async () => {
  await expectEveryVerb(db.sql, "test/sql/access/life.ts", await live(db.sql));
});

test("a control_plane role that logs in plays the whole lifecycle of an instance", async () => {
  expect(await live(controlPlane.sql)).toEqual(await live(db.sql));
});

test("a session that becomes a control_plane role by SET ROLE plays the whole lifecycle", async () => {
  const sql = db.connect({ max: 1, connection: { role: controlPlane.role } });
  expect(await sql`select current_user::text as role`).toEqual([{ role: controlPlane.role }]);
  expect(await live(sql)).toEqual(await live(db.sql));
});
