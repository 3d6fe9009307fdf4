import type postgres from "postgres";
import { acceptedLabels } from "./accepted.js";
import { itemsOf } from "./comment.js";

/** The public part of the schema, as the generated TypeScript and documentation show it. */
export interface Catalog {
  /** The number of the newest migration. */
  version: number;
  enums: { name: string; labels: string[]; comment: string }[];
  results: { name: string; columns: Column[]; comment: string }[];
  domains: { name: string; type: string; comment: string }[];
  tables: { name: string; columns: (Column & { comment: string | null })[]; comment: string }[];
  views: { name: string; columns: Column[]; comment: string; kinds: string[] }[];
  verbs: Verb[];
  /** Errors that several verbs raise, or a trigger: those in the comments of functions that are no verbs. */
  errors: { code: string; name: string; text: string }[];
}

export interface Column {
  name: string;
  type: string;
  nullable: boolean;
}

export interface Parameter {
  name: string;
  type: string;
  optional: boolean;
  /** The only values that the verb accepts, unless it accepts each value of the type. */
  labels?: string[];
}

export interface Verb {
  name: string;
  parameters: Parameter[];
  /** The composite type it returns, or null when it returns a table. */
  result: string | null;
  /** The columns of the answer. */
  columns: Column[];
  comment: string;
  /** The kinds of role that may call it, besides the owner. */
  kinds: string[];
}

/**
 * Reads the public part of the schema.
 *
 * Verbs are the functions that run with their owner's rights and are no triggers, and the three that only the owner
 * calls. All other functions are steps of the verbs.
 */
export async function readCatalog(sql: postgres.Sql): Promise<Catalog> {
  const [{ version }] = await sql<[{ version: number }]>`
    select v.number as version from vmstate.schema_version as v`;
  const enums = await sql<Catalog["enums"]>`
    select t.typname as name, array_agg(e.enumlabel::text order by e.enumsortorder) as labels,
      obj_description(t.oid, 'pg_type') as comment
    from pg_type t join pg_enum e on e.enumtypid = t.oid
    where t.typnamespace = 'vmstate'::regnamespace
    group by t.oid, t.typname order by t.typname`;
  return {
    version,
    enums,
    results: await sql<Catalog["results"]>`
      select c.relname as name, ${columns(sql)} as columns, obj_description(c.reltype, 'pg_type') as comment
      from pg_class c
      where c.relnamespace = 'vmstate'::regnamespace and c.relkind = 'c'
        and (c.relname like '%\\_result' or c.relname = 'vmm_address')
      order by c.relname`,
    domains: await sql<Catalog["domains"]>`
      select t.typname as name, format_type(t.typbasetype, null) as type, obj_description(t.oid, 'pg_type') as comment
      from pg_type t
      where t.typnamespace = 'vmstate'::regnamespace and t.typtype = 'd' order by t.typname`,
    tables: await sql<Catalog["tables"]>`
      select c.relname as name, obj_description(c.oid, 'pg_class') as comment, (
          select jsonb_agg(jsonb_build_object(
              'name', a.attname,
              'type', format_type(a.atttypid, null),
              'nullable', not a.attnotnull,
              'comment', col_description(c.oid, a.attnum)
            ) order by a.attnum)
          from pg_attribute a
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        ) as columns
      from pg_class c
      where c.relnamespace = 'vmstate'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'pgmigrations'
      order by c.relname`,
    views: await sql<Catalog["views"]>`
      select c.relname as name, ${columns(sql)} as columns, obj_description(c.oid, 'pg_class') as comment,
        ${kinds(sql, sql`format('TABLE %s', c.oid::regclass)`)} as kinds
      from pg_class c
      where c.relnamespace = 'vmstate'::regnamespace and c.relkind = 'v'
        and format('TABLE %s', c.oid::regclass) in (select r.object from vmstate.access_rights('reader') as r)
      order by c.relname`,
    verbs: await readVerbs(sql, enums),
    errors: await readErrors(sql),
  };
}

