import type postgres from "postgres";
import { INTERVAL_COLUMNS, NUMBER_COLUMNS, TIME_COLUMNS } from "./generated.js";
import { intervalText } from "./interval.js";

/**
 * A client of `postgres`: the pool (`postgres(url)`), a transaction (`sql.begin`) or a reserved connection. How it
 * parses and transforms values does not matter.
 */
export type SqlClient = postgres.ISql;

/** A query whose only column is JSON text: of a row, or of all rows by column. */
export type JsonRows = postgres.PendingQuery<postgres.Row[]>;

/**
 * Reads the rows of a query, and converts their names and values.
 *
 * Keys are in camel case, points in time are `Date`s, and whole numbers are checked to be exact.
 */
export async function manyRows<Row>(query: JsonRows): Promise<Row[]> {
  return textsOf(await query.raw()).map((text) => toRow(JSON.parse(text) as JsonRow) as Row);
}

/** Reads the row of a query that has exactly one. */
export async function oneRow<Row>(query: JsonRows): Promise<Row> {
  const [row] = await manyRows<Row>(query);
  return row as Row;
}

/**
 * Reads the rows of a query that answers with all of them by column.
 *
 * The names of the columns are sent once, not in each row.
 */
export async function rowsByColumn<Row>(query: JsonRows): Promise<Row[]> {
  const [text = "{}"] = textsOf(await query.raw());
  const columns = JSON.parse(text) as Record<string, unknown[] | null>;
  const rows: Record<string, unknown>[] = [];
  for (const name in columns) {
    const { key, convert } = columnOf(name);
    columns[name]?.forEach((value, at) => {
      (rows[at] ??= {})[key] = value === null ? null : convert(value);
    });
  }
  return rows as Row[];
}

/**
 * Takes the text of each raw row.
 *
 * Raw, so that neither the client's own types nor its transforms change a value.
 */
function textsOf(rows: unknown[][]): string[] {
  return rows.map((row) => String(row[0]));
}

type JsonRow = Record<string, unknown>;

function toRow(values: JsonRow): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (const name in values) {
    const { key, convert } = columnOf(name);
    const value = values[name];
    row[key] = value === null ? null : convert(value);
  }
  return row;
}

interface Column {
  key: string;
  convert: (value: unknown) => unknown;
}

const columns = new Map<string, Column>();

function columnOf(name: string): Column {
  let column = columns.get(name);
  if (column === undefined) {
    const key = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    column = { key, convert: converterOf(key) };
    columns.set(name, column);
  }
  return column;
}

function converterOf(key: string): (value: unknown) => unknown {
  if (TIME_COLUMNS.has(key)) return (value) => new Date(String(value));
  if (NUMBER_COLUMNS.has(key)) return (value) => exact(key, value);
  if (INTERVAL_COLUMNS.has(key)) return (value) => intervalText(String(value));
  return (value) => value;
}

function exact(key: string, value: unknown): unknown {
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`${key} is ${String(value)}, which a number cannot hold exactly`);
}
