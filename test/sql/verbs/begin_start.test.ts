import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  beginStart,
  beginUpdate,
  configureInstance,
  deleteVmm,
  requestStop,
  runUpdate,
  unwindStart,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  addressesOf,
  anotherStart,
  applied,
  call,
  creating,
  deleted,
  expectInvalid,
  expireLease,
  failed,
  instance,
  migrating,
  NO_ROW,
  rowOf,
  running,
  say,
  saying,
  starting,
  stopped,
  unknown,
  unwound,
  update,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

describe("applied", () => {
  test("inserts the VMM, creating at generation 1, links it and sets the intent", async () => {
    const s = await stopped(sql);
    expect(await beginStart(sql, s.start)).toEqual({
      outcome: "applied",
      reason: null,
      ...rowOf(s, "starting", 3, s.propolisId),
      replacedPropolisId: null,
    });
    expect(await instance(sql, s)).toMatchObject({
      intended_state: "running",
      time_last_auto_restarted: null,
    });
    expect(await vmm(sql, s.propolisId)).toMatchObject({
      instance_id: s.instanceId,
      saga_id: s.start.sagaId,
      sled_id: s.start.sledId,
      propolis_ip: "fd00::1",
      propolis_port: 12400,
      state: "creating",
      state_generation: 1,
      time_started: null,
      failure_reason: null,
      time_unlinked: null,
      time_deleted: null,
    });
  });

  test("starts a failed instance", async () => {
    const s = await failed(sql);
    const start = anotherStart(s);
    expect(await beginStart(sql, start)).toEqual({
      outcome: "applied",
      reason: null,
      ...rowOf(s, "starting", 5, start.propolisId),
      replacedPropolisId: null,
    });
  });

  test("replaces an unwound VMM directly and returns its id", async () => {
    const s = await unwound(sql);
    const start = anotherStart(s);
    expect(await beginStart(sql, start)).toEqual({
      outcome: "applied",
      reason: null,
      ...rowOf(s, "starting", 4, start.propolisId),
      replacedPropolisId: s.propolisId,
    });
    expect(await vmm(sql, s.propolisId)).toMatchObject({
      state: "saga_unwound",
      time_unlinked: expect.any(String) as unknown,
    });
  });

  test("replaces only the active id when an unwound VMM still has a migration linked", async () => {
    const s = await migrating(sql);
    await applied(unwindStart(sql, s.start));
    const start = anotherStart(s);
    expect(await beginStart(sql, start)).toEqual({
      outcome: "applied",
      reason: null,
      ...rowOf(s, "starting", 5, start.propolisId, s.destinationId),
      replacedPropolisId: s.propolisId,
    });
    expect(await runUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID() })).toMatchObject({
      ...rowOf(s, "starting", 6, start.propolisId),
      terminatePropolisIds: [s.destinationId],
      terminateVmms: addressesOf(s, [s.destinationId]),
    });
  });

  test("takes a port, also 0", async () => {
    const s = await stopped(sql);
    await applied(beginStart(sql, { ...s.start, propolisPort: 0 }));
    expect(await vmm(sql, s.propolisId)).toMatchObject({ propolis_port: 0 });
  });

  test("takes an expected generation that matches", async () => {
    const s = await stopped(sql);
    expect(await beginStart(sql, { ...s.start, expectedGeneration: 2 })).toMatchObject({
      outcome: "applied",
      stateGeneration: 3,
    });
  });

  test("starts for the user while an update saga holds the lock", async () => {
    const s = await unwound(sql);
    await applied(beginUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID(), lease: "1 hour" }));
    expect(await beginStart(sql, anotherStart(s))).toMatchObject({ outcome: "applied" });
  });

  test("has defaults for port, reason and expected generation in SQL", async () => {
    const s = await stopped(sql, { intendedState: "stopped" });
    const [row] = await call(sql, "begin_start", {
      p_instance_id: s.instanceId,
      p_saga_id: s.start.sagaId,
      p_propolis_id: s.propolisId,
      p_sled_id: s.start.sledId,
      p_propolis_ip: "10.0.0.1",
    });
    expect(row).toMatchObject({ outcome: "applied", state_generation: "3" });
    expect(await vmm(sql, s.propolisId)).toMatchObject({ propolis_ip: "10.0.0.1", propolis_port: 12400 });
  });
});

