import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXAMPLES, storyFiles } from "../../src/cli/demo/stories.js";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { systemBin } from "../support/system-programs.js";
import { outputFile, YOUR_TABLES } from "./play.js";

const stories = await storyFiles();
const played = [...stories, YOUR_TABLES];
const psql = systemBin(["psql"]);

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.drop());

it("every rule has a story with a committed output", () => {
  const titles = stories.map((story) => readFileSync(join(EXAMPLES, story), "utf8").split("\n")[1]);
  expect(titles.map((title) => title?.replace(/:.*/, ""))).toEqual([
    ...[1, 2, 3, 4, 5, 6].map((rule) => `-- Rule ${rule}`),
    "-- Generations",
  ]);
  const outputs = readdirSync(EXAMPLES).filter((file) => file.endsWith(".out"));
  expect(outputs.sort()).toEqual(played.map((story) => story.replace(/sql$/, "out")));
});

describe.each(played)("%s", (story) => {
  const output = readFileSync(outputFile(story), "utf8");

  it("rolls back every error", () => {
    const refusals = output.match(/^ROLLBACK TO /gm) ?? [];
    expect(output.match(/^ERROR: /gm) ?? []).toHaveLength(refusals.length);
  });

  it("prints what the API shows beside the rows, at several steps", () => {
    expect(output.match(/^ +name +\| API shows \| +stored row$/gm)?.length).toBeGreaterThan(1);
  });

  it("prints no time, and only the fixed ids", () => {
    expect(output).not.toMatch(/\d\d:\d\d/);
    const ids = output.match(/[0-9a-f]{8}-[0-9a-f-]{27}/g) ?? [];
    const fixed = readFileSync(join(EXAMPLES, "setup.sql"), "utf8");
    expect(ids.filter((id) => !fixed.includes(id))).toEqual([]);
  });

  it.runIf(psql !== undefined)("prints the same in psql, and leaves no row and no table", async () => {
    expect(printedByPsql(join(EXAMPLES, story))).toEqual({ status: 0, printed: output });
    const [row] = await db.sql`select (select count(*) from vmstate.instance) as instances,
      (select count(*) from pg_class where relpersistence = 't') as temporary`;
    expect(row).toEqual({ instances: "0", temporary: "0" });
  });
});

it.runIf(psql !== undefined)("setup.sql stops psql at once in a database without vmstate", async () => {
  await using empty = await createEmptyDatabase();
  expect(printedByPsql(join(EXAMPLES, "setup.sql"), empty.url)).toEqual({
    status: 3,
    printed: expect.stringMatching(/^ERROR: {2}relation "vmstate\.\w+" does not exist\n.*\n.*\n$/) as string,
  });
});

/** One file takes both results and errors, so that they keep their order. */
function printedByPsql(file: string, url = db.url): { status: number | null; printed: string } {
  const dir = mkdtempSync(join(tmpdir(), "vmstate-psql-"));
  const printed = openSync(join(dir, "printed"), "a");
  const { status } = spawnSync(`${psql ?? ""}/psql`, ["--no-psqlrc", "--file", file, url], {
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
    stdio: ["ignore", printed, printed],
  });
  closeSync(printed);
  const text = readFileSync(join(dir, "printed"), "utf8");
  rmSync(dir, { recursive: true });
  return { status, printed: text.replaceAll(/^psql:.*?:\d+: /gm, "").replaceAll(/ +$/gm, "") };
}
