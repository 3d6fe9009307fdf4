import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { SET_BY_PACKAGE } from "../../src/schema/drift/additions.js";
import { compareCatalogs, type Comparison } from "../../src/schema/drift/compare.js";
import { type CatalogObject, readCatalog } from "../../src/schema/drift/read.js";
import { readSources } from "../../src/schema/sources.js";
import { withDatabase } from "../support/database.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const db = withDatabase();
let catalog: CatalogObject[];
beforeAll(async () => {
  catalog = await readCatalog(db.sql);
});

class RolledBack extends Error {}

/** Compares the catalog before with the one after the statements, which are rolled back. */
async function after(statements: string, expected: readonly CatalogObject[] = catalog): Promise<Comparison> {
  let comparison: Comparison | undefined;
  const work = db.sql.begin(async (sql) => {
    await sql.unsafe(statements);
    comparison = compareCatalogs(expected, await readCatalog(sql));
    throw new RolledBack();
  });
  await expect(work).rejects.toThrow(RolledBack);
  return comparison ?? expect.unreachable();
}

/** How an addition stands among the warnings. */
const added = (kind: string, name: string, property: string | null, actual: string | null): Comparison => ({
  differences: [],
  warnings: [{ difference: "added", kind, name, property, actual }],
});

const SAME: Comparison = { differences: [], warnings: [] };

/** An option as only a superuser's write to the catalog, or the server itself, can put it there. */
const putOption = (option: string): string =>
  `update pg_attribute set attoptions = array_append(attoptions, '${option}')
    where attrelid = 'vmstate.api_vmm'::regclass and attnum > 0`;

describe("a warning: an option that an operator added", () => {
  it.each([
    [
      "autovacuum of a table",
      "alter table vmstate.vmm set (autovacuum_vacuum_scale_factor = 0.01)",
      added("table", "vmstate.vmm", "autovacuum_vacuum_scale_factor", "0.01"),
    ],
    [
      "autovacuum of a TOAST table",
      "alter table vmstate.vmm set (toast.autovacuum_enabled = false)",
      added("table", "vmstate.vmm", "toast.autovacuum_enabled", "false"),
    ],
    [
      "another storage parameter",
      "alter table vmstate.vmm set (parallel_workers = 2)",
      added("table", "vmstate.vmm", "parallel_workers", "2"),
    ],
    [
      "the fillfactor of an index, which sql/ leaves to the server",
      "alter index vmstate.vmm_on_sled set (fillfactor = 60)",
      added("index", "vmstate.vmm_on_sled", "fillfactor", "60"),
    ],
    [
      "an option of the index of a key",
      "alter index vmstate.vmm_pkey set (deduplicate_items = off)",
      added("index", "vmstate.vmm_pkey", "deduplicate_items", "off"),
    ],
    [
      "a statistics target",
      "alter table vmstate.vmm alter state set statistics 500",
      added("column", "vmstate.vmm.state", "statistics target", "500"),
    ],
    [
      "n_distinct",
      "alter table vmstate.vmm alter sled_id set (n_distinct = 2500)",
      added("column", "vmstate.vmm.sled_id", "n_distinct", "2500"),
    ],
    [
      "statistics in the schema",
      "create statistics vmstate.extra on sled_id, state from vmstate.vmm",
      added("statistics", "vmstate.extra", null, null),
    ],
    [
      "statistics in another schema",
      "create statistics public.extra on sled_id, state from vmstate.vmm",
      added("statistics", "public.extra", null, null),
    ],
  ])("%s", async (_, statements, comparison) => {
    expect(await after(statements)).toEqual(comparison);
  });

  it("an option that the server does not know", async () => {
    const { differences, warnings } = await after(putOption("owner_team=storage"));
    expect(differences).toEqual([]);
    expect(warnings[0]).toEqual({
      difference: "added",
      kind: "column",
      name: "vmstate.api_vmm.failure_reason",
      property: "owner_team",
      actual: "storage",
    });
  });

  it("no warning for options of a table that is itself unexpected", async () => {
    const statements = `
      create table vmstate.extra (a int, b int) with (autovacuum_enabled = false);
      create statistics vmstate.extra_ab on a, b from vmstate.extra`;
    expect(await after(statements)).toEqual({
      differences: [{ difference: "unexpected", kind: "table", name: "vmstate.extra" }],
      warnings: [],
    });
  });
});

describe("no difference: an option that only the server sets", () => {
  it.each([
    ["PostgreSQL 15.20: pg_attver of an upgraded server's new columns only", "pg_attver=7"],
    ["any other option with the reserved prefix pg_", "pg_else=7"],
  ])("%s", async (_, option) => {
    expect(await after(putOption(option))).toEqual(SAME);
  });

  it("an option with different values in the two schemas", async () => {
    const expected = catalog.map((object) =>
      object.name.startsWith("vmstate.api_vmm.") ? { ...object, options: { version: "1" } } : object,
    );
    expect(await after(putOption("version=2"), expected)).toEqual(SAME);
  });

  it("an option that the older live schema lacks", async () => {
    const expected = catalog.map((object) => ({ ...object, options: { ...object.options, version: "1" } }));
    expect(await after("select", expected)).toEqual(SAME);
  });
});

describe("a difference: an option that this package set", () => {
  it.each([
    ["changed", "set (fillfactor = 100)", "100"],
    ["reset", "reset (fillfactor)", null],
    ["changed, while another option was added", "set (fillfactor = 90, autovacuum_enabled = off)", "90"],
  ])("that is %s", async (_, action, actual) => {
    const { differences } = await after(`alter table vmstate.vmm ${action}`);
    expect(differences).toEqual([
      {
        difference: "changed",
        kind: "table",
        name: "vmstate.vmm",
        property: "fillfactor",
        expected: "70",
        actual,
      },
    ]);
  });

  it.each(["security_barrier", "security_invoker"])(
    "%s of a view, which decides what the view shows",
    async (property) => {
      const { differences, warnings } = await after(`alter view vmstate.api_vmm set (${property} = true)`);
      expect(differences).toEqual([
        {
          difference: "changed",
          kind: "view",
          name: "vmstate.api_vmm",
          property,
          expected: null,
          actual: "true",
        },
      ]);
      expect(warnings).toEqual([]);
    },
  );

  it("that sql/ sets is in the list of compared options", async () => {
    const texts = (await readSources(ROOT)).map(({ text }) => text);
    const lists = texts.flatMap((text) => [
      ...text.matchAll(/\b(?:WITH|SET)\s*\(\s*([\w.]+\s*=[\w. ,=]+)\)/g),
    ]);
    const names = lists.flatMap(([, list = ""]) => list.split(",").map((item) => item.split("=")[0]?.trim()));
    expect([...new Set(names)]).toEqual(SET_BY_PACKAGE);
  });
});
