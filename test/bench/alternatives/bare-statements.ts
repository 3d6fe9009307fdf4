import type postgres from "postgres";
import {
  type Alternative,
  IP,
  type Lifecycle,
  type MigrationSide,
  PORT,
  type Report,
  type Schema,
} from "./alternative.js";
import { listProject } from "./project.js";
import { found } from "./store.js";

/**
 * The least that any client of PostgreSQL can do: each verb is one statement that writes what has to be written, guarded
 * by no more than a generation or an id. It decides nothing else.
 */
export function bareStatementsAlternative(sql: postgres.ISql, schema: Schema): Alternative {
  return {
    name: schema === "vmstate" ? "bare statement, vmstate's table" : "bare statement",
    schema,
    report: async (report) => {
      const { instanceId, propolisId, state, generation, time } = report;
      const { count } = await sql`
        ${report.side === undefined ? sql`` : withSide(sql, schema, report, report.side)}
        update ${sql(schema)}.vmm set state = ${state}, state_generation = ${generation}, time_state_updated = ${time}
        where instance_id = ${instanceId} and id = ${propolisId} and state_generation < ${generation}
        returning id`;
      if (count === 1) return { applied: true, generation };
      const [row] = await sql<{ generation: number }[]>`
        select state_generation::float8 as generation from ${sql(schema)}.vmm
        where instance_id = ${instanceId} and id = ${propolisId}`;
      return { applied: false, generation: found(row).generation };
    },
    reports: async (reports) => {
      const { count } = await sql`
        update ${sql(schema)}.vmm as v
        set state = u.state, state_generation = u.generation, time_state_updated = u.time
        from unnest(${column(reports, (r) => r.instanceId)}::uuid[], ${column(reports, (r) => r.propolisId)}::uuid[],
          ${column(reports, (r) => r.state)}::text[]::vmstate.vmm_state[],
          ${column(reports, (r) => r.generation)}::bigint[],
          ${column(reports, (r) => r.time.toISOString())}::timestamptz[]) as u (instance_id, id, state, generation, time)
        where v.instance_id = u.instance_id and v.id = u.id and v.state_generation < u.generation
        returning v.id`;
      return count;
    },
    ...(schema === "bench_plain" && {
      lifecycle: lifecycleOf(sql),
      listProject: (projectId) => listProject(sql, projectId),
    }),
  };
}

function withSide(
  sql: postgres.ISql,
  schema: Schema,
  { instanceId, time }: Report,
  { direction, migrationId, state, generation }: MigrationSide,
): postgres.PendingQuery<postgres.Row[]> {
  const side = direction === "in" ? "destination" : "source";
  return sql`
    with side as (
      update ${sql(schema)}.migration
      set ${sql({ [`${side}_state`]: state, [`${side}_generation`]: generation, [`time_${side}_updated`]: time })}
      where instance_id = ${instanceId} and id = ${migrationId} and ${sql(`${side}_generation`)} < ${generation}
    )`;
}

function lifecycleOf(sql: postgres.ISql): Lifecycle {
  return {
    start: async ({ instanceId, propolisId, sledId, sagaId }) =>
      one(
        await sql`
        with vmm as (
          insert into bench_plain.vmm (instance_id, id, sled_id, propolis_ip, propolis_port, saga_id)
          values (${instanceId}, ${propolisId}, ${sledId}, ${IP}, ${PORT}, ${sagaId})
        )
        update bench_plain.instance
        set state = 'vmm', active_propolis_id = ${propolisId}, intended_state = 'running',
          state_generation = state_generation + 1, time_state_updated = now()
        where id = ${instanceId}`,
      ),
    unwindStart: async ({ instanceId, propolisId }) =>
      one(
        await sql`
        update bench_plain.vmm
        set state = 'saga_unwound', state_generation = state_generation + 1, time_state_updated = now()
        where instance_id = ${instanceId} and id = ${propolisId}`,
      ),
    stop: async (instanceId) =>
      one(await sql`update bench_plain.instance set intended_state = 'stopped' where id = ${instanceId}`),
    update: async (instanceId) =>
      one(
        await sql`
        update bench_plain.instance
        set state = case when destination_propolis_id is null then 'no_vmm' else state end,
          active_propolis_id = destination_propolis_id, destination_propolis_id = null, migration_id = null,
          state_generation = state_generation + 1, time_state_updated = now()
        where id = ${instanceId}`,
      ),
    deleteVmm: async ({ instanceId, propolisId }) =>
      one(
        await sql`
        with migration as (
          update bench_plain.migration set time_deleted = now()
          where instance_id = ${instanceId} and ${propolisId} in (source_propolis_id, destination_propolis_id)
        )
        update bench_plain.vmm set time_deleted = now() where instance_id = ${instanceId} and id = ${propolisId}`,
      ),
    beginMigration: async (a) =>
      one(
        await sql`
        with vmm as (
          insert into bench_plain.vmm (instance_id, id, sled_id, propolis_ip, propolis_port, saga_id)
          values (${a.instanceId}, ${a.destinationPropolisId}, ${a.sledId}, ${IP}, ${PORT}, ${a.sagaId})
        ),
        migration as (
          insert into bench_plain.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id)
          values (${a.instanceId}, ${a.migrationId}, ${a.sagaId}, ${a.sourcePropolisId}, ${a.destinationPropolisId})
        )
        update bench_plain.instance
        set destination_propolis_id = ${a.destinationPropolisId}, migration_id = ${a.migrationId},
          state_generation = state_generation + 1, time_state_updated = now()
        where id = ${a.instanceId}`,
      ),
  };
}

function one({ count }: postgres.RowList<postgres.Row[]>): void {
  if (count !== 1) throw new Error(`it was applied to ${count} rows`);
}

function column<T>(reports: readonly Report[], value: (report: Report) => T): T[] {
  return reports.map(value);
}
