import type postgres from "postgres";
import type { ListedInstance } from "./alternative.js";
import { shownState } from "./decisions.js";
import type { Instance, Vmm } from "./store.js";

type Row = Pick<Instance, "id" | "state" | "migration_id"> & { active: Vmm["state"] | null };

/** The least there is to read; the application derives the rest. */
export async function listProject(sql: postgres.ISql, projectId: string): Promise<ListedInstance[]> {
  const rows = await sql<Row[]>`
    select i.id, i.state, i.migration_id, v.state as active
    from bench_plain.instance as i
    left join bench_plain.vmm as v on v.instance_id = i.id and v.id = i.active_propolis_id
    where i.project_id = ${projectId} and i.time_deleted is null
    order by i.name`;
  return rows.map(({ id, state, active, migration_id }) => ({
    id,
    state: shownState(state, active, migration_id),
  }));
}
