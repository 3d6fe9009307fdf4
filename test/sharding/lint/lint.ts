import type { Source } from "../../../src/schema/sources.js";
import type { Allowance } from "./allowed.js";
import { type Breach, unbound, unboundLocks } from "./binding.js";
import { type Definition, definitionsIn } from "./definitions.js";
import { relationsIn, type Schema, schemaOf } from "./schema.js";
import {
  type Immutable,
  keysWithoutId,
  notImmutable,
  readersInReaders,
  shardNames,
  simpleCasesInSet,
} from "./rules.js";
import { treesOf, wholeRows, type Wrapper } from "./wrappers.js";

export type Rule = "L1" | "L2" | "L3" | "L4" | "L5" | "L6" | "L7" | "L8";

export interface Finding {
  rule: Rule;
  /** A function, view or table of schema vmstate; of L7, a file of `src/`. */
  object: string;
  file: string;
  line: number;
  what: string;
}

type Found = [rule: Rule, breaches: (string | Breach)[]];

export interface Linted {
  sources: readonly Source[];
  wrappers: readonly Wrapper[];
  immutable: Immutable;
}

/** All that breaks the rule that an instance verb touches one shard, or that a sharded layout cannot run. */
export async function lint(
  { sources, wrappers, immutable }: Linted,
  lists: ReadonlySet<string>,
): Promise<Finding[]> {
  const definitions = await definitionsIn(sources);
  const schema = schemaOf(definitions);
  const inSql = definitions.flatMap((one) =>
    findingsOf(one, schema, immutable, one.kind === "view" || lists.has(one.name)),
  );
  const inSource = await Promise.all(wrappers.map((wrapper) => findingsInSource(wrapper, schema)));
  return [...inSql, ...inSource.flat()];
}

const NO_FUNCTION = { variables: new Map<string, string>(), triggeredBy: [] };

async function findingsInSource(wrapper: Wrapper, schema: Schema): Promise<Finding[]> {
  const { file, line } = wrapper;
  const trees = await treesOf(wrapper);
  const byRule: Found[] = [
    ["L7", wholeRows(wrapper, trees, schema)],
    ...trees.flatMap((tree): Found[] => [
      ["L1", unbound({ tree }, NO_FUNCTION, schema, true)],
      ["L5", readersInReaders(relationsIn(tree), tree, schema)],
      ["L6", unboundLocks({ tree }, NO_FUNCTION, schema)],
    ]),
  ];
  return byRule.flatMap(([rule, found]) =>
    found.map((breach): Finding => ({ rule, object: file, file, line, what: whatOf(breach) })),
  );
}

function findingsOf(
  definition: Definition,
  schema: Schema,
  immutable: Immutable,
  isList: boolean,
): Finding[] {
  const { name, file, units, kind } = definition;
  return units.flatMap((unit) => {
    const { tree } = unit;
    const byRule: Found[] =
      kind === "table"
        ? [["L2", keysWithoutId(tree, schema)]]
        : [
            ["L1", unbound(unit, definition, schema, isList)],
            ["L3", notImmutable(tree, schema, immutable)],
            ["L4", shardNames(tree)],
            ["L5", readersInReaders(relationsIn(tree), tree, schema)],
            ["L6", unboundLocks(unit, definition, schema)],
            ["L8", simpleCasesInSet(tree, schema)],
          ];
    return byRule.flatMap(([rule, found]) =>
      found
        .map((breach) => (typeof breach === "string" ? { what: breach } : breach))
        .map(({ what, at }): Finding => ({
          rule,
          object: name,
          file: `sql/${file}`,
          line: unit.lineAt(at),
          what,
        })),
    );
  });
}

export function lineOf({ rule, object, file, line, what }: Finding): string {
  return `${rule} ${object}, ${file}:${line}: ${what}`;
}

/** What no allowance covers, and the allowances that cover nothing. */
export function judge(findings: readonly Finding[], allowed: readonly Allowance[]): string[] {
  const covers = (allowance: Allowance, { rule, object, what }: Finding): boolean =>
    allowance.rule === rule && allowance.object === object && what.includes(allowance.what);
  return [
    ...findings.filter((one) => !allowed.some((allowance) => covers(allowance, one))).map(lineOf),
    ...allowed
      .filter((allowance) => !findings.some((one) => covers(allowance, one)))
      .map(({ rule, object, what }) => `nothing to allow: ${rule} ${object}: ${what}`),
  ];
}

function whatOf(breach: string | Breach): string {
  return typeof breach === "string" ? breach : breach.what;
}
