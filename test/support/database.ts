import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, inject } from "vitest";
import { type Copy, copyDatabase, planDatabase, type TestDatabase } from "./copy.js";

export type { ClientOptions, TestDatabase } from "./copy.js";

/**
 * A copy of the migrated template for the tests of the file, or of the `describe`, that calls this. It is made before
 * their `beforeAll`, and dropped after their `afterAll`.
 */
export function withDatabase(): TestDatabase {
  const database = planDatabase(newCopy(inject("templateName")));
  beforeAll(database.create);
  afterAll(database.drop);
  return database;
}

/** For one test, a copy of the migrated template. */
export async function createDatabase(): Promise<TestDatabase> {
  return await copyDatabase(newCopy(inject("templateName")));
}

/** A database with nothing in it, for tests of migrations. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return await copyDatabase(newCopy("template0"));
}

function newCopy(template: string): Copy {
  const name = `${inject("databasePrefix")}_${randomBytes(6).toString("hex")}`;
  return { serverUrl: inject("serverUrl"), name, template, keep: inject("sqlCoverage") };
}
