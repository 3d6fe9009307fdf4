import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { expect, it } from "vitest";
import {
  beginStart,
  beginUpdate,
  breakUpdate,
  commitUpdate,
  createInstance,
  deleteInstance,
  deleteVmm,
  explainUpdate,
  failSled,
  failSledVmms,
  failVmm,
  inheritUpdate,
  reportVmm,
  requestStop,
  runUpdate,
  unlockUpdate,
  unwindStart,
} from "../../src/index.js";
import {
  anotherStart,
  applied,
  creating,
  migrating,
  migration,
  running,
  say,
  unwound,
  update,
  writingNothing,
  type Scenario,
} from "../sql/scenario.js";
import { regressionDatabase, NOTHING, report, situationOf, whileHeld } from "./situation.js";

const database = regressionDatabase();

const automatic = (s: Scenario) => ({ ...anotherStart(s), startReason: "auto_restart" as const });

// An instance whose start saga had unwound was to be restarted for its unwound VMM, but that VMM was also reaped.
// Where the reaper came first, the instance was merely stopped, and no restart followed.
it.each(["before", "after"])(
  "Omicron 9174: an instance whose start unwound is restarted automatically %s its VMM is unlinked",
  async (order) => {
    const { sql } = database;
    const s = await unwound(sql);
    expect(await situationOf(sql, s)).toEqual({
      ...NOTHING,
      shown: "stopped",
      intends: "running",
      active: s.propolisId,
      updatePending: true,
      restartable: true,
    });
    if (order === "after") {
      await update(sql, s);
      expect(await situationOf(sql, s)).toEqual({
        ...NOTHING,
        shown: "stopped",
        intends: "running",
        restartable: true,
        abandoned: [s.propolisId],
      });
    }

    const restart = automatic(s);
    expect(await beginStart(sql, restart)).toMatchObject({
      outcome: "applied",
      replacedPropolisId: order === "before" ? s.propolisId : null,
    });
    expect(await situationOf(sql, s)).toEqual({
      ...NOTHING,
      shown: "starting",
      intends: "running",
      active: restart.propolisId,
      abandoned: [s.propolisId],
    });
  },
);

const VANISHING: [string, (sql: postgres.Sql, s: Scenario) => Promise<unknown>][] = [
  [
    "no_such_vmm",
    (sql, { instanceId, destinationId: propolisId }) =>
      applied(failVmm(sql, { instanceId, propolisId, reason: "no_such_vmm" })),
  ],
  ["sled_expunged", (sql, s) => failSled(sql, { ...s.migration, reason: "sled_expunged" })],
  ["reported destroyed without its side", (sql, s) => say(sql, s, "destination", "destroyed")],
];

// A VMM that takes part in a migration was found gone, but nothing ended its side of the migration.
// That side stayed in doubt: the record went on saying that the migration was under way.
it.each(VANISHING)(
  "Omicron 6520: a dead destination (%s) ends the migration, though its side stays in_progress",
  async (_, vanish) => {
    const { sql } = database;
    const s = await migrating(sql);
    await say(sql, s, "destination", "migrating", "in_progress");
    await vanish(sql, s);
    expect(await situationOf(sql, s)).toMatchObject({ shown: "migrating", updatePending: true });
    await update(sql, s);

    const { instanceId, destinationId: propolisId } = s;
    expect(await migration(sql, s.migrationId)).toMatchObject({
      source_state: "pending",
      destination_state: "in_progress",
      time_deleted: null,
    });
    await applied(deleteVmm(sql, { instanceId, propolisId }));
    expect(await writingNothing(sql, () => say(sql, s, "destination", "running", "completed"))).toMatchObject(
      {
        vmmOutcome: "gone",
        migrationInOutcome: "gone",
        updateNeeded: false,
      },
    );
    expect(await situationOf(sql, s)).toEqual({
      ...NOTHING,
      shown: "running",
      intends: "running",
      active: s.propolisId,
      watched: [s.propolisId],
    });
  },
);

// A stop in the middle of a migration was sent to the source alone.
// If the guest had moved by then, the instance could end without a VMM while its new one, told nothing, ran on.
it("Omicron 11107: request_stop during a migration returns both VMMs, and the instance stops when the guest does", async () => {
  const { sql } = database;
  const s = await migrating(sql);
  await say(sql, s, "destination", "migrating", "in_progress");
  const { commandPropolisIds } = await applied(requestStop(sql, s));
  expect(commandPropolisIds.sort()).toEqual([s.propolisId, s.destinationId].sort());

  // the source stops, but the guest had gone over
  await say(sql, s, "destination", "running", "completed");
  await say(sql, s, "active", "destroyed");
  await update(sql, s);
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "running",
    intends: "stopped",
    active: s.destinationId,
    abandoned: [s.propolisId],
    watched: [s.destinationId],
  });
  expect(await requestStop(sql, s)).toMatchObject({
    outcome: "unchanged",
    commandPropolisIds: [s.destinationId],
  });
  await say(sql, s, "destination", "destroyed");
  await update(sql, s);

  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    shown: "stopped",
    intends: "stopped",
    abandoned: [s.propolisId, s.destinationId].sort(),
  });
});

