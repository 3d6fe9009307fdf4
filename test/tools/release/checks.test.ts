import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { compareCatalogs } from "../../../src/schema/drift/compare.js";
import { readCatalog } from "../../../src/schema/drift/read.js";
import { type Migration, PACKAGE_ROOT, readMigrations, recordOf } from "../../../src/schema/files.js";
import { type Ledger, readLedger, releasedMigrations } from "../../../src/schema/ledger.js";
import { readSources, type Source } from "../../../src/schema/sources.js";
import { createDatabase, createEmptyDatabase, withDatabase } from "../../support/database.js";
import { requireChangelog } from "../../../tools/release/changelog.js";
import { rewrittenSince } from "../../../tools/release/ledger-history.js";
import { isRecreatable, lint } from "../../../tools/release/lint.js";
import { applyAndSeeLocks } from "../../../tools/release/locks.js";
import { unmigrated } from "../../../tools/release/new-migration.js";
import { pinnedTypes } from "../../../tools/release/pins.js";
import { pathComplaints, PATH_BEFORE, SAFE_PATH } from "../../../tools/release/search-path.js";
import {
  brokenSignatures,
  newSignatures,
  promisedBy,
  readSignatures,
} from "../../../tools/release/signatures.js";

const db = withDatabase();
let sources: Source[];
let migrations: Migration[];
let ledger: Ledger;
beforeAll(async () => {
  sources = await readSources(PACKAGE_ROOT);
  // also refuses a released file that is another one now
  migrations = await readMigrations(PACKAGE_ROOT);
  ledger = await readLedger(PACKAGE_ROOT);
});

describe("the repository", () => {
  it("has every file of sql/ in a migration, with its present text", async () => {
    expect(await unmigrated(PACKAGE_ROOT)).toEqual([]);
  });

  it("has a ledger of its released migrations, which commits only append to", async () => {
    const released = releasedMigrations(ledger).map(({ name, breaking }) => [name, breaking]);
    expect(released).toEqual(
      migrations.slice(0, released.length).map(({ name, isBreaking }) => [name, isBreaking]),
    );
    expect((await rewrittenSince(PACKAGE_ROOT, ledger)) ?? []).toEqual([]);
  });

  it("keeps every public signature that was released", async () => {
    const now = await readSignatures(db.sql);
    expect(Object.keys(now).length).toBeGreaterThan(40);
    expect(brokenSignatures(promisedBy(ledger), now)).toEqual([]);
  });

  it("names in its changelog what each unreleased migration locks and breaks", async () => {
    const { version } = JSON.parse(await readFile(join(PACKAGE_ROOT, "package.json"), "utf8")) as {
      version: string;
    };
    await using empty = await createEmptyDatabase();
    const locks = await applyAndSeeLocks(empty.sql, migrations);
    const pending = migrations.slice(releasedMigrations(ledger).length);
    expect(locks.size).toBe(migrations.length);
    await expect(requireChangelog(PACKAGE_ROOT, version, pending, locks)).resolves.toBeUndefined();
  });

  it("passes the lint", async () => {
    const files = [...sources, ...migrations.map(({ name, text }) => ({ file: name, text }))];
    const complaints = await Promise.all(
      files.map(async ({ file, text }) => (await lint(text)).map((complaint) => `${file}: ${complaint}`)),
    );
    expect(files.length).toBeGreaterThan(100);
    expect(complaints.flat()).toEqual([]);
  });

  it("has no migration after the first four that does not set and restore the search_path", () => {
    expect(migrations.filter((migration) => pathComplaints(migration).length > 0)).toEqual([]);
    expect(migrations.length).toBeGreaterThan(4);
  });

  it("has functions, views and triggers that CREATE OR REPLACE leaves unchanged", async () => {
    const before = await readCatalog(db.sql);
    let count = 0;
    for (const { text } of sources) {
      if (!(await isRecreatable(text))) continue;
      await db.sql.begin((sql) => sql.unsafe(text));
      count++;
    }
    expect(count).toBeGreaterThan(100);
    expect(compareCatalogs(before, await readCatalog(db.sql))).toEqual({ differences: [], warnings: [] });
  });
});

