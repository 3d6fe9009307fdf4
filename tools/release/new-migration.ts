import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { VmstateError } from "../../src/errors/vmstate-error.js";
import { type Migration, migrationsDir, readMigrations, recordOf, sha256Of } from "../../src/schema/files.js";
import { readLedger, releasedMigrations } from "../../src/schema/ledger.js";
import { readSources, type Source } from "../../src/schema/sources.js";
import {
  copyOf,
  type Handwritten,
  handwrittenIn,
  LOCKS,
  newestMigrated,
  noteOf,
  type SourcePart,
  viewLocks,
} from "./copies.js";
import { isRecreatable } from "./lint.js";
import { partsOf } from "./parts.js";
import { PATH_BEFORE, SAFE_PATH } from "./search-path.js";

/** What `migration:new` made. */
export interface NewMigration {
  /** The name of its file. */
  file: string;
  /** Files of `sql/` that it holds copies of. */
  copied: string[];
  /** Files of `sql/` that differ, or are gone, and have to be seen to by hand. */
  byHand: string[];
}

/** What a migration says that holds all that can be made again, so that it stays so when its copies are made anew. */
const ALL = "-- It holds a copy of every file of sql/ that can be made again, changed or not.\n";

/**
 * Writes the next migration, with a copy of every changed file of `sql/`.
 *
 * Copies what can be made again. In a migration that was not released yet, makes the copies anew and leaves alone what
 * is written by hand.
 *
 * @param all whether to copy also what did not change
 * @throws VmstateError when there can be none
 */
export async function newMigration(root: string, name: string, all = false): Promise<NewMigration> {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new VmstateError(`"${name}" is no name: letters, digits and _`);
  const migrations = await readMigrations(root);
  const released = releasedMigrations(await readLedger(root)).length;
  if (released === 0)
    throw new VmstateError("the first migration is not released: `npm run generate` writes all of it");
  const begun = migrations.slice(released).find((migration) => migration.name.endsWith(`_${name}`));
  if (begun !== undefined && begun !== migrations.at(-1))
    throw new VmstateError(`${begun.name} is not the newest migration: give this one another name`);
  const full = begun?.name ?? `${String(migrations.length + 1).padStart(4, "0")}_${name}`;
  return await write(root, full, begun ? migrations.slice(0, -1) : migrations, begun, all);
}

/** What locks a table or a view while others use it, or takes away what a verb that is under way would call. */
const LOCKING = /^(CREATE OR REPLACE (TRIGGER|VIEW)|DROP) /m;

async function write(
  root: string,
  name: string,
  before: Migration[],
  begun: Migration | undefined,
  all: boolean,
): Promise<NewMigration> {
  const record = recordOf(name, begun?.isBreaking ?? false);
  const hand = begun ? handwrittenIn(begun.text, record) : newHandwritten(name, all);
  const { copied, byHand } = await changesSince(root, before, hand.about.includes(ALL));
  const statements = [hand.before, ...copied.map(({ text }) => text), hand.after];
  const locks = byHand.length > 0 || statements.some((text) => LOCKING.test(text)) ? LOCKS : "";
  const parts = [
    hand.about,
    SAFE_PATH,
    locks,
    locksOfViews(copied, before),
    endsLine(hand.before),
    byHand.map(noteOf).join(""),
    ...copied.map(copyOf),
    endsLine(hand.after),
    PATH_BEFORE,
    record,
  ];
  await writeFile(join(migrationsDir(root), `${name}.sql`), parts.filter((part) => part !== "").join("\n"));
  return { file: `${name}.sql`, copied: namesOf(copied), byHand: namesOf(byHand) };
}

/** The locks of the views that are made again. A single one is locked by its own statement. */
function locksOfViews(copied: readonly Source[], before: readonly Migration[]): string {
  const present = newestMigrated(before);
  const objects = copied.flatMap(({ text }) => partsOf(text)).map(({ object }) => object);
  const views = objects.filter((object) => object.startsWith("VIEW ") && present.has(object));
  // in load order, a view that reads another comes after it
  return views.length > 1 ? viewLocks(views.map((view) => view.slice("VIEW ".length)).reverse()) : "";
}

function newHandwritten(name: string, all: boolean): Handwritten {
  const about = `-- ${name}: what becomes of types and tables, and what is dropped; copies from sql/ follow.
-- With psql, in one transaction that ends at the first error: psql -1 -v ON_ERROR_STOP=1 -f ${name}.sql\n`;
  return { about: all ? about + ALL : about, before: "", after: "" };
}

function endsLine(text: string): string {
  return text === "" ? "" : `${text}\n`;
}

function namesOf(sources: readonly { file: string }[]): string[] {
  return [...new Set(sources.map(({ file }) => file))];
}

interface Changes {
  copied: Source[];
  /** The objects whose statements are written by hand; a dropped object has no text. */
  byHand: SourcePart[];
}

/**
 * Lists what of `sql/` the migrations do not bring, then what is gone.
 *
 * The list is in load order. A definition that only moved to another file is not in it.
 *
 * @param all whether files that can be made again count as changed
 */
async function changesSince(root: string, migrations: readonly Migration[], all: boolean): Promise<Changes> {
  const newest = newestMigrated(migrations);
  const changes: Changes = { copied: [], byHand: [] };
  const present = new Map<string, string>();
  for (const source of await readSources(root)) {
    const parts = partsOf(source.text).map((part) => ({ ...part, file: source.file }));
    for (const { object, file } of parts) {
      const other = present.get(object);
      if (other !== undefined) throw new VmstateError(`sql/${other} and sql/${file} both define ${object}`);
      present.set(object, file);
    }
    const changed = parts.filter(({ object, text }) => newest.get(object)?.sha256 !== sha256Of(text));
    const isAgain = await isRecreatable(source.text);
    if (isAgain && (all || changed.length > 0)) changes.copied.push(source);
    if (!isAgain) changes.byHand.push(...changed);
  }
  for (const [object, { file, sha256 }] of newest)
    if (!present.has(object) && sha256 !== sha256Of("")) changes.byHand.push({ object, file, text: "" });
  return changes;
}

/** Lists the files of `sql/` that are not as the migrations bring them. */
export async function unmigrated(root: string): Promise<string[]> {
  const { copied, byHand } = await changesSince(root, await readMigrations(root), false);
  return namesOf([...copied, ...byHand]);
}