// The report itself could not be read; this test follows 6809: the watcher found a VMM gone that the user was just stopping.
// It was failed, its own "destroyed" came too late, and the automatic restart undid the stop.
it.each(["before the VMM is found gone", "while it is being restarted"])(
  "Omicron 7727 (after 6809): request_stop %s is not undone by an automatic restart",
  async (when) => {
    const { db, sql } = database;
    const s = await running(sql);
    const early = when.startsWith("before");
    if (early) expect(await requestStop(sql, s)).toMatchObject({ commandPropolisIds: [s.propolisId] });
    await say(sql, s, "active", "stopping");
    await applied(failVmm(sql, { ...s, reason: "no_such_vmm" }));
    expect(await say(sql, s, "active", "destroyed")).toMatchObject({
      vmmOutcome: "terminal",
      state: "failed",
    });
    await update(sql, s);
    expect(await situationOf(sql, s)).toMatchObject({ shown: "failed", restartable: !early });

    if (early) expect(await beginStart(sql, automatic(s))).toMatchObject({ reason: "restart_not_permitted" });
    const { first, second } = await whileHeld(
      db,
      (held) => requestStop(held, s),
      (waiting) => beginStart(waiting, automatic(s)),
    );
    expect(first).toMatchObject({ outcome: "applied", apiState: "stopped", commandPropolisIds: [] });
    expect(second).toMatchObject({ outcome: "conflict", reason: "restart_not_permitted" });
    expect(await situationOf(sql, s)).toEqual({
      ...NOTHING,
      shown: "stopped",
      intends: "stopped",
      abandoned: [s.propolisId],
    });
  },
);

// The watcher met VMMs that outlived their instance, and took a migration target's state for that of the active VMM.
// That tripped its own assertion on what an instance without a VMM may be, seen as a test that failed now and then.
it("Omicron 8755: a destination that outlives its instance is listed until it ends, and its reports do not change the instance", async () => {
  const { sql } = database;
  const s = await migrating(sql);
  await say(sql, s, "destination", "migrating", "in_progress");
  await applied(unwindStart(sql, s.start));
  expect(await situationOf(sql, s)).toMatchObject({ shown: "stopped", watched: [s.destinationId] });
  await applied(deleteInstance(sql, s));

  expect(await say(sql, s, "destination", "running")).toMatchObject({
    vmmOutcome: "applied",
    updateNeeded: false,
  });
  expect(await runUpdate(sql, { ...s, sagaId: randomUUID() })).toMatchObject({ outcome: "gone" });
  expect(await situationOf(sql, s)).toEqual({
    ...NOTHING,
    orphaned: [s.destinationId],
    abandoned: [s.propolisId],
    watched: [s.destinationId],
  });

  expect(await say(sql, s, "destination", "destroyed")).toMatchObject({ updateNeeded: false });
  const { instanceId } = s;
  for (const propolisId of [s.propolisId, s.destinationId])
    await applied(deleteVmm(sql, { instanceId, propolisId }));
  expect(await situationOf(sql, s)).toEqual(NOTHING);
});

// The report itself could not be read; this test follows 10784: an instance was deleted before its update saga had locked it.
// The saga took the failure to lock for a passing one, and tried again without end.
it("Omicron 10787 (after 10784): every verb of an update saga is gone after the instance is deleted", async () => {
  const { db, sql } = database;
  const s = await unwound(sql);
  const holder = { instanceId: s.instanceId, sagaId: randomUUID() };
  const { updaterGeneration, planToken } = await applied(beginUpdate(sql, { ...holder, lease: "1 hour" }));
  const late = { instanceId: s.instanceId, sagaId: randomUUID() };

  const { first, second } = await whileHeld(
    db,
    (held) => deleteInstance(held, s),
    (waiting) => beginUpdate(waiting, { ...late, lease: "1 hour" }),
  );
  expect(first).toMatchObject({ outcome: "applied", state: "destroyed" });
  expect(second).toMatchObject({ outcome: "gone", reason: null });
  const inheritance = {
    instanceId: s.instanceId,
    parentSagaId: holder.sagaId,
    sagaId: late.sagaId,
    lease: "1 hour",
  };
  await writingNothing(sql, async () => {
    for (const answer of [
      await beginUpdate(sql, { ...holder, lease: "1 hour" }),
      await inheritUpdate(sql, { ...inheritance, updaterGeneration }),
      await commitUpdate(sql, { ...holder, updaterGeneration, planToken }),
      await unlockUpdate(sql, { ...holder, updaterGeneration }),
      await runUpdate(sql, late),
    ])
      expect(answer).toMatchObject({ outcome: "gone", reason: null });
  });

  expect(await situationOf(sql, s)).toEqual({ ...NOTHING, abandoned: [s.propolisId] });
});

