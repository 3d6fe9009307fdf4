import { type Generated, Kysely, PostgresDialect, type PostgresPool } from "kysely";
import type { Alternative } from "./alternative.js";
import { shownState } from "./decisions.js";
import { alternativeOf } from "./read-decide-write.js";
import type { Instance, MigrationRow, NewMigration, NewVmm, Store, Vmm } from "./store.js";

/** Columns that have a default need not be given. */
type Table<Row, Given extends keyof Row> = Pick<Row, Given> & {
  [K in Exclude<keyof Row, Given>]: Generated<Row[K]>;
};

interface Tables {
  vmm: Table<Vmm, keyof NewVmm>;
  instance: Table<Instance, "id">;
  migration: Table<MigrationRow, keyof NewMigration>;
}

/** The version stands in WHERE, `numUpdatedRows` tells whether it still was that. */
export function kyselyAlternative(pool: PostgresPool): Alternative {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return alternativeOf("Kysely", storeOf(db.withSchema("bench_plain")));
}

function storeOf(db: Kysely<Tables>): Store {
  const store: Store = {
    transaction: (work) => db.transaction().execute((tx) => work(storeOf(tx.withSchema("bench_plain")))),
    single: (work) => work(store),
    vmm: ({ instanceId, propolisId }) =>
      db
        .selectFrom("vmm")
        .selectAll()
        .where("instance_id", "=", instanceId)
        .where("id", "=", propolisId)
        .executeTakeFirstOrThrow(),
    vmms: (keys) =>
      db
        .selectFrom("vmm")
        .selectAll()
        .where(
          "id",
          "in",
          keys.map(({ propolisId }) => propolisId),
        )
        .execute(),
    instance: (id) => db.selectFrom("instance").selectAll().where("id", "=", id).executeTakeFirstOrThrow(),
    migration: (instanceId, id) =>
      db
        .selectFrom("migration")
        .selectAll()
        .where("instance_id", "=", instanceId)
        .where("id", "=", id)
        .executeTakeFirstOrThrow(),
    insertVmm: async (vmm) => {
      await db.insertInto("vmm").values(vmm).execute();
    },
    insertMigration: async (migration) => {
      await db.insertInto("migration").values(migration).execute();
    },
    updateVmm: async (before, changes) => {
      const { numUpdatedRows } = await db
        .updateTable("vmm")
        .set(changes)
        .where("instance_id", "=", before.instance_id)
        .where("id", "=", before.id)
        .where("state_generation", "=", before.state_generation)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    updateInstance: async (before, changes) => {
      const { numUpdatedRows } = await db
        .updateTable("instance")
        .set({ ...changes, state_generation: before.state_generation + 1 })
        .where("id", "=", before.id)
        .where("state_generation", "=", before.state_generation)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    updateMigration: async (before, changes) => {
      const { numUpdatedRows } = await db
        .updateTable("migration")
        .set(changes)
        .where("instance_id", "=", before.instance_id)
        .where("id", "=", before.id)
        .where("source_generation", "=", before.source_generation)
        .where("destination_generation", "=", before.destination_generation)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    deleteMigrations: async ({ instanceId, propolisId }) => {
      await db
        .updateTable("migration")
        .set({ time_deleted: new Date() })
        .where("instance_id", "=", instanceId)
        .where((is) =>
          is.or([is("source_propolis_id", "=", propolisId), is("destination_propolis_id", "=", propolisId)]),
        )
        .where("time_deleted", "is", null)
        .execute();
    },
    listProject: async (projectId) => {
      const rows = await db
        .selectFrom("instance as i")
        .leftJoin("vmm as v", (join) =>
          join.onRef("v.instance_id", "=", "i.id").onRef("v.id", "=", "i.active_propolis_id"),
        )
        .select(["i.id", "i.name", "i.state", "i.migration_id", "v.state as active"])
        .where("i.project_id", "=", projectId)
        .where("i.time_deleted", "is", null)
        .orderBy("i.name")
        .execute();
      return rows.map(({ id, state, active, migration_id }) => ({
        id,
        state: shownState(state, active, migration_id),
      }));
    },
  };
  return store;
}
