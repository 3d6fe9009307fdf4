import { describe, expect, test } from "vitest";
import { stuckInstances, type ReportedVmmState } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  creating,
  deleted,
  failed,
  handedOver,
  migrating,
  running,
  say,
  saying,
  starting,
  stopped,
  unwound,
  unwoundMigration,
  vmm,
  type Scenario,
} from "../scenario.js";
import { migratingTo, ofInstance } from "./arrange.js";

const { sql } = withDatabase();

describe("stuck_instance", () => {
  const stuck: [string, string, () => Promise<Scenario>][] = [
    ["finish_instance_creation", "creating", () => creating(sql)],
    ["start saga", "starting with a VMM that is creating", () => starting(sql)],
    ["sled agent", "starting", () => saying(sql, "starting")],
    ["sled agent", "stopping", () => saying(sql, "stopping")],
    ["sled agent", "stopping with a VMM that is stopped", () => saying(sql, "stopped")],
    ["sled agent", "rebooting", () => saying(sql, "rebooting")],
    ["sled agent", "migrating without a migration", () => saying(sql, "migrating")],
    ["update saga", "stopping with a dead VMM", () => saying(sql, "failed")],
    ["migrate saga", "migrating to a VMM that is creating", () => migrating(sql)],
    ["migration", "migrating", () => migratingTo(sql, "migrating")],
    ["migration", "handed over", () => handedOver(sql)],
    ["update saga", "migrating, though the migration failed", () => migratingTo(sql, "failed")],
  ];
  test.each(stuck)(
    "lists as waiting for %s an instance %s for 11 minutes, but not for 9",
    async (waitsFor, _, reach) => {
      const s = await reach();
      await silent(s, 9);
      expect(await ofInstance(s, stuckInstances(sql))).toEqual([]);
      await silent(s, 11);
      expect(await ofInstance(s, stuckInstances(sql))).toEqual([
        {
          instanceId: s.instanceId,
          apiState: s.row.apiState,
          age: expect.stringMatching(/^00:11:0/) as unknown,
          waitsFor,
          since: expect.any(Date) as unknown,
        },
      ]);
    },
  );

  const settled: [string, () => Promise<Scenario>][] = [
    ["stopped", () => stopped(sql)],
    ["running", () => running(sql)],
    ["failed", () => failed(sql)],
    ["stopped with an unwound VMM", () => unwound(sql)],
    ["running, its migration unwound", () => unwoundMigration(sql)],
    ["deleted", () => deleted(sql)],
  ];
  test.each(settled)("does not list an instance that is %s for 10000 minutes", async (_, reach) => {
    const s = await reach();
    await silent(s, 10_000);
    expect(await ofInstance(s, stuckInstances(sql))).toEqual([]);
  });

  test.each(["vmm", "source", "destination"])("any report of the %s resets the age", async (news) => {
    const s = await migratingTo(sql, "migrating");
    await silent(s, 11);
    if (news === "vmm") await say(sql, s, "active", "running");
    else {
      const side = news === "source" ? "active" : "destination";
      const before = await vmm(sql, news === "source" ? s.propolisId : s.destinationId);
      await say(sql, s, side, before["state"] as ReportedVmmState, "in_progress");
      // the side alone: its VMM stays as silent as it was
      await sql`update vmstate.vmm set time_reported = ${String(before["time_reported"])},
        state_generation = state_generation + 1 where id = ${String(before["id"])}`;
    }
    expect(await ofInstance(s, stuckInstances(sql))).toEqual([]);
  });

  test("has the threshold of stuck_after: 10 minutes", async () => {
    expect(await sql`select vmstate.stuck_after()::text`).toEqual([{ stuck_after: "00:10:00" }]);
  });

  /** Sets the times of all rows of the instance to that many minutes ago, as if no report had come since. */
  async function silent(s: Scenario, minutes: number): Promise<void> {
    const [{ time } = {}] = await sql`select clock_timestamp() - make_interval(mins => ${minutes}) as time`;
    const at = time as Date;
    if (s.row.state !== "destroyed") {
      await sql`update vmstate.instance set time_state_updated = ${at}, state_generation = state_generation + 1
        where id = ${s.instanceId}`;
    }
    await sql`update vmstate.vmm set time_state_updated = ${at}, state_generation = state_generation + 1,
        time_reported = case when time_reported is not null then ${at}::timestamptz end
      where instance_id = ${s.instanceId}`;
    await sql`update vmstate.migration set time_source_updated = ${at}, source_generation = source_generation + 1,
      time_destination_updated = ${at}, destination_generation = destination_generation + 1,
      time_reported = case when time_reported is not null then ${at}::timestamptz end
      where instance_id = ${s.instanceId}`;
  }
});
