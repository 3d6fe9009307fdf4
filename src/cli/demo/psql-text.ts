import type postgres from "postgres";

/** The answer to a statement, in the server's own words. */
export interface Answer {
  columns: { name: string; type: number }[];
  rows: (string | null)[][];
}

/** The types that psql aligns right: int8, int2, int4, oid, float4, float8 and numeric. */
const RIGHT_ALIGNED = [20, 21, 23, 26, 700, 701, 1700];

/** Writes an answer as psql does, but for blanks at the ends of lines. */
export function answerText({ columns, rows }: Answer): string {
  const shaped = columns.map(({ name, type }, at) => {
    const width = Math.max(name.length, ...rows.map((row) => (row[at] ?? "").length));
    const cell = (text: string): string =>
      RIGHT_ALIGNED.includes(type) ? text.padStart(width) : text.padEnd(width);
    return { name, at, width, cell };
  });
  const line = (cells: string[]): string =>
    cells
      .map((cell) => ` ${cell} `)
      .join("|")
      .trimEnd();
  return [
    line(shaped.map(({ name, width }) => centered(name, width))),
    shaped.map(({ width }) => "-".repeat(width + 2)).join("+"),
    ...rows.map((row) => line(shaped.map(({ at, cell }) => cell(row[at] ?? "")))),
  ].join("\n");
}

function centered(text: string, width: number): string {
  return text.padStart(text.length + Math.floor((width - text.length) / 2)).padEnd(width);
}

/** Tells an answer of the server from an error on this side; by the field that only the server fills in. */
export function isOfServer(error: unknown): error is postgres.PostgresError {
  return error instanceof Error && "severity_local" in error;
}

/**
 * Writes an error as psql does for a statement from standard input.
 *
 * That is without the name of a file.
 */
export function errorText(error: postgres.PostgresError, statement: string): string {
  const { severity_local: severity, message, detail, hint } = error;
  return [
    `${severity}:  ${message}`,
    ...placeText(statement, Number(error.position)),
    ...(detail ? [`DETAIL:  ${detail}`] : []),
    ...(hint ? [`HINT:  ${hint}`] : []),
  ].join("\n");
}

/**
 * Writes the line of the statement where an error is, with a mark below the place.
 *
 * Leaves out the line's number, which the server does not name.
 */
function placeText(statement: string, position: number): string[] {
  if (Number.isNaN(position)) return [];
  const before = statement.slice(0, position - 1);
  const start = before.lastIndexOf("\n") + 1;
  const label = `LINE ${before.split("\n").length}: `;
  return [
    `${label}${statement.slice(start).replace(/\n.*/s, "")}`,
    `${" ".repeat(label.length + before.length - start)}^`,
  ];
}
