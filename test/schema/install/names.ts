import { readSources, type Source } from "../../../src/schema/sources.js";
import { queriesIn, statementsOf, walk } from "../../../tools/release/parse.js";

/** What SQL text calls without naming its schema. */
export interface Names {
  functions: string[];
  operators: string[];
}

/** The functions and operators that `sql/` uses, of vmstate or not. */
export async function namesIn(root: string): Promise<Names> {
  const [functions, operators] = [new Set<string>(), new Set<string>()];
  for (const source of await readSources(root))
    walk(await treesOf(source), (name, node) => {
      if (name === "FuncCall") functions.add(lastOf(node["funcname"]));
      if (name === "A_Expr") for (const operator of operatorsOf(node)) operators.add(operator);
      if (name === "SubLink" && node["testexpr"] !== undefined)
        operators.add(node["operName"] === undefined ? "=" : lastOf(node["operName"]));
      // CASE x WHEN y
      if (name === "CaseExpr" && node["arg"] !== undefined) operators.add("=");
    });
  return { functions: [...functions].sort(), operators: [...operators].sort() };
}

async function treesOf({ text }: Source): Promise<unknown[]> {
  const queries = /^LANGUAGE plpgsql/m.test(text) ? await queriesIn(text) : [];
  return [await statementsOf(text), ...(await Promise.all(queries.map(statementsOf)))];
}

/** BETWEEN is two operators, and all others say which they are. */
function operatorsOf({ kind, name }: Record<string, unknown>): string[] {
  return String(kind).includes("BETWEEN") ? [">=", "<=", ">", "<"] : [lastOf(name)];
}

function lastOf(names: unknown): string {
  const parts = names as { String: { sval: string } }[];
  return parts.at(-1)?.String.sval ?? "";
}
