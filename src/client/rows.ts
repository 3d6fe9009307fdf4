import { VmstateError } from "../errors/vmstate-error.js";
import { INTERVAL_COLUMNS, NUMBER_COLUMNS, PRECISE_TIME_COLUMNS, TIME_COLUMNS } from "./generated.js";
import { intervalText } from "./interval.js";
import { textsThroughPostgres } from "./postgres/texts.js";
import type { QueryClient, SqlClient } from "./sql-client.js";
import { type Statement, textOf, textParametersOf } from "./statement.js";

/**
 * Reads the rows of a statement whose only column is JSON text of a row, and converts their names and values.
 *
 * Keys are in camel case, points in time are `Date`s but for those of the history, and whole numbers are checked to be
 * exact.
 */
export async function manyRows<Row>(sql: SqlClient, statement: Statement): Promise<Row[]> {
  const texts = await textsOf(sql, statement);
  return texts.map((text) => toRow(parse(text) as JsonRow) as Row);
}

/** Reads the row of a statement that has exactly one. */
export async function oneRow<Row>(sql: SqlClient, statement: Statement): Promise<Row> {
  const [row] = await manyRows<Row>(sql, statement);
  return row as Row;
}

/**
 * Reads the rows of a statement whose answer is one JSON object of columns.
 *
 * So the names of the columns are sent once, not in each row. Returns undefined if the client has lost the answer.
 */
export async function rowsByColumn<Row>(sql: SqlClient, statement: Statement): Promise<Row[] | undefined> {
  const [text] = await textsOf(sql, statement);
  if (text === undefined) return undefined;
  const columns = parse(text) as Record<string, unknown[] | null>;
  const rows: Record<string, unknown>[] = [];
  for (const name in columns) {
    const { key, convert } = columnOf(name);
    columns[name]?.forEach((value, at) => {
      (rows[at] ??= {})[key] = value === null ? null : convert(value);
    });
  }
  return rows as Row[];
}

/** Sends a statement and returns the text that each of its rows has. */
function textsOf(sql: SqlClient, statement: Statement): Promise<string[]> {
  return typeof sql === "function" ? textsThroughPostgres(sql, statement) : textsThrough(sql, statement);
}

async function textsThrough(client: QueryClient, statement: Statement): Promise<string[]> {
  const rows = await client.query(textOf(statement), textParametersOf(statement));
  if (!Array.isArray(rows)) throw noRows();
  return rows.map((row: object) => {
    const [text] = Object.values(row) as unknown[];
    if (typeof text !== "string") throw changed(text);
    return text;
  });
}

function noRows(): VmstateError {
  return new VmstateError(
    "query() of the client resolves to no array of rows: wrap a client of pg by fromPg, one of Kysely by fromKysely, one of Drizzle by fromDrizzle, one of Prisma by fromPrisma",
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw changed(text, cause);
  }
}

function changed(value: unknown, cause?: unknown): VmstateError {
  return new VmstateError(
    `the client changed a column of type text: it must arrive as PostgreSQL sent it, JSON, not as ${typeof value} ${String(value)}`,
    { cause },
  );
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
  if (PRECISE_TIME_COLUMNS.has(key)) return (value) => isoTime(String(value));
  if (NUMBER_COLUMNS.has(key)) return (value) => exact(key, value);
  if (INTERVAL_COLUMNS.has(key)) return (value) => intervalText(String(value));
  return inCamelCase;
}

/** Writes a point in time in UTC, with the microseconds that a `Date` would lose. */
function isoTime(text: string): string {
  const [, fraction = ""] = /\.(\d+)/.exec(text) ?? [];
  return `${new Date(text).toISOString().slice(0, 19)}.${fraction.padEnd(6, "0")}Z`;
}

/** Names the attributes of a composite value, or of each in an array, as the columns of a row are named. */
function inCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inCamelCase);
  return typeof value === "object" && value !== null ? toRow(value as JsonRow) : value;
}

function exact(key: string, value: unknown): unknown {
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`${key} is ${String(value)}, which a number cannot hold exactly`);
}