async function readVerbs(sql: postgres.Sql, enums: Catalog["enums"]): Promise<Verb[]> {
  const verbs = await sql<Verb[]>`
    select p.proname as name,
      coalesce((
        select jsonb_agg(jsonb_build_object(
            'name', p.proargnames[a.n],
            'type', format_type(p.proargtypes[a.n - 1], null),
            'optional', a.n > p.pronargs - p.pronargdefaults
          ) order by a.n)
        from generate_series(1, p.pronargs) as a (n)
      ), '[]') as parameters,
      case when not p.proretset then format_type(p.prorettype, null) end as result,
      coalesce((
        select jsonb_agg(jsonb_build_object(
            'name', a.name, 'type', format_type(a.type, null), 'nullable', true
          ) order by a.n)
        from unnest(p.proargnames, p.proargmodes, p.proallargtypes) with ordinality as a (name, mode, type, n)
        where a.mode = 't'
      ), '[]') as columns,
      obj_description(p.oid, 'pg_proc') as comment,
      ${kinds(sql, sql`format('FUNCTION %s', p.oid::regprocedure)`)} as kinds
    from pg_proc p
    where p.pronamespace = 'vmstate'::regnamespace and ${isVerb(sql)}
    order by p.proname`;
  const labels = new Map(enums.map(({ name, labels }) => [`vmstate.${name}`, labels]));
  for (const verb of verbs)
    for (const parameter of verb.parameters) {
      const accepted = await acceptedLabels(sql, verb, parameter, labels);
      if (accepted !== undefined) parameter.labels = accepted;
    }
  return verbs;
}

async function readErrors(sql: postgres.Sql): Promise<Catalog["errors"]> {
  const functions = await sql<{ name: string; comment: string }[]>`
    select p.proname as name, obj_description(p.oid, 'pg_proc') as comment
    from pg_proc p
    where p.pronamespace = 'vmstate'::regnamespace and not ${isVerb(sql)} order by p.proname`;
  const errors = functions.flatMap(({ name, comment }) =>
    itemsOf(comment, "Errors").map(({ term, text }) => ({ code: term, name, text })),
  );
  return errors.toSorted((a, b) => (a.code < b.code ? -1 : a.code > b.code ? 1 : 0));
}

function isVerb(sql: postgres.Sql): postgres.PendingQuery<postgres.Row[]> {
  return sql`(p.prosecdef and p.prorettype <> 'trigger'::regtype or p.proname in ('grant_access', 'revoke_access', 'bind_sled_agent'))`;
}

function kinds(
  sql: postgres.Sql,
  object: postgres.PendingQuery<postgres.Row[]>,
): postgres.PendingQuery<postgres.Row[]> {
  return sql`array(
    select k::text from unnest(enum_range(null::vmstate.access_kind)) as k
    where exists (select from vmstate.access_rights(k) as r where r.object = ${object})
    order by k)`;
}

/**
 * Writes the query for the columns of a table, view or result type.
 *
 * A column of a view may be null if a table column of its name may; a column that no table has is never null.
 *
 * Some views say more: in instance_detail, what begins with the name of a link is null without that link; the links of a
 * migration are those of its table; the views of the history have columns for several tables.
 */
function columns(sql: postgres.Sql): postgres.PendingQuery<postgres.Row[]> {
  return sql`(
    select jsonb_agg(jsonb_build_object(
        'name', a.attname,
        'type', format_type(a.atttypid, null),
        'nullable', c.relname like '%\\_result'
          or (c.relname = 'instance_detail' and a.attname ~ '^(active|destination|migration)_')
          or (c.relname = 'watched_vmm' and a.attname = 'time_heard')
          or (c.relname = 'invariant_violation' and a.attname = 'propolis_id')
          or (c.relname = 'history_extent' and a.attname = 'since')
          or (c.relname ~ '_history$' and a.attname ~ '^(old_.*|failure_reason|verb|cause)$')
          or (c.relname = 'instance_history' and a.attname ~ '^((active|destination)_propolis|migration|saga)_id$')
          or c.relname !~ '_history$' and exists (
            select from pg_attribute t
            where t.attname = a.attname and not t.attnotnull and case c.relname
              when 'api_migration' then t.attrelid = 'vmstate.migration'::regclass
              else t.attrelid in ('vmstate.instance'::regclass, 'vmstate.vmm'::regclass)
            end)
      ) order by a.attnum)
    from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0)`;
}
