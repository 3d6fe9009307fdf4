import { deleted, migrating, saying, stopped, unwoundMigration } from "../scenario.js";
import {
  handingOver,
  withUpdaterLock,
  withDeletedMigration,
  withDeletedVmm,
  withOrphan,
} from "../guards/givens.js";
import { errors, type ErrorCase } from "./error-case.js";

const RISES =
  "Use a verb, such as begin_start, report_vmm or commit_update: every verb compares and raises the generation.";
const DEAD =
  "No VMM becomes creating again, and a dead VMM stays dead: begin_start inserts a new VMM. Only unwind_start and unwind_migration mark a dead VMM saga_unwound, while an instance names the VMM.";
const GUEST =
  "The guest of a migration may run in the VMM. unwind_migration first fails both sides of a migration to the VMM; unwind_start refuses a VMM whose guest was handed over.";
const ENDED = "A side that has ended never changes its state. Begin another migration with begin_migration.";

const set = (table: string, id: string, columns: string): string =>
  `update vmstate.${table} set ${columns} where id = '{${id}}'`;

/** Another time of deletion for a row that was deleted at a known time. */
const deletedInstead = (table: string, id: string, trigger: string, time: string): string =>
  `alter table vmstate.${table} disable trigger ${trigger};
    ${set(table, id, "time_deleted = '2026-01-01Z'")};
    alter table vmstate.${table} enable trigger ${trigger};
    ${set(table, id, `time_deleted = ${time}`)}`;

const TABLE_ERRORS: ErrorCase[] = [
  ...errors("VM104", [
    [
      "update vmstate.history set role = 'nobody' where instance_id = '{instance}'",
      "cannot change vmstate.history: what happened stays recorded",
      "Found: a recorded change. Attempted: UPDATE.",
      "vmstate.maintain_history removes what is older than its p_keep. Nothing else removes or changes a row.",
    ],
  ]),
  ...errors("VM103", [
    [
      set("vmm", "vmm", "propolis_port = 1"),
      "vmstate.vmm.propolis_port cannot be changed",
      "propolis_port is 12400; the attempted value is 1.",
      "This column identifies the row and is immutable. Create a new row with begin_start, begin_migration or create_instance.",
    ],
  ]),
  ...errors("VM104", [
    [
      "delete from vmstate.instance where id = '{instance}'",
      "cannot change instance {instance}: the row is not marked as deleted",
      "Found: not deleted. Attempted: DELETE.",
      "delete_instance and delete_vmm mark rows as deleted, and purge then removes such rows.",
    ],
    [
      "truncate vmstate.instance cascade",
      "cannot change table vmstate.instance: no row is removed unless it is marked as deleted",
      "Found: a table whose rows only purge removes. Attempted: TRUNCATE.",
      "delete_instance and delete_vmm mark rows as deleted, and purge then removes such rows.",
    ],
  ]),
  ...errors("VM102", [
    [
      `insert into vmstate.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id, source_state,
          time_source_updated, time_destination_updated, time_created)
        values ('{instance}', '{vmm}', '{vmm}', '{vmm}', '{vmm}', 'completed', '2026-01-01Z', '2026-01-01Z', '2026-01-01Z')`,
      "a new row in vmstate.migration must be in its initial state",
      'The attempted row is {"id": "{vmm}", "saga_id": "{vmm}", "instance_id": "{instance}", "source_state": "completed", "time_created": "2026-01-01T00:00:00+00:00", "time_deleted": null, "time_reported": null, "destination_state": "pending", "source_generation": 1, "source_propolis_id": "{vmm}", "time_source_updated": "2026-01-01T00:00:00+00:00", "destination_generation": 1, "destination_propolis_id": "{vmm}", "time_destination_updated": "2026-01-01T00:00:00+00:00"}.',
      "A new row has its first state, generation 1, no link, no updater lock and no time of deletion. Insert the row with begin_migration.",
    ],
    [
      `select vmstate.insert_vmm('{instance}', '{sled}', '{sled}', '{sled}', 'fd00::9', 1, now());
        insert into vmstate.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id)
          values ('{instance}', '{migration}', '{sled}', '{sled}', '{vmm}')`,
      "VMM {vmm} cannot change from running, linked to the destination of migration {migration}",
      "Found: running, linked. Attempted: the destination of migration {migration}.",
      "The destination of a migration is a new VMM: begin_migration inserts both the VMM and the migration.",
    ],
  ]),
];

