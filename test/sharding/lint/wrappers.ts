import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { statementsOf } from "../../../tools/release/parse.js";
import { relationsIn, type Schema } from "./schema.js";
import { allOf, childOf, fieldsOf, listOf, namesIn, type Node, textOf } from "./tree.js";

/** A text of SQL in `src/`. */
export interface Wrapper {
  file: string;
  line: number;
  /** With `$1`, `$2` … for the values. */
  text: string;
}

/** The tagged templates in `src/` that name an object of vmstate. */
export function wrappersIn(root: string): Wrapper[] {
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => wrappersOf(`src/${file}`, readFileSync(join(root, "src", file), "utf8")));
}

export function wrappersOf(file: string, text: string): Wrapper[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  const wrappers: Wrapper[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTaggedTemplateExpression(node)) {
      const sql = textOfTemplate(node.template);
      const line = source.getLineAndCharacterOfPosition(node.template.getStart(source)).line + 1;
      if (/\bvmstate\.\w/.test(sql)) wrappers.push({ file, line, text: sql });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return wrappers;
}

function textOfTemplate(template: ts.TemplateLiteral): string {
  if (ts.isNoSubstitutionTemplateLiteral(template)) return template.text;
  return template.templateSpans.reduce(
    (text, { literal }, at) => `${text}$${at + 1}${literal.text}`,
    template.head.text,
  );
}

const ROW_TO_JSON = /^(row_to_json|to_jsonb?|jsonb?_agg)$/;

/** The statements of a text; none if it is a fragment. */
export async function treesOf({ text }: Wrapper): Promise<Node[]> {
  const statements = await statementsOf(text).catch(() => []);
  return statements.map(([kind, node]) => ({ [kind]: node }));
}

/** L7: no JSON of a whole row of a view, whose keys would be `f1`, `f2` … when several shards are read. */
export function wholeRows({ text }: Wrapper, trees: Node[], { views }: Schema): string[] {
  if (trees.length === 0 && /to_jsonb?\b|jsonb?_agg/.test(text))
    return ["JSON in a text that is no statement"];
  return trees.flatMap((tree) => wholeRowsIn(tree, views));
}

function wholeRowsIn(tree: Node, views: ReadonlySet<string>): string[] {
  const ofViews = new Map<string, string>();
  for (const range of allOf(tree, "RangeVar")) {
    const view = textOf(range, "relname");
    if (relationsIn({ RangeVar: range }).some((relation) => views.has(relation)))
      ofViews.set(textOf(childOf(range, "alias") ?? {}, "aliasname") || view, view);
  }
  return allOf(tree, "FuncCall")
    .filter((call) => ROW_TO_JSON.test(namesIn(call, "funcname").at(-1) ?? ""))
    .flatMap((call) => listOf(call, "args").map((argument) => fieldsOf(argument)))
    .filter((fields) => fields?.length === 1)
    .map((fields) => ofViews.get(fields?.[0] ?? ""))
    .filter((view) => view !== undefined)
    .map((view) => `JSON of whole rows of view vmstate.${view}`);
}
