import type { Catalog, Column } from "./catalog.js";
import { tsdoc } from "./comment.js";
import { pascal } from "./typescript.js";

/** The TypeScript types of columns that every client reads alike. */
const SCALARS: Record<string, string> = {
  boolean: "boolean",
  inet: "string",
  integer: "number",
  name: "string",
  text: "string",
  uuid: "string",
  xid8: "string",
  "vmstate.instance_name": "string",
  "vmstate.port": "number",
};

/** Columns that clients read as different types: the key of `ClientTypes` for each. */
const BY_CLIENT: Record<string, string> = {
  bigint: "bigint",
  interval: "interval",
  "timestamp with time zone": "timestamptz",
  "vmstate.generation": "bigint",
};

/** Renders `src/kysely/tables.ts`. */
export function renderTables({ tables, views, enums }: Catalog): string {
  const relations = [
    ...tables.map((table) => ({ ...table, type: `${pascal(table.name)}Table` })),
    ...views.map((view) => ({ ...view, type: `${pascal(view.name)}View` })),
  ];
  const names = enums.map(({ name }) => pascal(name));
  const used = names.filter((name) =>
    relations.some(({ columns }) => columns.some((one) => isOf(one, name))),
  );
  return [
    "// Generated from a migrated database by `npm run generate`; the tests compare. Do not edit.",
    "",
    `import type { ${used.join(", ")} } from "../client/generated.js";`,
    'import type { ClientTypes, PgTypes, ReadOnly } from "./client-types.js";',
    "",
    ...relations.map(({ type, columns, comment }) => renderRelation(type, columns, comment)),
    "/** The public tables and views of schema vmstate, for `Kysely<DB>`: to be read, since only the functions write. */",
    "export interface DB<T extends ClientTypes = PgTypes> {",
    ...relations.map(
      ({ name, type, columns }) =>
        `  "vmstate.${name}": ReadOnly<${type}${isByClient(columns) ? "<T>" : ""}>;`,
    ),
    "}",
    "",
  ].join("\n");
}

function isOf({ type }: Column, name: string): boolean {
  return pascal(type.replace(/^vmstate\./, "")) === name;
}

function isByClient(columns: Column[]): boolean {
  return columns.some(({ type }) => type in BY_CLIENT);
}

function renderRelation(name: string, columns: Column[], comment: string): string {
  const fields = columns.map(
    ({ name, type, nullable }) => `  ${name}: ${typeOf(type)}${nullable ? " | null" : ""};`,
  );
  const parameter = isByClient(columns) ? "<T extends ClientTypes = PgTypes>" : "";
  return `${tsdoc(comment)}\nexport interface ${name}${parameter} {\n${fields.join("\n")}\n}\n`;
}

function typeOf(type: string): string {
  const element = /^(.*)\[\]$/.exec(type)?.[1];
  if (element !== undefined) return `${typeOf(element)}[]`;
  const byClient = BY_CLIENT[type];
  if (byClient !== undefined) return `T["${byClient}"]`;
  return SCALARS[type] ?? pascal(type.replace(/^vmstate\./, ""));
}