const INSTANCE_ERRORS: ErrorCase[] = [
  ...errors(
    "VM102",
    [
      [
        set("instance", "instance", "state = 'creating', state_generation = 9"),
        "instance {instance} cannot change from no_vmm to creating",
        "Found: no_vmm. Attempted: creating.",
        "A destroyed instance stays destroyed, and no instance becomes creating again. Create another instance with create_instance.",
      ],
    ],
    stopped,
  ),
  ...errors(
    "VM102",
    [
      [
        deletedInstead("instance", "instance", "guard_state", "'2030-01-01Z'"),
        "the time of deletion of instance {instance} cannot change from 2026-01-01 00:00:00+00 to 2030-01-01 00:00:00+00",
        "Found: 2026-01-01 00:00:00+00. Attempted: 2030-01-01 00:00:00+00.",
        "A deletion is final. Create another instance with create_instance.",
      ],
    ],
    deleted,
  ),
  ...errors("VM101", [
    [
      set("instance", "instance", "state_generation = 1"),
      "the generation of instance {instance} must rise with this change",
      "Found: generation 3. Attempted: generation 1.",
      RISES,
    ],
  ]),
  ...errors("VM104", [
    [
      set("instance", "instance", "state = 'no_vmm', active_propolis_id = null, state_generation = 9"),
      "cannot change the links of instance {instance}: the current update plan does not allow it",
      "Found: active {vmm}, destination none, migration none. Attempted: active none, destination none, migration none.",
      "begin_start and begin_migration replace NULL or a saga_unwound VMM by a new VMM; run_update writes the plan that explain_update shows. Nothing else changes a link.",
    ],
  ]),
  ...errors(
    "VM101",
    [
      [
        set("instance", "instance", "committed_updater_generation = 2"),
        "the generation of the last commit of instance {instance} must rise with this change",
        "Found: generation 3. Attempted: generation 2.",
        RISES,
      ],
      [
        set("instance", "instance", "committed_plan_token = '9.x'"),
        "the generation of the last commit of instance {instance} must rise with this change",
        "Found: generation 3. Attempted: generation 3.",
        RISES,
      ],
      [
        set("instance", "instance", "updater_generation = 4"),
        "the generation of the updater lock of instance {instance} must rise with this change",
        "Found: generation 5. Attempted: generation 4.",
        RISES,
      ],
    ],
    withUpdaterLock,
  ),
  ...errors(
    "VM104",
    [
      [
        set("instance", "instance", "committed_updater_generation = 5"),
        "cannot change the last commit of instance {instance}: a saga holds the updater lock",
        "Found: last commit 3. Attempted: last commit 5.",
        "commit_update and run_update record the commit and release the updater lock in one write.",
      ],
    ],
    withUpdaterLock,
  ),
];

