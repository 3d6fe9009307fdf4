import type postgres from "postgres";

/** Something that takes a value: an argument, a column, a part of a composite type. */
export interface Slot {
  name: string;
  /** Qualified, as a cast takes it. */
  type: string;
}

export interface Argument extends Slot {
  optional: boolean;
}

export interface Routine {
  name: string;
  arguments: Argument[];
  returns: string;
  /** Public: it runs with its owner's rights. */
  isVerb: boolean;
  comment: string;
}

export interface Relation {
  name: string;
  /** Optional: an INSERT may leave it out. */
  columns: Argument[];
  isView: boolean;
}

export interface Type {
  name: string;
  /** The labels of an enum. */
  labels: string[];
  /** The attributes of a composite type. */
  parts: Slot[];
  /** The base type of a domain. */
  base: string | null;
  /** The element type of an array. */
  element: string | null;
}

export interface Catalog {
  routines: Routine[];
  relations: Relation[];
  /** By qualified name. */
  types: ReadonlyMap<string, Type>;
}

/** All of schema `vmstate` that a caller can pass something to. */
export async function readCatalog(sql: postgres.ISql): Promise<Catalog> {
  const types = await readTypes(sql);
  return {
    routines: await readRoutines(sql),
    relations: await readRelations(sql),
    types: new Map(types.map((type) => [type.name, type])),
  };
}

export function typeOf({ types }: Catalog, name: string): Type {
  const type = types.get(name);
  if (type === undefined) throw new Error(`the catalog has no type ${name}`);
  return type;
}

/** How many values these take; JSON takes many. */
export function sizeOf(slots: readonly Slot[]): number {
  return slots.reduce((size, { type }) => size + (type === "pg_catalog.jsonb" ? 10 : 1), 0);
}

async function readRoutines(sql: postgres.ISql): Promise<Routine[]> {
  return await sql<Routine[]>`
    with type as (
      select t.oid, format('%s.%s', n.nspname, t.typname) as name
        from pg_type as t join pg_namespace as n on n.oid = t.typnamespace
    )
    select p.proname as name, r.name as returns, p.prosecdef and p.prorettype <> 'trigger'::regtype as "isVerb",
        coalesce(obj_description(p.oid, 'pg_proc'), '') as comment,
        coalesce((
          select jsonb_agg(jsonb_build_object(
              'name', p.proargnames[a.n], 'type', t.name, 'optional', a.n > p.pronargs - p.pronargdefaults) order by a.n)
            from unnest(p.proargtypes::oid[]) with ordinality as a (type, n)
            join type as t on t.oid = a.type
        ), '[]') as arguments
      from pg_proc as p
      join type as r on r.oid = p.prorettype
      where p.pronamespace = 'vmstate'::regnamespace
      order by p.proname`;
}

/** The bookkeeping of the migrations is not ours. */
async function readRelations(sql: postgres.ISql): Promise<Relation[]> {
  return await sql<Relation[]>`
    select c.relname as name, c.relkind = 'v' as "isView",
        jsonb_agg(jsonb_build_object('name', a.attname, 'type', format('%s.%s', n.nspname, t.typname),
          'optional', a.atthasdef or not a.attnotnull) order by a.attnum) as columns
      from pg_class as c
      join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      join pg_type as t on t.oid = a.atttypid
      join pg_namespace as n on n.oid = t.typnamespace
      where c.relnamespace = 'vmstate'::regnamespace and c.relkind in ('r', 'v') and c.relname not like 'pgmigrations%'
        -- that refuse most writes, and have the columns of the table that the views of the history read
        and not c.relispartition
      group by c.oid, c.relname, c.relkind
      order by c.relname`;
}

async function readTypes(sql: postgres.ISql): Promise<Type[]> {
  return await sql<Type[]>`
    with type as (
      select t.*, n.nspname, format('%s.%s', n.nspname, t.typname) as name
        from pg_type as t join pg_namespace as n on n.oid = t.typnamespace
    )
    select t.name, b.name as base, e.name as element,
        array(select l.enumlabel::text from pg_enum as l where l.enumtypid = t.oid order by l.enumsortorder) as labels,
        coalesce((
          select jsonb_agg(jsonb_build_object('name', a.attname, 'type', p.name) order by a.attnum)
            from pg_attribute as a
            join type as p on p.oid = a.atttypid
            where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
        ), '[]') as parts
      from type as t
      left join type as b on b.oid = t.typbasetype
      left join type as e on e.oid = t.typelem and t.typcategory = 'A'
      where t.nspname = 'vmstate' or (t.nspname = 'pg_catalog' and t.typrelid = 0)`;
}
