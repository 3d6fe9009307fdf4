import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PACKAGE_ROOT } from "../../src/schema/files.js";
import { readSources } from "../../src/schema/sources.js";
import { createDatabase, type TestDatabase } from "../support/database.js";
import { ALLOWED, type Allowance, LISTS } from "./lint/allowed.js";
import { judge, lint, type Linted } from "./lint/lint.js";
import { PLANTED, type Planted } from "./lint/planted.js";
import { wrappersIn, wrappersOf } from "./lint/wrappers.js";

const LISTED = new Set(LISTS.keys());

let db: TestDatabase;
let linted: Linted;
beforeAll(async () => {
  db = await createDatabase();
  linted = {
    sources: await readSources(PACKAGE_ROOT),
    wrappers: wrappersIn(PACKAGE_ROOT),
    immutable: await readImmutable(db),
  };
});
afterAll(() => db.drop());

async function readImmutable({ sql }: TestDatabase): Promise<Set<string>> {
  const rows = await sql<{ name: string }[]>`
    select proname as name from pg_proc where pronamespace = 'pg_catalog'::regnamespace
      group by proname having bool_and(provolatile = 'i')`;
  return new Set(rows.map(({ name }) => name));
}

it("no statement touches more than one shard, or needs what a sharded layout cannot do, but for what is allowed", async () => {
  expect(judge(await lint(linted, LISTED), ALLOWED)).toEqual([]);
});

describe("in a copy of the text", () => {
  const titled = PLANTED.map((planted): [string, Planted] => [`${planted.rule}: ${planted.title}`, planted]);

  it.each(titled)("%s", async (_, planted) => {
    const { text, copy } = plant(planted);
    const before = text.slice(0, text.indexOf(planted.to) + planted.to.length).split("\n");
    const line = before.findLastIndex((one) => one.startsWith(planted.line)) + 1;
    expect(line).toBeGreaterThan(0);
    const complaints = judge(await lint(copy, LISTED), ALLOWED);
    // One that reads without the id may also lock without it.
    const found = complaints.filter((complaint) => complaint.startsWith(`${planted.rule} `));
    expect(found).toEqual([expect.stringContaining(planted.what)]);
    expect(found[0]).toMatch(
      new RegExp(`^${planted.rule} ${planted.object}, s(ql|rc)/${planted.file}:${line}: `),
    );
  });

  it("every rule has a planted breach", () => {
    expect([...new Set(PLANTED.map(({ rule }) => rule))]).toEqual([
      "L1",
      "L2",
      "L3",
      "L4",
      "L5",
      "L6",
      "L7",
      "L8",
    ]);
  });

  it("a list, or an allowance, that nothing needs is named", async () => {
    const unneeded: Allowance = { rule: "L3", object: "purge", what: "now", because: "" };
    expect(judge(await lint(linted, LISTED), [...ALLOWED, unneeded])).toEqual([
      "nothing to allow: L3 purge: now",
    ]);
    for (const list of LISTS.keys()) {
      const others = new Set([...LISTED].filter((other) => other !== list));
      const complaints = judge(await lint(linted, others), ALLOWED);
      expect(complaints.filter((complaint) => complaint.startsWith(`L1 ${list}, `))).not.toEqual([]);
    }
  });
});

function plant({ file, from, to }: Planted): { text: string; copy: Linted } {
  const isWrapper = file.endsWith(".ts");
  const before = isWrapper
    ? readFileSync(join(PACKAGE_ROOT, "src", file), "utf8")
    : (linted.sources.find((source) => source.file === file)?.text ?? "");
  expect(before.split(from)).toHaveLength(2);
  const text = before.replace(from, () => to);
  const sources = linted.sources.map((source) => (source.file === file ? { file, text } : source));
  const others = linted.wrappers.filter((wrapper) => wrapper.file !== `src/${file}`);
  const wrappers = isWrapper ? [...others, ...wrappersOf(`src/${file}`, text)] : linted.wrappers;
  return { text, copy: { ...linted, sources, wrappers } };
}
