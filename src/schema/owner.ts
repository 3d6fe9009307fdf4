import type { ClientBase } from "pg";
import { VmstateError } from "../errors/vmstate-error.js";

/** The role that owns schema vmstate, and what the session may do as that role. */
export interface Owner {
  name: string;
  /** The role that logged in. */
  user: string;
  isCurrent: boolean;
  mayBecome: boolean;
}

/**
 * Returns the owner of the schema, if the role that logged in may act as it.
 *
 * @returns undefined when there is no schema: the role that logged in is going to own it
 * @throws VmstateError when the role that logged in may neither become the owner nor create the schema
 */
export async function requireOwner(client: ClientBase): Promise<Owner | undefined> {
  const owner = await readOwner(client);
  if (owner === undefined) await requireCreate(client);
  else if (!owner.mayBecome) throw notOwner(owner);
  return owner;
}

/**
 * Makes the rest of the transaction act as the owner of schema vmstate.
 *
 * So everything that is made belongs to that role.
 */
export async function become(client: ClientBase, owner: Owner | undefined): Promise<void> {
  if (owner && !owner.isCurrent) await client.query("select set_config('role', $1, true)", [owner.name]);
}

/** Acts as the owner where the role may; otherwise the role stays itself. */
export async function becomeOwnerIfAllowed(client: ClientBase): Promise<void> {
  const owner = await readOwner(client);
  if (owner?.mayBecome) await become(client, owner);
}

/**
 * Reads the owner of the schema, and whether this session may become that role.
 *
 * SET ROLE asks whether the session's user is a member; from PostgreSQL 16 on also whether WITH SET FALSE forbids it.
 */
async function readOwner(client: ClientBase): Promise<Owner | undefined> {
  const { rows } = await client.query<Owner>(`
    select pg_get_userbyid(n.nspowner) as name, session_user::text as user,
      pg_get_userbyid(n.nspowner) = current_user as "isCurrent",
      pg_get_userbyid(n.nspowner) = current_user or pg_has_role(session_user, n.nspowner,
        case when current_setting('server_version_num')::integer < 160000 then 'MEMBER' else 'SET' end) as "mayBecome"
    from pg_namespace as n where n.nspname = 'vmstate'`);
  return rows[0];
}

function notOwner({ name, user }: Owner): VmstateError {
  return new VmstateError(
    `schema vmstate belongs to role "${name}", which user "${user}" may not become: migrate as "${name}", as a superuser, or as a member that may SET ROLE (GRANT "${name}" TO "${user}")`,
  );
}

async function requireCreate(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ user: string; database: string; mayCreate: boolean }>(`
    select current_user::text as user, current_database()::text as database,
      has_database_privilege(current_database(), 'CREATE') as "mayCreate"`);
  for (const { user, database, mayCreate } of rows)
    if (!mayCreate)
      throw new VmstateError(
        `user "${user}" may not create schema vmstate in database "${database}": have its owner run CREATE SCHEMA vmstate AUTHORIZATION "${user}"`,
      );
}
