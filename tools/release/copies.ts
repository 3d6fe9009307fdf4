import { type Migration, sha256Of } from "../../src/schema/files.js";
import type { Source } from "../../src/schema/sources.js";
import { PATH_BEFORE, SAFE_PATH } from "./search-path.js";

/** A file of `sql/` as a migration holds it. */
export function copyOf({ file, text }: Source): string {
  return `${beginOf(file)}${text}${endOf(file)}`;
}

/** In place of a copy: the statements that bring the object there are written by hand. */
export function noteOf({ file, text }: Source): string {
  return `-- by hand: sql/${file} as of ${sha256Of(text)}\n`;
}

/** So that no verb is under way while triggers and views are made: it has locks on some and waits for others. */
export const LOCKS = "LOCK TABLE vmstate.instance, vmstate.vmm, vmstate.migration IN EXCLUSIVE MODE;\n";

function beginOf(file: string): string {
  return `-- copy of sql/${file}\n`;
}

function endOf(file: string): string {
  return `-- end of sql/${file}\n`;
}

/** The copies that a migration holds. */
export function copiesIn(text: string): Source[] {
  return [...text.matchAll(/^-- copy of sql\/(.+)\n/gm)].map(({ 0: begin, 1: file = "", index }) => {
    const start = index + begin.length;
    const end = text.indexOf(endOf(file), start);
    if (end < 0) throw new Error(`the copy of sql/${file} has no end`);
    return { file, text: text.slice(start, end) };
  });
}

const NOTES = /^-- by hand: sql\/(.+) as of ([0-9a-f]{64})\n/gm;

/** Of each file of `sql/`, the sha256 of what the newest migration that brings it there brings. */
export function newestHashes(migrations: readonly Migration[]): Map<string, string> {
  return new Map(
    migrations.flatMap(({ text }) => [
      ...copiesIn(text).map(({ file, text }) => [file, sha256Of(text)] as const),
      ...[...text.matchAll(NOTES)].map(([, file = "", hash = ""]) => [file, hash] as const),
    ]),
  );
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

/** What a migration has besides what `migration:new` writes. */
export function handwrittenIn(text: string, record: string): Handwritten {
  const generated = [SAFE_PATH, LOCKS, PATH_BEFORE, record].reduce(
    (rest, part) => rest.replace(part, ""),
    text,
  );
  const [first, ...others] = copiesIn(generated).map(copyOf);
  const rest = others.reduce((rest, copy) => rest.replace(copy, ""), generated.replaceAll(NOTES, ""));
  const [begin = "", after = ""] = first === undefined ? [rest] : rest.split(first);
  const about = /^(--.*\n)*/.exec(begin.trimStart())?.[0] ?? "";
  return { about, before: begin.trimStart().slice(about.length).trim(), after: after.trim() };
}