describe("tables and domains can be altered", () => {
  it("no function with a parsed body takes or returns a composite type or a domain", async () => {
    expect(await pinnedTypes(db.sql)).toEqual([]);
  });

  it.each([
    ["a table", "f(vmstate.migration)", "f(p vmstate.migration) returns int return 1", "vmstate.migration"],
    [
      "the row of a view",
      "f()",
      "f() returns vmstate.api_vmm begin atomic select v.* from vmstate.api_vmm as v; end",
      "vmstate.api_vmm",
    ],
    ["an array of domains", "f(vmstate.port[])", "f(p vmstate.port[]) returns int return 1", "vmstate.port"],
    [
      "a returned column",
      "f()",
      "f() returns table (a int, b vmstate.port) begin atomic select 1, 2; end",
      "vmstate.port",
    ],
    [
      "a composite type",
      "f()",
      "f() returns vmstate.outcomes return row(null)::vmstate.outcomes",
      "vmstate.outcomes",
    ],
  ])("pinnedTypes finds %s in such a signature", async (_, signature, definition, type) => {
    await using planted = await createDatabase();
    await planted.sql`create type vmstate.outcomes as (one vmstate.outcome)`;
    await planted.sql.unsafe(`create function vmstate.${definition}`);
    expect(await pinnedTypes(planted.sql)).toContain(`function vmstate.${signature} pins ${type}`);
  });

  it("PostgreSQL adds a column with a default to every table, and a check to every domain", async () => {
    await using altered = await createDatabase();
    const rows = await altered.sql<{ statement: string }[]>`
      select format('alter table %s add column extra text default %L', c.oid::regclass, '') as statement
        from pg_class as c
        where c.relnamespace = 'vmstate'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      union all
      select format('alter domain %s add check (value is distinct from null)', t.oid::regtype)
        from pg_type as t where t.typnamespace = 'vmstate'::regnamespace and t.typtype = 'd'`;
    expect(rows.length).toBeGreaterThan(7);
    for (const { statement } of rows) await altered.sql.unsafe(statement);
  });
});

describe("the lint finds", () => {
  it.each([
    [
      "a marker",
      "--Up   Migration\nselect 1",
      "a comment that node-pg-migrate takes for a marker: --Up   Migration",
    ],
    [
      "another marker",
      "select 1;\n -- down migration",
      "a comment that node-pg-migrate takes for a marker: -- down migration",
    ],
    ["a table", "create table extra ()", "a name without its schema: extra"],
    ["an index on a table", "create index on extra (id)", "a name without its schema: extra"],
    ["a table that is altered", "alter table extra add id int", "a name without its schema: extra"],
    [
      "a function",
      "create or replace function extra() returns int return 1",
      "a name without its schema: extra",
    ],
    ["an enum", "create type extra as enum ('a')", "a name without its schema: extra"],
    ["an enum with a new label", "alter type extra add value 'b'", "a name without its schema: extra"],
    ["a domain", "create domain extra as int", "a name without its schema: extra"],
    ["a domain that changes", "alter domain extra set not null", "a name without its schema: extra"],
    ["a composite type", "create type extra as (a int)", "a name without its schema: extra"],
    [
      "the function of a trigger",
      "create or replace trigger t before delete on vmstate.vmm execute function extra()",
      "a name without its schema: extra",
    ],
    ["a view", "create or replace view extra as select", "a name without its schema: extra"],
    [
      "what a view reads",
      "create or replace view vmstate.v as select from extra",
      "a name without its schema: extra",
    ],
    ["CREATE VIEW", "create view vmstate.v as select", "CREATE without OR REPLACE: ViewStmt"],
    [
      "CREATE FUNCTION",
      "create function vmstate.f() returns int return 1",
      "CREATE without OR REPLACE: CreateFunctionStmt",
    ],
    ["a transaction", "commit", "not for a transaction: TransactionStmt"],
    [
      "an index made concurrently",
      "create index concurrently on vmstate.vmm (id)",
      "not for a transaction: IndexStmt",
    ],
    [
      "a label used at once",
      "alter type vmstate.outcome add value 'late'; create or replace view vmstate.v as select 'late'::vmstate.outcome",
      "a label that is added and used in one file: late",
    ],
  ])("%s", async (_, sql, complaint) => {
    expect(await lint(sql)).toEqual([complaint]);
  });

  const body = (statements: string): string =>
    `CREATE OR REPLACE FUNCTION vmstate.f() RETURNS trigger\nLANGUAGE plpgsql\nAS $$ DECLARE v_x integer; BEGIN ${statements} END $$`;

  it.each([
    ["PERFORM FROM extra;"],
    ["IF EXISTS (SELECT FROM extra) THEN RETURN NULL; END IF;"],
    ["v_x := (SELECT 1 FROM extra);"],
    ["v_x = (SELECT 1 FROM extra WHERE true = true);"],
    ["FOR v_x IN SELECT 1 FROM extra LOOP NULL; END LOOP;"],
    ["DELETE FROM extra;"],
  ])("in a body: %s", async (statement) => {
    expect(await lint(body(statement))).toEqual(["a name without its schema: extra"]);
    expect(await lint(`select 1;\n-- copy of sql/a.sql\n${body(statement)};\n-- end of sql/a.sql\n`)).toEqual(
      ["a name without its schema: extra"],
    );
  });

  it("a built-in relation without its schema in a body", async () => {
    expect(await lint(body("PERFORM FROM pg_roles;"))).toEqual(["a name without its schema: pg_roles"]);
  });

  it("nothing in statements without a fault", async () => {
    expect(
      await lint(`
        create or replace view vmstate.v as with a as (select 1) select from a, pg_class;
        alter type vmstate.outcome add value 'late';
        comment on type vmstate.outcome is 'late';
        alter type vmstate.outcome rename value 'gone' to 'left'`),
    ).toEqual([]);
    expect(await lint(body("PERFORM FROM vmstate.vmm AS v FOR UPDATE OF v; v_x := 1;"))).toEqual([]);
  });
});

