import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { VmstateError } from "../../src/errors.js";
import {
  type Migration,
  migrationsDir,
  readMigrations,
  recordOf,
  sha256Of,
} from "../../src/migrations/files.js";
import { readLedger, releasedMigrations } from "../../src/migrations/ledger.js";
import { readSources, type Source } from "../../src/migrations/sources.js";
import { copyOf, LOCKS, newestHashes, noteOf, writtenByHand } from "./copies.js";
import { isRecreatable } from "./lint.js";

/** What `migration:new` made. */
export interface NewMigration {
  /** The name of its file. */
  file: string;
  /** Files of `sql/` that it holds copies of. */
  copied: string[];
  /** Files of `sql/` that differ, or are gone, and have to be seen to by hand. */
  byHand: string[];
}

/**
 * Writes the next migration, with a copy of every file of `sql/` that changed and can be made again. Of one that is
 * there and was not released, makes the copies anew, and leaves alone what is written by hand.
 *
 * @throws VmstateError when there can be none
 */
export async function newMigration(root: string, name: string): Promise<NewMigration> {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new VmstateError(`"${name}" is no name: letters, digits and _`);
  const migrations = await readMigrations(root);
  const released = releasedMigrations(await readLedger(root)).length;
  if (released === 0)
    throw new VmstateError("the first migration is not released: `npm run generate` writes all of it");
  const begun = migrations.slice(released).find((migration) => migration.name.endsWith(`_${name}`));
  if (begun !== undefined && begun !== migrations.at(-1))
    throw new VmstateError(`${begun.name} is not the newest migration: give this one another name`);
  return await write(root, name, begun ? migrations.slice(0, -1) : migrations, begun);
}

/** What locks a table or a view while others use it. */
const LOCKING = /^CREATE OR REPLACE (TRIGGER|VIEW)/m;

async function write(
  root: string,
  name: string,
  before: Migration[],
  begun: Migration | undefined,
): Promise<NewMigration> {
  const full = begun?.name ?? `${String(before.length + 1).padStart(4, "0")}_${name}`;
  const record = recordOf(full, begun?.isBreaking ?? false);
  const hand = begun ? writtenByHand(begun.text).slice(0, -record.length) : headOf(full);
  const { copied, byHand } = await changesSince(root, before);
  const locks = byHand.length > 0 || copied.some(({ text }) => LOCKING.test(text)) ? LOCKS : "";
  const parts = [
    locks,
    `${hand.trimEnd()}
`,
    byHand.map(noteOf).join(""),
    ...copied.map(copyOf),
    record,
  ];
  await writeFile(join(migrationsDir(root), `${full}.sql`), parts.filter((part) => part !== "").join("\n"));
  return { file: `${full}.sql`, copied: namesOf(copied), byHand: namesOf(byHand) };
}

function headOf(name: string): string {
  return `-- ${name}: what becomes of types and tables, and what is dropped; copies from sql/ follow.\n`;
}

function namesOf(sources: readonly Source[]): string[] {
  return sources.map(({ file }) => file);
}

interface Changes {
  copied: Source[];
  /** One that is gone has no text. */
  byHand: Source[];
}

/** In load order, the files of `sql/` that are not as the migrations bring them; then those that are gone. */
async function changesSince(root: string, migrations: readonly Migration[]): Promise<Changes> {
  const hashes = newestHashes(migrations);
  const sources = await readSources(root);
  const changes: Changes = { copied: [], byHand: [] };
  for (const source of sources.filter(({ file, text }) => hashes.get(file) !== sha256Of(text)))
    changes[(await isRecreatable(source.text)) ? "copied" : "byHand"].push(source);
  const gone = [...hashes.keys()].filter((file) => !sources.some((source) => source.file === file));
  for (const file of gone) if (hashes.get(file) !== sha256Of("")) changes.byHand.push({ file, text: "" });
  return changes;
}

/** The files of `sql/` that are not as the migrations bring them. */
export async function unmigrated(root: string): Promise<string[]> {
  const { copied, byHand } = await changesSince(root, await readMigrations(root));
  return namesOf([...copied, ...byHand]);
}
