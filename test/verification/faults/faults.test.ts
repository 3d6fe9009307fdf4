import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { beginStart, invariantViolations, reportVmm } from "../../../src/index.js";
import { migrate } from "../../../src/schema/index.js";
import { copyDatabase } from "../../support/copy.js";
import { createDatabase, type TestDatabase } from "../../support/database.js";
import { expectEveryVerb } from "../../support/every-verb.js";
import { systemBin } from "../../support/system-programs.js";
import { stopped } from "../../sql/scenario.js";
import { crashes } from "./crashes.js";
import { DUMP_TOOLS } from "./dump-tools.js";
import { breachesOf, dump } from "./dumps.js";
import { CUT } from "./expected-errors.js";
import { mixIsolationLevels } from "./isolation.js";
import { AcknowledgedWrites, makeLedger } from "./acknowledged-writes.js";
import { PLACE, Workload } from "./workload.js";
import { startCrashableServer, SUPERVISOR } from "./crashable-server.js";
import { serverPrograms } from "./programs.js";
import { everyInjection, type FaultInjection, injectAll } from "./fault-injection.js";
import { Totals } from "./totals.js";
import { terminate } from "./terminations.js";
import { beginAndAbandon, takeOver } from "./abandoned-update.js";

const seed = 1;
const LONG_MS = 120_000;
const TOOLS = ["initdb", "postgres", ...DUMP_TOOLS];

/** Nothing reaches the disk before a checkpoint. */
const FORGETFUL = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  wal_writer_delay: "10s",
  wal_writer_flush_after: "1GB",
};

let totals: Totals;
beforeEach(() => {
  totals = new Totals();
});

/** For the directories of servers. */
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(inject("memory"), "vmstate-faults-"));
  chmodSync(dir, 0o1777);
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const programs = process.platform === "linux" ? await serverPrograms() : undefined;

/** Each fault once at each point, whatever the verb. */
function sample(): FaultInjection[] {
  const chosen = new Map<string, FaultInjection>();
  for (const injection of everyInjection)
    chosen.set(
      `${injection.point.replace(/ (instance|vmm|migration)$/, "")}: ${injection.kind.name}`,
      injection,
    );
  return [...chosen.values()];
}

describe("no acknowledged write is lost, and clients continue", { timeout: LONG_MS }, () => {
  afterEach(() => {
    expect(totals.problems()).toEqual([]);
    expect(totals.failures).toBe(0);
  });

  it.runIf(programs)(
    "when the server is killed under load, and when its connections are exhausted",
    async () => {
      await crashes({ seed, workers: 2, crashes: 2, exhaustions: 1, totals, dir });
      expect([totals.countOf("crashes"), totals.countOf("exhaustions")]).toEqual([2, 1]);
      expect(totals.acknowledged).toBeGreaterThan(100);
      expect(totals.interrupted).toBeGreaterThan(0);
    },
  );

  it("when clients die or are interrupted at each pause point", async () => {
    await using db = await createDatabase();
    const injections = sample();
    await injectAll(db, injections, seed, totals);
    const kinds = ["deaths", "terminations", "cancellations", "timeouts"] as const;
    const counts = kinds.map((kind) => totals.countOf(kind));
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(counts.reduce((sum, count) => sum + count)).toBe(injections.length);
  });

  it("when sessions are terminated and statements cancelled under load", async () => {
    await using db = await createDatabase();
    await terminate(db, { seed, workers: 2, terminations: 15, totals });
    expect(totals.interrupted).toBeGreaterThan(0);
  });

  it("when callers use different isolation levels", async () => {
    await using db = await createDatabase();
    const called = await mixIsolationLevels(db, { seed, workers: 3, writes: 100, totals });
    await expectEveryVerb(db.sql, PLACE, called);
    expect(totals.countOf("retries")).toBeGreaterThan(0);
  });

  it.runIf(systemBin(TOOLS))("in a database that was dumped under load and restored", async () => {
    await dump({ seed, workers: 2, dumps: 1, totals });
    expect(totals.countOf("dumps")).toBe(1);
  });
});

