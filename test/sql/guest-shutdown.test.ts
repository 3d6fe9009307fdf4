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

describe("guest_shutdown, though the destroyed VMM was not last reported running:", () => {
  const cases: [string, Reach][] = [
    ["the VMM was reported rebooting", after(() => starting(sql), active("rebooting"), active("destroyed"))],
    ["the VMM was reported migrating", after(() => starting(sql), active("migrating"), active("destroyed"))],
    ["the VMM was reported running", after(() => running(sql), active("destroyed"))],
    [
      "both VMMs report completed and destroyed in one report",
      after(() => migrating(sql), active("destroyed", "completed"), destination("destroyed", "completed")),
    ],
    [
      "only the destination reports completed",
      after(() => migrating(sql), destination("destroyed", "completed")),
    ],
    [
      "the source reports completed, the destination destroyed before its side ends",
      after(() => migrating(sql), active("running", "completed"), destination("destroyed")),
    ],
    [
      "the source reports completed, the destination migrating and then destroyed",
      after(
        () => migrating(sql),
        destination("migrating", "in_progress"),
        active("destroyed", "completed"),
        destination("destroyed", "in_progress"),
      ),
    ],
    [
      "the destination is destroyed after a hand-over",
      after(() => handedOver(sql), destination("destroyed")),
    ],
    [
      "the destination is stopping, then destroyed after a hand-over",
      after(() => handedOver(sql), destination("stopping"), destination("destroyed")),
    ],
    [
      "the completed migration is unlinked first",
      after(
        () => migrating(sql),
        destination("migrating", "completed"),
        updated,
        destination("stopping"),
        destination("destroyed"),
      ),
    ],
    [
      "the completed migration is unlinked and deleted with its source first",
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
      "a second migration from the destination fails first",
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
      "the migration fails and the source is destroyed",
      after(() => migrating(sql), active("destroyed"), destination("starting", "failed")),
    ],
  ];
  test.each(cases)("%s", async (_, reach) => {
    expect(await ending(await reach())).toEqual(SHUT_DOWN);
  });
});

describe("no guest_shutdown, since the guest never ran:", () => {
  test.each(["starting", "stopping", "stopped"] as const)(
    "the VMM was reported %s, then destroyed",
    async (state) => {
      const s = await starting(sql);
      await say(sql, s, "active", state);
      await say(sql, s, "active", "destroyed");
      expect(await ending(s)).toEqual(NEVER_RAN);
    },
  );

  test("the VMM was reported starting, stopping, stopped, then destroyed", async () => {
    const s = await starting(sql);
    for (const state of ["starting", "stopping", "stopped", "destroyed"] as const)
      await say(sql, s, "active", state);
    expect(await ending(s)).toEqual(NEVER_RAN);
  });

  test("the VMM was only reported destroyed", async () => {
    const s = await starting(sql);
    await say(sql, s, "active", "destroyed");
    expect(await ending(s)).toEqual(NEVER_RAN);
  });
});

test("a destination reported migrating has no guest yet: time_started stays NULL, and its end leaves the guest running", async () => {
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

describe("no guest_shutdown for a failed VMM:", () => {
  const cases: [string, Reach][] = [
    ["the VMM was running", after(() => running(sql), active("failed"))],
    ["the VMM was rebooting", after(() => starting(sql), active("rebooting"), active("failed"))],
    ["the destination failed after a completed migration", after(() => migrated(sql), destination("failed"))],
    [
      "the destination failed after the source reported completed",
      after(() => migrating(sql), active("destroyed", "completed"), destination("failed")),
    ],
    [
      "fail_vmm of the destination after a hand-over",
      after(
        () => handedOver(sql),
        (s) =>
          applied(
            failVmm(sql, { instanceId: s.instanceId, propolisId: s.destinationId, reason: "no_such_vmm" }),
          ),
      ),
    ],
    [
      "the destination's side failed after the source reported completed",
      after(() => migrating(sql), active("destroyed", "completed"), destination("migrating", "failed")),
    ],
  ];
  test.each(cases)("%s", async (_, reach) => {
    expect(await ending(await reach())).toEqual(FAILED);
  });
});

test("a guest's shutdown after a migration does not overwrite the user's stop", async () => {
  const s = await handedOver(sql);
  await applied(requestStop(sql, s));
  await say(sql, s, "destination", "destroyed");
  expect(await ending(s)).toEqual(["no_vmm", "stopped", "stays off"]);
});
