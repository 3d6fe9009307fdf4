import type { Catalog, Column, Parameter, Verb } from "./catalog.js";
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
  xid8: "string",
  "vmstate.generation": "number",
  "vmstate.instance_name": "string",
  "vmstate.port": "number",
};

/** What a caller may pass for a type is wider than what it gets back. */
const ARGUMENTS: Record<string, string> = {
  interval: "Interval",
  "timestamp with time zone": "Date | string",
};

/** What a value has to be for a wrapper to send it; of other types, enums among them, it is text. */
const KINDS: Record<string, ArgumentKind> = {
  boolean: "boolean",
  bigint: "number",
  integer: "number",
  jsonb: "any",
  "timestamp with time zone": "any",
  uuid: "id",
  "uuid[]": "any",
  "vmstate.generation": "number",
};

/** What a caller may pass: `id` and `text` have a text, `any` is left to the database. */
type ArgumentKind = "any" | "boolean" | "id" | "number" | "text";

/** Verbs without a wrapper of their own: wrappers of views call them, and reportVmms. */
const UNWRAPPED = new Set(["instances_in_state", "report_vmm_batch"]);

/** Selects the verbs that have a wrapper. */
export function wrappedVerbs({ verbs }: Catalog): Verb[] {
  return verbs.filter(({ name }) => !UNWRAPPED.has(name));
}

/** The word for the id of a row, where the database calls it `id`. */
const INSTANCE_ID = "instanceId";
const IDS_OF_VIEWS: Record<string, string> = {
  api_instance: "instance_id",
  api_migration: "migration_id",
  api_vmm: "propolis_id",
  instance_detail: "instance_id",
};

/** Renders `src/client/generated.ts`. */
export function renderTypescript(catalog: Catalog): string {
  const verbs = wrappedVerbs(catalog);
  return [
    "// Generated from a migrated database by `npm run generate`; the tests compare. Do not edit.",
    "",
    "/** PostgreSQL's text for an interval (`'30 seconds'`), or a number of seconds. */",
    "export type Interval = string | number;",
    "",
    "/** The id of an instance, as an argument. `id` is what version 0.1.0 called it. */",
    "export type InstanceIdArgument =",
    "  | { instanceId: string; id?: string | undefined }",
    "  | {",
    "      instanceId?: undefined;",
    "      /** @deprecated Use `instanceId`. */",
    "      id: string;",
    "    };",
    "",
    "/** The number of the newest migration of this package. */",
    `export const SCHEMA_NUMBER = ${catalog.version};`,
    "",
    ...catalog.enums.map(
      ({ name, labels, comment }) =>
        `${tsdoc(comment)}\nexport type ${pascal(name)} = ${labels.map((label) => JSON.stringify(label)).join(" | ")};\n`,
    ),
    ...catalog.results.map(({ name, columns, comment }) => renderRow(pascal(name), columns, comment)),
    ...verbs
      .filter(({ result }) => result === null)
      .map(({ name, columns }) => renderRow(`${pascal(name)}Row`, columns, `One row of vmstate.${name}.`)),
    ...catalog.views.map((view) => renderRow(`${pascal(view.name)}Row`, withRowId(view), view.comment)),
    ...verbs.map(renderArguments),
    "/**",
    " * The arguments of each verb, by which a wrapper checks what it is given before it sends anything. One with a question",
    " * mark may be left out.",
    " *",
    " * @hidden",
    " */",
    "export const ARGUMENTS = {",
    ...verbs.map(({ name, parameters }) => `  ${camel(name)}: ${JSON.stringify(kindsOf(parameters))},`),
    "} as const;",
    "",
    "/**",
    " * The JSON of a row of each view, for a statement that reads the view as `r`. Each column is named: of a view over",
    " * several shards, Citus calls the columns of a whole row f1, f2 and so on.",
    " *",
    " * @hidden",
    " */",
    "export const VIEW_ROWS = {",
    ...catalog.views.map((view) => `  ${view.name}: ${JSON.stringify(jsonOf(view))},`),
    "} as const;",
    "",
    "/** Columns, in camel case, that hold points in time. */",
    `export const TIME_COLUMNS: ReadonlySet<string> = new Set(${JSON.stringify(timeColumns(catalog))});`,
    "",
    "/** Columns, in camel case, that hold points in time to the microsecond, which stay text. */",
    `export const PRECISE_TIME_COLUMNS: ReadonlySet<string> = new Set(${JSON.stringify(preciseTimeColumns(catalog))});`,
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
    (column) => `  ${camel(column.name)}: ${typeOfColumn(column)}${column.nullable ? " | null" : ""};`,
  );
  return `${tsdoc(comment)}\nexport interface ${name} {\n${fields.join("\n")}\n}\n`;
}

