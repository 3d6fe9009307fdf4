import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { copyDatabase, type TestDatabase } from "./copy.js";

export type { ClientOptions, TestDatabase } from "./copy.js";

/** For one test file, a copy of the migrated template. */
export async function createDatabase(): Promise<TestDatabase> {
  return await create(inject("templateName"));
}

/** A database with nothing in it, for tests of migrations. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return await create("template0");
}

async function create(template: string): Promise<TestDatabase> {
  const name = `${inject("databasePrefix")}_${randomBytes(6).toString("hex")}`;
  return await copyDatabase({ serverUrl: inject("serverUrl"), name, template, keep: inject("sqlCoverage") });
}
