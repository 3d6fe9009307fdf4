import type { Catalog, Column, Verb } from "./catalog.js";
import { tsdoc } from "./comment.js";

const SCALARS: Record<string, string> = {
  bigint: "number",
  boolean: "boolean",
  inet: "string",
  integer: "number",
  interval: "string",
  jsonb: "unknown",
  name: "string",
  text: "string",
  "timestamp with time zone": "Date",
  uuid: "string",
  "vmstate.generation": "number",
  "vmstate.instance_name": "string",
  "vmstate.port": "number",
};

/** What a caller may pass for a type is wider than what it gets back. */
const ARGUMENTS: Record<string, string> = {
  interval: "Interval",
  "timestamp with time zone": "Date | string",
};

/** Renders `src/client/generated.ts`. */
export function renderTypescript(catalog: Catalog): string {
  return [
    "// Generated from a migrated database by `npm run generate`; the tests compare. Do not edit.",
    "",
    "/** PostgreSQL's text for an interval (`'30 seconds'`), or a number of seconds. */",
    "export type Interval = string | number;",
    "",
    "/** The number of the newest migration of this package. */",
    `export const SCHEMA_NUMBER = ${catalog.version};`,
    "",
    ...catalog.enums.map(
      ({ name, labels, comment }) =>
        `${tsdoc(comment)}\nexport type ${pascal(name)} = ${labels.map((label) => JSON.stringify(label)).join(" | ")};\n`,
    ),
    ...catalog.results.map(({ name, columns, comment }) => renderRow(pascal(name), columns, comment)),
    ...catalog.verbs
      .filter(({ result }) => result === null)
      .map(({ name, columns }) => renderRow(`${pascal(name)}Row`, columns, `One row of vmstate.${name}.`)),
    ...catalog.views.map(({ name, columns, comment }) => renderRow(`${pascal(name)}Row`, columns, comment)),
    ...catalog.verbs.map(renderArguments),
    "/**",
    " * The JSON of a row of each view, for a statement that reads the view as `r`. Each column is named: of a view over",
    " * several shards, Citus calls the columns of a whole row f1, f2 and so on.",
    " *",
    " * @hidden",
    " */",
    "export const VIEW_ROWS = {",
    ...catalog.views.map(({ name, columns }) => `  ${name}: ${JSON.stringify(jsonOf(columns))},`),
    "} as const;",
    "",
    "/** Columns, in camel case, that hold points in time. */",
    `export const TIME_COLUMNS: ReadonlySet<string> = new Set(${JSON.stringify(timeColumns(catalog))});`,
    "",
    "/** Columns, in camel case, that hold whole numbers. */",
    `export const NUMBER_COLUMNS: ReadonlySet<string> = new Set(${JSON.stringify(numberColumns(catalog))});`,
    "",
    "/** Columns, in camel case, that hold intervals. */",
    `export const INTERVAL_COLUMNS: ReadonlySet<string> = new Set(${JSON.stringify(intervalColumns(catalog))});`,
    "",
  ].join("\n");
}

function renderRow(name: string, columns: Column[], comment: string): string {
  const fields = columns.map(
    ({ name, type, nullable }) => `  ${camel(name)}: ${typeOf(type)}${nullable ? " | null" : ""};`,
  );
  return `${tsdoc(comment)}\nexport interface ${name} {\n${fields.join("\n")}\n}\n`;
}

function jsonOf(columns: Column[]): string {
  const pairs = columns.map(({ name }) => `'${name}', r.${name}`);
  return `pg_catalog.json_build_object(${pairs.join(", ")})`;
}

function renderArguments({ name, parameters, comment }: Verb): string {
  const fields = parameters.map(({ name, type, optional }) => {
    const key = camel(name.replace(/^p_/, ""));
    const value = ARGUMENTS[type] ?? typeOf(type);
    return optional ? `  ${key}?: ${value} | null | undefined;` : `  ${key}: ${value};`;
  });
  return `${tsdoc(comment)}\nexport interface ${pascal(name)}Arguments {\n${fields.join("\n")}\n}\n`;
}

function typeOf(type: string): string {
  const element = /^(.*)\[\]$/.exec(type)?.[1];
  if (element !== undefined) return `${typeOf(element)}[]`;
  return SCALARS[type] ?? pascal(type.replace(/^vmstate\./, ""));
}

function timeColumns(catalog: Catalog): string[] {
  return columnsOf(catalog, (type) => typeOf(type) === "Date");
}

function numberColumns(catalog: Catalog): string[] {
  return columnsOf(catalog, (type) => typeOf(type) === "number");
}

function intervalColumns(catalog: Catalog): string[] {
  return columnsOf(catalog, (type) => type === "interval");
}

function columnsOf({ results, verbs, views }: Catalog, accept: (type: string) => boolean): string[] {
  const columns = [...results, ...verbs, ...views].flatMap((relation) => relation.columns);
  const names = columns.filter(({ type }) => accept(type)).map(({ name }) => camel(name));
  return [...new Set(names)].sort();
}

export function camel(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

export function pascal(name: string): string {
  return camel(`_${name}`);
}
