import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  beginMigration,
  deleteVmm,
  failVmm,
  requestStop,
  restartableInstances,
  runUpdate,
  unwindMigration,
  type ReportedVmmState,
} from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import {
  anotherMigration,
  applied,
  handedOver,
  instance,
  migrated,
  migrating,
  running,
  say,
  starting,
  update,
  vmm,
  type Scenario,
} from "./scenario.js";

// A guest that shut itself down stays off; what never ran is started again. An agent sends the latest state, not each.

const { sql } = withDatabase();

/** State and intent after the update that unlinks the last VMM, and whether the instance may be restarted. */
async function ending(s: Scenario): Promise<[unknown, unknown, "restartable" | "stays off"]> {
  await applied(runUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID() }));
  const { state, intended_state } = await instance(sql, s);
  const listed = (await restartableInstances(sql)).some(({ instanceId }) => instanceId === s.instanceId);
  return [state, intended_state, listed ? "restartable" : "stays off"];
}

const SHUT_DOWN = ["no_vmm", "guest_shutdown", "stays off"];
const NEVER_RAN = ["no_vmm", "running", "restartable"];
const FAILED = ["failed", "running", "restartable"];

type Reach = () => Promise<Scenario>;
const after =
  (reach: Reach, ...steps: ((s: Scenario) => Promise<unknown>)[]): Reach =>
  async () => {
    const s = await reach();
    for (const step of steps) await step(s);
    return s;
  };
const active = (...args: [ReportedVmmState, ("in_progress" | "completed" | "failed")?]) =>
  ((s: Scenario) => say(sql, s, "active", ...args)) as (s: Scenario) => Promise<unknown>;
const destination = (...args: [ReportedVmmState, ("in_progress" | "completed" | "failed")?]) =>
  ((s: Scenario) => say(sql, s, "destination", ...args)) as (s: Scenario) => Promise<unknown>;
const updated = (s: Scenario): Promise<unknown> => update(sql, s);

describe("the guest shut down, though its VMM was never heard to run:", () => {
  const cases: [string, Reach][] = [
    ["it was heard rebooting", after(() => starting(sql), active("rebooting"), active("destroyed"))],
    [
      "it was heard migrating, away from its VMM",
      after(() => starting(sql), active("migrating"), active("destroyed")),
    ],
    ["it was heard running", after(() => running(sql), active("destroyed"))],
    [
      "its VMM came by a completed migration, both sides told at once with its end",
      after(() => migrating(sql), active("destroyed", "completed"), destination("destroyed", "completed")),
    ],
    [
      "the migration completed by the destination's word alone",
      after(() => migrating(sql), destination("destroyed", "completed")),
    ],
    [
      "the source completed, and the destination is destroyed before its side ends",
      after(() => migrating(sql), active("running", "completed"), destination("destroyed")),
    ],
    [
      "the same, the destination heard migrating before",
      after(
        () => migrating(sql),
        destination("migrating", "in_progress"),
        active("destroyed", "completed"),
        destination("destroyed", "in_progress"),
      ),
    ],
    ["after a hand-over", after(() => handedOver(sql), destination("destroyed"))],
    [
      "after the hand-over, its VMM heard stopping only",
      after(() => handedOver(sql), destination("stopping"), destination("destroyed")),
    ],
    [
      "the migration was unlinked long before",
      after(
        () => migrating(sql),
        destination("migrating", "completed"),
        updated,
        destination("stopping"),
        destination("destroyed"),
      ),
    ],
    [
      "the migration was unlinked, and its source deleted with it",
      after(
        () => migrating(sql),
        destination("starting", "completed"),
        updated,
        active("destroyed"),
        (s) => applied(deleteVmm(sql, s)),
        destination("destroyed"),
      ),
    ],
    [
      "it left its second VMM by another migration, which failed",
      after(
        () => migrating(sql),
        destination("migrating", "completed"),
        updated,
        async (s) => {
          const onward = { ...anotherMigration(s), sourcePropolisId: s.destinationId };
          await say(sql, s, "destination", "rebooting");
          await applied(beginMigration(sql, onward));
          await applied(unwindMigration(sql, onward));
          await update(sql, s);
        },
        destination("destroyed"),
      ),
    ],
    [
      "the migration failed, and it shut down on the source",
      after(() => migrating(sql), active("destroyed"), destination("starting", "failed")),
    ],
  ];
  test.each(cases)("%s", async (_, reach) => {
    expect(await ending(await reach())).toEqual(SHUT_DOWN);
  });
});

describe("no shutdown, since the guest never ran:", () => {
  test.each(["starting", "stopping", "stopped"] as const)("its VMM was heard %s alone", async (state) => {
    const s = await starting(sql);
    await say(sql, s, "active", state);
    await say(sql, s, "active", "destroyed");
    expect(await ending(s)).toEqual(NEVER_RAN);
  });

  test("its VMM was heard starting, stopping and stopped", async () => {
    const s = await starting(sql);
    for (const state of ["starting", "stopping", "stopped", "destroyed"] as const)
      await say(sql, s, "active", state);
    expect(await ending(s)).toEqual(NEVER_RAN);
  });

  test("its VMM was only ever heard destroyed", async () => {
    const s = await starting(sql);
    await say(sql, s, "active", "destroyed");
    expect(await ending(s)).toEqual(NEVER_RAN);
  });
});

test("a destination heard migrating has no guest yet: time_started stays null, and its end is none of the guest", async () => {
  const s = await migrating(sql);
  await say(sql, s, "destination", "migrating", "in_progress");
  await say(sql, s, "destination", "destroyed", "in_progress");
  expect(await vmm(sql, s.destinationId)).toMatchObject({ time_started: null });
  await update(sql, s);
  expect(await instance(sql, s)).toMatchObject({
    state: "vmm",
    active_propolis_id: s.propolisId,
    intended_state: "running",
  });
});

describe("failed is never a shutdown:", () => {
  const cases: [string, Reach][] = [
    ["a VMM that ran", after(() => running(sql), active("failed"))],
    ["a VMM that rebooted", after(() => starting(sql), active("rebooting"), active("failed"))],
    ["after a completed migration", after(() => migrated(sql), destination("failed"))],
    [
      "the destination, once the source had completed",
      after(() => migrating(sql), active("destroyed", "completed"), destination("failed")),
    ],
    [
      "the destination by a watcher's word, after the hand-over",
      after(
        () => handedOver(sql),
        (s) =>
          applied(
            failVmm(sql, { instanceId: s.instanceId, propolisId: s.destinationId, reason: "no_such_vmm" }),
          ),
      ),
    ],
    [
      "the guest lost on the way, after the source completed",
      after(() => migrating(sql), active("destroyed", "completed"), destination("migrating", "failed")),
    ],
  ];
  test.each(cases)("%s", async (_, reach) => {
    expect(await ending(await reach())).toEqual(FAILED);
  });
});

test("a user's stop is not overwritten by the shutdown after a migration", async () => {
  const s = await handedOver(sql);
  await applied(requestStop(sql, s));
  await say(sql, s, "destination", "destroyed");
  expect(await ending(s)).toEqual(["no_vmm", "stopped", "stays off"]);
});
