import { migrating, running, unwound, unwoundMigration } from "../scenario.js";
import { withDeletedMigration, withOrphan } from "./givens.js";
import { id, type Refusal, refusals, values, generations, states } from "./refusal.js";
import { freshMigration, freshVmm, insertMigration, migration, OTHER, remove } from "./writes.js";

export const MIGRATION_REFUSALS: Refusal[] = [
  ...refusals("guard_identity on migration", "VM103", [
    ["another id", withOrphan, migration(`id = '${OTHER}'`), (s) => [s.migrationId, OTHER]],
    ["another saga", migrating, migration(`saga_id = '${OTHER}'`), (s) => [s.migration.sagaId, OTHER]],
    [
      "another source",
      migrating,
      async (sql, s) => migration(`source_propolis_id = '${await freshVmm(sql, s)}'`)(sql, s),
      id("propolisId"),
    ],
    [
      "another destination",
      migrating,
      async (sql, s) => migration(`destination_propolis_id = '${await freshVmm(sql, s)}'`)(sql, s),
      id("destinationId"),
    ],
  ]),
  ...refusals("guard_insert on migration", "VM102", [
    ["a source that began", running, insertMigration("source_state", "'in_progress'"), values("in_progress")],
    [
      "a destination that ended",
      running,
      insertMigration("destination_state", "'completed'"),
      values("completed"),
    ],
    [
      "a later generation of the source",
      running,
      insertMigration("source_generation", "2"),
      values('"source_generation": 2'),
    ],
    [
      "a later generation of the destination",
      running,
      insertMigration("destination_generation", "2"),
      values('"destination_generation": 2'),
    ],
    [
      "a migration that was reported",
      running,
      insertMigration("time_reported", "'2030-01-01'"),
      values('"time_reported": "2030-01-01'),
    ],
    ["a deleted migration", running, insertMigration("time_deleted", "'2030-01-01'"), values("2030-01-01")],
  ]),
  ...refusals("guard_destination on migration", "VM102", [
    [
      "a migration to a VMM that was unwound",
      unwound,
      async (sql, s) => freshMigration(sql, s, await freshVmm(sql, s), s.propolisId),
      values("saga_unwound, linked"),
    ],
    [
      "a migration to a VMM that runs",
      withOrphan,
      (sql, s) => freshMigration(sql, s, s.destinationId, s.propolisId),
      values("running, not linked"),
    ],
    [
      "a second migration to a destination that is linked",
      migrating,
      (sql, s) => freshMigration(sql, s, s.propolisId, s.destinationId),
      values("creating, linked"),
    ],
    [
      "a second migration to a destination that is still new",
      running,
      async (sql, s) => {
        const to = await freshVmm(sql, s);
        await freshMigration(sql, s, s.propolisId, to);
        await freshMigration(sql, s, s.propolisId, to);
      },
      values("the destination of migration"),
    ],
  ]),
  ...(["source", "destination"] as const).flatMap((side) => [
    ...refusals("guard_sides on migration", "VM101", [
      [
        `another state of the ${side} at the same generation`,
        migrating,
        migration(`${side}_state = 'in_progress'`),
        generations("1", "1"),
      ],
      [
        `another time of the ${side}`,
        migrating,
        migration(`time_${side}_updated = now()`),
        generations("1", "1"),
      ],
      [
        `a lower generation of the ${side}`,
        unwoundMigration,
        migration(`${side}_generation = 1`),
        generations("2", "1"),
      ],
    ]),
    ...refusals("guard_sides on migration", "VM102", [
      [
        `another end of the ${side}`,
        unwoundMigration,
        migration(`${side}_state = 'completed', ${side}_generation = 99`),
        states("failed", "completed"),
      ],
    ]),
  ]),
  ...refusals("guard_deletion on migration", "VM104", [
    [
      "deletion of a linked migration",
      unwoundMigration,
      migration("time_deleted = now()"),
      values("linked", "deletion"),
    ],
  ]),
  ...refusals("guard_deletion on migration", "VM102", [
    [
      "another time of deletion",
      withDeletedMigration,
      migration("time_deleted = '2030-01-01'"),
      values("Attempted: 2030-01-01"),
    ],
    [
      "a deleted migration as not deleted",
      withDeletedMigration,
      migration("time_deleted = null"),
      values("Attempted: null."),
    ],
  ]),
  ...refusals("guard_delete on migration", "VM104", [
    ["DELETE", withOrphan, remove("migration", (s) => s.migrationId), values("not deleted", "DELETE")],
  ]),
];
