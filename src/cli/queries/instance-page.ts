import type postgres from "postgres";
import type { ApiInstanceState } from "../../client/generated.js";

/** Which instances to list. */
export interface InstanceFilter {
  project?: string;
  state?: ApiInstanceState;
  /** What the name begins with. */
  name?: string;
}

/** Where an instance stands in the order of the list. */
export interface Position {
  projectId: string;
  name: string;
}

/** An instance as the API shows it. */
export interface ListedInstance extends Position {
  id: string;
  state: ApiInstanceState;
  intendedState: string;
  timeStateUpdated: Date;
}

/**
 * Reads one page of instances, by project and name, without deleted ones.
 *
 * The page begins behind `after`, so the next page costs no more than the first. Conditions that are not asked for are
 * left out of the statement: PostgreSQL then walks the index on project and name, and stops when the page is full.
 */
export async function readPage(
  sql: postgres.TransactionSql,
  filter: InstanceFilter,
  { after, limit }: { after: Position | undefined; limit: number },
): Promise<ListedInstance[]> {
  const { project, state, name } = filter;
  const isBehind = after ? sql`(i.project_id, i.name) > (${after.projectId}, ${after.name})` : sql`true`;
  return await sql<ListedInstance[]>`
    select i.id, i.project_id as "projectId", i.name, i.state, i.intended_state as "intendedState",
      i.time_state_updated as "timeStateUpdated"
    from vmstate.api_instance as i
    where ${isBehind}
      and ${project === undefined ? sql`true` : sql`i.project_id = ${project}`}
      and ${state === undefined ? sql`true` : sql`i.state = ${state}`}
      and ${name === undefined ? sql`true` : sql`starts_with(i.name, ${name})`}
    order by i.project_id, i.name
    limit ${limit}`;
}