describe("unchanged", () => {
  const moves: [string, (s: Scenario) => Promise<unknown>, (s: Scenario) => Scenario["row"]][] = [
    ["at once", () => Promise.resolve(), (s) => rowOf(s, "starting", 3, s.propolisId)],
    [
      "when the VMM runs",
      (s) => say(sql, s, "active", "running"),
      (s) => rowOf(s, "running", 3, s.propolisId),
    ],
    [
      "when the VMM died",
      (s) => say(sql, s, "active", "failed"),
      (s) => rowOf(s, "stopping", 3, s.propolisId),
    ],
    [
      "when the VMM died and was unlinked",
      async (s) => {
        await say(sql, s, "active", "destroyed");
        await update(sql, s);
      },
      (s) => rowOf(s, "stopped", 4),
    ],
    [
      "when another VMM is active",
      async (s) => {
        await say(sql, s, "active", "destroyed");
        await update(sql, s);
        await applied(beginStart(sql, { ...anotherStart(s), propolisId: s.destinationId }));
      },
      (s) => rowOf(s, "starting", 5, s.destinationId),
    ],
    [
      "when the user stopped the instance",
      (s) => requestStop(sql, s),
      (s) => rowOf(s, "starting", 3, s.propolisId),
    ],
  ];
  test.each(moves)("a replay %s, whatever the expected generation", async (_, move, row) => {
    const s = await stopped(sql);
    await applied(beginStart(sql, { ...s.start, expectedGeneration: 2 }));
    await move(s);
    const replay = (): Promise<unknown> => beginStart(sql, { ...s.start, expectedGeneration: 2 });
    expect(await writingNothing(sql, replay)).toEqual({
      outcome: "unchanged",
      reason: null,
      ...row(s),
      replacedPropolisId: null,
    });
  });
});

describe("conflict", () => {
  const states: [string, string, () => Promise<Scenario>][] = [
    ["creating", "the instance is in creation", () => creating(sql)],
    ["already_started", "the VMM is creating", () => starting(sql)],
    ["already_started", "the VMM is starting", () => saying(sql, "starting")],
    ["already_started", "the VMM is running", () => running(sql)],
    ["already_started", "the VMM is rebooting", () => saying(sql, "rebooting")],
    ["already_started", "the VMM is migrating", () => saying(sql, "migrating")],
    ["not_stopped", "the VMM is stopping", () => saying(sql, "stopping")],
    ["not_stopped", "the VMM is stopped", () => saying(sql, "stopped")],
    ["not_stopped", "the VMM is failed", () => saying(sql, "failed")],
    ["not_stopped", "the VMM is destroyed", () => saying(sql, "destroyed")],
    [
      "not_stopped",
      "the VMM is dead under a migration whose destination decides",
      async () => {
        const s = await migrating(sql);
        await say(sql, s, "active", "destroyed");
        return s;
      },
    ],
    ["already_started", "the VMM is running under a migration", () => migrating(sql)],
  ];
  test.each(states)("%s: %s", async (reason, _, reach) => {
    const s = await reach();
    // the state comes before the generation, the policy and the id
    const start = {
      ...anotherStart(s),
      propolisId: (await running(sql)).propolisId,
      startReason: "auto_restart" as const,
      expectedGeneration: 99,
    };
    expect(await writingNothing(sql, () => beginStart(sql, start))).toEqual({
      outcome: "conflict",
      reason,
      ...s.row,
      replacedPropolisId: null,
    });
  });

  test.each([1, 3])(
    "stale_generation: the generation is 2, not the expected %i",
    async (expectedGeneration) => {
      const s = await stopped(sql, { autoRestartPolicy: "never" });
      const start = { ...s.start, expectedGeneration, startReason: "auto_restart" as const };
      expect(await writingNothing(sql, () => beginStart(sql, start))).toEqual({
        outcome: "conflict",
        reason: "stale_generation",
        ...s.row,
        replacedPropolisId: null,
      });
    },
  );

  test.each([
    ["another instance's VMM", async () => (await running(sql)).propolisId],
    ["this instance's former VMM", (s: Scenario) => Promise.resolve(s.propolisId)],
  ])("propolis_id_taken: the id is that of %s", async (_, taken) => {
    const s = await failed(sql);
    const start = { ...anotherStart(s), propolisId: await taken(s) };
    expect(await writingNothing(sql, () => beginStart(sql, start))).toEqual({
      outcome: "conflict",
      reason: "propolis_id_taken",
      ...s.row,
      replacedPropolisId: null,
    });
  });

  test("propolis_id_taken: a replay after unwind_start of the same start", async () => {
    const s = await unwound(sql);
    expect(await writingNothing(sql, () => beginStart(sql, s.start))).toEqual({
      outcome: "conflict",
      reason: "propolis_id_taken",
      ...s.row,
      replacedPropolisId: null,
    });
  });

  test("already_started: a start with the ids of a migration's destination", async () => {
    const s = await migrating(sql);
    const start = { ...s.start, sagaId: s.migration.sagaId, propolisId: s.destinationId };
    expect(await writingNothing(sql, () => beginStart(sql, start))).toMatchObject({
      outcome: "conflict",
      reason: "already_started",
    });
  });
});

