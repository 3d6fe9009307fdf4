import type {
  BindSledAgentArguments,
  GrantAccessArguments,
  Outcome,
  RevokeAccessArguments,
} from "./generated.js";
import { callForRow } from "./call.js";
import type { SqlClient } from "./sql-client.js";
import { statement } from "./statement.js";

/** What a call about the access of a role did; `unchanged`: nothing, the role had or lacked that already. */
export interface AccessResult {
  outcome: Extract<Outcome, "applied" | "unchanged">;
}

/**
 * Gives a role all that a kind of role needs.
 *
 * The kinds are `control_plane`, `sled_agent` and `reader`. For the owner of the schema; call it again after a
 * migration. Members of the role have its access too: for many sleds, grant once to a group role.
 *
 * @throws InvalidArgumentError when there is no such role, PermissionDeniedError when the caller does not own the schema,
 * DatabaseError 54000 when about 2,400 roles have access to an object, so that its access list has no room for one more
 */
export function grantAccess(sql: SqlClient, a: GrantAccessArguments): Promise<AccessResult> {
  return callForRow(
    sql,
    "grantAccess",
    a,
    () => statement`select pg_catalog.json_build_object('outcome', vmstate.grant_access(
    p_role => ${a.role}, p_kind => ${a.kind}))::pg_catalog.text`,
  );
}

/**
 * Takes away from a role what `grantAccess` gave the role for one kind.
 *
 * What another kind of the role needs stays, and so do what the role has as a member of other roles and its binding to
 * a sled. For the owner of the schema.
 *
 * @throws InvalidArgumentError when there is no such role, PermissionDeniedError when the caller does not own the schema
 */
export function revokeAccess(sql: SqlClient, a: RevokeAccessArguments): Promise<AccessResult> {
  return callForRow(
    sql,
    "revokeAccess",
    a,
    () => statement`select pg_catalog.json_build_object('outcome', vmstate.revoke_access(
    p_role => ${a.role}, p_kind => ${a.kind}))::pg_catalog.text`,
  );
}

/**
 * Says for which sled a `sled_agent` role reports, in place of any before.
 *
 * Without `sledId` the role reports for no sled. For the owner of the schema.
 *
 * @throws InvalidArgumentError when there is no such role, PermissionDeniedError when the caller does not own the schema
 */
export function bindSledAgent(sql: SqlClient, a: BindSledAgentArguments): Promise<AccessResult> {
  return callForRow(
    sql,
    "bindSledAgent",
    a,
    () => statement`select pg_catalog.json_build_object('outcome', vmstate.bind_sled_agent(
    p_role => ${a.role}, p_sled_id => ${a.sledId ?? null}))::pg_catalog.text`,
  );
}
