import type postgres from "postgres";
import type { Scenario } from "../scenario.js";

/** A statement that an owner may type in psql. */
export type Write = (sql: postgres.ISql, s: Scenario) => Promise<unknown>;

/** Ids that no row has. */
export const OTHER = "00000000-0000-4000-8000-000000000000";
export const ANOTHER = "00000000-0000-4000-8000-000000000001";

/** Inserts another instance: creating, at generation 1. */
export async function freshInstance(sql: postgres.ISql): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    insert into vmstate.instance (id, project_id, name, intended_state)
      values (gen_random_uuid(), gen_random_uuid(), 'web', 'running')
      returning id`;
  return String(row?.id);
}

/** Inserts another VMM of the instance: creating, at generation 1, not linked. */
export async function freshVmm(sql: postgres.ISql, { instanceId }: Scenario): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id)
      select ${instanceId}, id, id, 'fd00::9', id from gen_random_uuid() as id
      returning id`;
  return String(row?.id);
}

/** Inserts a migration between two VMMs of the instance, not linked. */
export async function freshMigration(
  sql: postgres.ISql,
  s: Scenario,
  from: string,
  to: string,
): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    insert into vmstate.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id)
      select ${s.instanceId}, id, id, ${from}, ${to} from gen_random_uuid() as id
      returning id`;
  return String(row?.id);
}

/** Changes columns of one row, as an owner may with any client. */
export const set =
  (table: "instance" | "vmm" | "migration", which: (s: Scenario) => string, columns: string): Write =>
  (sql, s) =>
    sql.unsafe(`update vmstate.${table} set ${columns} where id = '${which(s)}'`);

export const instance = (columns: string): Write => set("instance", (s) => s.instanceId, columns);
export const active = (columns: string): Write => set("vmm", (s) => s.propolisId, columns);
export const destination = (columns: string): Write => set("vmm", (s) => s.destinationId, columns);
export const migration = (columns: string): Write => set("migration", (s) => s.migrationId, columns);
export const remove =
  (table: "instance" | "vmm" | "migration", which: (s: Scenario) => string): Write =>
  (sql, s) =>
    sql.unsafe(`delete from vmstate.${table} where id = '${which(s)}'`);

/** Inserts an instance as create_instance does, but for this column; so do the next two for a VMM and a migration. */
export const insertInstance =
  (column: string, value: string): Write =>
  (sql) =>
    sql.unsafe(`insert into vmstate.instance (id, project_id, name, intended_state, ${column})
      values (gen_random_uuid(), gen_random_uuid(), 'web', 'running', ${value})`);
export const insertVmm =
  (column: string, value: string): Write =>
  (sql, s) =>
    sql.unsafe(`insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, ${column})
      values ('${s.instanceId}', gen_random_uuid(), gen_random_uuid(), 'fd00::9', gen_random_uuid(), ${value})`);
export const insertMigration =
  (column: string, value: string): Write =>
  async (sql, s) => {
    const to = await freshVmm(sql, s);
    await sql.unsafe(`insert into vmstate.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id, ${column})
      values ('${s.instanceId}', gen_random_uuid(), gen_random_uuid(), '${s.propolisId}', '${to}', ${value})`);
  };

/** Changes links, or other guarded columns, under the next generation. */
export const links = (columns: string): Write =>
  instance(`state_generation = state_generation + 1, ${columns}`);
/** Changes links as `columns` says, given the id of a new VMM. */
export const linkFresh =
  (columns: (id: string, s: Scenario) => string): Write =>
  async (sql, s) => {
    const id = await freshVmm(sql, s);
    await links(columns(id, s))(sql, s);
  };
/** Links a new VMM as destination, by a migration that comes from `from`. */
export const linkMigration =
  (from: (s: Scenario) => string): Write =>
  async (sql, s) => {
    const id = await freshVmm(sql, s);
    const migrationId = await freshMigration(sql, s, from(s), id);
    await links(`destination_propolis_id = '${id}', migration_id = '${migrationId}'`)(sql, s);
  };
