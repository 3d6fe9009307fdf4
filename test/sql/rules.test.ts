import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  apiInstance,
  apiVmms,
  beginMigration,
  beginStart,
  beginUpdate,
  commitUpdate,
  explainUpdate,
  reportVmm,
  requestStop,
  unwindMigration,
  unwindStart,
  type ReportedVmmState,
  type ReportVmmArguments,
} from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import {
  anotherMigration,
  anotherStart,
  applied,
  failed,
  instance,
  migrating,
  running,
  say,
  saying,
  starting,
  stopped,
  unwound,
  unwoundMigration,
  update,
  vmm,
  type Scenario,
} from "./scenario.js";

const { sql } = withDatabase();

const REPORTED: ReportedVmmState[] = [
  "starting",
  "running",
  "stopping",
  "stopped",
  "rebooting",
  "migrating",
  "failed",
  "destroyed",
];

const shown = async (s: Scenario): Promise<string | undefined> => (await apiInstance(sql, s))?.state;

describe("rule 1: a start or a migration replaces NULL or a saga_unwound VMM, directly, in one write", () => {
  test("a start replaces NULL and raises the generation by 1", async () => {
    const s = await stopped(sql);
    expect(await beginStart(sql, s.start)).toMatchObject({
      outcome: "applied",
      stateGeneration: 3,
      activePropolisId: s.propolisId,
      replacedPropolisId: null,
    });
  });

  test("a start replaces an unwound VMM and raises the generation by 1, so the active id is never NULL in between", async () => {
    const s = await unwound(sql);
    const start = anotherStart(s);
    expect(await beginStart(sql, start)).toMatchObject({
      outcome: "applied",
      stateGeneration: 4,
      activePropolisId: start.propolisId,
      replacedPropolisId: s.propolisId,
    });
  });

  test.each(REPORTED)("a start does not replace a VMM that is %s", async (state) => {
    const s = await saying(sql, state);
    expect(await beginStart(sql, anotherStart(s))).toMatchObject({
      outcome: "conflict",
      activePropolisId: s.propolisId,
    });
  });

  test("a migration replaces NULL, or an unwound destination, and raises the generation by 1", async () => {
    const s = await running(sql);
    expect(await beginMigration(sql, s.migration)).toMatchObject({ outcome: "applied", stateGeneration: 4 });
    await applied(unwindMigration(sql, s.migration));
    const again = anotherMigration(s);
    expect(await beginMigration(sql, again)).toMatchObject({
      outcome: "applied",
      stateGeneration: 5,
      destinationPropolisId: again.destinationPropolisId,
      migrationId: again.migrationId,
    });
  });

  test.each(REPORTED)("a migration does not replace a destination that is %s", async (state) => {
    const s = await migrating(sql);
    await say(sql, s, "destination", state);
    expect(await beginMigration(sql, anotherMigration(s))).toMatchObject({
      outcome: "conflict",
      reason: "migration_in_progress",
      destinationPropolisId: s.destinationId,
    });
  });
});

describe("rule 2: an instance whose active VMM is saga_unwound appears stopped", () => {
  test.each(REPORTED)("stopped: the VMM was %s before the unwind", async (state) => {
    const s = await saying(sql, state);
    await applied(unwindStart(sql, s.start));
    expect(await shown(s)).toBe("stopped");
    expect(await instance(sql, s)).toMatchObject({ state: "vmm", active_propolis_id: s.propolisId });
  });

  test("stopped: the VMM was the source of a migration", async () => {
    const s = await migrating(sql);
    await applied(unwindStart(sql, s.start));
    expect(await shown(s)).toBe("stopped");
  });
});

describe("rule 3: a destination that is saga_unwound changes nothing", () => {
  test.each(REPORTED)("the instance shows the state of its active VMM alone: %s", async (state) => {
    const [alone, s] = [await saying(sql, state), await unwoundMigration(sql)];
    await say(sql, s, "active", state);
    expect(await shown(s)).toBe(await shown(alone));
  });

  test("the instance keeps its state when the unwound destination is unlinked", async () => {
    const s = await unwoundMigration(sql);
    expect(await shown(s)).toBe("running");
    await update(sql, s);
    expect(await shown(s)).toBe("running");
  });
});

describe("rule 4: the update saga removes a saga_unwound VMM exactly as it removes a destroyed one", () => {
  interface Ways {
    destroyed: () => Promise<Scenario>;
    unwound: () => Promise<Scenario>;
  }
  const ways: [string, Ways][] = [
    [
      "the plans for both are equal: active VMM",
      {
        destroyed: async () => {
          const s = await starting(sql);
          await say(sql, s, "active", "destroyed");
          return s;
        },
        unwound: () => unwound(sql),
      },
    ],
    [
      "the plans for both are equal: destination VMM",
      {
        destroyed: async () => {
          const s = await migrating(sql);
          await say(sql, s, "destination", "destroyed");
          return s;
        },
        unwound: async () => unwoundMigration(sql),
      },
    ],
  ];
  test.each(ways)("%s", async (_, { destroyed, unwound: unwind }) => {
    const [a, b] = [await destroyed(), await unwind()];
    expect(await planOf(b)).toEqual(await planOf(a));
  });

  /** The plan, its ids by their roles. */
  async function planOf(s: Scenario): Promise<unknown> {
    const plan = await applied(explainUpdate(sql, s));
    const roles = new Map([
      [s.propolisId, "active"],
      [s.destinationId, "destination"],
    ]);
    const role = (id: string | null): string | null => (id === null ? null : (roles.get(id) ?? id));
    return {
      newState: plan.newState,
      newActive: role(plan.newActivePropolisId),
      newDestination: role(plan.newDestinationPropolisId),
      newMigration: plan.newMigrationId,
      newIntent: plan.newIntendedState,
      network: [plan.network, role(plan.networkPropolisId)],
      unlinked: plan.unlinkedPropolisIds.map(role),
      terminate: plan.terminatePropolisIds.map(role),
    };
  }
});

