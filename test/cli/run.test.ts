import { Command } from "commander";
import type postgres from "postgres";
import { afterEach, expect, it, vi } from "vitest";
import { openDatabase } from "../../src/cli/database.js";
import { Interruption, orInterruption } from "../../src/terminal/interruption.js";
import { newIo } from "../../src/terminal/io.js";
import { run } from "../../src/cli/run.js";
import { withSnapshot } from "../../src/cli/queries/snapshot.js";
import { createDatabase } from "../support/database.js";
import { TestHost } from "./run-cli.js";
import { Scenario } from "./scenario.js";

afterEach(() => {
  vi.restoreAllMocks();
});

const signal = new AbortController().signal;

it("throws an unexpected error with its stack", async () => {
  const program = new Command().action(() => {
    throw new TypeError("a bug");
  });
  const host = new TestHost();
  await expect(run(program, [], host)).rejects.toThrow(TypeError);
  expect(host.eventNames()).toEqual([]);
});

it("does not wait for a promise after an interruption", async () => {
  const interruption = new Interruption(130);
  const never = new Promise(() => undefined);
  await expect(orInterruption(never, AbortSignal.abort(interruption))).rejects.toBe(interruption);
});

it("does not print notices of PostgreSQL", async () => {
  await using db = await createDatabase();
  const log = vi.spyOn(console, "log").mockReturnValue();
  const { sql, close } = await openDatabase({ databaseUrl: db.url, embedded: false }, signal);
  await sql.unsafe("do $$ begin raise notice 'note'; end $$");
  await close();
  await close();
  expect(log).not.toHaveBeenCalled();
});

it("reads in one read-only snapshot", async () => {
  await using db = await createDatabase();
  const io = newIo(new TestHost(), signal);
  const options = { databaseUrl: db.url };
  const write = withSnapshot(io, options, (sql) => sql`create table vmstate.written ()`);
  await expect(write).rejects.toThrow("is read-only");
  const counts = await withSnapshot(io, options, async (sql) => {
    const count = (): Promise<postgres.Row[]> => sql`select count(*)::integer as n from vmstate.instance`;
    const before = await count();
    await new Scenario(db.sql).create();
    return [before, await count()].map(([row]) => row?.["n"] as number);
  });
  expect(counts).toEqual([0, 0]);
});

it("main.ts runs the program on the process and exits with its code", async () => {
  const argv = vi.spyOn(process, "argv", "get").mockReturnValue(["node", "vmstate", "nonsense"]);
  const exit = vi.spyOn(process, "exit").mockReturnValue(undefined as never);
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  await import("../../src/cli/main.js");
  expect(argv).toHaveBeenCalled();
  expect(exit.mock.calls).toEqual([[2]]);
  expect(written.mock.calls).toEqual([["vmstate: unknown command 'nonsense'; see vmstate --help\n"]]);
});
