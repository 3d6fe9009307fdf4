import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { assertCompatible, grantAccess, IncompatibleDatabaseError, VmstateError } from "../../src/index.js";
import type { AccessKind } from "../../src/index.js";
import { SCHEMA_NUMBER } from "../../src/client/generated.js";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { Actors } from "../sql/access/actors.js";

let db: TestDatabase;
beforeEach(async () => {
  db = await createDatabase();
});
afterEach(() => db.drop());

async function refusal(sql: postgres.Sql): Promise<IncompatibleDatabaseError> {
  const error = await assertCompatible(sql).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(IncompatibleDatabaseError);
  expect(error).toBeInstanceOf(VmstateError);
  const { message, detail, hint } = error as IncompatibleDatabaseError;
  expect(message).toBe(`${detail}: ${hint}`);
  return error as IncompatibleDatabaseError;
}

async function change(number: number, isBreaking: boolean): Promise<void> {
  const name = `${String(number).padStart(4, "0")}_made_up`;
  await db.sql`
    insert into vmstate.schema_change (number, name, is_breaking) values (${number}, ${name}, ${isBreaking})`;
}

describe("assertCompatible, by the database", () => {
  it("accepts the database of this package with every kind of client", async () => {
    await assertCompatible(db.sql);
    await assertCompatible(db.connect({ transform: postgres.camel, prepare: false }));
    await db.sql.begin(assertCompatible);
  });

  it("accepts a newer database, unless a change unknown to it is breaking", async () => {
    await change(SCHEMA_NUMBER + 1, false);
    await assertCompatible(db.sql);
    await change(SCHEMA_NUMBER + 2, true);
    await change(SCHEMA_NUMBER + 3, false);
    expect(await refusal(db.sql)).toMatchObject({
      name: "IncompatibleDatabaseError",
      reason: "newer",
      detail: `this database is at ${String(SCHEMA_NUMBER + 3).padStart(4, "0")}_made_up, and migration ${SCHEMA_NUMBER + 2} breaks this vmstate, which knows ${SCHEMA_NUMBER}`,
      hint: "upgrade it: `npm install vmstate@latest`",
    });
  });

  it("accepts a database after a breaking change that it knows", async () => {
    await db.sql`update vmstate.schema_change set is_breaking = true`;
    await assertCompatible(db.sql);
  });

  it("names the command to run for an older database", async () => {
    await db.sql`update vmstate.schema_change set number = 0, name = '0000_before' where number = ${SCHEMA_NUMBER}`;
    await db.sql`delete from vmstate.schema_change where number > 0`;
    expect(await refusal(db.sql)).toMatchObject({
      reason: "older",
      detail: `this database is at 0000_before, older than migration ${SCHEMA_NUMBER}, which this vmstate needs`,
      hint: "run `npx vmstate migrate`",
    });
  });

  it("names the command to run for a database without vmstate, or with a part of it", async () => {
    await using empty = await createEmptyDatabase();
    const expected = { reason: "not_installed", hint: "run `npx vmstate migrate`" };
    expect(await refusal(empty.sql)).toMatchObject(expected);
    await empty.sql`create schema vmstate`;
    expect(await refusal(empty.sql)).toMatchObject(expected);
    await db.sql`delete from vmstate.schema_change`;
    expect(await refusal(db.sql)).toMatchObject(expected);
  });

  it("throws other errors unchanged", async () => {
    const closed = db.connect();
    await closed.end();
    await expect(assertCompatible(closed)).rejects.toMatchObject({ code: "CONNECTION_ENDED" });
  });
});

describe("assertCompatible, by the role", () => {
  let actors: Actors;
  let own: TestDatabase;
  beforeAll(async () => {
    own = await createDatabase();
    actors = new Actors(own);
  });
  afterAll(async () => {
    await actors[Symbol.asyncDispose]();
    await own.drop();
  });

  const KINDS: AccessKind[] = ["control_plane", "sled_agent", "reader"];

  it.each(KINDS)("accepts a session of a role of kind %s", async (kind) => {
    const { sql } = await actors.create(kind, [kind]);
    await assertCompatible(sql);
  });

  it("names grant_access for a role without access", async () => {
    const { sql, role } = await actors.create("stranger", []);
    expect(await refusal(sql)).toMatchObject({
      reason: "no_access",
      hint: "have the schema's owner call vmstate.grant_access for it",
    });
    await grantAccess(own.sql, { role, kind: "reader" });
    await assertCompatible(sql);
  });
});
