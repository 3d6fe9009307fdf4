import type postgres from "postgres";
import type { Alternative } from "./alternative.js";
import { alternativeOf } from "./read-decide-write.js";
import { listProject } from "./project.js";
import { found, type Instance, type MigrationRow, type Store, type Vmm } from "./store.js";

/** BEGIN, SELECT … FOR UPDATE, UPDATE, COMMIT. What is locked needs no version. */
export function lockingAlternative(sql: postgres.Sql): Alternative {
  const transaction: Store["transaction"] = async (work) =>
    (await sql.begin((tx) => work(storeOf(tx, transaction)))) as Awaited<ReturnType<typeof work>>;
  const store = { ...storeOf(sql, transaction), single: transaction };
  return alternativeOf("SELECT FOR UPDATE", store);
}

function storeOf(sql: postgres.ISql, transaction: Store["transaction"]): Store {
  const store: Store = {
    transaction,
    single: (work) => work(store),
    vmm: async ({ instanceId, propolisId }) => {
      const [row] = await sql<Vmm[]>`
        select instance_id, id, saga_id, state, state_generation::float8, time_started, time_deleted
        from bench_plain.vmm where instance_id = ${instanceId} and id = ${propolisId} for update`;
      return found(row);
    },
    vmms: async (keys) =>
      await sql<Vmm[]>`
      select instance_id, id, saga_id, state, state_generation::float8, time_started, time_deleted
      from bench_plain.vmm where id = any (${keys.map(({ propolisId }) => propolisId)}::uuid[]) order by id for update`,
    instance: async (id) => {
      const [row] = await sql<Instance[]>`
        select id, state, state_generation::float8, active_propolis_id, destination_propolis_id, migration_id,
          intended_state, time_deleted
        from bench_plain.instance where id = ${id} for update`;
      return found(row);
    },
    migration: async (instanceId, id) => {
      const [row] = await sql<MigrationRow[]>`
        select instance_id, id, source_state, source_generation::float8, destination_state,
          destination_generation::float8, time_deleted
        from bench_plain.migration where instance_id = ${instanceId} and id = ${id} for update`;
      return found(row);
    },
    insertVmm: async (vmm) => {
      await sql`insert into bench_plain.vmm ${sql(vmm)}`;
    },
    insertMigration: async (migration) => {
      await sql`insert into bench_plain.migration ${sql(migration)}`;
    },
    updateVmm: async ({ instance_id, id }, changes) =>
      isOne(
        await sql`
        update bench_plain.vmm set ${sql(changes)} where instance_id = ${instance_id} and id = ${id}`,
      ),
    updateInstance: async ({ id, state_generation }, changes) =>
      isOne(
        await sql`
        update bench_plain.instance set ${sql({ ...changes, state_generation: state_generation + 1 })}
        where id = ${id}`,
      ),
    updateMigration: async ({ instance_id, id }, changes) =>
      isOne(
        await sql`
        update bench_plain.migration set ${sql(changes)} where instance_id = ${instance_id} and id = ${id}`,
      ),
    deleteMigrations: async ({ instanceId, propolisId }) => {
      await sql`
        update bench_plain.migration set time_deleted = now()
        where instance_id = ${instanceId} and ${propolisId} in (source_propolis_id, destination_propolis_id)
          and time_deleted is null`;
    },
    listProject: (projectId) => listProject(sql, projectId),
  };
  return store;
}

function isOne({ count }: { count: number }): boolean {
  return count === 1;
}
