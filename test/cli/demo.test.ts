import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";
import type postgres from "postgres";
import { beforeAll, describe, expect, it } from "vitest";
import { storyFiles } from "../../src/cli/demo/stories.js";
import { createDatabase, withDatabase } from "../support/database.js";
import { outputFile } from "../examples/play.js";
import { TestHost } from "./run-cli.js";
import { Scenario } from "./scenario.js";

const db = withDatabase();
let demo: string;
beforeAll(async () => {
  demo = await play();
});

async function play(): Promise<string> {
  const { code, stdout, stderr } = await new TestHost().run("demo", "--database-url", db.url);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** The words of a text in their order: what is left of it in lines of another length. */
function words(text: string): string {
  return text
    .replaceAll(/^ *-- ?/gm, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

it("prints the committed output of each story, in order", async () => {
  const shown = words(demo.replaceAll(/^(.*) ─+ \S+\.sql$/gm, "$1"));
  const outputs = (await storyFiles()).map((story) => words(readFileSync(outputFile(story), "utf8")));
  expect(shown).toContain(` ${outputs.join(" ")} `);
});

it("prints the title and the file of each story on one line", async () => {
  const headings = [...demo.matchAll(/^(Rule \d|Generations): \S.* ─+ (\S+\.sql)$/gm)];
  expect(headings.map(([, , file]) => file)).toEqual(await storyFiles());
  expect(headings.map(([line]) => line.length)).toEqual(headings.map(() => 80));
});

it("prints the comment above each statement, and its result below", () => {
  expect(demo).toContain(`
  Sled 1 refuses A, and the saga unwinds: it undoes what it did.

  SELECT outcome, state FROM vmstate.unwind_start(
    p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A');
   outcome |    state
  ---------+--------------
   applied | saga_unwound

  TABLE api_and_rows;
   name | API shows |         stored row
  ------+-----------+-----------------------------
   web  | stopped   | vmm, generation 3, active A
   A    | destroyed | saga_unwound, generation 2

`);
});

it("prints PostgreSQL's error, detail and hint in full", () => {
  expect(demo).toMatch(
    / {4}WHERE id = :'web';\n {2}ERROR: {2}(.*\n)+? {2}DETAIL: {2}(.*\n)+? {2}HINT: {2}(.*\n)+? {2}ROLLBACK TO refused;\n\n/,
  );
});

it("fits 80 columns without trailing blanks, and ends with the result of verify", () => {
  expect(demo.split("\n").filter((line) => line.length > 80 || line.endsWith(" "))).toEqual([]);
  expect(demo).not.toContain("\n\n\n");
  expect(demo).toMatch(/\n\nvmstate verify: no invariant is violated\.\n\n/);
});

it("names its server, without the password", () => {
  const { host, password } = new URL(db.url);
  expect(words(demo)).toContain(`at ${host}, each in one transaction`);
  expect(demo).not.toContain(password);
});

describe("a database of the user", () => {
  const count = async (sql: postgres.Sql): Promise<unknown> => {
    const [row] = await sql`
      select (select count(*) from vmstate.instance) as instances, (select count(*) from vmstate.vmm) as vmms,
        (select count(*) from vmstate.migration) as migrations`;
    return row;
  };

  it("has the same rows after the demo", async () => {
    const nothing = { instances: "0", vmms: "0", migrations: "0" };
    expect(await count(db.sql)).toEqual(nothing);
    await play();
    expect(await count(db.sql)).toEqual(nothing);
  });

  it("fails the demo's verify if an invariant was violated before", async () => {
    await using broken = await createDatabase();
    await (await new Scenario(broken.sql).createStopped()).run();
    await broken.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql`update vmstate.vmm set time_unlinked = now()`;
    });
    const { code, stderr } = await new TestHost().run("demo", "--database-url", broken.url);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "vmstate: 1 row breaks an invariant\n" });
  });

  it("is used by two demos at once: the second waits for the first", async () => {
    expect(await Promise.all([play(), play()])).toEqual([demo, demo]);
  });
});

it("starts a server of its own when no URL is given", async () => {
  const { code, stdout, stderr } = await new TestHost().run("demo", "--database-url", "");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "starting a throw-away PostgreSQL ...\n" });
  expect(stdout).toMatch(/played on embedded\s+PostgreSQL \d/);
  const fromTheFirstStory = (text: string): string => text.slice(text.indexOf("Rule 1:"));
  expect(fromTheFirstStory(stdout)).toBe(fromTheFirstStory(demo));
});

describe("on a terminal", () => {
  it("prints titles, statements and errors in colour, and the same text", async () => {
    const host = new TestHost();
    host.stdout.isTTY = true;
    await host.run("demo", "--database-url", db.url);
    const { text } = host.stdout;
    expect(stripVTControlCharacters(text)).toBe(demo);
    const { bold, cyan, red } = pc.createColors(true);
    expect(text).toContain(bold("Generations: reports count by their number"));
    expect(text).toContain(cyan("TABLE api_and_rows;"));
    const [start = ""] = red("|").split("|");
    expect(text).toContain(`${start}ERROR:`);
  });
});