describe("rule 5: saga_unwound is internal", () => {
  test("a sled agent cannot report saga_unwound", async () => {
    const s = await running(sql);
    const report = {
      instanceId: s.instanceId,
      propolisId: s.propolisId,
      state: "saga_unwound",
      generation: 9,
      time: new Date(),
    } as unknown as ReportVmmArguments;
    await expect(reportVmm(sql, report)).rejects.toMatchObject({ code: "22P02" });
    expect(await vmm(sql, s.propolisId)).toMatchObject({ state: "running", state_generation: 2 });
  });

  test("the API shows an unwound VMM as destroyed", async () => {
    const s = await unwound(sql);
    expect(await apiVmms(sql, s)).toMatchObject([{ id: s.propolisId, state: "destroyed" }]);
  });

  test("only the saga that created a VMM sets saga_unwound, and only by the unwind verb of its own kind", async () => {
    const s = await migrating(sql);
    const attempts = [
      unwindStart(sql, { ...s.start, sagaId: s.migration.sagaId }),
      unwindStart(sql, { ...s.migration, propolisId: s.destinationId }),
      unwindMigration(sql, { ...s.migration, sagaId: s.start.sagaId }),
    ];
    for (const attempt of attempts) expect(await attempt).toMatchObject({ outcome: "conflict" });
    const states = [await vmm(sql, s.propolisId), await vmm(sql, s.destinationId)].map((v) => v["state"]);
    expect(states).toEqual(["running", "creating"]);
  });
});

describe("rule 6: only the update saga sets an instance's VMM ids to NULL", () => {
  test("the owner cannot set a live VMM's id to NULL in psql", async () => {
    const s = await running(sql);
    const attempt = sql`
      update vmstate.instance
      set state = 'no_vmm', active_propolis_id = null, state_generation = state_generation + 1
      where id = ${s.instanceId}`;
    await expect(attempt).rejects.toMatchObject({ code: "VM104" });
  });

  const unwindings: [string, () => Promise<Scenario>, (s: Scenario) => Promise<{ outcome: string }>][] = [
    ["start", () => saying(sql, "failed"), (s) => unwindStart(sql, s.start)],
    ["migrate", () => failedMigration(), (s) => unwindMigration(sql, s.migration)],
  ];
  test.each(unwindings)(
    "an unwinding %s saga leaves the instance's row and a running update alone",
    async (_, reach, unwind) => {
      const s = await reach();
      const saga = { instanceId: s.instanceId, sagaId: randomUUID() };
      const { updaterGeneration, planToken } = await applied(beginUpdate(sql, { ...saga, lease: "1 hour" }));
      const version = (): Promise<unknown> =>
        sql`select xmin::text, to_jsonb(i) from vmstate.instance as i where i.id = ${s.instanceId}`;
      const before = await version();
      await applied(unwind(s));
      expect(await version()).toEqual(before);
      expect(await commitUpdate(sql, { ...saga, updaterGeneration, planToken })).toMatchObject({
        outcome: "applied",
      });
    },
  );

  async function failedMigration(): Promise<Scenario> {
    const s = await migrating(sql);
    await say(sql, s, "destination", "failed");
    return s;
  }
});

describe("the promise: when a start or migrate request fails, the instance already shows its post-state", () => {
  const starts: [string, () => Promise<Scenario>, string][] = [
    ["of a stopped instance", () => stopped(sql), "stopped"],
    ["of a failed instance", () => failed(sql), "stopped"],
    ["after a start that failed", () => unwound(sql), "stopped"],
  ];
  test.each(starts)(
    "a start %s: shows stopped after the unwind, and can start again",
    async (_, reach, state) => {
      const s = await reach();
      const start = anotherStart(s);
      await applied(beginStart(sql, start));
      expect(await shown(s)).toBe("starting");
      await applied(unwindStart(sql, start));
      expect(await shown(s)).toBe(state);
      await applied(beginStart(sql, anotherStart(s)));
    },
  );

  test.each(["running", "rebooting"] as const)(
    "a migration of a guest that is %s: shows that state after the unwind, and can migrate again",
    async (state) => {
      const s = await saying(sql, state);
      await applied(beginMigration(sql, s.migration));
      expect(await shown(s)).toBe("migrating");
      await applied(unwindMigration(sql, s.migration));
      expect(await shown(s)).toBe(state);
      await applied(beginMigration(sql, { ...anotherMigration(s) }));
    },
  );

  test("stopped: also after the sled's late report, the update saga and request_stop", async () => {
    const s = await unwound(sql);
    for (const step of [
      () => say(sql, s, "active", "destroyed"),
      () => update(sql, s),
      () => requestStop(sql, s),
    ]) {
      await step();
      expect(await shown(s)).toBe("stopped");
    }
  });
});
