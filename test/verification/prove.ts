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

/** An option of a proof: a whole number. */
export interface Setting {
  description: string;
  /** What counts unless the option is given. */
  defaultValue: number;
}

export interface Proof<Name extends string> {
  name: string;
  description: string;
  /** By the name of the option. */
  settings: Record<Name, Setting>;
  run: (settings: Record<Name, number>) => Promise<Verdict>;
}

/**
 * Runs a proof as a command of its own.
 *
 * The command prints first what it was set to, so that any run can be repeated, and last its figures. The exit code is 1
 * when anything failed.
 */
export async function prove<Name extends string>(proof: Proof<Name>): Promise<void> {
  const command = new Command(proof.name).description(proof.description).showHelpAfterError();
  for (const [name, { description, defaultValue }] of Object.entries<Setting>(proof.settings)) {
    command.addOption(new Option(`--${name} <n>`, description).argParser(wholeNumber).default(defaultValue));
  }
  const settings = command.parse().opts<Record<Name, number>>();
  console.log(proof.name, ...Object.entries(settings).map(([name, value]) => `--${name} ${String(value)}`));
  const { figures, failures } = await proof.run(settings);
  console.log(`${proof.name}: ${figures}`);
  if (failures > 0) process.exitCode = 1;
}

/** Makes the setting `seed`, which is random unless given. */
export function seed(): Setting {
  return { description: "seed of everything random", defaultValue: randomInt(2 ** 31) };
}

/** Makes of an empty database what a proof needs. */
type Prepare = (database: TestDatabase) => Promise<unknown>;

const migrated: Prepare = ({ url }) => migrate(url);

/** Acts in a fresh database, migrated unless it is prepared otherwise, on a server that ends with it. */
export async function inFreshDatabase<T>(
  act: (database: TestDatabase) => Promise<T>,
  prepare: Prepare = migrated,
): Promise<T> {
  return await inFreshDatabases(
    1,
    async (databases) => {
      const [database] = databases;
      if (database === undefined) throw new Error("no database");
      return await act(database);
    },
    prepare,
  );
}

/** Acts in as many fresh databases, on one server that ends with them. */
export async function inFreshDatabases<T>(
  count: number,
  act: (databases: TestDatabase[]) => Promise<T>,
  prepare: Prepare = migrated,
): Promise<T> {
  const server = await startTestServer();
  const databases: TestDatabase[] = [];
  try {
    while (databases.length < count) databases.push(await freshDatabase(server.url, prepare));
    return await act(databases);
  } finally {
    await Promise.all(databases.map((database) => database.drop()));
    await server.stop();
  }
}

async function freshDatabase(serverUrl: string, prepare: Prepare): Promise<TestDatabase> {
  const name = `vmstate_proof_${randomBytes(6).toString("hex")}`;
  const database = await copyDatabase({ serverUrl, name, template: "template0" });
  await prepare(database);
  return database;
}

/** @throws InvalidArgumentError, which commander prints */
export function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is not a whole number.");
}
