import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { CheckedClient } from "../../src/simulator/checked-client.js";
import { check } from "../../src/simulator/check.js";
import { CallStats } from "../../src/simulator/call-stats.js";
import { replay, type ReplayOptions, type ReplayResult } from "../../src/simulator/replay.js";
import { readTrace } from "../../src/simulator/trace.js";
import { invariantViolations } from "../../src/client/views.js";
import { Ids } from "../../src/simulator/ids.js";
import { createDatabase, type TestDatabase } from "../support/database.js";
import { HEADER, newTraces, traceOf } from "./traces.js";

const FIXTURE = fileURLToPath(new URL("fixtures/vms.csv", import.meta.url));
const LONG_MS = 120_000;

const traces = newTraces();
afterAll(traces.remove);

let db: TestDatabase;
beforeEach(async () => {
  db = await createDatabase();
});
afterEach(() => db.drop());

function play(vms: number, options: Partial<ReplayOptions> = {}): Promise<ReplayResult> {
  return playFile(traces.write(`${vms}.csv`, traceOf(vms)), options);
}

function playFile(file: string, options: Partial<ReplayOptions> = {}): Promise<ReplayResult> {
  const { concurrency = 8 } = options;
  return replay(db.connect({ max: concurrency }), readTrace(file), {
    concurrency,
    seed: 1,
    failRate: 0.4,
    migrateRate: 0.4,
    signal: new AbortController().signal,
    onPlayed: () => undefined,
    ...options,
  });
}

/** What violated an invariant at any moment until then. */
async function watched<T>(playing: Promise<T>): Promise<[T, unknown[]]> {
  const violations: unknown[] = [];
  let isOver = false;
  const watch = async (): Promise<void> => {
    while (!isOver) violations.push(...(await invariantViolations(db.sql)));
  };
  const end = (): void => {
    isOver = true;
  };
  const [result] = await Promise.all([playing.finally(end), watch()]);
  return [result, violations];
}

const countsOf = ({ verbs }: ReplayResult): unknown =>
  verbs.map(({ verb, calls, outcomes }) => ({ verb, calls, outcomes }));

const clean = {
  unexpected: { first: [] },
  wrongEndStates: { first: [] },
  leftovers: { first: [] },
  violations: { first: [] },
};