const VMM_ERRORS: ErrorCase[] = [
  ...errors("VM102", [
    [
      set("vmm", "vmm", "state = 'creating', state_generation = 9"),
      "VMM {vmm} cannot change from running to creating",
      "Found: running. Attempted: creating.",
      DEAD,
    ],
  ]),
  ...errors(
    "VM102",
    [
      [
        set("vmm", "vmm", "state = 'saga_unwound', state_generation = 9"),
        "VMM {vmm} cannot change from running to saga_unwound",
        "Found: running. Attempted: saga_unwound.",
        GUEST,
      ],
    ],
    handingOver,
  ),
  ...errors("VM101", [
    [
      set("vmm", "vmm", "state_generation = 1"),
      "the generation of VMM {vmm} must rise with this change",
      "Found: generation 2. Attempted: generation 1.",
      RISES,
    ],
  ]),
  ...errors("23514", [
    [
      set("vmm", "vmm", "state = 'stopping', state_generation = 9, failure_reason = 'operator'"),
      "VMM {vmm} cannot be stopping with failure_reason operator",
      "Found: state running. Attempted: state stopping with failure_reason operator.",
      "A VMM has a failure_reason if and only if its state is failed; fail_vmm writes both columns.",
    ],
  ]),
  ...errors(
    "VM102",
    [
      [
        deletedInstead("vmm", "vmm", "guard_deletion", "null"),
        "the time of deletion of VMM {vmm} cannot change from 2026-01-01 00:00:00+00 to null",
        "Found: 2026-01-01 00:00:00+00. Attempted: null.",
        "A deletion is final. Start the instance with begin_start, which inserts a new VMM.",
      ],
    ],
    withDeletedVmm,
  ),
  ...errors(
    "VM104",
    [
      [
        set("vmm", "vmm", "time_deleted = now()"),
        "cannot change VMM {vmm}: an instance names the VMM",
        "Found: destroyed, linked. Attempted: deletion.",
        "fail_vmm declares a VMM dead, run_update unlinks a dead VMM, and delete_vmm then deletes the VMM.",
      ],
    ],
    (sql) => saying(sql, "destroyed"),
  ),
  ...errors(
    "VM104",
    [
      [
        set("vmm", "vmm", "time_deleted = now()"),
        "cannot change VMM {vmm}: the VMM is alive",
        "Found: running, not linked. Attempted: deletion.",
        "fail_vmm declares a VMM dead, run_update unlinks a dead VMM, and delete_vmm then deletes the VMM.",
      ],
    ],
    withOrphan,
  ),
  ...errors("VM104", [
    [
      set("vmm", "vmm", "time_unlinked = '2026-01-01Z'"),
      "cannot change time_unlinked of VMM {vmm}: the value contradicts the links of the instance",
      "Found: null (linked). Attempted: 2026-01-01 00:00:00+00.",
      "Trigger mark_links writes time_unlinked when begin_start, begin_migration or run_update changes the links of the instance.",
    ],
    [
      set("vmm", "vmm", "migration_id = '{migration}'"),
      "cannot change migration_id of VMM {vmm}: the value is not the migration that leads to the VMM",
      "Found: null. Attempted: {migration}.",
      "Trigger guard_destination writes migration_id when begin_migration inserts the migration; afterwards the column never changes.",
    ],
  ]),
];

const MIGRATION_ERRORS: ErrorCase[] = [
  ...(["source", "destination"] as const).flatMap((side) => [
    ...errors(
      "VM101",
      [
        [
          set("migration", "migration", `${side}_state = 'in_progress'`),
          `the generation of the ${side} side of migration {migration} must rise with this change`,
          "Found: generation 1. Attempted: generation 1.",
          RISES,
        ],
      ],
      migrating,
    ),
    ...errors(
      "VM102",
      [
        [
          set("migration", "migration", `${side}_state = 'completed', ${side}_generation = 9`),
          `the ${side} side of migration {migration} cannot change from failed to completed`,
          "Found: failed. Attempted: completed.",
          ENDED,
        ],
      ],
      unwoundMigration,
    ),
  ]),
  ...errors(
    "VM102",
    [
      [
        deletedInstead("migration", "migration", "guard_deletion", "null"),
        "the time of deletion of migration {migration} cannot change from 2026-01-01 00:00:00+00 to null",
        "Found: 2026-01-01 00:00:00+00. Attempted: null.",
        "A deletion is final. Begin another migration with begin_migration.",
      ],
    ],
    withDeletedMigration,
  ),
  ...errors(
    "VM104",
    [
      [
        set("migration", "migration", "time_deleted = now()"),
        "cannot change migration {migration}: an instance names the migration",
        "Found: linked. Attempted: deletion.",
        "run_update unlinks a migration that has ended, and delete_vmm or delete_instance then deletes the migration.",
      ],
    ],
    unwoundMigration,
  ),
];

export const GUARD_ERRORS: ErrorCase[] = [
  ...TABLE_ERRORS,
  ...INSTANCE_ERRORS,
  ...VMM_ERRORS,
  ...MIGRATION_ERRORS,
];
