import type postgres from "postgres";
import {
  type Alternative,
  IP,
  type Lifecycle,
  type Migration,
  type MigrationSide,
  PORT,
  type Report,
  type ReportAnswer,
  type Start,
} from "./alternative.js";
import { mayMigrate, mayStart, mayStop, planUpdate } from "./decisions.js";
import { listProject } from "./project.js";
import { found, type Instance, type MigrationRow, type Vmm } from "./store.js";

/**
 * The statements of the control plane that the model comes from: each write is a CTE that finds a row by id and updates
 * it where its generation allows; a report is one transaction of the VMM and then each migration side; a saga's steps
 * commit one by one. Left out, in its favour: the saga log, retries, and handing the updater lock on to a child saga.
 */
export function upstreamAlternative(sql: postgres.Sql): Alternative {
  return {
    name: "found/updated CTE",
    schema: "bench_plain",
    report: async (report) => await sql.begin((tx) => reportOn(tx, report)),
    reports: async (reports) =>
      await sql.begin(async (tx) => {
        let applied = 0;
        for (const report of reports) if ((await reportOn(tx, report)).applied) applied++;
        return applied;
      }),
    lifecycle: lifecycleOf(sql),
    listProject: (projectId) => listProject(sql, projectId),
  };
}

async function reportOn(tx: postgres.ISql, report: Report): Promise<ReportAnswer> {
  const { propolisId, state, generation, time } = report;
  const [row] = await tx<{ generation: number; updated: string | null }[]>`
    with found as (
      select id, state, state_generation, time_state_updated, sled_id, propolis_ip, propolis_port, time_deleted
      from bench_plain.vmm where id = ${propolisId}
    ),
    updated as (
      update bench_plain.vmm set state = ${state}, state_generation = ${generation}, time_state_updated = ${time}
      where time_deleted is null and id = ${propolisId} and state_generation < ${generation}
      returning id
    )
    select found.id, found.state, found.state_generation::float8 as generation, found.time_state_updated, found.sled_id,
      found.propolis_ip, found.propolis_port, found.time_deleted, updated.id as updated
    from found left join updated on found.id = updated.id`;
  if (report.side !== undefined) await reportSide(tx, propolisId, report.side, time);
  const { updated, generation: before } = found(row);
  return updated === null ? { applied: false, generation: before } : { applied: true, generation };
}

async function reportSide(
  tx: postgres.ISql,
  propolisId: string,
  side: MigrationSide,
  time: Date,
): Promise<void> {
  const { migrationId, state, generation } = side;
  const which = side.direction === "in" ? "destination" : "source";
  requireUpdated(
    await tx<Updated[]>`
    with found as (
      select id, source_propolis_id, source_state, source_generation, time_source_updated, destination_propolis_id,
        destination_state, destination_generation, time_destination_updated, time_deleted
      from bench_plain.migration where id = ${migrationId}
    ),
    updated as (
      update bench_plain.migration
      set ${tx({ [`${which}_state`]: state, [`${which}_generation`]: generation, [`time_${which}_updated`]: time })}
      where time_deleted is null and id = ${migrationId} and ${tx(`${which}_propolis_id`)} = ${propolisId}
        and ${tx(`${which}_generation`)} < ${generation}
      returning id
    )
    select found.id, found.time_deleted, found.source_propolis_id, found.destination_propolis_id, updated.id as updated
    from found left join updated on found.id = updated.id`,
  );
}

function lifecycleOf(sql: postgres.ISql): Lifecycle {
  return {
    start: async (a) => {
      await insertVmm(sql, a);
      const { instance, active } = await fetch(sql, a.instanceId);
      if (!mayStart(instance, active)) throw new Error("it may not start");
      const links = { state: "vmm", active_propolis_id: a.propolisId, intended_state: "running" };
      await swapInstance(sql, instance, links);
    },
    unwindStart: async ({ propolisId }) =>
      requireUpdated(
        await sql<Updated[]>`
        with found as (select id, state, state_generation from bench_plain.vmm where id = ${propolisId}),
        updated as (
          update bench_plain.vmm
          set state = 'saga_unwound', time_state_updated = ${new Date()}, state_generation = state_generation + 1
          where time_deleted is null and id = ${propolisId}
          returning id
        )
        select found.id, found.state, updated.id as updated from found left join updated on found.id = updated.id`,
      ),
    stop: async (instanceId) => {
      const { instance } = await fetch(sql, instanceId);
      if (!mayStop(instance)) throw new Error("it may not stop");
      const { count } = await sql`
        update bench_plain.instance set intended_state = 'stopped'
        where id = ${instanceId} and time_deleted is null`;
      if (count !== 1) throw new Error("there is no such instance");
    },
    update: (instanceId) => update(sql, instanceId),
    deleteVmm: async ({ instanceId, propolisId }) => {
      requireUpdated(
        await sql<Updated[]>`
        with found as (select id, state, time_deleted from bench_plain.vmm where id = ${propolisId}),
        updated as (
          update bench_plain.vmm set time_deleted = ${new Date()}
          where id = ${propolisId} and state in ('destroyed', 'failed', 'saga_unwound') and time_deleted is null
          returning id
        )
        select found.id, found.state, updated.id as updated from found left join updated on found.id = updated.id`,
      );
      await sql`
        update bench_plain.migration set time_deleted = ${new Date()}
        where instance_id = ${instanceId} and ${propolisId} in (source_propolis_id, destination_propolis_id)
          and time_deleted is null`;
    },
    beginMigration: async (a) => {
      await insertVmm(sql, { ...a, propolisId: a.destinationPropolisId });
      await insertMigration(sql, a);
      const { instance, active } = await fetch(sql, a.instanceId);
      if (!mayMigrate(instance, found(active))) throw new Error("it may not migrate");
      const links = { destination_propolis_id: a.destinationPropolisId, migration_id: a.migrationId };
      await swapInstance(sql, instance, links);
    },
  };
}

