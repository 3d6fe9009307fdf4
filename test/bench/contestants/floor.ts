import type { SqlClient } from "../../../src/index.js";
import type { Contestant, Report, Schema } from "./contestant.js";
import { listProject } from "./project.js";
import { found } from "./store.js";

/** The least that any client of PostgreSQL can do: one guarded UPDATE by primary key. It decides nothing else. */
export function floorContestant(sql: SqlClient, schema: Schema): Contestant {
  return {
    name: schema === "vmstate" ? "bare statement, vmstate's table" : "bare statement",
    schema,
    report: async ({ instanceId, propolisId, state, generation, time }) => {
      const { count } = await sql`
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
    ...(schema === "bench_plain" && { listProject: (projectId) => listProject(sql, projectId) }),
  };
}

function column<T>(reports: readonly Report[], value: (report: Report) => T): T[] {
  return reports.map(value);
}
