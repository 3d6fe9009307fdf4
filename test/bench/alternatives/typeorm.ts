import {
  type DataSource,
  type EntityManager,
  EntitySchema,
  EntitySchemaOptions,
  In,
  IsNull,
  type ObjectLiteral,
  OptimisticLockVersionMismatchError,
} from "typeorm";
import type { Alternative } from "./alternative.js";
import { shownState } from "./decisions.js";
import { alternativeOf } from "./read-decide-write.js";
import { found, type Instance, type MigrationRow, type Store, type Vmm } from "./store.js";

const id = { type: "uuid", primary: true } as const;
const uuid = { type: "uuid" } as const;
const text = { type: "text" } as const;
const time = { type: "timestamptz" } as const;
const generation = { type: "int8", transformer: { to: (n: number) => n, from: Number } } as const;
const ofInsert = { default: () => "DEFAULT" };

function entity<Row>(name: string, columns: EntitySchemaOptions<Row>["columns"]): EntitySchema<Row> {
  return new EntitySchema(
    Object.assign(new EntitySchemaOptions<Row>(), { schema: "bench_plain", name, columns }),
  );
}

const VMM = entity<Vmm>("vmm", {
  instance_id: id,
  id,
  sled_id: uuid,
  propolis_ip: { type: "inet" },
  propolis_port: { type: "int4" },
  saga_id: uuid,
  state: { ...text, ...ofInsert },
  state_generation: { ...generation, version: true },
  time_state_updated: { ...time, ...ofInsert },
  time_started: { ...time, nullable: true },
  time_deleted: { ...time, nullable: true },
});

const INSTANCE = entity<Instance>("instance", {
  id,
  project_id: uuid,
  name: text,
  state: text,
  state_generation: { ...generation, version: true },
  time_state_updated: time,
  active_propolis_id: { ...uuid, nullable: true },
  destination_propolis_id: { ...uuid, nullable: true },
  migration_id: { ...uuid, nullable: true },
  intended_state: text,
  time_deleted: { ...time, nullable: true },
});

/** An entity has one version column, a migration two generations: these stand in the criteria. */
const MIGRATION = entity<MigrationRow>("migration", {
  instance_id: id,
  id,
  saga_id: uuid,
  source_propolis_id: uuid,
  source_state: { ...text, ...ofInsert },
  source_generation: { ...generation, ...ofInsert },
  time_source_updated: { ...time, ...ofInsert },
  destination_propolis_id: uuid,
  destination_state: { ...text, ...ofInsert },
  destination_generation: { ...generation, ...ofInsert },
  time_destination_updated: { ...time, ...ofInsert },
  time_deleted: { ...time, nullable: true },
});

export const ENTITIES = [VMM, INSTANCE, MIGRATION];

/** The version stands in the criteria of `update`, `affected` tells whether it still was that. */
export function typeormAlternative({ manager }: DataSource): Alternative {
  return alternativeOf("TypeORM update()", storeOf(manager, updating));
}

/** The documented way: an optimistic lock, which compares what it reads, and then `save`, which compares nothing. */
export function typeormSaveAlternative({ manager }: DataSource): Alternative {
  const alternative = alternativeOf("TypeORM lock, save()", storeOf(manager, saving));
  const { name, schema, report } = alternative;
  return { name, schema, report };
}

type Write = (
  manager: EntityManager,
  entity: EntitySchema<ObjectLiteral>,
  key: ObjectLiteral,
  before: { state_generation: number },
  changes: ObjectLiteral,
) => Promise<boolean>;

const updating: Write = async (manager, entity, key, { state_generation }, changes) => {
  const { affected } = await manager.update(entity, { ...key, state_generation }, changes);
  return affected === 1;
};

const saving: Write = async (manager, entity, key, before, changes) => {
  const lock = { mode: "optimistic", version: before.state_generation } as const;
  try {
    const row = await manager.findOne(entity, { where: key, lock });
    await manager.save(entity, Object.assign(found(row), changes));
    return true;
  } catch (error) {
    if (error instanceof OptimisticLockVersionMismatchError) return false;
    throw error;
  }
};

function storeOf(manager: EntityManager, write: Write): Store {
  const store: Store = {
    transaction: (work) => manager.transaction((tx) => work(storeOf(tx, write))),
    single: (work) => work(store),
    vmm: async ({ instanceId, propolisId }) =>
      found(await manager.findOneBy(VMM, { instance_id: instanceId, id: propolisId })),
    vmms: (keys) => manager.findBy(VMM, { id: In(keys.map(({ propolisId }) => propolisId)) }),
    instance: async (id) => found(await manager.findOneBy(INSTANCE, { id })),
    migration: async (instanceId, id) =>
      found(await manager.findOneBy(MIGRATION, { instance_id: instanceId, id })),
    insertVmm: async (vmm) => {
      await manager.insert(VMM, vmm);
    },
    insertMigration: async (migration) => {
      await manager.insert(MIGRATION, migration);
    },
    updateVmm: (before, changes) =>
      write(manager, VMM, { instance_id: before.instance_id, id: before.id }, before, changes),
    updateInstance: (before, changes) => write(manager, INSTANCE, { id: before.id }, before, changes),
    updateMigration: async ({ instance_id, id, source_generation, destination_generation }, changes) => {
      const criteria = { instance_id, id, source_generation, destination_generation };
      return (await manager.update(MIGRATION, criteria, changes)).affected === 1;
    },
    deleteMigrations: async ({ instanceId, propolisId }) => {
      const open = { instance_id: instanceId, time_deleted: IsNull() };
      const of = [
        { ...open, source_propolis_id: propolisId },
        { ...open, destination_propolis_id: propolisId },
      ];
      await manager.update(MIGRATION, of, { time_deleted: new Date() });
    },
    listProject: async (projectId) => {
      const { entities, raw } = await manager
        .createQueryBuilder(INSTANCE, "i")
        .leftJoin("vmm", "v", "v.instance_id = i.id and v.id = i.active_propolis_id")
        .addSelect("v.state", "active")
        .where("i.project_id = :projectId and i.time_deleted is null", { projectId })
        .orderBy("i.name")
        .getRawAndEntities<{ active: string | null }>();
      return entities.map(({ id, state, migration_id }, n) => ({
        id,
        state: shownState(state, raw[n]?.active ?? null, migration_id),
      }));
    },
  };
  return store;
}
