import type postgres from "postgres";
import type { Names } from "./names.js";

/** The message of what every overload raises. */
export const HOSTILE = "hostile code ran";

/** A type to make overloads for; of a domain, with the type that it is over. */
export interface Type {
  name: string;
  base: string | null;
}

/** Types that PostgreSQL has and `sql/` calls something with. */
export const BUILT_IN: Type[] = [
  ...["uuid", "uuid[]", "text", "bigint", "integer", "boolean", "inet", "jsonb", "name", "aclitem", "record"],
  ...["interval", "timestamp with time zone"],
].map((name) => ({ name, base: null }));

/** The types of vmstate, each also as an array. */
export async function typesOfVmstate(sql: postgres.Sql): Promise<Type[]> {
  return await sql<Type[]>`
    select t.oid::regtype::text as name, nullif(t.typbasetype, 0)::regtype::text as base
      from pg_type as t where t.typnamespace = 'vmstate'::regnamespace`;
}

interface Callable {
  name: string;
  kind: "aggregate" | "function" | "operator";
  parameters: string[];
  /** What to declare in place of parameters and result, where there are columns to return. */
  columns: string | null;
  result: string;
  isSet: boolean;
  isVariadic: boolean;
}

/**
 * Makes in schema public, for each of the names, what PostgreSQL could call in place of its own: the same with the same
 * types, and with types that match better. It raises HOSTILE, but for functions without parameters before `arm`.
 *
 * @returns how many there are
 */
export async function makeOverloads(
  sql: postgres.Sql,
  names: Names,
  types: readonly Type[],
): Promise<number> {
  const [{ count }] = await sql<[{ count: number }]>`
    select count(*)::integer from pg_proc as p where p.pronamespace = 'public'::regnamespace`;
  const overloads = new Map<string, Callable>();
  for (const callable of await callables(sql, names))
    for (const overload of [callable, ...variantsOf(callable, types)])
      if (!isImpossible(overload) && (count === 0 || isOf(overload, types)))
        overloads.set(keyOf(overload), overload);
  await sql.unsafe(
    [...overloads.values()].map((overload, n) => create(overload, `hostile_${count + n}`)).join("\n"),
  );
  return overloads.size;
}

function isOf({ parameters }: Callable, types: readonly Type[]): boolean {
  return parameters.some((parameter) => types.some(({ name }) => [name, `${name}[]`].includes(parameter)));
}

/** From now on, overloads without parameters raise too. */
export async function arm(sql: postgres.Sql): Promise<void> {
  await sql`create table public.armed ()`;
}

function callables(sql: postgres.Sql, { functions, operators }: Names): Promise<Callable[]> {
  return sql<Callable[]>`
    select p.proname as name, case p.prokind when 'a' then 'aggregate' else 'function' end as kind,
        array(select t::regtype::text from unnest(p.proargtypes::oid[]) with ordinality as a (t, n) order by n) as parameters,
        case when 'o' = any (p.proargmodes) then pg_get_function_arguments(p.oid) end as columns,
        p.prorettype::regtype::text as result, p.proretset as "isSet", p.provariadic <> 0 as "isVariadic"
      from pg_proc as p
      -- a window function cannot be made in PL/pgSQL
      where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind in ('f', 'a') and p.proname = any (${functions})
    union all
    select o.oprname, 'operator', array_remove(array[nullif(o.oprleft, 0), o.oprright]::regtype[]::text[], null), null,
        o.oprresult::regtype::text, false, false
      from pg_operator as o
      where o.oprnamespace = 'pg_catalog'::regnamespace and o.oprname = any (${operators}) and o.oprcode <> 0`;
}

const ANY = /^("any"|any(element|nonarray|enum|compatible|compatiblenonarray))$/;
const ANY_ARRAY = /^any(compatible)?array$/;

/** Lists the same function with other types of parameters. */
function variantsOf(callable: Callable, types: readonly Type[]): Callable[] {
  const { parameters, isVariadic, columns } = callable;
  if (columns !== null) return [];
  const replaced = types.flatMap(({ name, base }) => {
    const one = withTypes(callable, (type) => {
      if (ANY_ARRAY.test(type)) return `${name.replace(/\[\]$/, "")}[]`;
      return ANY.test(type) || type === base ? name : type;
    });
    const last = one.parameters.at(-1) ?? "";
    return isVariadic
      ? [one, { ...one, parameters: [...one.parameters, last] }].map((fixed) => ({
          ...fixed,
          isVariadic: false,
        }))
      : [one];
  });
  return parameters.includes("bigint")
    ? [...replaced, withTypes(callable, (type) => (type === "bigint" ? "integer" : type))]
    : replaced;
}

function withTypes(callable: Callable, change: (type: string) => string): Callable {
  return { ...callable, parameters: callable.parameters.map(change), result: resultOf(callable, change) };
}

/** A number stays the number that it was, and a domain is no result of an operator. */
function resultOf({ result }: Callable, change: (type: string) => string): string {
  return result.startsWith("any") ? change(result) : result;
}

/** PL/pgSQL has no such types, and no variadic parameter but an array. */
function isImpossible({ kind, parameters, result, isVariadic }: Callable): boolean {
  const types = [...parameters, result];
  return (
    isVariadic ||
    // nor has CREATE AGGREGATE a state of these types
    (kind === "aggregate" && ["anyenum", "record"].includes(result)) ||
    types.some((type) => /^("any"|cstring|internal|record\[\]|any(compatible)?(multi)?range)$/.test(type)) ||
    // a polymorphic result needs a polymorphic parameter, and PL/pgSQL takes a record, but returns it only with columns
    (ANY_ARRAY.test(result) && !parameters.some((type) => type.startsWith("any")))
  );
}

function keyOf({ name, kind, parameters }: Callable): string {
  return `${kind === "operator" ? "operator " : ""}${name}(${parameters.join()})`;
}

function create({ name, kind, parameters, columns, result, isSet }: Callable, code: string): string {
  const returns = `returns ${isSet ? "setof " : ""}${result} language plpgsql immutable`;
  const raise = `raise exception '${HOSTILE}';`;
  const body = (statements: string): string => `as $$ begin ${statements} end $$;`;
  const list = parameters.join(", ");
  switch (kind) {
    case "function": {
      const early =
        parameters.length === 0 && !isSet
          ? `if pg_catalog.to_regclass('public.armed') is null then return pg_catalog."${name}"(); end if;`
          : "";
      return `create function public."${name}"(${columns ?? list}) ${returns} ${body(early + raise)}`;
    }
    case "operator":
      return `create function public.${code}(${list}) ${returns} ${body(raise)}
        create operator public.${name} (function = public.${code}, ${argumentsOf(parameters)});`;
    case "aggregate":
      return `create function public.${code}(${[result, ...parameters].join(", ")}) ${returns} ${body(raise)}
        create aggregate public."${name}"(${list || "*"}) (sfunc = public.${code}, stype = ${result});`;
  }
}

function argumentsOf(parameters: string[]): string {
  const [left, right] = parameters;
  return right === undefined ? `rightarg = ${left ?? ""}` : `leftarg = ${left ?? ""}, rightarg = ${right}`;
}
