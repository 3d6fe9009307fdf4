import type { BindSledAgentArguments, GrantAccessArguments, Outcome } from "./generated.js";
import { oneRow, type SqlClient } from "./rows.js";

/** `unchanged`: it was so already. */
export interface AccessAnswer {
  outcome: Extract<Outcome, "applied" | "unchanged">;
}

/**
 * Gives a role all that a kind of role needs: `control_plane`, `sled_agent` or `reader`. For the owner of the schema;
 * call it again after a migration.
 *
 * @throws PostgresError VM001 when there is no such role, 42501 when the caller does not own the schema
 */
export function grantAccess(sql: SqlClient, a: GrantAccessArguments): Promise<AccessAnswer> {
  return oneRow(sql`select pg_catalog.json_build_object('outcome', vmstate.grant_access(
    p_role => ${a.role}, p_kind => ${a.kind}))::pg_catalog.text`);
}

/**
 * Says for which sled a `sled_agent` role reports, in place of any before; without `sledId`, for none. For the owner of
 * the schema.
 *
 * @throws PostgresError VM001 when there is no such role, 42501 when the caller does not own the schema
 */
export function bindSledAgent(sql: SqlClient, a: BindSledAgentArguments): Promise<AccessAnswer> {
  return oneRow(sql`select pg_catalog.json_build_object('outcome', vmstate.bind_sled_agent(
    p_role => ${a.role}, p_sled_id => ${a.sledId ?? null}))::pg_catalog.text`);
}
