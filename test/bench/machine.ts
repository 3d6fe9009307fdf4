import { readFileSync } from "node:fs";
import os from "node:os";
import process from "node:process";
import type postgres from "postgres";
import type { Machine } from "./results.js";

const SETTINGS = [
  "fsync",
  "synchronous_commit",
  "full_page_writes",
  "wal_sync_method",
  "shared_buffers",
  "max_wal_size",
  "checkpoint_timeout",
  "autovacuum",
  "autovacuum_naptime",
  "autovacuum_vacuum_cost_limit",
  "jit",
];
const CLIENTS = ["postgres", "pg", "kysely", "drizzle-orm", "typeorm"];

/** Describes the machine, the server and the clients, on which the figures depend. */
export async function describeMachine(sql: postgres.Sql, server: string): Promise<Machine> {
  const rows = await sql<{ name: string; value: string }[]>`
    select name, current_setting(name) as value from unnest(${[...SETTINGS, "server_version"]}::text[]) as n (name)`;
  const { server_version: postgresql = "", ...settings } = Object.fromEntries(
    rows.map(({ name, value }) => [name, value]),
  );
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: os.cpus().length,
    memoryMiB: Math.round(os.totalmem() / 2 ** 20),
    node: process.versions.node,
    postgresql,
    server,
    settings,
    clients: Object.fromEntries(CLIENTS.map((name) => [name, versionOf(name)])),
  };
}

/** Reads the version of an installed library. */
function versionOf(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  return version;
}