describe("a migration that leaves the search_path to the session", () => {
  const migration = (text: string, number = 5): Migration => {
    const name = `${String(number).padStart(4, "0")}_next`;
    return { number, name, isBreaking: false, text: `${text}${recordOf(name, false)}` };
  };
  const BEGIN = "its first statement does not set the search_path";
  const END = "the last statement before its record does not set the search_path back";

  it.each([
    ["both statements missing", "-- a comment\n\nselect 1;\n", [BEGIN, END]],
    ["a statement before the first", `-- a comment\n\nselect 1;\n${SAFE_PATH}\n${PATH_BEFORE}\n`, [BEGIN]],
    ["a statement after the last", `-- a comment\n\n${SAFE_PATH}\n${PATH_BEFORE}\nselect 1;\n`, [END]],
    ["both statements in place", `-- a comment\n\n${SAFE_PATH}\nselect 1;\n\n${PATH_BEFORE}\n`, []],
  ])("is reported: %s", (_, text, complaints) => {
    expect(pathComplaints(migration(text))).toEqual(complaints);
  });

  it("is not reported before number 5", () => {
    expect(pathComplaints(migration("select 1;\n", 4))).toEqual([]);
  });
});

describe("a signature", () => {
  const released = { "function f(a integer)": ["outcome text", "reason text"], "enum e": ["a", "b"] };

  it("is not broken by additions", () => {
    const now = { ...released, "enum e": ["a", "c", "b"], "view v": ["id uuid"] };
    expect(brokenSignatures(released, now)).toEqual([]);
  });

  it("is promised from the release that added it", () => {
    const now = { ...released, "enum e": ["a", "c", "b"], "view v": ["id uuid"] };
    const added = newSignatures(released, now);
    expect(added).toEqual({ "enum e": ["c"], "view v": ["id uuid"] });
    const ledger = [released, added].map((signatures) => ({ version: "", migrations: [], signatures }));
    expect(promisedBy(ledger)).toEqual({ ...now, "enum e": ["a", "b", "c"] });
    expect(released["enum e"]).toEqual(["a", "b"]);
  });

  it.each([
    [{ "enum e": ["a", "b"] }, "function f(a integer)"],
    [{ ...released, "enum e": ["a", "c"] }, "enum e: b"],
    [
      { ...released, "function f(a integer)": ["outcome text", "reason varchar"] },
      "function f(a integer): reason text",
    ],
  ])("is broken if it changed or is missing: %j", (now, broken) => {
    expect(brokenSignatures(released, now)).toEqual([broken]);
  });
});

describe("the commands", () => {
  const run = (file: string, ...args: string[]): Promise<{ stdout: string }> =>
    promisify(execFile)(process.execPath, ["--import", "tsx", `tools/release/${file}`, ...args], {
      cwd: PACKAGE_ROOT,
      env: { ...process.env, NODE_OPTIONS: "", NODE_V8_COVERAGE: "" },
    });

  it.each(["new.ts", "main.ts"])("%s --help prints the usage", async (file) => {
    expect((await run(file, "--help")).stdout).toMatch(/^Usage: /);
  });

  it("fail with one line that names the problem", async () => {
    await expect(run("new.ts", "2nd")).rejects.toMatchObject({
      code: 1,
      stdout: "",
      stderr: '"2nd" is no name: letters, digits and _\n',
    });
  });
});
