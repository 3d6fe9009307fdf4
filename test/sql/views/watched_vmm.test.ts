import { describe, expect, test } from "vitest";
import { watchedVmms } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { migrated, saying, starting, unwound, vmm, type Scenario } from "../scenario.js";
import { ofInstance, deletedWithOrphan } from "./arrange.js";

const { sql } = withDatabase();

describe("watched_vmm", () => {
  test.each(["starting", "running", "stopping", "stopped", "rebooting", "migrating"] as const)(
    "lists a VMM that is %s",
    async (state) => {
      const s = await saying(sql, state);
      const timeReported = new Date(String((await vmm(sql, s.propolisId))["time_reported"]));
      expect(await ofInstance(s, watchedVmms(sql))).toEqual([
        {
          instanceId: s.instanceId,
          propolisId: s.propolisId,
          sledId: s.start.sledId,
          propolisIp: "fd00::1",
          propolisPort: 12400,
          state,
          stateGeneration: 3,
          timeStateUpdated: expect.any(Date) as unknown,
          linked: true,
          timeReported,
          timeHeard: timeReported,
        },
      ]);
    },
  );

  const unwatched: [string, () => Promise<Scenario>][] = [
    ["creating", () => starting(sql)],
    ["failed", () => saying(sql, "failed")],
    ["destroyed", () => saying(sql, "destroyed")],
    ["saga_unwound", () => unwound(sql)],
  ];
  test.each(unwatched)("does not list a VMM that is %s", async (_, reach) => {
    expect(await ofInstance(await reach(), watchedVmms(sql))).toEqual([]);
  });

  test("lists unlinked VMMs as not linked", async () => {
    const s = await migrated(sql);
    const rows = await ofInstance(s, watchedVmms(sql));
    expect(new Map(rows.map((r) => [r.propolisId, r.linked]))).toEqual(
      new Map([
        [s.propolisId, false],
        [s.destinationId, true],
      ]),
    );
  });

  test("lists the VMMs of a deleted instance that still run", async () => {
    const s = await deletedWithOrphan(sql);
    expect(await ofInstance(s, watchedVmms(sql))).toMatchObject([
      { propolisId: s.destinationId, linked: false },
    ]);
  });
});
