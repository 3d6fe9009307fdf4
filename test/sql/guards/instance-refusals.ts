import { beginStart, unwindStart } from "../../../src/index.js";
import {
  anotherStart,
  applied,
  creating,
  deleted,
  failed,
  migrating,
  running,
  say,
  saying,
  stopped,
  unwoundMigration,
  update,
} from "../scenario.js";
import { withOrphan, withUnwoundSource, withUpdaterLock } from "./givens.js";
import { id, type Refusal, refusals, values, generations, states } from "./refusal.js";
import {
  ANOTHER,
  destination,
  freshMigration,
  freshVmm,
  insertInstance,
  instance,
  linkFresh,
  linkMigration,
  links,
  OTHER,
  remove,
} from "./writes.js";

export const INSTANCE_REFUSALS: Refusal[] = [
  ...refusals("guard_identity on instance", "VM103", [
    ["another id", creating, instance(`id = '${OTHER}'`), (s) => [s.instanceId, OTHER]],
    ["another project", creating, instance(`project_id = '${OTHER}'`), (s) => [s.create.projectId, OTHER]],
  ]),
  ...refusals("guard_insert on instance", "VM102", [
    [
      "an instance past its creation",
      creating,
      insertInstance("state", "'no_vmm'"),
      values('"state": "no_vmm"'),
    ],
    [
      "a later generation",
      creating,
      insertInstance("state_generation", "2"),
      values('"state_generation": 2'),
    ],
    [
      "an instance that is locked",
      creating,
      insertInstance("updater_id, updater_lease_until", `'${OTHER}', now()`),
      values(OTHER),
    ],
    [
      "an instance with a committed update",
      creating,
      insertInstance("committed_updater_generation", "1"),
      values('"committed_updater_generation": 1'),
    ],
    [
      "an instance that a saga committed",
      creating,
      insertInstance("committed_updater_id", `'${OTHER}'`),
      values(`"committed_updater_id": "${OTHER}"`),
    ],
    [
      "an instance with a committed plan",
      creating,
      insertInstance("committed_plan_token", "'1.x'"),
      values('"committed_plan_token": "1.x"'),
    ],
    [
      "an instance whose lock was inherited",
      creating,
      insertInstance("updater_parent_id", `'${OTHER}'`),
      values(`"updater_parent_id": "${OTHER}"`),
    ],
    [
      "an instance whose lock was released",
      creating,
      insertInstance("released_updater_id", `'${OTHER}'`),
      values(`"released_updater_id": "${OTHER}"`),
    ],
    [
      "an instance whose lock was released at some time",
      creating,
      insertInstance("time_updater_released", "'2030-01-01'"),
      values('"time_updater_released": "2030-01-01'),
    ],
    [
      "an instance with restarts behind it",
      creating,
      insertInstance("auto_restart_attempts", "1"),
      values('"auto_restart_attempts": 1'),
    ],
    [
      "an instance that was restarted",
      creating,
      insertInstance("time_last_auto_restarted", "'2030-01-01'"),
      values("2030-01-01"),
    ],
    [
      "a deleted instance",
      creating,
      insertInstance("state, time_deleted", "'destroyed', '2030-01-01'"),
      values("destroyed", "2030-01-01"),
    ],
  ]),
  ...refusals("guard_state on instance", "VM101", [
    ["another state at the same generation", stopped, instance("state = 'failed'"), generations("2", "2")],
    ["a lower generation", stopped, instance("state_generation = 1"), generations("2", "1")],
    [
      "another state at a lower generation",
      stopped,
      instance("state = 'failed', state_generation = 1"),
      generations("2", "1"),
    ],
    [
      "another time of its state at the same generation",
      stopped,
      instance("time_state_updated = now()"),
      generations("2", "2"),
    ],
    [
      "the links of the plan at the same generation",
      unwoundMigration,
      instance("destination_propolis_id = null, migration_id = null"),
      generations("4", "4"),
    ],
  ]),
  ...refusals("guard_state on instance", "VM102", [
    ["a second creation", stopped, links("state = 'creating'"), states("no_vmm", "creating")],
    [
      "a deleted instance back in another state",
      deleted,
      links("state = 'no_vmm', time_deleted = null"),
      states("destroyed", "no_vmm"),
    ],
    [
      "another time of deletion",
      deleted,
      instance("time_deleted = '2030-01-01'"),
      values("Attempted: 2030-01-01"),
    ],
    [
      "another time of deletion at a new generation",
      deleted,
      links("time_deleted = '2030-01-01'"),
      values("Attempted: 2030-01-01"),
    ],
  ]),
  ...refusals("guard_links on instance", "VM104", [
    [
      "no active VMM instead of a live one",
      running,
      links("state = 'no_vmm', active_propolis_id = null"),
      (s) => [`active ${s.propolisId}`, "active none"],
    ],
    [
      "no active VMM while the migration is in progress",
      async (sql) => {
        const s = await migrating(sql);
        await say(sql, s, "active", "destroyed");
        return s;
      },
      links(
        "state = 'no_vmm', active_propolis_id = null, destination_propolis_id = null, migration_id = null",
      ),
      id("propolisId"),
    ],
    [
      "a new VMM instead of a live one",
      running,
      linkFresh((id) => `active_propolis_id = '${id}'`),
      id("propolisId"),
    ],
    [
      "a new VMM instead of a failed one",
      (sql) => saying(sql, "failed"),
      linkFresh((id) => `active_propolis_id = '${id}'`),
      id("propolisId"),
    ],
    [
      "an old, live VMM instead of an unwound one",
      async (sql) => {
        const s = await withOrphan(sql);
        await destination("state = 'destroyed', state_generation = 99")(sql, s);
        await update(sql, s);
        await applied(beginStart(sql, { ...anotherStart(s), sagaId: s.start.sagaId, propolisId: ANOTHER }));
        await applied(unwindStart(sql, { ...s.start, propolisId: ANOTHER }));
        return s;
      },
      (sql, s) => links(`active_propolis_id = '${s.propolisId}'`)(sql, s),
      (s) => [ANOTHER, s.propolisId],
    ],
    [
      "a VMM that was made for a migration instead of none",
      async (sql) => {
        const s = await migrating(sql);
        await applied(unwindStart(sql, s.start));
        await update(sql, s);
        return s;
      },
      (sql, s) => links(`state = 'vmm', active_propolis_id = '${s.destinationId}'`)(sql, s),
      (s) => ["active none", `active ${s.destinationId}`],
    ],
    [
      "a dead VMM instead of none",
      failed,
      (sql, s) => links(`state = 'vmm', active_propolis_id = '${s.propolisId}'`)(sql, s),
      (s) => ["active none", `active ${s.propolisId}`],
    ],
    [
      "a new VMM and, in the same write, no migration",
      withUnwoundSource,
      linkFresh((id) => `active_propolis_id = '${id}', destination_propolis_id = null, migration_id = null`),
      id("propolisId"),
    ],
    [
      "only a part of what the plan clears",
      withUnwoundSource,
      links("destination_propolis_id = null, migration_id = null"),
      (s) => [s.destinationId, s.migrationId],
    ],
    [
      "the destination as active before the migration completed",
      migrating,
      (sql, s) => links(`active_propolis_id = '${s.destinationId}'`)(sql, s),
      (s) => [s.propolisId, s.destinationId],
    ],
    [
      "a new destination instead of a live one",
      migrating,
      linkMigration((s) => s.propolisId),
      id("destinationId"),
    ],
    [
      "no destination while the migration is in progress",
      migrating,
      links("destination_propolis_id = null, migration_id = null"),
      (s) => [s.destinationId, "destination none"],
    ],
    [
      "a destination that is no longer new",
      running,
      async (sql, s) => {
        const to = await freshVmm(sql, s);
        const id = await freshMigration(sql, s, s.propolisId, to);
        await sql`update vmstate.vmm set state = 'starting', state_generation = 2 where id = ${to}`;
        await links(`destination_propolis_id = '${to}', migration_id = '${id}'`)(sql, s);
      },
      id("propolisId"),
    ],
    [
      "a migration from another VMM than the active one",
      withOrphan,
      linkMigration((s) => s.propolisId),
      id("destinationId"),
    ],
    [
      "a migration of a VMM that does not run",
      (sql) => saying(sql, "stopping"),
      linkMigration((s) => s.propolisId),
      id("propolisId"),
    ],
    [
      "a start before the instance is created",
      creating,
      linkFresh((id) => `state = 'vmm', active_propolis_id = '${id}'`),
      values("active none"),
    ],
    [
      "a migration to another VMM than the destination",
      running,
      async (sql, s) => {
        const elsewhere = await freshMigration(sql, s, s.propolisId, await freshVmm(sql, s));
        await links(`destination_propolis_id = '${await freshVmm(sql, s)}', migration_id = '${elsewhere}'`)(
          sql,
          s,
        );
      },
      values("destination none"),
    ],
  ]),
  ...refusals("guard_updater on instance", "VM101", [
    [
      "a take-over at the same generation",
      withUpdaterLock,
      instance(`updater_id = '${OTHER}'`),
      generations("5", "5"),
    ],
    [
      "a lock at the same generation",
      running,
      instance(`updater_id = '${OTHER}', updater_lease_until = now()`),
      generations("1", "1"),
    ],
    [
      "a lower updater generation",
      withUpdaterLock,
      instance("updater_generation = 4"),
      generations("5", "4"),
    ],
    ["an older commit", withUpdaterLock, instance("committed_updater_generation = 2"), generations("3", "2")],
    [
      "a commit set to NULL",
      withUpdaterLock,
      instance("committed_updater_generation = null"),
      generations("3", "null"),
    ],
    [
      "another saga's name on the last commit",
      withUpdaterLock,
      instance(`committed_updater_id = '${OTHER}'`),
      generations("3", "3"),
    ],
    [
      "another plan as the last commit",
      withUpdaterLock,
      instance("committed_plan_token = '9.x'"),
      generations("3", "3"),
    ],
    [
      "a plan where nothing was committed",
      running,
      instance("committed_plan_token = '9.x'"),
      generations("null", "null"),
    ],
  ]),
  ...refusals("guard_updater on instance", "VM104", [
    [
      "a commit that keeps the lock",
      withUpdaterLock,
      instance("committed_updater_generation = updater_generation"),
      values("last commit 3", "Attempted: last commit 5."),
    ],
  ]),
  ...refusals("guard_delete on instance", "VM104", [
    ["DELETE", creating, remove("instance", (s) => s.instanceId), values("not deleted", "DELETE")],
  ]),
];
