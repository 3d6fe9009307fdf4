import { randomBytes } from "node:crypto";
import postgres from "postgres";
import type { TestProject } from "vitest/node";
import { PACKAGE_ROOT, readMigrations } from "../../src/schema/files.js";
import { readSources } from "../../src/schema/sources.js";
import { closeToAll, createMigrated, dropDatabase, withDatabase } from "../../src/testing/databases.js";
import { startTestServer, type TestServer } from "./servers.js";
import { instrument, readCoverage } from "./sql-coverage.js";
import { gatherTemporaryFiles } from "./temporary.js";
import { partitionedLayout } from "../sharding/layout.js";
import { mutate } from "../verification/mutants/mutate.js";
import { MUTANTS } from "../verification/mutants/mutants.js";
import { mutantOfMode } from "../verification/mutants/run-test.js";

declare module "vitest" {
  export interface ProvidedContext {
    /** A superuser's connection string to the server's own database. */
    serverUrl: string;
    serverKind: TestServer["kind"];
    /** What the names of all databases of this run begin with; several runs may share a server. */
    databasePrefix: string;
    /** A migrated database to clone. */
    templateName: string;
    /** A directory for servers' data, in memory if there is such a place. */
    memory: string;
    /** Whether databases are kept until the end of the run, to see which branches of the functions it reached. */
    sqlCoverage: boolean;
    /** Whether the tables of the template are partitioned by the instance id. */
    partitioned: boolean;
  }
}

/** Starts the server, migrates the template database; the returned function undoes it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const temporary = gatherTemporaryFiles(project.tmpDir);
  const server = await startTestServer();
  const admin = postgres(server.url, { max: 1, onnotice: () => undefined });
  const prefix = `vmstate_test_${randomBytes(6).toString("hex")}`;
  const template = `${prefix}_template`;

  const sqlCoverage = project.vite.config.mode === "sql-coverage";

  const teardown = async (): Promise<void> => {
    if (sqlCoverage) await reportCoverage(admin, server.url, prefix);
    await dropDatabases(admin, prefix);
    // Printed again, so that the version of the server stands beside the counts of tests.
    await printServer(server, admin);
    await admin.end();
    await server.stop();
    temporary.remove();
  };

  try {
    await printServer(server, admin);
    await makeTemplate(admin, withDatabase(server.url, template), project.vite.config.mode);
  } catch (error) {
    await teardown();
    throw error;
  }

  project.provide("serverUrl", server.url);
  project.provide("serverKind", server.kind);
  project.provide("databasePrefix", prefix);
  project.provide("templateName", template);
  project.provide("memory", temporary.memory);
  project.provide("sqlCoverage", sqlCoverage);
  project.provide("partitioned", project.vite.config.mode === "partitioned");
  return teardown;
}

async function printServer({ label }: TestServer, admin: postgres.Sql): Promise<void> {
  const [row] = await admin<[{ server_version: string }]>`show server_version`;
  console.log(`test server: ${label}, PostgreSQL ${row.server_version}`);
}

async function makeTemplate(admin: postgres.Sql, url: string, mode: string): Promise<void> {
  await createMigrated(admin, url);
  if (mode === "sql-coverage") await instrument(url);
  if (mode === "partitioned") await replaceByPartitions(url);
  const mutant = mutantOfMode(mode);
  if (mutant !== undefined) await makeMutant(url, mutant);
  await closeToAll(admin, url);
}

/** Puts the layout of partitions in the place of the migrated schema. */
async function replaceByPartitions(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    const [sources, migrations] = [await readSources(PACKAGE_ROOT), await readMigrations(PACKAGE_ROOT)];
    const layout = partitionedLayout(sources, migrations, { partitions: 2, customPlans: false });
    await sql.unsafe(`drop schema vmstate cascade; ${layout}`);
  } finally {
    await sql.end();
  }
}

/** Changes the schema as the mutant with that number does. */
async function makeMutant(url: string, number: number): Promise<void> {
  const change = MUTANTS[number - 1]?.change;
  if (change === undefined) throw new Error(`there is no mutant ${number}`);
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await mutate(sql, change);
  } finally {
    await sql.end();
  }
}

/** Names the branches of PL/pgSQL functions that no test reached; then the run has failed. */
async function reportCoverage(admin: postgres.Sql, serverUrl: string, prefix: string): Promise<void> {
  const databases = await admin<{ datname: string }[]>`
    select datname from pg_database where starts_with(datname, ${prefix}) and datallowconn`;
  const names = databases.map(({ datname }) => datname);
  const { branches, unreached } = await readCoverage(serverUrl, names);
  console.log(`of ${branches} branches of PL/pgSQL functions, ${unreached.length} were never reached`);
  for (const branch of unreached) console.log(`  ${branch}`);
  if (branches === 0 || unreached.length > 0) process.exitCode = 1;
}

/** Drops all databases of this run, also those that a failed test file left. */
async function dropDatabases(admin: postgres.Sql, prefix: string): Promise<void> {
  const databases = await admin<{ datname: string }[]>`
    select datname from pg_database where starts_with(datname, ${prefix})`;
  for (const { datname } of databases) await dropDatabase(admin, datname);
}
