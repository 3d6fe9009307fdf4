import { type Migration, sha256Of } from "../../src/schema/files.js";
import type { Source } from "../../src/schema/sources.js";
import { type Part, partsOf } from "./parts.js";
import { PATH_BEFORE, SAFE_PATH } from "./search-path.js";

/** An object, and the file of `sql/` that defines it. */
export interface SourcePart extends Part {
  file: string;
}

/** Writes a file of `sql/` as a migration holds it. */
export function copyOf({ file, text }: Source): string {
  return `${beginOf(file)}${text}${endOf(file)}`;
}

/** Writes the note that statements by hand bring an object, in place of a copy. */
export function noteOf({ object, file, text }: SourcePart): string {
  return `-- by hand: ${object} of sql/${file} as of ${sha256Of(text)}\n`;
}

/** Lets no verb be under way while triggers and views are made: it would hold locks on some and wait for others. */
export const LOCKS = "LOCK TABLE vmstate.instance, vmstate.vmm, vmstate.migration IN EXCLUSIVE MODE;\n";

const ABOUT_VIEWS = `-- No verb is under way now. Views are locked before the tables, outer ones first, as whoever reads them does: a reader that
-- holds a view and waits for a table would else be in a deadlock with this file. RESET of what is not set locks, and no more.
`;

/** Locks the views that a migration makes again. */
export function viewLocks(outerFirst: readonly string[]): string {
  return ABOUT_VIEWS + outerFirst.map((view) => `ALTER VIEW ${view} RESET (security_barrier);\n`).join("");
}

const VIEW_LOCKS = new RegExp(`${ABOUT_VIEWS}(ALTER VIEW .* RESET \\(security_barrier\\);\n)+\n?`);

function beginOf(file: string): string {
  return `-- copy of sql/${file}\n`;
}

function endOf(file: string): string {
  return `-- end of sql/${file}\n`;
}

/** Finds the copies that a migration holds. */
export function copiesIn(text: string): Source[] {
  return [...text.matchAll(/^-- copy of sql\/(.+)\n/gm)].map(({ 0: begin, 1: file = "", index }) => {
    const start = index + begin.length;
    const end = text.indexOf(endOf(file), start);
    if (end < 0) throw new Error(`the copy of sql/${file} has no end`);
    return { file, text: text.slice(start, end) };
  });
}

/** The first migrations do not name the object: then it is what was last copied from that file. */
const NOTES = /^-- by hand: (?:(.+) of )?sql\/(.+) as of ([0-9a-f]{64})\n/gm;

/** What the newest migration that brings an object there brings. */
export interface Migrated {
  /** Where it stood in `sql/` at that time. */
  file: string;
  /** The hash of the definition; of an empty text if the object was dropped. */
  sha256: string;
}

/**
 * Finds the newest definition that the migrations bring, by object.
 *
 * By object and not by file, so that a definition which moves to another file stays the same.
 */
export function newestMigrated(migrations: readonly Migration[]): Map<string, Migrated> {
  const newest = new Map<string, Migrated>();
  for (const { text } of migrations) {
    // An object that moves and is made again is noted as gone from its old file, and copied from its new one.
    for (const [, object, file = "", sha256 = ""] of text.matchAll(NOTES))
      newest.set(object ?? lastIn(file, newest), { file, sha256 });
    for (const copy of copiesIn(text))
      for (const { object, text } of partsOf(copy.text))
        newest.set(object, { file: copy.file, sha256: sha256Of(text) });
  }
  return newest;
}

function lastIn(file: string, newest: ReadonlyMap<string, Migrated>): string {
  const objects = [...newest].filter(([, migrated]) => migrated.file === file).map(([object]) => object);
  const [object, ...others] = objects;
  if (object === undefined || others.length > 0)
    throw new Error(`sql/${file} is noted, and held not one object before, but ${String(objects.length)}`);
  return object;
}

/** What is written by hand in a migration. */
export interface Handwritten {
  /** The comment that it begins with. */
  about: string;
  /** What comes before the copies. */
  before: string;
  /** What comes after them. */
  after: string;
}

/** Finds what is written by hand in a migration. */
export function handwrittenIn(text: string, record: string): Handwritten {
  const generated = [SAFE_PATH, LOCKS, VIEW_LOCKS, PATH_BEFORE, record].reduce<string>(
    (rest, part) => rest.replace(part, ""),
    text,
  );
  const [first, ...others] = copiesIn(generated).map(copyOf);
  const rest = others.reduce((rest, copy) => rest.replace(copy, ""), generated.replaceAll(NOTES, ""));
  const [begin = "", after = ""] = first === undefined ? [rest] : rest.split(first);
  const about = /^(--.*\n)*/.exec(begin.trimStart())?.[0] ?? "";
  return { about, before: begin.trimStart().slice(about.length).trim(), after: after.trim() };
}