describe("replay", () => {
  it("plays VMs with failures and migrations to their expected end", { timeout: LONG_MS }, async () => {
    const [result, violations] = await watched(playFile(FIXTURE));
    expect(result).toMatchObject({ vms: 200, ...clean });
    expect(violations).toEqual([]);
    const [{ running, deleted }] = await db.sql<[{ running: number; deleted: number }]>`
      select count(*) filter (where state = 'vmm')::int as running,
        count(*) filter (where state = 'destroyed' and name not in (
          select name from vmstate.instance where time_deleted is null))::int as deleted
      from vmstate.instance`;
    const forever = readFileSync(FIXTURE, "utf8").match(/,$/gm)?.length;
    expect(running).toBe(forever);
    expect(deleted).toBeGreaterThanOrEqual(200 - running);
  });

  it("plays a VM without failures and migrations in a dozen calls", async () => {
    const file = traces.write("one.csv", `${HEADER}\n0,0,1,1,300\n`);
    const result = await playFile(file, { failRate: 0, migrateRate: 0 });
    expect(result).toMatchObject({ vms: 1, ...clean });
    expect(result.verbs.map(({ verb, calls }) => `${verb} ${calls}`)).toEqual([
      "begin_start 1",
      ...["begin_update 1", "commit_update 1"],
      "create_instance 1",
      "delete_instance 1",
      "delete_vmm 1",
      "finish_instance_creation 1",
      "report_vmm 4",
      "request_stop 1",
    ]);
  });

  it(
    "makes the same calls with the same seed, and others with another seed",
    { timeout: LONG_MS },
    async () => {
      const alike = { concurrency: 1, failRate: 0.5, migrateRate: 1 };
      const first = await play(15, alike);
      expect(first).toMatchObject(clean);
      expect(countsOf(await play(15, alike))).toEqual(countsOf(first));
      expect(countsOf(await play(15, { ...alike, seed: 2 }))).not.toEqual(countsOf(first));
    },
  );

  it("reports the number of VMs played", async () => {
    const told: number[] = [];
    await play(5, { onPlayed: (vms) => told.push(vms) });
    expect(told).toEqual([1, 2, 3, 4, 5]);
  });

  it("finds an unexpected outcome", async () => {
    await db.sql.unsafe(`create or replace function vmstate.holds_updater_lock(p_instance vmstate.instance,
      p_saga_id uuid, p_updater_generation bigint) returns boolean language sql immutable return true`);
    const { unexpected, wrongEndStates } = await play(40);
    expect(unexpected.count).toBeGreaterThan(0);
    expect(unexpected.first.join("\n")).toMatch(
      /^(un?lock|commit)_update {"instanceId":.*"outcome":"applied".*; expected {"outcome":"conflict","reason":"lock_lost"/m,
    );
    expect(unexpected.first.length).toBeLessThanOrEqual(10);
    expect(wrongEndStates.count).toBeGreaterThan(0);
  });

  it("finds a late report that is applied", async () => {
    await db.sql
      .unsafe(`create or replace function vmstate.is_remarkable(p_report vmstate.vmm_report) returns boolean
      language sql immutable return false`);
    await db.sql
      .unsafe(`create or replace function vmstate.is_absorbing(p_state vmstate.vmm_state) returns boolean
      language sql immutable return p_state in ('failed', 'destroyed')`);
    const { unexpected } = await play(40);
    expect(unexpected.count).toBeGreaterThan(0);
  });

  it("finds a server error", async () => {
    await db.sql`alter table vmstate.vmm add constraint planted check (state <> 'rebooting')`;
    const { unexpected, vms } = await play(40);
    expect(unexpected.first[0]).toMatch(/^report_vmms? .*: 23514 .*"planted"; expected no error$/);
    expect(vms).toBe(40);
  });

  it("stops at a malformed row, after the VMs in play have ended their steps", async () => {
    const file = traces.write("malformed.csv", `${traceOf(30)}rubbish\n`);
    await expect(playFile(file)).rejects.toThrow(/malformed\.csv: line 32: .*; VMs played so far: \d+$/);
    const [{ active }] = await db.sql<[{ active: number }]>`
      select count(*)::int as active from pg_stat_activity where datname = current_database() and state = 'active'`;
    expect(active).toBe(1);
  });

  it("stops when its signal is aborted", async () => {
    const interruption = new AbortController();
    const told: number[] = [];
    const onPlayed = (vms: number): void => {
      told.push(vms);
      interruption.abort(new Error("enough"));
    };
    await expect(play(40, { onPlayed, signal: interruption.signal })).rejects.toThrow("enough");
    expect(told.length).toBeLessThan(40);
  });

  it("stops when the connection is lost", async () => {
    // A connection that is lost while postgres.js asks for types rejects outside of every call.
    const sql = db.connect({ max: 2, fetch_types: false });
    const trace = readTrace(traces.write("lost.csv", traceOf(40)));
    const onPlayed = (): void => void sql.end({ timeout: 0 });
    const options = { concurrency: 2, seed: 1, failRate: 0, migrateRate: 0, onPlayed };
    const lost = replay(sql, trace, { ...options, signal: new AbortController().signal });
    await expect(lost).rejects.toMatchObject({ code: expect.stringMatching(/^CONNECTION_/) as string });
  });
});

describe("check", () => {
  let client: CheckedClient;
  let ids: Ids;
  beforeEach(() => {
    client = new CheckedClient(db.sql, new CallStats());
    ids = new Ids();
  });

  const start = async (
    index: number,
  ): Promise<{ instanceId: string; sagaId: string; propolisId: string }> => {
    const [instanceId, sagaId, propolisId] = [ids.instanceId(index), ids.id(index, 0), ids.id(index, 1)];
    const projectId = ids.projectId(0);
    await client.ask("createInstance", {
      instanceId: instanceId,
      projectId,
      name: "a",
      intendedState: "running",
    });
    await client.ask("finishInstanceCreation", { instanceId: instanceId });
    const vmm = { instanceId, sagaId, propolisId, sledId: ids.id(index, 2), propolisIp: "192.0.2.1" };
    await client.ask("beginStart", vmm);
    return { instanceId, sagaId, propolisId };
  };

  it("names the VMs with an unexpected end", async () => {
    await start(0);
    const { wrongEndStates } = await check(client, ids, 2, [false, false, true]);
    expect([...wrongEndStates.first].sort()).toEqual([
      "vm-0 must be deleted; it is starting, 1 VMM creating",
      "vm-2 must be running, 1 VMM running; it is deleted",
    ]);
  });

  it("names the rows left in work lists by this replay, and by no other", async () => {
    await client.ask("unwindStart", await start(0));
    const { leftovers } = await check(client, ids, 2, []);
    expect(leftovers.first.map((line) => line.split(":")[0])).toEqual([
      "pending update",
      "restartable instance",
    ]);
    expect((await check(client, new Ids(), 2, [])).leftovers.first).toEqual([]);
  });

  it("names violated invariants", async () => {
    const { instanceId } = await start(0);
    await db.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql`update vmstate.vmm set time_unlinked = clock_timestamp() where instance_id = ${instanceId}`;
    });
    const { violations } = await check(client, ids, 2, []);
    expect(violations.first).toEqual([expect.stringContaining("time_unlinked_iff_unlinked")]);
  });
});
