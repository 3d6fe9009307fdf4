import type postgres from "postgres";
import { describe, expect, test } from "vitest";
import { invariantViolations, unwindStart } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { PLANS } from "../plans.js";
import { applied, migrating, say, update, type Scenario } from "../scenario.js";
import { ofInstance } from "./arrange.js";

const db = withDatabase();
const { sql } = db;

describe("invariant_violation", () => {
  test("is empty before and after the update of every PLANS case", async () => {
    for (const { reach } of PLANS) {
      const s = await reach(sql);
      expect(await invariantViolations(sql)).toEqual([]);
      await update(sql, s);
      expect(await invariantViolations(sql)).toEqual([]);
    }
  });

  test("is empty when a migration completes although its source's start was unwound", async () => {
    const s = await migrating(sql);
    await applied(unwindStart(sql, s.start));
    await say(sql, s, "destination", "running", "completed");
    const violations = await ofInstance(s, invariantViolations(sql));
    await update(sql, s);
    expect(violations).toEqual([]);
  });

  type Breach = (tx: postgres.TransactionSql, s: Scenario) => Promise<unknown>;
  const breaches: [string, keyof Scenario, Breach][] = [
    [
      "active_vmm_is_its_own",
      "instanceId",
      (tx, s) => tx`update vmstate.instance set active_propolis_id = id where id = ${s.instanceId}`,
    ],
    [
      "destination_vmm_is_its_own",
      "instanceId",
      (tx, s) => tx`update vmstate.instance set destination_propolis_id = id where id = ${s.instanceId}`,
    ],
    [
      "migration_is_its_own",
      "destinationId",
      (tx, s) => tx`update vmstate.instance set migration_id = id where id = ${s.instanceId}`,
    ],
    [
      "vmm_has_an_instance",
      "propolisId",
      (tx, s) => tx`delete from vmstate.instance where id = ${s.instanceId}`,
    ],
    [
      "migration_has_its_vmms",
      "destinationId",
      (tx, s) => tx`delete from vmstate.vmm where id = ${s.propolisId}`,
    ],
    [
      "time_unlinked_iff_unlinked",
      "propolisId",
      (tx, s) => tx`update vmstate.vmm set time_unlinked = now() where id = ${s.propolisId}`,
    ],
    [
      "linked_vmm_is_not_deleted",
      "propolisId",
      (tx, s) => tx`update vmstate.vmm set time_deleted = now() where id = ${s.propolisId}`,
    ],
    [
      "deleted_vmm_is_dead",
      "propolisId",
      (tx, s) => tx`update vmstate.vmm set time_deleted = now() where id = ${s.propolisId}`,
    ],
    [
      "linked_migration_is_not_deleted",
      "destinationId",
      (tx, s) => tx`update vmstate.migration set time_deleted = now() where id = ${s.migrationId}`,
    ],
    [
      "unwound_migration_failed",
      "destinationId",
      (tx, s) => tx`update vmstate.vmm set state = 'saga_unwound' where id = ${s.destinationId}`,
    ],
    [
      "migration_changes_the_sled",
      "destinationId",
      (tx, s) => tx`update vmstate.vmm set sled_id = ${s.start.sledId} where id = ${s.destinationId}`,
    ],
  ];
  test.each(breaches)(
    "finds %s violated by a write with the guards disabled",
    async (invariant, propolisId, breach) => {
      const s = await migrating(sql);
      const found = await unguarded(async (tx) => {
        await breach(tx, s);
        return await invariantViolations(tx);
      });
      expect(found).toContainEqual({
        instanceId: s.instanceId,
        propolisId: s[propolisId],
        invariant,
        detail: expect.any(String) as unknown,
      });
    },
  );

  /** In a transaction without triggers and foreign keys, which is rolled back. */
  async function unguarded<T>(act: (tx: postgres.TransactionSql) => Promise<T>): Promise<T> {
    const client = db.connect({ max: 1 });
    const results: T[] = [];
    await client
      .begin(async (tx) => {
        await tx`set local session_replication_role = replica`;
        results.push(await act(tx));
        throw new Error("rolled back");
      })
      .catch((error: unknown) => {
        if (!(error instanceof Error && error.message === "rolled back")) throw error;
      });
    await client.end();
    return results[0] as T;
  }
});
