import { describe, expect, it } from "vitest";
import { invariantViolations } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { deleted, migrating, running, saying, stopped, unwound, unwoundMigration } from "../scenario.js";
import { attempt } from "./attempt.js";
import {
  type Given,
  handingOver,
  withUpdaterLock,
  withUnwoundSource,
  withAbandoned,
  withDeletedMigration,
  withDeletedVmm,
  withOrphan,
} from "./givens.js";
import {
  active,
  destination,
  instance,
  linkFresh,
  linkMigration,
  links,
  migration,
  OTHER,
  remove,
  type Write,
} from "./writes.js";

const db = withDatabase();

describe("the owner may", () => {
  const allowed: [string, Given, Write][] = [
    ["rename an instance", running, instance("name = 'db', time_modified = now()")],
    [
      "configure an instance's restarts",
      running,
      instance(
        "auto_restart_policy = 'never', auto_restart_cooldown = '1 hour', time_last_auto_restarted = now()",
      ),
    ],
    ["change an instance's intent", running, instance("intended_state = 'stopped'")],
    ["raise an instance's generation", running, instance("state_generation = state_generation + 1")],
    [
      "make an instance fail at a new generation",
      stopped,
      links("state = 'failed', time_state_updated = now()"),
    ],
    ["delete an instance at a new generation", stopped, links("state = 'destroyed', time_deleted = now()")],
    ["write an instance without a change", migrating, noChange("instance")],
    ["write VMMs without a change", migrating, noChange("vmm")],
    ["write migrations without a change", migrating, noChange("migration")],
    [
      "write dead VMMs and ended sides without a change",
      unwoundMigration,
      (sql, s) => Promise.all([noChange("vmm")(sql, s), noChange("migration")(sql, s)]),
    ],
    ["write a deleted VMM without a change", withDeletedVmm, noChange("vmm")],
    ["write a deleted migration without a change", withDeletedMigration, noChange("migration")],
    [
      "take the updater lock at a new generation",
      withUpdaterLock,
      instance(`updater_id = '${OTHER}', updater_generation = 6`),
    ],
    ["release the updater lock", withUpdaterLock, instance("updater_id = null, updater_lease_until = null")],
    ["prolong a lease", withUpdaterLock, instance("updater_lease_until = 'infinity'")],
    [
      "link a new VMM in place of none",
      stopped,
      linkFresh((id) => `state = 'vmm', active_propolis_id = '${id}'`),
    ],
    ["link a new VMM in place of an unwound one", unwound, linkFresh((id) => `active_propolis_id = '${id}'`)],
    [
      "link a new VMM in place of an unwound one and leave the migration",
      withUnwoundSource,
      linkFresh((id) => `active_propolis_id = '${id}'`),
    ],
    ["link a new destination in place of none", running, linkMigration((s) => s.propolisId)],
    [
      "link a new destination in place of an unwound one",
      unwoundMigration,
      linkMigration((s) => s.propolisId),
    ],
    [
      "clear what the plan clears",
      withUnwoundSource,
      links(
        "state = 'no_vmm', active_propolis_id = null, destination_propolis_id = null, migration_id = null",
      ),
    ],
    [
      "clear a migration that failed",
      unwoundMigration,
      links("destination_propolis_id = null, migration_id = null"),
    ],
    [
      "unlink a dead VMM",
      (sql) => saying(sql, "destroyed"),
      links("state = 'no_vmm', active_propolis_id = null"),
    ],
    [
      "move the guest to the destination that has it",
      handingOver,
      (sql, s) => links(`active_propolis_id = '${s.destinationId}'`)(sql, s),
    ],
    ["change a VMM at a new generation", running, active("state = 'stopped', state_generation = 99")],
    ["unwind a linked live VMM", running, active("state = 'saga_unwound', state_generation = 99")],
    [
      "unwind the destination of a migration that failed on both sides",
      migrating,
      async (sql, s) => {
        await migration(
          "source_state = 'failed', source_generation = 2, destination_state = 'failed', destination_generation = 2",
        )(sql, s);
        await destination("state = 'saga_unwound', state_generation = 99")(sql, s);
      },
    ],
    [
      "unwind a linked dead VMM",
      (sql) => saying(sql, "failed"),
      active("state = 'saga_unwound', state_generation = 99, failure_reason = null"),
    ],
    ["delete a dead, unlinked VMM", withAbandoned, active("time_deleted = now()")],
    [
      "change a migration's sides at new generations",
      migrating,
      migration(
        "source_state = 'failed', source_generation = 2, destination_state = 'completed', destination_generation = 9",
      ),
    ],
    ["delete a migration that is not linked", withOrphan, migration("time_deleted = now()")],
    ["purge a deleted instance", deleted, remove("instance", (s) => s.instanceId)],
    ["purge a deleted VMM", withDeletedVmm, remove("vmm", (s) => s.propolisId)],
    ["purge a deleted migration", withDeletedMigration, remove("migration", (s) => s.migrationId)],
  ];

  it.each(allowed)("%s, and breaks no invariant", async (_, given, write) => {
    const s = await given(db.sql);
    const error = await attempt(db.sql, async (sql) => {
      await write(sql, s);
      expect(await invariantViolations(sql)).toEqual([]);
    });
    expect(error).toBeUndefined();
  });

  /** All columns written, none changed. */
  function noChange(table: "instance" | "vmm" | "migration"): Write {
    return async (sql, s) => {
      const columns = await sql<{ column: string }[]>`
        select quote_ident(attname) as column from pg_attribute
          where attrelid = ${`vmstate.${table}`}::regclass and attnum > 0 and not attisdropped`;
      const key = table === "instance" ? "id" : "instance_id";
      const assignments = columns.map(({ column }) => `${column} = ${column}`).join();
      const { count } = await sql.unsafe(
        `update vmstate.${table} set ${assignments} where ${key} = '${s.instanceId}'`,
      );
      expect(count).toBeGreaterThan(0);
    };
  }
});
