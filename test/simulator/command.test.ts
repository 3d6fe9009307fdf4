import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { Command } from "commander";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Host } from "../../src/terminal/io.js";
import { replayCommand } from "../../src/cli/replay.js";
import { run } from "../../src/cli/run.js";
import { createDatabase, type TestDatabase } from "../support/database.js";
import { HEADER, newTraces, traceOf, zipped } from "./traces.js";

const traces = newTraces();
afterAll(traces.remove);
const trace = traces.write("trace.csv.gz", zipped(traceOf(30)));

let db: TestDatabase;
beforeEach(async () => {
  db = await createDatabase();
});
afterEach(() => db.drop());

interface Ended {
  exitCode: number;
  out: string;
  err: string;
}

class TestHost extends EventEmitter implements Host {
  readonly stdout: Host["stdout"] = new PassThrough();
  readonly stderr: Host["stderr"] = new PassThrough();
}

async function vmstate(args: readonly string[], host = new TestHost()): Promise<Ended> {
  const texts = { out: "", err: "" };
  host.stdout.on("data", (chunk) => (texts.out += String(chunk)));
  host.stderr.on("data", (chunk) => (texts.err += String(chunk)));
  const program = new Command("vmstate").exitOverride().configureOutput({
    writeErr: (text) => host.stderr.write(text),
  });
  program.addCommand(replayCommand().copyInheritedSettings(program));
  const exitCode = await run(program, ["replay", ...args], host);
  return { exitCode, ...texts };
}

const on = (...args: string[]): string[] => [...args, "--database-url", db.url];

describe("vmstate replay", () => {
  it("prints a summary in 80 columns", async () => {
    const { exitCode, out, err } = await vmstate(
      on(trace, "--fail-rate", "0.2", "--migrate-rate", ".5", "--seed", "7"),
    );
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^30 VMs, [\d,]+ verbs in \d+\.\d s: [\d,]+ verbs\/s\nseed 7, concurrency 8, /);
    expect(out).toMatch(/^begin_start +\d[\d,]* +\d[\d.]* +\d[\d.]* +\d[\d,]* applied$/m);
    expect(out).toMatch(/ended as their lives say: 30 of 30 VMs\n.*0\n.*0\nunexpected outcomes: 0\n$/);
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(err).toMatch(/^30 VMs on database .*, seed 7\n/);
    expect(err).toContain("100%  30/30 VMs");
  });

  it("prints one line of JSON with --json, without a password", async () => {
    const { exitCode, out, err } = await vmstate(on(trace, "--limit", "12", "--concurrency", "3", "--json"));
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^{.*}\n$/);
    const result = JSON.parse(out) as Record<string, unknown>;
    expect(result).toMatchObject({ vms: 12, violations: 0, unexpected: 0, wrong: 0, leftovers: 0 });
    expect(result).toMatchObject({
      concurrency: 3,
      failRate: 0,
      migrateRate: 0,
      seed: expect.any(Number) as number,
    });
    expect(result["byVerb"]).toMatchObject({ create_instance: { calls: 12, outcomes: { applied: 12 } } });
    expect(Object.keys(result)).toEqual(
      ["vms", "verbs", "violations", "unexpected", "wrong", "leftovers", "seconds", "verbsPerSecond"].concat([
        "seed",
        "concurrency",
        "failRate",
        "migrateRate",
        "byVerb",
      ]),
    );
    expect(err).toContain("12 VMs, ");
  });

  it("exits 1 and prints each unexpected result", async () => {
    await db.sql`alter table vmstate.vmm add constraint planted check (state <> 'stopping')`;
    const { exitCode, out, err } = await vmstate(on(trace, "--json"));
    expect(exitCode).toBe(1);
    expect(err).toMatch(/^unexpected: report_vmm .*: 23514 .*; expected no error$/m);
    expect(err).toMatch(/^wrong: vm-\d+ must be deleted; it is running, 1 VMM running$/m);
    expect(err).toMatch(
      /^vmstate: the replay failed: unexpected outcomes \d+, VMs in a wrong state \d+, left over 0, /m,
    );
    expect(JSON.parse(out)).toMatchObject({ unexpected: expect.any(Number) as number });
  });

  it("starts a server of its own when no URL is given", async () => {
    const { exitCode, err } = await vmstate([trace, "--limit", "2", "--database-url", ""]);
    expect(exitCode).toBe(0);
    expect(err).toMatch(/^2 VMs on embedded PostgreSQL /);
  });

  it.each([
    ["a missing file", "no-such.csv", "vmstate: no-such.csv: no such file\n"],
    [
      "a file with another header",
      traces.write("other.csv", "a,b\n"),
      /^vmstate: .*other.csv: line 1: the header is "a,b", not ".*"\n$/,
    ],
  ])("exits 1 with one line for %s", async (_, file, message) => {
    const { exitCode, out, err } = await vmstate(on(file));
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: "" });
    expect(err).toMatch(message);
  });

  it("exits 1 at a malformed row, with the number of VMs played", async () => {
    const file = traces.write("malformed.csv", `${HEADER}\n0,0,1,1,0\n0,0,1,1\n`);
    const { exitCode, err } = await vmstate(on(file));
    expect(exitCode).toBe(1);
    expect(err).toMatch(
      /^vmstate: .*malformed.csv: line 3: it has 4 columns, not 5.*; VMs played so far: [01]\n$/m,
    );
  });

  it("exits 1 with one line when the server cannot be reached", async () => {
    const { exitCode, err } = await vmstate([trace, "--database-url", "postgres://somebody@127.0.0.1:1/db"]);
    expect(exitCode).toBe(1);
    expect(err).toMatch(/^vmstate: cannot reach PostgreSQL at 127\.0\.0\.1:1: .*\n$/);
  });

  it.each([
    ["--limit", "0"],
    ["--concurrency", "many"],
    ["--fail-rate", "1.5"],
    ["--migrate-rate", "-1"],
    ["--seed", "x"],
  ])("exits 2 for %s %s", async (option, value) => {
    const { exitCode, err } = await vmstate([trace, option, value]);
    expect(exitCode).toBe(2);
    expect(err).toContain(`'${option} <`);
  });

  it("ends on Ctrl-C and closes its connections", async () => {
    const host = new TestHost();
    host.stderr.on("data", (chunk) => {
      if (String(chunk).includes("0/30 VMs")) host.emit("SIGINT", "SIGINT");
    });
    const { exitCode, out } = await vmstate(on(trace, "--fail-rate", "0.5"), host);
    expect({ exitCode, out }).toEqual({ exitCode: 130, out: "" });
    const [{ others }] = await db.sql<[{ others: number }]>`
      select count(*)::int as others from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and state = 'active'`;
    expect(others).toBe(0);
  });
});
