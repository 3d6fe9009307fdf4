import { and, eq, getTableColumns, inArray, isNull, or } from "drizzle-orm";
import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import { bigint, inet, integer, pgSchema, text, timestamp, uuid } from "drizzle-orm/pg-core";
import type pg from "pg";
import type { Alternative } from "./alternative.js";
import { shownState } from "./decisions.js";
import { alternativeOf } from "./read-decide-write.js";
import { found, type Instance, type MigrationRow, type Store, type Vmm } from "./store.js";

const schema = pgSchema("bench_plain");
const generation = () => bigint({ mode: "number" }).notNull().default(1);
const time = () => timestamp({ withTimezone: true });

const vmms = schema.table("vmm", {
  instance_id: uuid().notNull(),
  id: uuid().notNull(),
  sled_id: uuid().notNull(),
  propolis_ip: inet().notNull(),
  propolis_port: integer().notNull(),
  saga_id: uuid().notNull(),
  state: text().$type<Vmm["state"]>().notNull().default("creating"),
  state_generation: generation(),
  time_state_updated: time().notNull().defaultNow(),
  time_started: time(),
  time_deleted: time(),
});

const instances = schema.table("instance", {
  id: uuid().notNull(),
  project_id: uuid().notNull(),
  name: text().notNull(),
  state: text().$type<Instance["state"]>().notNull(),
  state_generation: generation(),
  time_state_updated: time().notNull(),
  active_propolis_id: uuid(),
  destination_propolis_id: uuid(),
  migration_id: uuid(),
  intended_state: text().$type<Instance["intended_state"]>().notNull(),
  time_deleted: time(),
});

const migrations = schema.table("migration", {
  instance_id: uuid().notNull(),
  id: uuid().notNull(),
  saga_id: uuid().notNull(),
  source_propolis_id: uuid().notNull(),
  source_state: text().$type<MigrationRow["source_state"]>().notNull().default("pending"),
  source_generation: generation(),
  time_source_updated: time().notNull().defaultNow(),
  destination_propolis_id: uuid().notNull(),
  destination_state: text().$type<MigrationRow["destination_state"]>().notNull().default("pending"),
  destination_generation: generation(),
  time_destination_updated: time().notNull().defaultNow(),
  time_deleted: time(),
});

type Database = Pick<NodePgDatabase, "select" | "insert" | "update" | "transaction">;

/** The version stands in WHERE, `returning()` tells whether it still was that. */
export function drizzleAlternative(pool: pg.Pool): Alternative {
  return alternativeOf("Drizzle", storeOf(drizzle({ client: pool })));
}

function storeOf(db: Database): Store {
  const store: Store = {
    transaction: (work) => db.transaction((tx) => work(storeOf(tx))),
    single: (work) => work(store),
    vmm: async ({ instanceId, propolisId }) => {
      const where = and(eq(vmms.instance_id, instanceId), eq(vmms.id, propolisId));
      return found((await db.select().from(vmms).where(where))[0]);
    },
    vmms: async (keys) =>
      await db
        .select()
        .from(vmms)
        .where(
          inArray(
            vmms.id,
            keys.map(({ propolisId }) => propolisId),
          ),
        ),
    instance: async (id) => found((await db.select().from(instances).where(eq(instances.id, id)))[0]),
    migration: async (instanceId, id) => {
      const where = and(eq(migrations.instance_id, instanceId), eq(migrations.id, id));
      return found((await db.select().from(migrations).where(where))[0]);
    },
    insertVmm: async (vmm) => {
      await db.insert(vmms).values(vmm);
    },
    insertMigration: async (migration) => {
      await db.insert(migrations).values(migration);
    },
    updateVmm: async (before, changes) => {
      const where = and(
        eq(vmms.instance_id, before.instance_id),
        eq(vmms.id, before.id),
        eq(vmms.state_generation, before.state_generation),
      );
      return isOne(await db.update(vmms).set(changes).where(where).returning({ id: vmms.id }));
    },
    updateInstance: async (before, changes) => {
      const where = and(eq(instances.id, before.id), eq(instances.state_generation, before.state_generation));
      const set = { ...changes, state_generation: before.state_generation + 1 };
      return isOne(await db.update(instances).set(set).where(where).returning({ id: instances.id }));
    },
    updateMigration: async (before, changes) => {
      const where = and(
        eq(migrations.instance_id, before.instance_id),
        eq(migrations.id, before.id),
        eq(migrations.source_generation, before.source_generation),
        eq(migrations.destination_generation, before.destination_generation),
      );
      return isOne(await db.update(migrations).set(changes).where(where).returning({ id: migrations.id }));
    },
    deleteMigrations: async ({ instanceId, propolisId }) => {
      const where = and(
        eq(migrations.instance_id, instanceId),
        or(eq(migrations.source_propolis_id, propolisId), eq(migrations.destination_propolis_id, propolisId)),
        isNull(migrations.time_deleted),
      );
      await db.update(migrations).set({ time_deleted: new Date() }).where(where);
    },
    listProject: async (projectId) => {
      const { id, state, migration_id } = getTableColumns(instances);
      const rows = await db
        .select({ id, state, migration_id, active: vmms.state })
        .from(instances)
        .leftJoin(vmms, and(eq(vmms.instance_id, instances.id), eq(vmms.id, instances.active_propolis_id)))
        .where(and(eq(instances.project_id, projectId), isNull(instances.time_deleted)))
        .orderBy(instances.name);
      return rows.map((row) => ({ id: row.id, state: shownState(row.state, row.active, row.migration_id) }));
    },
  };
  return store;
}

function isOne({ length }: readonly unknown[]): boolean {
  return length === 1;
}
