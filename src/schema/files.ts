import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { VmstateError } from "../errors/vmstate-error.js";
import { readLedger, releasedMigrations } from "./ledger.js";

/** A migration, as its file has it. */
export interface Migration {
  number: number;
  /** The file's name without `.sql`: `0001_vmstate`. */
  name: string;
  /** Whether services built for an earlier schema stop working. */
  isBreaking: boolean;
  text: string;
}

/** Where this package's `sql/` and `migrations/` are. */
export const PACKAGE_ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Reads the migrations of a package, in order, and checks their hashes.
 *
 * @throws VmstateError that names the file that is not as it should be
 */
export async function readMigrations(root: string): Promise<Migration[]> {
  const files = await readdir(migrationsDir(root));
  const texts = await Promise.all(
    files
      .sort()
      .map(async (file) => [file, await readFile(join(migrationsDir(root), file), "utf8")] as const),
  );
  const hashes = new Map(texts.map(([file, text]) => [file, sha256Of(text)]));
  for (const { name, sha256 } of releasedMigrations(await readLedger(root)))
    if (hashes.get(`${name}.sql`) !== sha256) throw notAsReleased(name);
  return texts.map(([file, text], i) => toMigration(file, text, i + 1));
}

export function migrationsDir(root: string): string {
  return join(root, "migrations");
}

export function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Writes the last statement of a migration, which records that it was applied. */
export function recordOf(name: string, isBreaking: boolean): string {
  const values = `${Number.parseInt(name, 10)}, '${name}', ${String(isBreaking)}`;
  return `INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (${values});\n`;
}

function toMigration(file: string, text: string, number: number): Migration {
  if (!/^\d{4}_[a-z0-9_]+\.sql$/.test(file) || Number.parseInt(file, 10) !== number)
    throw new VmstateError(
      `migrations/${file} is no schema migration: expected NNNN_name.sql with the number ${number}`,
    );
  const name = file.slice(0, -".sql".length);
  return { number, name, isBreaking: recordsBreaking(name, text), text };
}

function recordsBreaking(name: string, text: string): boolean {
  if (text.endsWith(recordOf(name, false))) return false;
  if (text.endsWith(recordOf(name, true))) return true;
  throw new VmstateError(
    `migrations/${name}.sql does not end with its record: ${recordOf(name, false).trim()}`,
  );
}

function notAsReleased(name: string): VmstateError {
  return new VmstateError(
    `migrations/${name}.sql is not the released file: reinstall vmstate; a change needs a new schema migration`,
  );
}
