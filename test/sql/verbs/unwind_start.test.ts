import { describe, expect, test } from "vitest";
import {
  apiInstance,
  beginStart,
  deleteInstance,
  deleteVmm,
  failVmm,
  unwindMigration,
  unwindStart,
  type ReportedVmmState,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  anotherStart,
  applied,
  expectInvalid,
  failed,
  handedOver,
  instance,
  migrated,
  migrating,
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

/** What changed of the instance's row: nothing may. */
async function leavingTheInstance<T>(s: Scenario, act: () => Promise<T>): Promise<T> {
  const version = (): Promise<unknown> =>
    sql`select xmin::text, to_jsonb(i) from vmstate.instance as i where i.id = ${s.instanceId}`;
  const before = await version();
  const answer = await act();
  expect(await version()).toEqual(before);
  return answer;
}

describe("applied", () => {
  test("sets a creating VMM to saga_unwound; the instance shows stopped at once", async () => {
    const s = await starting(sql);
    expect(await leavingTheInstance(s, () => unwindStart(sql, s.start))).toEqual({
      outcome: "applied",
      reason: null,
      state: "saga_unwound",
      stateGeneration: 2,
    });
    expect(await apiInstance(sql, s)).toMatchObject({ state: "stopped" });
    expect(await vmm(sql, s.propolisId)).toMatchObject({ state: "saga_unwound", time_unlinked: null });
  });

  const reported: ReportedVmmState[] = [
    "starting",
    "running",
    "stopping",
    "stopped",
    "rebooting",
    "migrating",
    "failed",
    "destroyed",
  ];
  test.each(reported)("sets a linked VMM that is %s to saga_unwound", async (state) => {
    const s = await saying(sql, state);
    expect(await leavingTheInstance(s, () => unwindStart(sql, s.start))).toEqual({
      outcome: "applied",
      reason: null,
      state: "saga_unwound",
      stateGeneration: 4,
    });
    expect(await vmm(sql, s.propolisId)).toMatchObject({ state: "saga_unwound", failure_reason: null });
    expect(await apiInstance(sql, s)).toMatchObject({ state: "stopped" });
  });

  test("sets the source of a migration in progress to saga_unwound", async () => {
    const s = await migrating(sql);
    expect(await leavingTheInstance(s, () => unwindStart(sql, s.start))).toMatchObject({
      outcome: "applied",
    });
    expect(await apiInstance(sql, s)).toMatchObject({ state: "stopped" });
    expect(await vmm(sql, s.destinationId)).toMatchObject({ state: "creating", state_generation: 1 });
  });

  test("sets the source of a failed, unlinked migration to saga_unwound, though the destination reported completed", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "running", "completed");
    await say(sql, s, "active", "running", "failed");
    await update(sql, s);
    expect(await unwindStart(sql, s.start)).toMatchObject({ outcome: "applied", state: "saga_unwound" });
  });
});

describe("unchanged", () => {
  const moves: [string, (s: Scenario) => Promise<unknown>][] = [
    ["at once", () => Promise.resolve()],
    ["when another VMM replaced the unwound one", (s) => beginStart(sql, anotherStart(s))],
    ["when the update saga unlinked the VMM", (s) => update(sql, s)],
    ["when the instance was deleted", (s) => deleteInstance(sql, s)],
  ];
  test.each(moves)("a replay %s", async (_, move) => {
    const s = await unwound(sql);
    await move(s);
    expect(await writingNothing(sql, () => unwindStart(sql, s.start))).toEqual({
      outcome: "unchanged",
      reason: null,
      state: "saga_unwound",
      stateGeneration: 2,
    });
  });

  test.each(["failed", "destroyed"] as const)("a VMM that is %s and unlinked stays so", async (state) => {
    const s = await saying(sql, state);
    await update(sql, s);
    expect(await writingNothing(sql, () => unwindStart(sql, s.start))).toEqual({
      outcome: "unchanged",
      reason: null,
      state,
      stateGeneration: 3,
    });
  });
});

