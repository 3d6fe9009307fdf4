import { randomBytes, randomInt } from "node:crypto";
import process from "node:process";
import { Command, InvalidArgumentError, Option } from "commander";
import { migrate } from "../../src/schema/migrate.js";
import { copyDatabase, type TestDatabase } from "../support/copy.js";
import { startTestServer } from "../support/servers.js";

/** What a proof found. */
export interface Verdict {
  /** One line: how much was tried, and how much of it failed. */
  figures: string;
  failures: number;
}

export interface Setting {
  description: string;
  standard: number;
}

export interface Proof<Name extends string> {
  name: string;
  description: string;
  /** By option name; all are whole numbers. */
  settings: Record<Name, Setting>;
  run: (settings: Record<Name, number>) => Promise<Verdict>;
}

/**
 * A proof as a command of its own. It prints what it was set to, so that any run can be repeated, and its figures
 * on the last line. The exit code is 1 when anything failed.
 */
export async function prove<Name extends string>(proof: Proof<Name>): Promise<void> {
  const command = new Command(proof.name).description(proof.description).showHelpAfterError();
  for (const [name, { description, standard }] of Object.entries<Setting>(proof.settings)) {
    command.addOption(new Option(`--${name} <n>`, description).argParser(wholeNumber).default(standard));
  }
  const settings = command.parse().opts<Record<Name, number>>();
  console.log(proof.name, ...Object.entries(settings).map(([name, value]) => `--${name} ${String(value)}`));
  const { figures, failures } = await proof.run(settings);
  console.log(`${proof.name}: ${figures}`);
  if (failures > 0) process.exitCode = 1;
}

/** Random unless given. */
export function seed(): Setting {
  return { description: "seed of everything random", standard: randomInt(2 ** 31) };
}

/** Acts in a fresh migrated database on a server that ends with it. */
export async function inFreshDatabase<T>(act: (database: TestDatabase) => Promise<T>): Promise<T> {
  return await inFreshDatabases(1, async (databases) => {
    const [database] = databases;
    if (database === undefined) throw new Error("no database");
    return await act(database);
  });
}

/** Acts in as many fresh migrated databases, on one server that ends with them. */
export async function inFreshDatabases<T>(
  count: number,
  act: (databases: TestDatabase[]) => Promise<T>,
): Promise<T> {
  const server = await startTestServer();
  const databases: TestDatabase[] = [];
  try {
    while (databases.length < count) databases.push(await freshDatabase(server.url));
    return await act(databases);
  } finally {
    await Promise.all(databases.map((database) => database.drop()));
    await server.stop();
  }
}

async function freshDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `vmstate_proof_${randomBytes(6).toString("hex")}`;
  const database = await copyDatabase({ serverUrl, name, template: "template0" });
  await migrate(database.url);
  return database;
}

export function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is not a whole number.");
}
