import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findDrift } from "../../src/schema/drift/find-drift.js";
import { bindSledAgent, grantAccess, vmstate } from "../../src/index.js";
import { PACKAGE_ROOT, readMigrations } from "../../src/schema/files.js";
import { migrateFrom } from "../../src/schema/migrate-from.js";
import type { TestDatabase } from "../support/copy.js";
import { breachesOf } from "../verification/faults/dumps.js";
import { DEBIAN_BIN, DebianServer } from "./debian.js";
import { populate, rowsOf } from "./population.js";
import { ownersIn, Roles } from "./roles.js";

let server: DebianServer;
let dir: string;
let source: TestDatabase;
let target: TestDatabase;
let names: string[];

const migrate = (url: string): Promise<string[]> => migrateFrom(PACKAGE_ROOT, url);

function write(name: string, text: string): string {
  const file = join(dir, name);
  writeFileSync(file, text);
  return file;
}

describe.skipIf(DEBIAN_BIN === undefined)("with pg_dump and psql of Debian,", () => {
  beforeAll(async () => {
    server = await DebianServer.start();
    names = (await readMigrations(PACKAGE_ROOT)).map(({ name }) => name);
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "vmstate-dump-"));
    [source, target] = [await server.createDatabase(), await server.createDatabase()];
  });
  afterEach(async () => {
    await Promise.all([source.drop(), target.drop()]);
    rmSync(dir, { recursive: true });
  });

  describe("a copy of the schema alone", () => {
    const copySchema = async (...options: string[]): Promise<void> => {
      const structure = await server.dump(source.url, "--schema-only", "--schema=vmstate", ...options);
      await server.psql(target.url, write("structure.sql", structure));
    };

    it.each([
      ["as pg_dump writes it", []],
      ["without owners", ["--no-owner"]],
      ["without node-pg-migrate's table", ["--exclude-table=vmstate.pgmigrations"]],
    ])("%s is taken over", async (_, options) => {
      await migrate(source.url);
      await copySchema(...options);
      expect(await migrate(target.url)).toEqual([]);
      expect(await findDrift(target.sql)).toEqual([]);
      const records = await target.sql`
        select c.name from vmstate.schema_change as c join vmstate.pgmigrations as m using (name) order by number`;
      expect(records.map(({ name }) => name as string)).toEqual(names);
      await populate(vmstate(target.sql));
    });

    it("of the first release is taken over and migrated", async () => {
      const [first] = await readMigrations(PACKAGE_ROOT);
      await source.sql.unsafe(first?.text ?? "");
      await copySchema();
      expect(await migrate(target.url)).toEqual(names.slice(1));
      expect(await findDrift(target.sql)).toEqual([]);
    });

    it("without its privileges is refused: PUBLIC may execute its functions", async () => {
      await migrate(source.url);
      await copySchema("--no-privileges");
      await expect(migrate(target.url)).rejects.toThrow(
        /^schema vmstate has objects, vmstate\.schema_change has no row, and the schema equals no release; different from \d{4}_\w+: changed function/,
      );
    });
  });

  describe("a copy of the rows alone, loaded by the schema's owner as docs/operations.md tells,", () => {
    const TABLES = ["instance", "vmm", "migration", "sled_agent_binding"].map(
      (name) => `--table=vmstate.${name}`,
    );
    const SCRIPT = /^```sql\n(BEGIN;\nSET CONSTRAINTS.*?)^```$/ms;
    let roles: [Roles, Roles];
    let owner: string;
    let loader: postgres.Sql;

    beforeEach(async () => {
      roles = [new Roles(source), new Roles(target)];
      owner = await roles[0].create("owner");
      for (const { sql } of [source, target])
        await sql.unsafe(`create schema vmstate authorization ${owner}`);
      for (const role of [roles[0].urlOf(owner), roles[1].urlOf(owner)]) await migrate(role);
      loader = roles[1].connect(owner);
    });
    afterEach(async () => {
      await target.sql.unsafe(`drop owned by ${owner} cascade`);
      await roles[0][Symbol.asyncDispose]();
    });

    const dumpOf = (...tables: string[]): Promise<string> =>
      server.dump(roles[0].urlOf(owner), "--data-only", ...tables);

    async function dumpRows(change: (rows: string) => string = (rows) => rows): Promise<void> {
      write("rows.sql", change(await dumpOf(...TABLES)));
    }

    async function load(): Promise<void> {
      const script = SCRIPT.exec(readFileSync("docs/operations.md", "utf8"))?.[1] ?? "";
      expect(script).toContain("\\ir rows.sql");
      await server.psql(roles[1].urlOf(owner), write("load.sql", script));
    }

    it("has the same rows, and its guards are enabled", async () => {
      const agent = await roles[0].create("agent");
      await grantAccess(source.sql, { role: agent, kind: "sled_agent" });
      await bindSledAgent(source.sql, { role: agent, sledId: "00000000-0000-4000-8000-000000000005" });
      await populate(vmstate(source.sql));
      await dumpRows();
      await load();
      const rows = await rowsOf(source.sql);
      expect(rows.length).toBeGreaterThan(40);
      expect(await rowsOf(target.sql)).toEqual(rows);
      expect(await loader`select from vmstate.invariant_violation`).toHaveLength(0);
      expect(await breachesOf(target.sql)).toEqual([]);
      expect(await findDrift(target.sql)).toEqual([]);
      expect(await ownersIn(target.sql)).toEqual([owner]);
      await populate(vmstate(loader));
    });

    it("has the same rows for any order of the tables, since pg_dump breaks a circle of foreign keys anywhere", async () => {
      await populate(vmstate(source.sql));
      const dumps = [];
      for (const table of [...TABLES].reverse()) dumps.push(await dumpOf(table));
      write("rows.sql", dumps.join("\n"));
      await load();
      expect(await rowsOf(target.sql)).toEqual(await rowsOf(source.sql));
    });

    it.each([
      ["a link names a missing VMM", /^COPY vmstate\.vmm .*?^\\\.$/ms, "", /violates foreign key constraint/],
      [
        "a linked VMM is marked as unlinked",
        /(\trunning\t\d+\t[^\t\n]+\t[^\t\n]+\t\\N\t)\\N(?=\t)/,
        "$12020-01-01 00:00:00+00",
        /the rows break an invariant/,
      ],
    ])("is refused as a whole where %s", async (_, from, to, message) => {
      await populate(vmstate(source.sql));
      await dumpRows((rows) => rows.replace(from, to));
      await expect(load()).rejects.toThrow(message);
      expect(await rowsOf(target.sql)).toEqual([]);
      expect(await breachesOf(target.sql)).toEqual([]);
    });
  });
});