// An unwinding create saga marked its instance as failed, only to be allowed to delete it.
// In between it looked like one to restart: it was started, and could not be deleted any more.
it("Omicron 7326: an instance in creation is deleted directly, and cannot be started before or during the deletion", async () => {
  const { db, sql } = database;
  const s = await creating(sql, { intendedState: "running" });
  expect(await situationOf(sql, s)).toEqual({ ...NOTHING, shown: "creating", intends: "running" });
  expect(await beginStart(sql, automatic(s))).toMatchObject({ outcome: "conflict", reason: "creating" });

  const { first, second } = await whileHeld(
    db,
    (held) => deleteInstance(held, s),
    (waiting) => beginStart(waiting, automatic(s)),
  );
  expect(first).toMatchObject({ outcome: "applied", state: "destroyed" });
  expect(second).toMatchObject({ outcome: "gone" });
  expect(await writingNothing(sql, () => deleteInstance(sql, s))).toMatchObject({ outcome: "unchanged" });

  await applied(createInstance(sql, { ...s.create, instanceId: randomUUID() }));
  expect(await situationOf(sql, s)).toEqual(NOTHING);
});

// A saga crashed between taking the updater lock and recording that it had, and unwound without releasing it: the
// instance was locked until a person picked the lock.
it("Omicron 10166: an operator finds the lock of a dead update saga with explain_update and breaks it, and another saga updates the instance", async () => {
  const { sql } = database;
  const s = await running(sql);
  await say(sql, s, "active", "failed");
  const dead = { instanceId: s.instanceId, sagaId: randomUUID() };
  const { updaterGeneration, planToken } = await applied(beginUpdate(sql, { ...dead, lease: "1 day" }));
  const next = { instanceId: s.instanceId, sagaId: randomUUID() };
  expect(await runUpdate(sql, next)).toMatchObject({ outcome: "conflict", reason: "locked" });
  expect(await situationOf(sql, s)).toMatchObject({ shown: "stopping", updatePending: false });

  const held = await explainUpdate(sql, s);
  expect(held).toMatchObject({ updaterId: dead.sagaId, updaterGeneration });
  await applied(breakUpdate(sql, { ...s, updaterGeneration, reason: "its Nexus is gone" }));
  expect(await situationOf(sql, s)).toMatchObject({ shown: "stopping", updatePending: true });
  await applied(runUpdate(sql, next));

  // the saga was not dead after all
  expect(
    await writingNothing(sql, () => commitUpdate(sql, { ...dead, updaterGeneration, planToken })),
  ).toMatchObject({ outcome: "conflict", reason: "lock_lost" });
  expect(await situationOf(sql, s)).toMatchObject({ shown: "failed", restartable: true });
});

// A sled rebooted, and its guests were gone, while the API went on to show them as running.
it("Omicron 3633: fail_sled_vmms fails the VMMs that a rebooted sled has lost, and not one that started there since", async () => {
  const { sql } = database;
  const lost = await running(sql);
  const since = await unwound(sql);
  const start = { ...anotherStart(since), sledId: lost.start.sledId };
  await applied(beginStart(sql, start));
  await reportVmm(sql, report(since, start.propolisId, "running", 2));

  expect(
    await failSledVmms(sql, {
      sledId: lost.start.sledId,
      propolisIds: [lost.propolisId],
      reason: "no_such_vmm",
    }),
  ).toMatchObject([{ propolisId: lost.propolisId, updateNeeded: true }]);
  await update(sql, lost);
  expect(await situationOf(sql, lost)).toEqual({
    ...NOTHING,
    shown: "failed",
    intends: "running",
    restartable: true,
    abandoned: [lost.propolisId],
  });
  expect(await situationOf(sql, since)).toMatchObject({
    shown: "running",
    active: start.propolisId,
    watched: [start.propolisId],
  });
});
