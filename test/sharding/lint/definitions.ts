import { parse, parsePlPgSQL } from "libpg-query";
import type { Source } from "../../../src/schema/sources.js";
import { asStatement, statementsOf } from "../../../tools/release/parse.js";
import { partsOf } from "../../../tools/release/parts.js";
import { allOf, childOf, isNode, listOf, namesIn, type Node, textOf } from "./tree.js";

/** One statement or expression of a function, a view or a table. */
export interface Unit {
  /** The line in its file, of the statement or of a place in it. In PL/pgSQL always that of the statement. */
  lineAt: (at?: number) => number;
  tree: Node;
}

/** One object that a file of `sql/` defines. */
export interface Definition {
  file: string;
  name: string;
  kind: "function" | "view" | "table";
  /** Of a function, the types of its parameters and local variables: `v_instance` is a `vmstate.instance`. */
  variables: Map<string, string>;
  /** Of a function, the names of its parameters in their order. */
  parameters: string[];
  isImmutable: boolean;
  isPlpgsql: boolean;
  /** Of a function, the tables whose triggers call it. */
  triggeredBy: string[];
  units: Unit[];
}

const NOTHING = {
  variables: new Map<string, string>(),
  parameters: [],
  isImmutable: false,
  isPlpgsql: false,
  triggeredBy: [],
};

/** What the files of `sql/` define that has statements of its own: functions, views, tables with their indexes. */
export async function definitionsIn(sources: readonly Source[]): Promise<Definition[]> {
  const found = await Promise.all(
    sources.map(({ file, text }) => {
      const definitions = known.get(text) ?? definitionsOf(file, text);
      known.set(text, definitions);
      return definitions;
    }),
  );
  return found.flat();
}

/** By text: most files are the same in every copy of `sql/` that is looked at. */
const known = new Map<string, Promise<Definition[]>>();

async function definitionsOf(file: string, text: string): Promise<Definition[]> {
  const definitions: Definition[] = [];
  let line = 1;
  for (const part of partsOf(text)) {
    const [kind = "", name = ""] = part.object.split(" vmstate.");
    const first = line;
    const { stmts: statements = [] } = await parse(part.text);
    const units = statements.map(({ stmt, stmt_location: from = 0 }): Unit => {
      const start = from + part.text.slice(from).search(/\S/);
      return { tree: stmt as Node, lineAt: (at = start) => first + linesBefore(part.text, at) };
    });
    const about = { ...NOTHING, file, name, units };
    if (kind === "FUNCTION") definitions.push(await functionOf(about, part.text));
    if (kind === "VIEW") definitions.push({ ...about, kind: "view" });
    if (kind.endsWith("TABLE")) definitions.push({ ...about, kind: "table" });
    line += part.text.split("\n").length;
  }
  return definitions;
}

type About = Omit<Definition, "kind">;

async function functionOf(about: About, text: string): Promise<Definition> {
  const statements = about.units.map(({ tree }) => tree);
  const created = allOf(statements, "CreateFunctionStmt")[0] ?? {};
  const options = JSON.stringify(listOf(created, "options"));
  const parameters = allOf(listOf(created, "parameters"), "FunctionParameter").map(
    (parameter) => [textOf(parameter, "name"), typeName(parameter)] as const,
  );
  const triggers = allOf(statements, "CreateTrigStmt");
  const isPlpgsql = options.includes('"plpgsql"');
  const body = isPlpgsql ? await plpgsqlOf(text) : undefined;
  const [{ lineAt } = { lineAt: () => 1 }] = about.units;
  return {
    ...about,
    kind: "function",
    parameters: parameters.map(([name]) => name),
    variables: new Map([...(body ? localsOf(body) : []), ...parameters]),
    isImmutable: options.includes('"immutable"'),
    isPlpgsql,
    triggeredBy: triggers.map((trigger) => textOf(childOf(trigger, "relation") ?? {}, "relname")),
    units: body
      ? await unitsOf(body, lineAt(text.indexOf("$$")))
      : [{ lineAt, tree: { sql_body: created["sql_body"] } }],
  };
}

function typeName(parameter: Node): string {
  return namesIn(childOf(parameter, "argType") ?? {}, "names").join(".");
}

async function plpgsqlOf(text: string): Promise<Node> {
  // The parser takes a type that it does not know for a record, of which there are no arrays.
  const end = text.indexOf("$$;") + "$$;".length;
  const known = text.slice(0, end).replace(/RETURNS vmstate\.\w+\[\]/, "RETURNS integer[]");
  return (await parsePlPgSQL(known)) as unknown as Node;
}

function localsOf(body: Node): [string, string][] {
  return ["PLpgSQL_var", "PLpgSQL_rec"].flatMap((kind) =>
    allOf(body, kind).map((variable): [string, string] => [
      textOf(variable, "refname"),
      textOf(allOf(variable, "PLpgSQL_type")[0] ?? {}, "typname"),
    ]),
  );
}

/** @param firstLine of the body in its file */
async function unitsOf(body: Node, firstLine: number): Promise<Unit[]> {
  const units: Unit[] = [];
  const visit = async (tree: unknown, line: number): Promise<void> => {
    if (Array.isArray(tree)) for (const one of tree) await visit(one, line);
    if (!isNode(tree)) return;
    const own = typeof tree["lineno"] === "number" ? tree["lineno"] : line;
    const expression = childOf(tree, "PLpgSQL_expr");
    if (expression) {
      const query = asStatement(textOf(expression, "query"), Number(expression["parseMode"]));
      for (const [kind, node] of await statementsOf(query))
        units.push({ lineAt: () => firstLine + own - 1, tree: { [kind]: node } });
    }
    // What an EXECUTE runs is a text; the rules see that there is one.
    const execute = childOf(tree, "PLpgSQL_stmt_dynexecute");
    if (execute)
      units.push({ lineAt: () => firstLine + Number(execute["lineno"]) - 1, tree: { Execute: {} } });
    for (const inner of Object.values(tree)) await visit(inner, own);
  };
  await visit(body, 1);
  return units;
}

function linesBefore(text: string, index: number): number {
  return text.slice(0, index).split("\n").length - 1;
}