/** Lock, look at everything, write and unlock. */
async function update(sql: postgres.ISql, instanceId: string): Promise<void> {
  const updaterId = crypto.randomUUID();
  const [read] = await sql<{ updater_generation: string }[]>`
    select updater_id, updater_generation from bench_plain.instance
    where id = ${instanceId} and time_deleted is null`;
  const before = found(read).updater_generation;
  requireUpdated(
    await sql<Updated[]>`
    with found as (select id, updater_id, updater_generation from bench_plain.instance where id = ${instanceId}),
    updated as (
      update bench_plain.instance
      set updater_generation = updater_generation + 1, updater_id = ${updaterId}, updater_lease_until = 'infinity'
      where time_deleted is null and id = ${instanceId} and updater_generation = ${before}
        and (updater_id is null or updater_id = ${updaterId})
      returning id
    )
    select found.id, found.updater_id, updated.id as updated from found left join updated on found.id = updated.id`,
  );
  const { instance, active, destination, migration } = await fetch(sql, instanceId);
  const plan = planUpdate(active, destination, migration);
  if (plan === undefined) throw new Error("there is nothing to update");
  requireUpdated(
    await sql<Updated[]>`
    with found as (select id, updater_id, updater_generation from bench_plain.instance where id = ${instanceId}),
    updated as (
      update bench_plain.instance
      set ${sql({ ...plan, time_state_updated: new Date(), updater_id: null, updater_lease_until: null })},
        state_generation = state_generation + 1, updater_generation = updater_generation + 1
      where time_deleted is null and id = ${instanceId} and updater_id = ${updaterId}
        and state_generation = ${instance.state_generation}
      returning id
    )
    select found.id, found.updater_id, updated.id as updated from found left join updated on found.id = updated.id`,
  );
}

interface Gestalt {
  instance: Instance;
  active: Vmm | undefined;
  destination: Vmm | undefined;
  migration: MigrationRow | undefined;
}

/** The instance and all it names, in one statement. */
async function fetch(sql: postgres.ISql, instanceId: string): Promise<Gestalt> {
  const [row] = await sql<
    (Instance & {
      active_state: Vmm["state"] | null;
      destination_vmm_state: Vmm["state"] | null;
      source_state: MigrationRow["source_state"] | null;
      destination_state: MigrationRow["destination_state"] | null;
    })[]
  >`
    select i.id, i.project_id, i.name, i.state, i.state_generation::float8, i.active_propolis_id,
      i.destination_propolis_id, i.migration_id, i.intended_state, i.time_deleted, a.state as active_state,
      d.state as destination_vmm_state, m.source_state, m.destination_state
    from bench_plain.instance as i
    left join bench_plain.vmm as a on a.id = i.active_propolis_id
    left join bench_plain.vmm as d on d.id = i.destination_propolis_id
    left join bench_plain.migration as m on m.id = i.migration_id
    where i.id = ${instanceId} and i.time_deleted is null`;
  const instance = found(row);
  const { active_propolis_id, active_state, destination_propolis_id, destination_vmm_state } = instance;
  return {
    instance,
    active: active_state === null ? undefined : ({ id: active_propolis_id, state: active_state } as Vmm),
    destination:
      destination_vmm_state === null
        ? undefined
        : ({ id: destination_propolis_id, state: destination_vmm_state } as Vmm),
    migration: instance.source_state === null ? undefined : (instance as unknown as MigrationRow),
  };
}

async function insertVmm(sql: postgres.ISql, a: Start): Promise<void> {
  await sql`
    insert into bench_plain.vmm (instance_id, id, sled_id, propolis_ip, propolis_port, saga_id)
    values (${a.instanceId}, ${a.propolisId}, ${a.sledId}, ${IP}, ${PORT}, ${a.sagaId})
    on conflict (id) do update set time_state_updated = vmm.time_state_updated
    returning id, state, state_generation`;
}

async function insertMigration(sql: postgres.ISql, a: Migration): Promise<void> {
  await sql`
    insert into bench_plain.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id)
    values (${a.instanceId}, ${a.migrationId}, ${a.sagaId}, ${a.sourcePropolisId}, ${a.destinationPropolisId})
    on conflict (id) do update set time_created = migration.time_created
    returning id`;
}

async function swapInstance(
  sql: postgres.ISql,
  { id, state_generation }: Instance,
  changes: Record<string, string>,
): Promise<void> {
  const next = state_generation + 1;
  requireUpdated(
    await sql<Updated[]>`
    with found as (select id, state, state_generation from bench_plain.instance where id = ${id}),
    updated as (
      update bench_plain.instance
      set ${sql({ ...changes, state_generation: next, time_state_updated: new Date() })}
      where time_deleted is null and id = ${id} and state_generation < ${next}
      returning id
    )
    select found.id, found.state, updated.id as updated from found left join updated on found.id = updated.id`,
  );
}

interface Updated {
  updated: string | null;
}

function requireUpdated([row]: readonly Updated[]): void {
  if (found(row).updated === null) throw new Error("it was found, but not updated");
}