describe("auto_restart", () => {
  const permitted: [string, () => Promise<Scenario>][] = [
    ["without a VMM", () => stopped(sql, { intendedState: "running" })],
    ["failed", () => failed(sql)],
    ["with an unwound VMM", () => unwound(sql)],
    ["with policy best_effort", () => failed(sql, { autoRestartPolicy: "best_effort" })],
    [
      "whose updater's lease expired",
      async () => {
        const s = await unwound(sql);
        await applied(beginUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID(), lease: "1 hour" }));
        await expireLease(sql, s);
        return s;
      },
    ],
    ["restarted before, with a cooldown of 0", () => restartedBefore("0")],
    ["restarted 6 minutes ago, with the default cooldown", () => restartedBefore(null, "6 minutes")],
  ];
  test.each(permitted)("sets time_last_auto_restarted of an instance %s", async (_, reach) => {
    const s = await reach();
    const answer = await beginStart(sql, { ...anotherStart(s), startReason: "auto_restart" as const });
    expect(answer).toMatchObject({ outcome: "applied", reason: null, apiState: "starting" });
    const [{ fresh } = {}] = await sql`
      select time_last_auto_restarted > clock_timestamp() - interval '1 minute' as fresh
      from vmstate.instance where id = ${s.instanceId}`;
    expect(fresh).toBe(true);
  });

  const forbidden: [string, () => Promise<Scenario>][] = [
    ["the intent is stopped", () => stopped(sql, { intendedState: "stopped" })],
    [
      "the guest shut down",
      async () => {
        const s = await saying(sql, "destroyed");
        await update(sql, s);
        return { ...s, row: rowOf(s, "stopped", 4) };
      },
    ],
    ["the policy is never", () => failed(sql, { autoRestartPolicy: "never" })],
    ["the cooldown has not passed", () => restartedBefore("1 hour", "59 minutes")],
    ["the default cooldown has not passed", () => restartedBefore(null, "4 minutes")],
    [
      "an update saga holds the instance",
      async () => {
        const s = await unwound(sql);
        await applied(beginUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID(), lease: "1 hour" }));
        return s;
      },
    ],
  ];
  test.each(forbidden)("restart_not_permitted when %s; a user may start it", async (_, reach) => {
    const s = await reach();
    const { propolisId: taken } = await running(sql);
    const restart = { ...anotherStart(s), propolisId: taken, startReason: "auto_restart" as const };
    expect(await writingNothing(sql, () => beginStart(sql, restart))).toEqual({
      outcome: "conflict",
      reason: "restart_not_permitted",
      ...s.row,
      replacedPropolisId: null,
    });
    expect(await beginStart(sql, anotherStart(s))).toMatchObject({ outcome: "applied" });
  });

  test("keeps time_last_auto_restarted on a start by the user", async () => {
    const s = await restartedBefore("1 hour", "59 minutes");
    const { time_last_auto_restarted: before } = await instance(sql, s);
    await applied(beginStart(sql, anotherStart(s)));
    expect(before).not.toBeNull();
    expect(await instance(sql, s)).toMatchObject({ time_last_auto_restarted: before });
  });

  /** Failed again after an automatic restart so long ago. */
  async function restartedBefore(cooldown: string | null, ago = "0"): Promise<Scenario> {
    const s = await stopped(sql, { intendedState: "running" });
    await applied(beginStart(sql, { ...s.start, startReason: "auto_restart" }));
    await say(sql, s, "active", "failed");
    await update(sql, s);
    await configureInstance(sql, { instanceId: s.instanceId, autoRestartCooldown: cooldown });
    await sql`update vmstate.instance set time_last_auto_restarted = clock_timestamp() - ${ago}::interval
      where id = ${s.instanceId}`;
    return { ...s, row: rowOf(s, "failed", 4) };
  }
});

describe("gone", () => {
  test("the instance was deleted", async () => {
    const s = await deleted(sql);
    expect(await writingNothing(sql, () => beginStart(sql, s.start))).toEqual({
      outcome: "gone",
      reason: null,
      ...s.row,
      replacedPropolisId: null,
    });
  });

  test("a replay after the VMM was deleted", async () => {
    const s = await failed(sql);
    await applied(deleteVmm(sql, s));
    expect(await writingNothing(sql, () => beginStart(sql, s.start))).toEqual({
      outcome: "gone",
      reason: null,
      ...s.row,
      replacedPropolisId: null,
    });
  });
});

test("not_found: the instance does not exist", async () => {
  expect(await writingNothing(sql, () => beginStart(sql, unknown().start))).toEqual({
    outcome: "not_found",
    reason: null,
    ...NO_ROW,
    replacedPropolisId: null,
  });
});

test.each([
  ["p_instance_id", null, /null/],
  ["p_saga_id", null, /null/],
  ["p_propolis_id", null, /null/],
  ["p_sled_id", null, /null/],
  ["p_propolis_ip", null, /null/],
  ["p_propolis_port", -1, /-1/],
  ["p_propolis_port", 65536, /65536/],
  ["p_start_reason", "restart", /restart/],
])("VM001 for %s %s", async (argument, value, detail) => {
  const s = await stopped(sql);
  const valid = {
    p_instance_id: s.instanceId,
    p_saga_id: s.start.sagaId,
    p_propolis_id: s.propolisId,
    p_sled_id: s.start.sledId,
    p_propolis_ip: "fd00::1",
  };
  await expectInvalid(sql, "begin_start", { ...valid, [argument]: value }, argument, detail);
});
