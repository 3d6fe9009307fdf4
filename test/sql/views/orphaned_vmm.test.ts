import { describe, expect, test } from "vitest";
import { failVmm, orphanedVmms } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { failed, handedOver, migrated, migrating, running, say, starting, update } from "../scenario.js";
import { ofInstance, deletedWithOrphan } from "./arrange.js";

const { sql } = withDatabase();

describe("orphaned_vmm", () => {
  test("lists a live destination whose migration failed: not expected to end, so it has to be terminated", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "running", "failed");
    expect(await ofInstance(s, orphanedVmms(sql))).toEqual([]);
    await update(sql, s);
    expect(await ofInstance(s, orphanedVmms(sql))).toEqual([
      {
        instanceId: s.instanceId,
        propolisId: s.destinationId,
        sledId: s.migration.sledId,
        propolisIp: "fd00::2",
        propolisPort: 12400,
        state: "running",
        timeUnlinked: expect.any(Date) as unknown,
        expectedToEnd: false,
        since: expect.any(Date) as unknown,
      },
    ]);
    await say(sql, s, "destination", "destroyed");
    expect(await ofInstance(s, orphanedVmms(sql))).toEqual([]);
  });

  test.each([
    ["completed", () => migrated(sql)],
    ["handed over", () => handedOver(sql)],
  ])("lists the source of a migration that was %s: expected to end by itself", async (_, reach) => {
    const s = await reach();
    expect(await ofInstance(s, orphanedVmms(sql))).toMatchObject([
      { propolisId: s.propolisId, expectedToEnd: true },
    ]);
  });

  test("lists source and destination of a migration that lost the guest: neither is expected to end by itself", async () => {
    const s = await migrating(sql);
    await say(sql, s, "destination", "migrating", "failed");
    await say(sql, s, "active", "running", "completed");
    await update(sql, s);
    const rows = await ofInstance(s, orphanedVmms(sql));
    expect(new Map(rows.map((r) => [r.propolisId, r.expectedToEnd]))).toEqual(
      new Map([
        [s.propolisId, false],
        [s.destinationId, false],
      ]),
    );
  });

  test("lists the source whose guest died on the destination: not expected to end, as the plan terminates it", async () => {
    const s = await migrating(sql);
    await say(sql, s, "active", "running", "completed");
    await failVmm(sql, { instanceId: s.instanceId, propolisId: s.destinationId, reason: "operator" });
    await update(sql, s);
    expect(await ofInstance(s, orphanedVmms(sql))).toMatchObject([
      { propolisId: s.propolisId, expectedToEnd: false },
    ]);
  });

  test("lists the VMM of a deleted instance", async () => {
    const s = await deletedWithOrphan(sql);
    expect(await ofInstance(s, orphanedVmms(sql))).toMatchObject([
      { propolisId: s.destinationId, state: "migrating", expectedToEnd: false },
    ]);
  });

  test("lists no VMM that is linked or dead", async () => {
    for (const s of [await starting(sql), await running(sql), await migrating(sql), await failed(sql)]) {
      expect(await ofInstance(s, orphanedVmms(sql))).toEqual([]);
    }
  });
});
