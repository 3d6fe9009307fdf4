import type { Catalog, Verb } from "./catalog.js";

/** The README with its generated regions filled in anew. */
export function renderReadme(readme: string, catalog: Catalog): string {
  return Object.entries({
    functions: functions(catalog),
    outcomes: outcomes(catalog),
    views: views(catalog),
    errors: errors(catalog),
  }).reduce(fill, readme);
}

function fill(readme: string, [name, table]: [string, string]): string {
  const start = `<!-- generated: ${name} -->`;
  const before = readme.indexOf(start);
  if (before < 0) throw new Error(`README.md has no region ${name}`);
  const after = readme.indexOf("<!-- end -->", before);
  return `${readme.slice(0, before)}${start}\n\n${table}\n\n${readme.slice(after)}`;
}

function functions({ verbs }: Catalog): string {
  return table(
    ["function", "what it does"],
    verbs.map((verb) => [`\`${verb.name}\` ${parameters(verb)}`, verb.comment]),
  );
}

function parameters({ parameters }: Verb): string {
  return parameters.map(({ name, optional }) => (optional ? `[${short(name)}]` : short(name))).join(", ");
}

function short(name: string): string {
  return name.replace(/^p_/, "");
}

/** The comment of type `outcome` explains each label in one sentence. */
function outcomes({ enums }: Catalog): string {
  const { labels = [], comment = "" } = enums.find(({ name }) => name === "outcome") ?? {};
  return table(
    ["outcome", "what became of the call"],
    labels.map((label) => [`\`${label}\``, sentence(comment, label)]),
  );
}

function sentence(comment: string, label: string): string {
  const match = new RegExp(`\\b${label}: ([^.]*)\\.`).exec(comment)?.[1];
  if (match === undefined) throw new Error(`the comment of type outcome does not explain ${label}`);
  return match;
}

function views({ views }: Catalog): string {
  return table(
    ["view", "columns", "what it lists"],
    views.map(({ name, columns, comment }) => [
      `\`${name}\``,
      columns.map((column) => column.name).join(", "),
      comment,
    ]),
  );
}

function errors({ errors }: Catalog): string {
  return table(
    ["SQLSTATE", "raised by", "when"],
    errors.map(({ code, name, comment }) => [code, `\`${name}\``, comment]),
  );
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