function jsonOf(view: Catalog["views"][number]): string {
  const pairs = withRowId(view).map(({ name, of = name }) => `'${name}', r.${of}`);
  return `pg_catalog.json_build_object(${pairs.join(", ")})`;
}

/** Adds to the column `id` the same id under the name that arguments and all other rows have for it. */
function withRowId({ name, columns }: Catalog["views"][number]): (Column & { of?: string })[] {
  const id = IDS_OF_VIEWS[name];
  if (id === undefined) return columns;
  return columns.flatMap((column) =>
    column.name === "id" ? [column, { ...column, name: id, of: column.name }] : [column],
  );
}

function renderArguments({ name, parameters, comment }: Verb): string {
  const fields = parameters
    .filter(({ name }) => name !== "p_id")
    .map((parameter) => {
      const { name, optional } = parameter;
      const value = argumentTypeOf(parameter);
      return optional ? `  ${keyOf(name)}?: ${value} | null | undefined;` : `  ${keyOf(name)}: ${value};`;
    });
  const type = `${pascal(name)}Arguments`;
  if (fields.length === parameters.length)
    return `${tsdoc(comment)}\nexport interface ${type} {\n${fields.join("\n")}\n}\n`;
  const rest = fields.length === 0 ? "" : ` & {\n${fields.join("\n")}\n}`;
  return `${tsdoc(comment)}\nexport type ${type} = InstanceIdArgument${rest};\n`;
}

function argumentTypeOf({ type, labels }: Parameter): string {
  if (labels !== undefined) return labels.map((label) => JSON.stringify(label)).join(" | ");
  return ARGUMENTS[type] ?? typeOf(type);
}

function kindsOf(parameters: readonly Parameter[]): Record<string, string> {
  return Object.fromEntries(
    parameters.map(({ name, type, optional }) => [
      keyOf(name),
      `${KINDS[type] ?? "text"}${optional ? "?" : ""}`,
    ]),
  );
}

/** The key of an argument: without `p_`, in camel case. */
function keyOf(name: string): string {
  return name === "p_id" ? INSTANCE_ID : camel(name.replace(/^p_/, ""));
}

function typeOf(type: string): string {
  const element = /^(.*)\[\]$/.exec(type)?.[1];
  if (element !== undefined) return `${typeOf(element)}[]`;
  return SCALARS[type] ?? pascal(type.replace(/^vmstate\./, ""));
}

/** Columns that are compared with each other, so that a `Date`, which has milliseconds, would not do. */
const PRECISE = new Set(["time"]);

function typeOfColumn({ name, type }: Column): string {
  return PRECISE.has(name) ? "string" : typeOf(type);
}

function timeColumns(catalog: Catalog): string[] {
  return columnsOf(catalog, (column) => typeOfColumn(column) === "Date");
}

function preciseTimeColumns(catalog: Catalog): string[] {
  return columnsOf(catalog, ({ name }) => PRECISE.has(name));
}

function numberColumns(catalog: Catalog): string[] {
  // Not a name that has another type elsewhere: an id of the history, or a count, is no number that a double cannot hold.
  const others = new Set(columnsOf(catalog, (column) => typeOfColumn(column) !== "number"));
  return columnsOf(catalog, (column) => typeOfColumn(column) === "number").filter(
    (name) => !others.has(name),
  );
}

function intervalColumns(catalog: Catalog): string[] {
  return columnsOf(catalog, ({ type }) => type === "interval");
}

function columnsOf({ results, verbs, views }: Catalog, accept: (column: Column) => boolean): string[] {
  const columns = [...results, ...verbs, ...views].flatMap((relation) => relation.columns);
  const names = columns.filter(accept).map(({ name }) => camel(name));
  return [...new Set(names)].sort();
}

export function camel(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

export function pascal(name: string): string {
  return camel(`_${name}`);
}
