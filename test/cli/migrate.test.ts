import { readdirSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readFacts } from "../support/catalog-facts.js";
import { createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { runCli } from "./run-cli.js";

const files = readdirSync("migrations").sort();
const names = files.map((file) => file.replace(/\.sql$/, ""));
const whole = files
  .map((file) => `-- migrations/${file}\n${readFileSync(`migrations/${file}`, "utf8")}`)
  .join("\n");
const [newest = ""] = names.slice(-1);

let db: TestDatabase;
beforeEach(async () => {
  db = await createEmptyDatabase();
});
afterEach(() => db.drop());

const migrate = (...args: string[]): ReturnType<typeof runCli> =>
  runCli("migrate", ...args, "--database-url", db.url);

describe("migrate --lock-timeout", () => {
  it("bounds the wait for another migrator", async () => {
    const other = await db.sql.reserve();
    await other`select pg_advisory_lock(7241865325823964)`;
    expect(await migrate("--lock-timeout", "20ms")).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "vmstate: another session is migrating this database and did not finish in time: try again, or with a longer --lock-timeout\n",
    });
    other.release();
  });

  it.each(["soon", "5", "-1s", "1h"])("refuses %s", async (time) => {
    const { code, stderr } = await migrate(`--lock-timeout=${time}`);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /Expected a whole number and ms, s or min, for example 5s, or 0 for no limit; see vmstate migrate --help\n$/,
    );
  });

  it.each(["0", "500ms", "5s", "1min"])("accepts %s", async (time) => {
    expect(await migrate("--lock-timeout", time)).toMatchObject({ code: 0 });
  });
});

describe("migrate status", () => {
  it("lists pending, applied and unknown migrations", async () => {
    const { code, stdout } = await migrate("status");
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^migration +state +applied at\n${String(names[0])} +pending\n`));
    expect(await db.sql`select to_regnamespace('vmstate') as schema`).toEqual([{ schema: null }]);

    await migrate();
    await db.sql`insert into vmstate.schema_change (number, name, is_breaking) values (99, '0099_later', true)`;
    const after = (await migrate("status")).stdout.trimEnd().split("\n");
    expect(after).toHaveLength(names.length + 2);
    expect(after.at(-2)).toMatch(new RegExp(`^${newest} +applied +\\d{4}-\\d\\d-\\d\\d [\\d:.]+Z$`));
    expect(after.at(-1)).toMatch(/^0099_later +unknown, breaking +\d{4}-/);
    expect(after.filter((line) => line.length > 80)).toEqual([]);
  });

  it("prints JSON with --json", async () => {
    const pending = names.map((name) => ({ name, state: "pending", isBreaking: false, timeApplied: null }));
    expect(JSON.parse((await migrate("status", "--json")).stdout)).toEqual(pending);
    await migrate();
    expect(JSON.parse((await migrate("status", "--json")).stdout)).toEqual(
      pending.map((one) => ({ ...one, state: "applied", timeApplied: expect.any(String) as string })),
    );
  });
});

describe("migrate plan", () => {
  it("prints SQL that makes the same database as migrate, and changes nothing", async () => {
    await using other = await createEmptyDatabase();
    const { code, stdout, stderr } = await migrate("plan");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(whole);
    expect(await db.sql`select to_regnamespace('vmstate') as schema`).toEqual([{ schema: null }]);
    await migrate();
    await other.sql.begin((sql) => sql.unsafe(stdout));
    expect(await readFacts(other.sql)).toEqual(await readFacts(db.sql));
  });

  it("prints nothing when there is nothing to apply", async () => {
    await migrate();
    expect(await migrate("plan")).toEqual({
      code: 0,
      stdout: "",
      stderr: "up to date: there is nothing to apply\n",
    });
  });

  it("fails with the error of migrate when there is no plan", async () => {
    await db.sql.unsafe("create schema vmstate; create table vmstate.instance ()");
    const { code, stderr } = await migrate("plan");
    expect(code).toBe(1);
    expect(stderr).toBe((await migrate()).stderr);
  });
});

describe("migrate export", () => {
  const exported = (...args: string[]): ReturnType<typeof runCli> => runCli("migrate", "export", ...args);

  it("needs no database", async () => {
    expect(await exported()).toEqual({ code: 0, stdout: whole, stderr: "" });
    expect(await exported("--from", "1", "--to", String(names.length))).toMatchObject({ stdout: whole });
  });

  it("prints the range of --from and --to", async () => {
    const [first = ""] = files;
    const { stdout } = await exported("--to", "0001");
    expect(stdout).toBe(`-- migrations/${first}\n${readFileSync(`migrations/${first}`, "utf8")}`);
  });

  it.each([
    ["--from", "9998"],
    ["--to", "9998"],
  ])("fails for a migration that does not exist: %s %s", async (...args) => {
    const { code, stderr } = await exported(...args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^vmstate: --from and --to must be 1 to \d+ and in order, not \d+ to \d+\n$/);
  });

  it.each(["0", "x", "-1", "00001"])("refuses --from %s", async (n) => {
    const { code, stderr } = await exported(`--from=${n}`);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /Expected the number of a schema migration, for example 2; see vmstate migrate export --help\n$/,
    );
  });
});

it.each([[], ["status"], ["plan"], ["export"]])("migrate %s --help fits in 80 columns", async (...args) => {
  const { code, stdout } = await runCli("migrate", ...args, "--help");
  expect(code).toBe(0);
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
});
