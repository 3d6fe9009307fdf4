import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PrismaClient } from "../../src/index.js";
import { execute, npm } from "../package/commands.js";

/** Prisma is larger than all that this repository needs together, so that only its own test installs it. */
const PACKAGES = ["prisma@7.10.1", "@prisma/client@7.10.0", "@prisma/adapter-pg@7.10.1"];

const CACHE = fileURLToPath(new URL("../../node_modules/.cache", import.meta.url));
const HOME = join(CACHE, "prisma-7.10.1");

const SCHEMA = `
  generator client {
    provider = "prisma-client-js"
    output   = "./client"
  }
  datasource db {
    provider = "postgresql"
  }
  model Audit {
    id Int @id
  }`;

/** A client as `prisma generate` makes it. */
export interface Prisma extends PrismaClient {
  $transaction: <T>(
    act: (tx: PrismaClient) => Promise<T>,
    options?: { timeout: number; maxWait?: number },
  ) => Promise<T>;
  $disconnect: () => Promise<void>;
}

/** Makes a client of at most so many connections. */
export type ConnectPrisma = (url: string, max?: number) => Prisma;

/**
 * Installs Prisma from npm, without what its packages would download by scripts, and generates a client.
 *
 * `prisma generate` downloads an engine that it does not use, unless it is told of a program.
 *
 * @returns what makes a client; undefined when npm cannot install Prisma
 */
export async function installPrisma(): Promise<ConnectPrisma | undefined> {
  if (!existsSync(HOME) && !(await installInto(HOME))) return undefined;
  const load = createRequire(join(HOME, "package.json"));
  const { PrismaClient: Client } = load("./client") as { PrismaClient: new (options: object) => Prisma };
  const { PrismaPg } = load("@prisma/adapter-pg") as { PrismaPg: new (options: object) => object };
  return (url, max = 10) => new Client({ adapter: new PrismaPg({ connectionString: url, max }) });
}

async function installInto(home: string): Promise<boolean> {
  mkdirSync(CACHE, { recursive: true });
  const dir = mkdtempSync(join(CACHE, "prisma-"));
  writeFileSync(join(dir, "package.json"), '{ "name": "prisma-of-a-test", "version": "1.0.0" }');
  writeFileSync(join(dir, "schema.prisma"), SCHEMA);
  try {
    await npm(dir, "install", "--ignore-scripts", ...PACKAGES);
  } catch {
    rmSync(dir, { recursive: true });
    return false;
  }
  await generate(dir);
  try {
    renameSync(dir, home);
  } catch (error) {
    // Another process was faster.
    if (!existsSync(home)) throw error;
    rmSync(dir, { recursive: true });
  }
  return true;
}

async function generate(dir: string): Promise<void> {
  const env = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: "1" };
  const program = join(dir, "node_modules/prisma/build/index.js");
  const args = [program, "generate", "--schema", "schema.prisma"];
  const { code, stderr } = await execute(dir, env, process.execPath, ...args);
  if (code !== 0) throw new Error(`prisma generate: ${stderr}`);
}
