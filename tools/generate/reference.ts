import type { Catalog, Column, Verb } from "./catalog.js";
import { itemsOf, parseComment } from "./comment.js";
import { code, GENERATED, table } from "./markdown.js";
import { camel } from "./typescript.js";

/** Renders `docs/reference.md`. */
export function renderReference(catalog: Catalog): string {
  return [
    GENERATED,
    "# Reference",
    "All of it is in schema `vmstate`. Arguments can be given by name (`p_instance_id => …`); one that may be left out may be null as well.",
    "- [Functions](#functions)\n- [Outcomes](#outcomes)\n- [Views](#views)\n- [Errors](#errors)\n- [Types](#types)\n- [Tables](#tables)",
    "## Functions",
    ...catalog.verbs.flatMap(verb),
    "## Outcomes",
    outcomes(catalog),
    "## Views",
    ...catalog.views.flatMap(view),
    "## Errors",
    "What a caller has to expect is an outcome. What is left is raised, with a DETAIL and a HINT. Each function lists its errors; those below are raised for several functions alike, or by the triggers that guard the tables, whoever writes:",
    errors(catalog),
    "## Types",
    ...types(catalog),
    "## Tables",
    "No role but the owner touches them; triggers and constraints hold for the owner too.",
    ...catalog.tables.flatMap(tableOf),
    "",
  ].join("\n\n");
}

function verb({ name, parameters, result, columns: answered, comment, kinds }: Verb): string[] {
  return [
    `### ${name}`,
    ...prose(comment),
    table(
      ["argument", "type", "may be left out"],
      parameters.map(({ name, type, optional }) => [code(name), link(type), optional ? "yes" : ""]),
    ),
    ...(result === null
      ? ["Answers rows:", columns(answered)]
      : [`Answers ${result === "void" ? "nothing" : link(result)}.`]),
    `TypeScript: ${code(`${camel(name)}(sql, { … })`)}. For ${kindsOf(kinds)}.`,
  ];
}

function view({ name, columns: shown, comment, kinds }: Catalog["views"][number]): string[] {
  return [`### ${name}`, ...prose(comment), columns(shown), `For ${kindsOf(kinds)}.`];
}

/**
 * Names who may call a function.
 *
 * The owner of the schema owns everything, so the owner is named only where nobody else may call.
 */
function kindsOf(kinds: readonly string[]): string {
  if (kinds.length === 0) return "the owner of the schema alone";
  return `roles of kind ${kinds.map(code).join(", ")}`;
}

function columns(all: readonly Column[]): string {
  return table(
    ["column", "type", "may be null"],
    all.map(({ name, type, nullable }) => [code(name), link(type), nullable ? "yes" : ""]),
  );
}

/** Writes a comment as Markdown: the summary, the details, and each list. */
function prose(comment: string): string[] {
  const { summary, details, lists } = parseComment(comment);
  return [
    summary,
    ...details,
    ...lists.flatMap(({ title, items }) => [
      `${title}:`,
      items.map(({ term, text }) => `- ${code(term)}: ${text}`).join("\n"),
    ]),
  ];
}

/** Explains each outcome, by the comment of type `outcome`. */
function outcomes({ enums }: Catalog): string {
  const { labels = [], comment = "" } = enums.find(({ name }) => name === "outcome") ?? {};
  const texts = new Map(itemsOf(comment, "Values").map(({ term, text }) => [term, text]));
  return table(
    ["outcome", "what became of the call"],
    labels.map((label) => [code(label), explanation(texts, label)]),
  );
}

function explanation(texts: ReadonlyMap<string, string>, label: string): string {
  const text = texts.get(label);
  if (text === undefined) throw new Error(`the comment of type outcome does not explain ${label}`);
  return text;
}

function errors({ errors }: Catalog): string {
  return table(
    ["SQLSTATE", "raised by", "when"],
    errors.map(({ code: sqlState, name, text }) => [code(sqlState), code(name), text]),
  );
}

function types({ enums, domains, results }: Catalog): string[] {
  return [
    ...enums.flatMap(({ name, labels, comment }) => [
      `### ${name}`,
      ...prose(comment),
      `One of ${labels.map(code).join(", ")}.`,
    ]),
    ...domains.flatMap(({ name, type, comment }) => [`### ${name}`, ...prose(comment), `A ${code(type)}.`]),
    ...results.flatMap(({ name, columns: all, comment }) => [`### ${name}`, ...prose(comment), columns(all)]),
  ];
}

function tableOf({ name, columns: all, comment }: Catalog["tables"][number]): string[] {
  return [
    `### ${name}`,
    ...prose(comment),
    table(
      ["column", "type", "may be null", ""],
      all.map(({ name, type, nullable, comment }) => [
        code(name),
        link(type),
        nullable ? "yes" : "",
        comment?.replace(/\n+/g, " ") ?? "",
      ]),
    ),
  ];
}

/** Links to the section of a type; no view or function has the name of a type. */
function link(type: string): string {
  const own = /^vmstate\.(\w+)/.exec(type)?.[1];
  return own === undefined ? code(type) : `[${code(type)}](#${own})`;
}