describe("the checks find", { timeout: LONG_MS }, () => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await createDatabase();
  });
  afterEach(() => db.drop());

  /** A start that was acknowledged. */
  async function writesOfStart(): Promise<{
    acknowledgedWrites: AcknowledgedWrites;
    instanceId: string;
    propolisId: string;
  }> {
    await makeLedger(db.sql);
    const { start } = await stopped(db.sql);
    const acknowledgedWrites = new AcknowledgedWrites();
    acknowledgedWrites.acknowledge("beginStart", start, await beginStart(db.sql, start));
    const { instanceId, propolisId } = start;
    const report = { instanceId, propolisId, state: "running", generation: 2, time: new Date() } as const;
    acknowledgedWrites.acknowledge("reportVmm", report, await reportVmm(db.sql, report));
    expect(await acknowledgedWrites.missing(db.sql)).toEqual([]);
    return { acknowledgedWrites, ...start };
  }

  /** Loses a write, as a server would that lost it in a crash. */
  async function lose(act: (sql: postgres.TransactionSql) => Promise<unknown>): Promise<void> {
    await db.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await act(sql);
    });
  }

  it("a lost row", async () => {
    const { acknowledgedWrites, propolisId } = await writesOfStart();
    await lose((sql) => sql`delete from vmstate.vmm where id = ${propolisId}`);
    expect(await acknowledgedWrites.missing(db.sql)).toEqual([`VMM ${propolisId}: gone`]);
    expect(await invariantViolations(db.sql)).not.toEqual([]);
  });

  it("a row that lost its last change", async () => {
    const { acknowledgedWrites, instanceId } = await writesOfStart();
    await lose(
      (sql) => sql`
        update vmstate.instance set state = 'no_vmm', state_generation = 2, active_propolis_id = null where id = ${instanceId}`,
    );
    expect(await acknowledgedWrites.missing(db.sql)).toEqual([
      `instance ${instanceId}: at 2, was acknowledged at 3`,
    ]);
  });

  it("a lost transaction", async () => {
    const { acknowledgedWrites, instanceId } = await writesOfStart();
    const line = randomUUID();
    acknowledgedWrites.acknowledge("apiInstance", { instanceId }, undefined, line);
    expect(await acknowledgedWrites.missing(db.sql)).toEqual([`transaction ${line}: not in the ledger`]);
  });

  it.runIf(programs)("acknowledged writes that a crashed server without fsync lost", async () => {
    await using server = await startCrashableServer({ ...required(programs), settings: FORGETFUL, dir });
    const name = "vmstate_forgetful";
    await using database = await copyDatabase({ serverUrl: server.url, name, template: "template0" });
    await migrate(database.url);
    await Workload.during({ database, totals, seed, workers: 2, expected: CUT }, async (workload) => {
      await database.sql`checkpoint`;
      await workload.progress(20);
      await server.crash();
      await workload.check();
    });
    expect(totals.lost.count).toBeGreaterThan(0);
    expect(totals.failures).toBeGreaterThanOrEqual(totals.lost.count);
    expect(totals.problems()[0]).toMatch(/^lost: /);
  });

  it("a verb of which one write is lost", async () => {
    await db.sql.unsafe(`
      create function public.forget() returns trigger language plpgsql as 'begin return null; end';
      create trigger forget before update on vmstate.instance for each row
        when (old.active_propolis_id is distinct from new.active_propolis_id) execute function public.forget()`);
    const answered = everyInjection.filter(
      ({ callCase, point }) => callCase.verb === "beginStart" && point === "answered",
    );
    await injectAll(db, answered.slice(0, 1), seed, totals);
    expect(totals.problems()).toEqual([
      "wrong: beginStart, answered, closed socket: Error: stopped 2, creating 1 unlinked; expected starting 3, creating 1",
    ]);
  });

  it.each([
    ["true", "outlives its lease"],
    ["false", "is taken over before its lease is over"],
  ])("a lock whose end does not depend on its lease, held: %s", async (isHeld, complaint) => {
    const dead = await beginAndAbandon(db.sql, isHeld === "true" ? "1 millisecond" : "1 hour");
    const definition = "(select pg_get_functiondef('vmstate.begin_update'::regproc))";
    await db.sql.unsafe(`do $do$ begin
      execute replace(${definition}, 'v_instance.updater_lease_until > v_now', '${isHeld}'); end $do$`);
    await expect(takeOver(db.sql, dead)).rejects.toThrow(complaint);
  });

  it("a disabled guard", async () => {
    expect(await breachesOf(db.sql)).toEqual([]);
    await db.sql`alter table vmstate.vmm disable trigger guard_generation, disable trigger guard_state`;
    expect(await breachesOf(db.sql)).toEqual([
      "a write that must be VM101 is let through",
      "a write that must be VM102 is let through",
    ]);
  });
});

it.runIf(programs)("a crashing server leaves no file when its owner exits", async () => {
  const request = { ...required(programs), settings: {}, dir };
  const supervisor = spawn(process.execPath, [SUPERVISOR, JSON.stringify(request)]);
  await once(supervisor.stdout, "data");
  expect(readdirSync(dir)).toHaveLength(1);
  supervisor.stdin.end("crash\n");
  await once(supervisor, "exit");
  expect(readdirSync(dir)).toEqual([]);
});

it("a part that the machine cannot run is named in the figures", () => {
  totals.count("dumps");
  totals.acknowledged = 1234;
  totals.skipped.push("server crashes (no server to kill)");
  expect(totals.figures()).toBe(
    "0 server crashes, 0 client deaths, 0 backends terminated, 0 statements cancelled, 0 timeouts, " +
      "0 connection exhaustions, 0 serialization failures retried, 1 dump; 1,234 acknowledged writes, " +
      "0 calls interrupted, 0 of them committed all the same, 0 lost, 0 violations, 0 wrong, " +
      "skipped server crashes (no server to kill)",
  );
});

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("it is not there");
  return value;
}
