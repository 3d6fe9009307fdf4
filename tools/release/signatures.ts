import type postgres from "postgres";
import type { Ledger } from "../../src/schema/ledger.js";

/** The public objects of a schema, each with its parts: what callers rely on. */
export type Signatures = Record<string, string[]>;

/** Reads what the owner or a granted role may call and read, and all enums. */
export async function readSignatures(sql: postgres.Sql): Promise<Signatures> {
  const rows = await sql<{ object: string; parts: string[] }[]>`
    with public as (
      select r.object from unnest(enum_range(null::vmstate.access_kind)) as k, vmstate.access_rights(k) as r
    )
    select format('function %s(%s)', p.proname, pg_get_function_arguments(p.oid)) as object,
        case
          when p.prorettype = 'record'::regtype then (
            select array_agg(format('%s %s', name, format_type(type, null)) order by n)
              from unnest(p.proargnames, p.proargmodes, p.proallargtypes) with ordinality as a (name, mode, type, n)
              where a.mode <> 'i'
          )
          when t.typrelid <> 0 then (
            select array_agg(format('%s %s', attname, format_type(atttypid, null)) order by attnum)
              from pg_attribute where attrelid = t.typrelid and attnum > 0 and not attisdropped
          )
          else array[pg_get_function_result(p.oid)]
        end as parts
      from pg_proc as p join pg_type as t on t.oid = p.prorettype
      where p.pronamespace = 'vmstate'::regnamespace
        and (p.prosecdef and p.prorettype <> 'trigger'::regtype or p.proname in ('grant_access', 'revoke_access', 'bind_sled_agent'))
    union all
    select format('view %s', c.relname),
        (
          select array_agg(format('%s %s', attname, format_type(atttypid, null)) order by attnum)
            from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
        )
      from pg_class as c
      where c.relnamespace = 'vmstate'::regnamespace and c.relkind = 'v'
        and format('TABLE %s', c.oid::regclass) in (select object from public)
    union all
    select format('enum %s', t.typname), array_agg(e.enumlabel::text order by e.enumsortorder)
      from pg_type as t join pg_enum as e on e.enumtypid = t.oid
      where t.typnamespace = 'vmstate'::regnamespace
      group by t.typname
    order by object`;
  return Object.fromEntries(rows.map(({ object, parts }) => [object, parts]));
}

/** Joins what all releases promised. */
export function promisedBy(ledger: Ledger): Signatures {
  const promised: Signatures = {};
  for (const { signatures } of ledger)
    for (const [object, parts] of Object.entries(signatures)) (promised[object] ??= []).push(...parts);
  return promised;
}

/** Finds what is there now and no release promised. */
export function newSignatures(promised: Signatures, now: Signatures): Signatures {
  const added = Object.entries(now).map(
    ([object, parts]) => [object, parts.filter((part) => !promised[object]?.includes(part))] as const,
  );
  return Object.fromEntries(added.filter(([, parts]) => parts.length > 0));
}

/** Finds what callers relied on and is gone or changed. */
export function brokenSignatures(promised: Signatures, now: Signatures): string[] {
  return Object.entries(promised).flatMap(([object, parts]) => {
    const present = now[object];
    if (present === undefined) return [object];
    return parts.filter((part) => !present.includes(part)).map((part) => `${object}: ${part}`);
  });
}
