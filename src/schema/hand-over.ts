import type { ClientBase } from "pg";
import { VmstateError } from "../errors/vmstate-error.js";
import type { Migration } from "./files.js";

/** An object of ours that another role than the schema's owner owns. */
interface Misplaced {
  object: string;
  owner: string;
  schemaOwner: string;
  statement: string;
  mayAlter: boolean;
}

/**
 * Writes statements that give all of vmstate to the owner of its schema.
 *
 * Before 0.2.0 a migration belonged to the role that ran it, and the owner could not migrate any more. The list is
 * empty when all belongs to the owner.
 *
 * @throws VmstateError when the current role cannot give an object away
 */
export async function handOverStatements(
  client: ClientBase,
  migrations: readonly Migration[],
): Promise<string[]> {
  const misplaced = await readMisplaced(client, namesIn(migrations));
  const kept = misplaced.find(({ mayAlter }) => !mayAlter);
  if (kept !== undefined) throw cannotHandOver(kept);
  return misplaced.map(({ statement }) => statement);
}

/**
 * Lists the objects that the migrations make.
 *
 * Other objects in the schema, such as a view of a DBA, keep their owner.
 */
function namesIn(migrations: readonly Migration[]): string[] {
  const names = migrations.flatMap(({ text }) =>
    [...text.matchAll(/(?<=\bvmstate\.)\w+/g)].map(([name]) => name),
  );
  return ["pgmigrations", ...new Set(names)];
}

/**
 * Reads which of these objects another role owns.
 *
 * Leaves out indexes, sequences and triggers, which follow their table.
 */
async function readMisplaced(client: ClientBase, names: string[]): Promise<Misplaced[]> {
  const { rows } = await client.query<Misplaced>(
    `
    with object (kind, address, name, owner, home) as (
      -- A partition goes by the name of its table: its own name tells a date.
      select 'TABLE', c.oid::regclass::text, coalesce(p.relname, c.relname), c.relowner, c.relnamespace
        from pg_class as c
        left join pg_inherits as i on i.inhrelid = c.oid and c.relispartition
        left join pg_class as p on p.oid = i.inhparent
        where c.relkind in ('r', 'p', 'v', 'm')
      union all
      select 'TYPE', t.oid::regtype::text, t.typname, t.typowner, t.typnamespace
        from pg_type as t left join pg_class as c on c.oid = t.typrelid
        where t.typtype in ('e', 'd') or c.relkind = 'c'
      union all
      select 'ROUTINE', p.oid::regprocedure::text, p.proname, p.proowner, p.pronamespace from pg_proc as p
    )
    select lower(o.kind) || ' ' || o.address as object, pg_get_userbyid(o.owner) as owner,
      pg_get_userbyid(n.nspowner) as "schemaOwner", pg_has_role(o.owner, 'USAGE') as "mayAlter",
      format('ALTER %s %s OWNER TO %I', o.kind, o.address, pg_get_userbyid(n.nspowner)) as statement
    from object as o join pg_namespace as n on n.oid = o.home
    where n.nspname = 'vmstate' and o.owner <> n.nspowner and o.name = any ($1)
    order by o.kind, o.address`,
    [names],
  );
  return rows;
}

function cannotHandOver({ object, owner, schemaOwner }: Misplaced): VmstateError {
  return new VmstateError(
    `${object} belongs to role "${owner}", not to "${schemaOwner}", the owner of schema vmstate: run \`vmstate migrate\` once as a superuser, to give it to "${schemaOwner}"`,
  );
}
