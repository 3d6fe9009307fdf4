import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";

/** A statement in a file of `src/`. */
export interface Statement {
  file: string;
  /** With `$1`, `$2` … for what is inserted. */
  text: string;
}

/** Where every session has our search_path, by `src/connection/`, and every transaction begins with it. */
const OUR_SESSIONS = ["cli", "connection", "schema"];

/** Files that only pass on the text of a template of a wrapper; the template is found in the file of the wrapper. */
const HAND_ON = [
  "src/client/rows.ts",
  "src/client/adapters/pg.ts",
  "src/client/postgres/queries.ts",
  "src/testing/create.ts",
];

const TAGS = /^(sql|admin|transaction|tx|statement)$/;
/** What takes a statement as a text. */
const CALLS = /^(unsafe|query)$/;

/** All that is sent in sessions whose search_path the application, the role or the database sets. */
export function foreignStatements(): Statement[] {
  return filesOf("src")
    .filter((file) => !OUR_SESSIONS.includes(file.split("/")[1] ?? ""))
    .flatMap((file) => statementsOf(file, readFileSync(file, "utf8")));
}

export function filesOf(directory: string): string[] {
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `${directory}/${file}`)
    .sort();
}

export function statementsOf(file: string, source: string): Statement[] {
  const found: Statement[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTaggedTemplateExpression(node) && TAGS.test(node.tag.getText()))
      found.push({ file, text: textOf(node.template, node.tag.getText()) });
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression))
      if (CALLS.test(node.expression.name.text) && !HAND_ON.includes(file))
        found.push({ file, text: node.getText() });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true));
  return found;
}

function textOf(template: ts.TemplateLiteral, tag: string): string {
  if (ts.isNoSubstitutionTemplateLiteral(template)) return template.text;
  const rest = template.templateSpans.map(({ expression, literal }, i) => {
    const isName = expression.getText().startsWith(`${tag}(`);
    return `${isName ? "name" : `$${i + 1}`}${literal.text}`;
  });
  return template.head.text + rest.join("");
}
