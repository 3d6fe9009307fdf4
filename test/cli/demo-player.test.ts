import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Output, Player } from "../../src/cli/demo/player.js";
import { sendIn } from "../../src/cli/demo/stories.js";
import { createDatabase, type TestDatabase } from "../support/database.js";

let db: TestDatabase;
let session: postgres.Sql;
const dir = mkdtempSync(join(tmpdir(), "vmstate-scripts-"));
beforeAll(async () => {
  db = await createDatabase();
  session = db.connect({ max: 1 });
});
afterAll(async () => {
  await db.drop();
  rmSync(dir, { recursive: true });
});

async function play(...lines: string[]): Promise<Output[]> {
  const file = join(dir, `${crypto.randomUUID()}.sql`);
  writeFileSync(file, `${lines.join("\n")}\n`);
  const outputs: Output[] = [];
  for await (const output of new Player(sendIn(session)).play(file)) outputs.push(output);
  return outputs;
}

const texts = async (...lines: string[]): Promise<string[]> => (await play(...lines)).map(({ text }) => text);

describe("variables of a script", () => {
  it("are replaced by their value, or by an SQL literal", async () => {
    expect(await texts("\\set n 7", "\\set name it's", "SELECT :n AS n, :'name' AS name;")).toEqual([
      " n | name\n---+------\n 7 | it's",
    ]);
  });

  it("are not replaced when they are not set, and a cast is not taken for one", async () => {
    expect(await texts("\\echo :unknown :'unknown' 1::int8")).toEqual([":unknown :'unknown' 1::int8"]);
  });

  it("are set from the columns of a row by \\gset, with NULL as an empty text", async () => {
    const script = ["SELECT 1 AS one,", "  NULL AS none \\gset row_", "\\echo <:row_one> <:row_none>"];
    expect(await texts(...script, "SELECT 2 AS two \\gset", "\\echo :two")).toEqual(["<1> <>", "2"]);
  });
});

describe("a result", () => {
  it("has numbers right-aligned, column names centred, NULL as blank", async () => {
    const [text] = await texts(
      "SELECT 1::numeric AS amount, 'x' AS text, NULL AS none, 'four' AS a, true AS b;",
    );
    expect(text).toBe(
      " amount | text | none |  a   | b\n--------+------+------+------+---\n      1 | x    |      | four | t",
    );
  });

  it("is not printed for a statement without rows", async () => {
    expect(await play("BEGIN;", "SET LOCAL work_mem TO '1MB';", "ROLLBACK;")).toEqual([]);
  });
});

it("a script is printed from \\set ECHO all on", async () => {
  expect(
    await play(
      "-- a",
      "\\set ECHO all",
      "-- b",
      "-- c",
      "",
      "\\pset footer off",
      "SET work_mem",
      "  TO '1MB';",
    ),
  ).toEqual([
    { kind: "comment", text: "-- b\n-- c" },
    { kind: "command", text: "\\pset footer off" },
    { kind: "statement", text: "SET work_mem\n  TO '1MB';" },
  ]);
});

describe("a statement that must be refused", () => {
  it("is followed by its error, with the line and position", async () => {
    const refused = ["BEGIN;", "SAVEPOINT s;", "SELECT 1,", "  nothing;", "ROLLBACK TO s;", "ROLLBACK;"];
    expect(await play(...refused)).toEqual([
      { kind: "error", text: 'ERROR:  column "nothing" does not exist\nLINE 2:   nothing;\n          ^' },
    ]);
  });

  it("is followed by its error without position, detail and hint if the server sends none", async () => {
    const refused = ["BEGIN;", "SAVEPOINT s;", "SELECT 1 / 0;", "ROLLBACK TO s;", "ROLLBACK;"];
    expect(await texts(...refused)).toEqual(["ERROR:  division by zero"]);
  });

  it("ends the demo when the statement succeeds", async () => {
    const script = play("BEGIN;", "SAVEPOINT s;", "SELECT 1;", "ROLLBACK TO s;");
    await expect(script).rejects.toThrow("this was not refused: SELECT 1;");
    await session`rollback`;
  });
});

describe("the demo ends at", () => {
  it("an error that the script does not roll back", async () => {
    await expect(play("SELECT 1 / 0;")).rejects.toThrow(postgres.PostgresError);
  });

  it("an error that is not the server's", async () => {
    const file = join(dir, "lost.sql");
    writeFileSync(file, "SELECT 1;\nROLLBACK TO s;\n");
    const lost = new Player(() => Promise.reject(new Error("the connection is lost"))).play(file);
    await expect(lost.next()).rejects.toThrow("the connection is lost");
  });

  it("an unknown backslash command", async () => {
    await expect(play("\\watch 1")).rejects.toThrow("a script of the demo has no command \\watch");
  });

  it("a statement without a semicolon", async () => {
    await expect(play("SELECT 1", "")).rejects.toThrow("this statement does not end: SELECT 1");
  });
});
