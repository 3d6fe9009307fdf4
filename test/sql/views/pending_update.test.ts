import { describe, expect, test } from "vitest";
import {
  abandonedVmms,
  failVmm,
  pendingUpdates,
  restartableInstances,
  watchedVmms,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { NO_PLANS, PLANS } from "../plans.js";
import {
  applied,
  creating,
  deleted,
  expireLease,
  failed,
  running,
  saying,
  stopped,
  update,
} from "../scenario.js";
import { ofInstance, lock, migratingTo } from "./arrange.js";

const { sql } = withDatabase();

describe("pending_update", () => {
  test.each(PLANS)("lists $title", async ({ title, reach }) => {
    const s = await reach(sql);
    const [row] = await sql`select updater_generation from vmstate.instance where id = ${s.instanceId}`;
    expect(await ofInstance(s, pendingUpdates(sql))).toEqual([
      {
        instanceId: s.instanceId,
        verdict: title.split(":")[0],
        stateGeneration: s.row.stateGeneration,
        updaterGeneration: Number(row?.["updater_generation"]),
        since: expect.any(Date) as unknown,
      },
    ]);
    await update(sql, s);
    expect(await ofInstance(s, pendingUpdates(sql))).toEqual([]);
  });

  const nothing = [
    ...NO_PLANS,
    ["creating", creating],
    ["stopped without a VMM", stopped],
    ["failed without a VMM", failed],
    ["deleted", deleted],
  ] as typeof NO_PLANS;
  test.each(nothing)("does not list %s", async (_, reach) => {
    expect(await ofInstance(await reach(sql), pendingUpdates(sql))).toEqual([]);
  });

  test.each([
    ["a dead VMM", () => saying(sql, "failed")],
    ["a migration that failed", () => migratingTo(sql, "failed")],
  ])("lists no instance whose updater lock is held, until its lease expires: %s", async (_, reach) => {
    const s = await lock(sql, await reach());
    expect(await ofInstance(s, pendingUpdates(sql))).toEqual([]);
    await expireLease(sql, s);
    expect(await ofInstance(s, pendingUpdates(sql))).toMatchObject([{ updaterGeneration: 2 }]);
  });

  test("lists up to a limit", async () => {
    await saying(sql, "failed");
    await migratingTo(sql, "failed");
    expect(await pendingUpdates(sql, { limit: 1 })).toHaveLength(1);
  });
});

test("work lists treat fail_vmm like a report of failed", async () => {
  const s = await running(sql);
  await applied(failVmm(sql, { ...s, reason: "no_such_vmm" }));
  expect(await ofInstance(s, pendingUpdates(sql))).toHaveLength(1);
  expect(await ofInstance(s, watchedVmms(sql))).toEqual([]);
  await update(sql, s);
  expect(await ofInstance(s, abandonedVmms(sql))).toHaveLength(1);
  expect(await ofInstance(s, restartableInstances(sql))).toHaveLength(1);
});
