import fc from "fast-check";
import type postgres from "postgres";
import { sizeOf, type Catalog, type Relation } from "./catalog.js";
import { choice, few, type Choice } from "./choice.js";
import type { Subject } from "./population.js";
import { textSupply } from "./routines.js";
import { cast, list, writtenAll } from "./statement.js";
import type { Kind, Target } from "./call-case.js";

type Given = Choice<string | null>;
type Statement = postgres.PendingQuery<postgres.Row[]>;
/** @param n chooses the row of a statement that is about one row */
type Write = (sql: postgres.ISql, table: string, given: Given, n: number) => Statement;

/** Lists every view and table, as read with a filter on its columns. */
export function filterTargets(catalog: Catalog, subjects: readonly Subject[]): Target[] {
  const { relations } = catalog;
  return relations.map((relation) => targetOf(catalog, subjects, "view", "select from", relation, reads));
}

/** Lists every table, as written by hand: such calls reach the guards. */
export function writeTargets(catalog: Catalog, subjects: readonly Subject[]): Target[] {
  const tables = catalog.relations.filter((relation) => !relation.isView);
  return tables.flatMap((table) => [
    targetOf(catalog, subjects, "table", "insert into", table, inserts),
    targetOf(catalog, subjects, "table", "update", table, updates),
    targetOf(catalog, subjects, "table", "delete from", table, deletes),
  ]);
}

function targetOf(
  catalog: Catalog,
  subjects: readonly Subject[],
  kind: Kind,
  verb: string,
  { name, columns }: Relation,
  write: Write,
): Target {
  const slots = columns.map((column) => ({ ...column, optional: write !== inserts || column.optional }));
  const given = choice(subjects, slots, textSupply(catalog, subjects), few(slots));
  return {
    kind,
    name: `${verb} ${name}`,
    size: sizeOf(columns),
    accepts: true,
    cases: fc.tuple(given, fc.nat()).map(([given, n]) => ({
      title: () => `${verb} vmstate.${name} (${writtenAll(given)})`,
      client: "plain",
      act: (sql) => write(sql, name, given, n),
      writes: kind === "table",
      mayFailWith: (code) => code.startsWith("23") || (kind === "table" && code.startsWith("VM")),
    })),
  };
}

const reads: Write = (sql, table, given) =>
  sql`select * from vmstate.${sql(table)} where true ${matching(sql, given)}`;

const deletes: Write = (sql, table, given) =>
  sql`delete from vmstate.${sql(table)} where true ${matching(sql, given)}`;

const updates: Write = (sql, table, given, n) => {
  const values = [...given].map((one) => sql`${sql(one[0].name)} = ${cast(sql, one)}`);
  return sql`
    update vmstate.${sql(table)} set ${list(sql, values)}
      where ctid = (select r.ctid from vmstate.${sql(table)} as r order by hashtidextended(r.ctid, ${n}) limit 1)`;
};

const inserts: Write = (sql, table, given) => {
  const names = [...given.keys()].map((slot) => sql`${sql(slot.name)}`);
  const values = [...given].map((one) => cast(sql, one));
  return sql`insert into vmstate.${sql(table)} (${list(sql, names)}) values (${list(sql, values)})`;
};

function matching(sql: postgres.ISql, given: Given): Statement[] {
  return [...given].map((one) => sql`and ${sql(one[0].name)} = ${cast(sql, one)}`);
}
