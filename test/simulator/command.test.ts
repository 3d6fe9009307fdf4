import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { grantAccess } from "../../src/index.js";
import type { Host } from "../../src/terminal/io.js";
import { main } from "../../src/cli/program.js";
import { Scenario } from "../cli/scenario.js";
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
  readonly stdin: PassThrough & { isTTY?: boolean } = new PassThrough();
  readonly env = {};
  readonly stdout: Host["stdout"] = new PassThrough();
  readonly stderr: Host["stderr"] = new PassThrough();
}

async function vmstate(args: readonly string[], host = new TestHost()): Promise<Ended> {
  const texts = { out: "", err: "" };
  host.stdout.on("data", (chunk) => (texts.out += String(chunk)));
  host.stderr.on("data", (chunk) => (texts.err += String(chunk)));
  const exitCode = await main(["replay", ...args], host);
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
    expect(out).toMatch(/state that the trace asks for: 30 of 30\n.*0\n.*0\nunexpected answers: 0\n$/);
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
    expect(err).toMatch(/^unexpected answer: report_vmm .*: 23514 .*; expected no error$/m);
    expect(err).toMatch(/^wrong end state: vm-\d+ must be deleted; it is running, 1 VMM running$/m);
    expect(err).toMatch(
      /^vmstate: the replay failed: unexpected answers \d+, VMs in a wrong end state \d+, left over 0, /m,
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
      /^vmstate: .*other.csv: line 1: the header must be ".*", not "a,b"\n$/,
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
      /^vmstate: .*malformed.csv: line 3: the row must have 5 columns, not 4.*; VMs played so far: [01]\n$/m,
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

  it("never plays in a database that only the environment names", async () => {
    vi.stubEnv("DATABASE_URL", db.url);
    vi.stubEnv("PGHOST", "192.0.2.1");
    const { exitCode, err } = await vmstate([trace, "--limit", "2"]);
    vi.unstubAllEnvs();
    expect(exitCode).toBe(0);
    expect(err).toMatch(/^2 VMs on embedded PostgreSQL /);
    expect(err).not.toContain("stays");
    expect(await instances()).toBe(0);
  });

  it("refuses a database with instances where nobody can be asked, unless --yes is given", async () => {
    await new Scenario(db.sql).create();
    const refused = await vmstate(on(trace));
    expect(refused).toEqual({
      exitCode: 1,
      out: "",
      err: expect.stringMatching(
        /^vmstate: database \S+ at \S+ has instances already: pass --yes to play 30 VMs there\n$/,
      ) as string,
    });
    expect(await instances()).toBe(1);
    expect(await vmstate(on(trace, "--limit", "2", "--yes"))).toMatchObject({ exitCode: 0 });
    expect(await instances()).toBe(3);
  });

  it("counts a deleted instance, too, unless this role may not read it", async () => {
    const deleted = await new Scenario(db.sql).createStopped();
    await deleted.delete();
    expect(await vmstate(on(trace, "--limit", "1"))).toMatchObject({ exitCode: 1 });
    const role = `vmstate_test_replay_${randomBytes(6).toString("hex")}`;
    await db.sql.unsafe(`create role ${role} login password 'secret'`);
    await grantAccess(db.sql, { role, kind: "control_plane" });
    await grantAccess(db.sql, { role, kind: "sled_agent" });
    const url = Object.assign(new URL(db.url), { username: role, password: "secret" }).href;
    const { err } = await vmstate([trace, "--limit", "1", "--database-url", url]);
    await db.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
    expect(err).toContain("1 VMs on database");
  });

  it.each([
    ["y\n", 0],
    ["Yes\n", 0],
    ["n\n", 1],
    ["\n", 1],
    ["", 1],
  ])("asks on a terminal: the answer %j ends with exit code %i", async (text, code) => {
    await new Scenario(db.sql).create();
    const host = new TestHost();
    host.stdin.isTTY = true;
    host.stdin.end(text);
    const { exitCode, err } = await vmstate(on(trace, "--limit", "1"), host);
    expect({ exitCode, asked: err.includes("Play 1 VMs there? [y/N] ") }).toEqual({
      exitCode: code,
      asked: true,
    });
    expect(await instances()).toBe(code === 0 ? 2 : 1);
  });

  it("ends on Ctrl-C at the question, and writes nothing", async () => {
    await new Scenario(db.sql).create();
    const host = new TestHost();
    host.stdin.isTTY = true;
    host.stderr.on("data", (chunk) => {
      if (String(chunk).includes("[y/N]")) host.emit("SIGINT", "SIGINT");
    });
    const { exitCode } = await vmstate(on(trace), host);
    expect({ exitCode, instances: await instances() }).toEqual({ exitCode: 130, instances: 1 });
  });

  it("says on Ctrl-C what stays, and the command that it prints deletes just that", async () => {
    const other = await new Scenario(db.sql).createStopped();
    await other.run();
    const host = new TestHost();
    let played = "";
    host.stderr.on("data", (chunk) => {
      played += String(chunk);
      if (/\b[1-9]\d*\/30 VMs/.test(played)) host.emit("SIGINT", "SIGINT");
    });
    const { exitCode, err } = await vmstate(on(trace, "--yes", "--fail-rate", "0.5"), host);
    expect(exitCode).toBe(130);
    const [, run = ""] =
      /What was played stays in database \S+ at \S+: instances\nwhose ids begin with (\w{8})\. To delete them:\n {2}vmstate replay remove \1 --database-url <the same>\n$/.exec(
        err,
      ) ?? [];
    await leaveLock(run);
    const removed = await vmstate(on("remove", run));
    expect(removed).toMatchObject({ exitCode: 0, err: "" });
    expect(removed.out).toMatch(
      /^deleted \d+ instances and \d+ VMMs; vmstate purge removes the rows later\n$/,
    );
    const left = await db.sql`
      select id::text from vmstate.instance where time_deleted is null
      union all select instance_id::text from vmstate.vmm where time_deleted is null`;
    expect(left).toEqual([{ id: other.instanceId }, { id: other.instanceId }]);
    expect(await vmstate(on("remove", run))).toMatchObject({
      out: expect.stringMatching(/^deleted 0 inst/) as string,
    });
  });

  /** Leaves an instance of the replay to an update saga that will never end. */
  async function leaveLock(run: string): Promise<void> {
    const locked = new Scenario(db.sql, `${run}-0000-4000-8000-000000000000`);
    await locked.createStopped("locked");
    await locked.report(await locked.run(), "failed");
    await locked.beginUpdate("1 hour");
  }

  async function instances(): Promise<number> {
    const [row] = await db.sql<[{ n: number }]>`select count(*)::int as n from vmstate.instance`;
    return row.n;
  }

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