describe("conflict", () => {
  const states: [string, () => Promise<Scenario>][] = [
    ["is creating", () => starting(sql)],
    ["is failed", () => saying(sql, "failed")],
    ["is unwound already", () => unwound(sql)],
    ["is failed and unlinked", () => failed(sql)],
  ];
  test.each(states)("wrong_saga: another saga created the VMM, which %s", async (_, reach) => {
    const s = await reach();
    const { state, state_generation } = await vmm(sql, s.propolisId);
    const other = { ...s.start, sagaId: s.migration.sagaId };
    expect(await writingNothing(sql, () => unwindStart(sql, other))).toEqual({
      outcome: "conflict",
      reason: "wrong_saga",
      state,
      stateGeneration: state_generation,
    });
  });

  const destinations: [string, () => Promise<Scenario>, string, number][] = [
    ["begun", () => migrating(sql), "creating", 1],
    ["handed over", () => handedOver(sql), "migrating", 2],
    ["completed", () => migrated(sql), "running", 2],
    [
      "unwound",
      async () => {
        const s = await migrating(sql);
        await applied(unwindMigration(sql, s.migration));
        return s;
      },
      "saga_unwound",
      2,
    ],
  ];
  test.each(destinations)(
    "migration_destination: the VMM is the destination of a migration that is %s",
    async (_, reach, state, stateGeneration) => {
      const s = await reach();
      const destination = { ...s.migration, propolisId: s.destinationId };
      expect(await writingNothing(sql, () => unwindStart(sql, destination))).toEqual({
        outcome: "conflict",
        reason: "migration_destination",
        state,
        stateGeneration,
      });
    },
  );

  const handOvers: [string, () => Promise<Scenario>, string, number][] = [
    ["whose source side completed", () => completedBy("active"), "running", 3],
    ["whose destination side completed", () => completedBy("destination"), "running", 2],
    [
      "that failed on the source after the destination completed, until the update saga has decided",
      async () => {
        const s = await completedBy("destination");
        await say(sql, s, "active", "running", "failed");
        return s;
      },
      "running",
      3,
    ],
    [
      "that completed before the VMM died",
      async () => {
        const s = await completedBy("destination");
        await say(sql, s, "active", "destroyed");
        return s;
      },
      "destroyed",
      3,
    ],
    ["that unlinked it by a hand-over", () => handedOver(sql), "running", 3],
    ["that completed and unlinked it", () => migrated(sql), "running", 2],
  ];
  test.each(handOvers)(
    "handed_over: the VMM is the source of a migration %s",
    async (_, reach, state, stateGeneration) => {
      const s = await reach();
      expect(await writingNothing(sql, () => unwindStart(sql, s.start))).toEqual({
        outcome: "conflict",
        reason: "handed_over",
        state,
        stateGeneration,
      });
    },
  );

  async function completedBy(side: "active" | "destination"): Promise<Scenario> {
    const s = await migrating(sql);
    await say(sql, s, side, "running", "completed");
    return s;
  }
});

test("gone: the VMM was deleted, unwound or not", async () => {
  const [a, b] = [await unwound(sql), await saying(sql, "failed")];
  for (const [s, state, stateGeneration] of [
    [a, "saga_unwound", 2],
    [b, "failed", 3],
  ] as const) {
    await update(sql, s);
    await applied(deleteVmm(sql, s));
    expect(await writingNothing(sql, () => unwindStart(sql, s.start))).toEqual({
      outcome: "gone",
      reason: null,
      state,
      stateGeneration,
    });
  }
});

describe("not_found", () => {
  const nothing = { outcome: "not_found", reason: null, state: null, stateGeneration: null };

  test("the VMM does not exist", async () => {
    const s = await stopped(sql);
    expect(await writingNothing(sql, () => unwindStart(sql, s.start))).toEqual(nothing);
    expect(await writingNothing(sql, () => unwindStart(sql, unknown().start))).toEqual(nothing);
  });

  test("the VMM is another instance's", async () => {
    const [s, other] = [await starting(sql), await starting(sql)];
    const mixed = { ...s.start, instanceId: other.instanceId };
    expect(await writingNothing(sql, () => unwindStart(sql, mixed))).toEqual(nothing);
  });
});

test("a later report of destroyed, and a later fail_vmm, are terminal", async () => {
  const s = await unwound(sql);
  expect(await writingNothing(sql, () => say(sql, s, "active", "destroyed"))).toMatchObject({
    vmmOutcome: "terminal",
    updateNeeded: false,
    state: "saga_unwound",
  });
  const watcher = { ...s, reason: "no_such_vmm" } as const;
  expect(await writingNothing(sql, () => failVmm(sql, watcher))).toMatchObject({ outcome: "terminal" });
});

test("keeps the intent running when the guest ran before the unwind", async () => {
  const s = await running(sql);
  await applied(unwindStart(sql, s.start));
  await update(sql, s);
  expect(await instance(sql, s)).toMatchObject({ state: "no_vmm", intended_state: "running" });
  expect(await apiInstance(sql, s)).toMatchObject({ state: rowOf(s, "stopped", 4).apiState });
});

test.each(["p_instance_id", "p_saga_id", "p_propolis_id"])("VM001 for %s null", async (argument) => {
  const s = await starting(sql);
  const valid = { p_instance_id: s.instanceId, p_saga_id: s.start.sagaId, p_propolis_id: s.propolisId };
  await expectInvalid(sql, "unwind_start", { ...valid, [argument]: null }, argument, /null/);
});
