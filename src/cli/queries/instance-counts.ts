import type postgres from "postgres";
import type { ApiInstanceState } from "../../client/generated.js";

export interface InstanceCount {
  state: ApiInstanceState;
  count: number;
}

/** Counts the instances in every state that the API shows, without deleted ones. */
export async function countInstances(sql: postgres.TransactionSql): Promise<InstanceCount[]> {
  return await sql<InstanceCount[]>`
    select s.state, count(i.id)::integer as count
    from unnest(enum_range(null::vmstate.api_instance_state)) as s (state)
    left join vmstate.api_instance as i on i.state = s.state
    where s.state <> 'destroyed'
    group by s.state
    order by s.state`;
}
