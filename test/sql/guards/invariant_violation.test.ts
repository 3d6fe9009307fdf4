import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { invariantViolations } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { failed, handedOver, migrating, running, say, saying, unwoundMigration } from "../scenario.js";
import { attempt } from "./attempt.js";
import { type Given, withAbandoned, withOrphan, withUnwoundSource } from "./givens.js";
import {
  active,
  destination,
  freshMigration,
  freshVmm,
  instance,
  links,
  migration,
  OTHER,
  remove,
  type Write,
} from "./writes.js";

const db = withDatabase();

describe("invariant_violation", () => {
  const planted: [invariants: string[], what: string, given: Given, write: Write][] = [
    [
      ["active_vmm_is_its_own", "history_agrees", "time_unlinked_iff_unlinked"],
      "an active VMM that does not exist",
      running,
      instance(`active_propolis_id = '${OTHER}'`),
    ],
    [
      ["active_vmm_is_its_own", "history_agrees"],
      "another instance's VMM as active one",
      failed,
      async (sql, s) => {
        const other = await running(db.sql);
        await instance(`state = 'vmm', active_propolis_id = '${other.propolisId}'`)(sql, s);
      },
    ],
    [
      ["destination_vmm_is_its_own", "history_agrees", "migration_is_its_own", "time_unlinked_iff_unlinked"],
      "a destination that does not exist",
      migrating,
      instance(`destination_propolis_id = '${OTHER}'`),
    ],
    [
      ["history_agrees", "migration_is_its_own"],
      "a migration that does not exist",
      migrating,
      instance(`migration_id = '${OTHER}'`),
    ],
    [
      ["history_agrees", "migration_is_its_own"],
      "a migration that leads to another VMM",
      migrating,
      async (sql, s) => {
        const elsewhere = await freshVmm(sql, s);
        await instance(`migration_id = '${await freshMigration(sql, s, s.propolisId, elsewhere)}'`)(sql, s);
      },
    ],
    [
      ["vmm_has_an_instance"],
      "a VMM without an instance",
      withAbandoned,
      remove("instance", (s) => s.instanceId),
    ],
    [
      ["migration_has_its_vmms"],
      "a migration from a VMM that does not exist",
      migrating,
      migration(`source_propolis_id = '${OTHER}'`),
    ],
    [
      ["time_unlinked_iff_unlinked"],
      "a linked VMM that is marked as unlinked",
      running,
      active("time_unlinked = now()"),
    ],
    [
      ["time_unlinked_iff_unlinked"],
      "an unlinked VMM that is marked as linked",
      withOrphan,
      active("time_unlinked = null"),
    ],
    [
      ["history_agrees", "linked_vmm_is_not_deleted"],
      "a deleted VMM that is linked",
      (sql) => saying(sql, "destroyed"),
      active("time_deleted = now()"),
    ],
    [
      ["deleted_vmm_is_dead", "history_agrees"],
      "a deleted VMM that is alive",
      withOrphan,
      active("time_deleted = now()"),
    ],
    [
      ["failure_reason_iff_failed", "history_agrees"],
      "a reason without a failure",
      running,
      active("failure_reason = 'operator'"),
    ],
    [
      ["failure_reason_iff_failed", "history_agrees"],
      "a failure without a reason",
      running,
      active("state = 'failed'"),
    ],
    [
      ["history_agrees", "linked_migration_is_not_deleted"],
      "a deleted migration that is linked",
      unwoundMigration,
      migration("time_deleted = now()"),
    ],
    [
      ["migration_id_leads_to_the_vmm"],
      "a destination that names another migration",
      migrating,
      destination(`migration_id = '${OTHER}'`),
    ],
    [
      ["history_agrees", "unwound_migration_failed"],
      "an unwound destination whose migration is in progress",
      migrating,
      destination("state = 'saga_unwound'"),
    ],
    [
      ["history_agrees", "unwound_migration_failed"],
      "an unwound destination that had taken the guest over",
      handedOver,
      destination("state = 'saga_unwound'"),
    ],
    [["history_agrees"], "an intent that is not recorded", running, instance("intended_state = 'stopped'")],
    [["history_agrees"], "a generation that fell", running, active("state_generation = 1")],
    [["history_agrees"], "a side that is not recorded", migrating, migration("source_state = 'in_progress'")],
    [
      ["history_id_is_ahead"],
      "rows of the history that came from elsewhere",
      running,
      (sql) => sql`select setval('vmstate.history_id', 1, false)`,
    ],
    [
      ["migration_changes_the_sled"],
      "a migration that stays on its sled",
      migrating,
      (sql, s) => destination(`sled_id = '${s.start.sledId}'`)(sql, s),
    ],
  ];

  it.each(planted)("finds %j: %s", async (invariants, _, given, write) => {
    const s = await given(db.sql);
    const error = await attempt(db.sql, async (sql) => {
      expect(await invariantViolations(sql)).toEqual([]);
      await sql`set local session_replication_role = replica`;
      await write(sql, s);
      const found = await invariantViolations(sql);
      expect(found.map(({ invariant }) => invariant).sort()).toEqual(invariants);
      expect(found.every(({ instanceId, detail }) => instanceId === s.instanceId && detail !== "")).toBe(
        true,
      );
      await sql`select setval('vmstate.history_id', (select max(id) from vmstate.history))`;
    });
    expect(error).toBeUndefined();
  });

  it("is tested here for each invariant in its definition", () => {
    const text = readFileSync(new URL("../../../sql/views/invariant_violation.sql", import.meta.url), "utf8");
    const selects = text.split("UNION ALL").map((select) => /'(\w+)'(?: AS invariant)?,\s/.exec(select)?.[1]);
    const known = new Set(selects);
    expect([...new Set(planted.flatMap(([invariants]) => invariants))].sort()).toEqual([...known].sort());
  });

  it("stays empty when the destination reports completed after the source was unwound", async () => {
    const s = await withUnwoundSource(db.sql);
    const answer = await say(db.sql, s, "destination", "running", "completed");
    expect(answer).toMatchObject({ migrationInOutcome: "applied" });
    expect(await invariantViolations(db.sql)).toEqual([]);
  });

  it.each<[string, Given, Write]>([
    [
      "a link to a migration that stays on its sled",
      running,
      async (sql, s) => {
        const [row] = await sql<{ id: string }[]>`
          insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id)
            select ${s.instanceId}, id, ${s.start.sledId}, 'fd00::9', id from gen_random_uuid() as id
            returning id`;
        const to = String(row?.id);
        const id = await freshMigration(sql, s, s.propolisId, to);
        await links(`destination_propolis_id = '${to}', migration_id = '${id}'`)(sql, s);
      },
    ],
    [
      "a link to a deleted migration",
      running,
      async (sql, s) => {
        const to = await freshVmm(sql, s);
        const id = await freshMigration(sql, s, s.propolisId, to);
        await sql`update vmstate.migration set time_deleted = now() where id = ${id}`;
        await links(`destination_propolis_id = '${to}', migration_id = '${id}'`)(sql, s);
      },
    ],
  ])("stays empty when the owner writes %s: a guard refuses it", async (_, given, write) => {
    const s = await given(db.sql);
    const error = await attempt(db.sql, async (sql) => {
      await write(sql, s);
      expect(await invariantViolations(sql)).toEqual([]);
    });
    expect(error).toMatchObject({ code: expect.stringMatching(/^VM10/) as string });
  });
});
