import type { Schema } from "./schema.js";
import { allOf, childOf, fieldsOf, isNode, kindOf, listOf, type Node, textOf } from "./tree.js";

/** What a block names in FROM. */
export interface BlockSource {
  /** The name of a table or view that is partitioned by the instance; undefined for anything else. */
  relation: string | undefined;
  /** Where it stands in the text. */
  at: number;
}

/** One SELECT, UPDATE or DELETE of a statement, with what it names in FROM. */
export interface Block {
  node: Node;
  /** By alias. */
  sources: Map<string, BlockSource>;
  /** The block whose columns this one may name, as in EXISTS or LATERAL. */
  outer: Block | undefined;
  /** The names of instance ids that conditions say are equal. */
  classes: string[][];
}

/** How an expression that names an instance id is called in the classes: by `nameOf`. */
export type KeyName = (fields: string[], block: Block) => string | undefined;

/** All blocks of a statement, outer ones first. */
export function blocksOf(tree: Node, schema: Schema, nameOf: KeyName): Block[] {
  const blocks: Block[] = [];
  const visit = (value: unknown, outer: Block | undefined): void => {
    if (Array.isArray(value)) for (const one of value) visit(one, outer);
    if (!isNode(value)) return;
    for (const [kind, inner] of Object.entries(value)) {
      const isBlock = ["SelectStmt", "UpdateStmt", "DeleteStmt", "larg", "rarg"].includes(kind);
      if (isBlock && isNode(inner) && isStatement(inner)) open(inner, outer);
      else visit(inner, outer);
    }
  };
  const open = (node: Node, outer: Block | undefined): void => {
    const from = [...listOf(node, "fromClause"), ...listOf(node, "usingClause")];
    const target = childOf(node, "relation");
    const items = [...(target ? [{ RangeVar: target }] : []), ...from].flatMap(itemsIn);
    const sources = new Map(items.map((item) => sourceOf(item, schema)));
    const block: Block = { node, sources, outer, classes: [] };
    const conditions = [childOf(node, "whereClause"), ...from.flatMap(joinConditions)];
    block.classes = classesOf(conditions.flatMap(conjuncts), (fields) => nameOf(fields, block));
    blocks.push(block);
    for (const item of items) {
      const [, range] = kindOf(item);
      // Only a lateral subquery sees the others in FROM.
      visit(range["subquery"], range["lateral"] === true ? block : outer);
      visit(range["functions"], block);
    }
    visit(without(node, [...FROM, ...BESIDE]), block);
    visit(from.flatMap(joinConditions), block);
    visit(only(node, BESIDE), outer);
  };
  visit(tree, undefined);
  return blocks;
}

const FROM = ["fromClause", "usingClause", "relation"];
/** Parts that do not see the columns of the block: the sides of a UNION, and WITH. */
const BESIDE = ["larg", "rarg", "withClause"];

function without(node: Node, names: string[]): Node {
  return Object.fromEntries(Object.entries(node).filter(([name]) => !names.includes(name)));
}

function only(node: Node, names: string[]): Node {
  return Object.fromEntries(Object.entries(node).filter(([name]) => names.includes(name)));
}

/** `larg` and `rarg` are also the sides of a join. */
function isStatement(node: Node): boolean {
  return !("RangeVar" in node || "JoinExpr" in node || "RangeSubselect" in node || "RangeFunction" in node);
}

/** What a FROM item consists of, without the joins. */
function itemsIn(item: Node): Node[] {
  const join = childOf(item, "JoinExpr");
  if (!join) return [item];
  return [childOf(join, "larg"), childOf(join, "rarg")].flatMap((side) => (side ? itemsIn(side) : []));
}

function joinConditions(item: Node): Node[] {
  const join = childOf(item, "JoinExpr");
  if (!join) return [];
  const sides = [childOf(join, "larg"), childOf(join, "rarg")].flatMap((side) =>
    side ? joinConditions(side) : [],
  );
  const own = childOf(join, "quals");
  return own ? [own, ...sides] : sides;
}

function sourceOf(item: Node, { keys }: Schema): [alias: string, source: BlockSource] {
  const [, range] = kindOf(item);
  const relation = textOf(range, "relname");
  const alias = textOf(childOf(range, "alias") ?? {}, "aliasname") || relation;
  const isCut = range["schemaname"] === "vmstate" && keys.has(relation);
  return [alias, { relation: isCut ? relation : undefined, at: Number(range["location"] ?? 0) }];
}

function conjuncts(condition: Node | undefined): Node[] {
  if (!condition) return [];
  const and = childOf(condition, "BoolExpr");
  return and?.["boolop"] === "AND_EXPR" ? listOf(and, "args").flatMap(conjuncts) : [condition];
}

/** Merges the names that some condition says are equal. */
function classesOf(conditions: Node[], nameOf: (fields: string[]) => string | undefined): string[][] {
  let classes: string[][] = [];
  for (const condition of conditions) {
    const comparison = childOf(condition, "A_Expr");
    if (
      comparison?.["kind"] !== "AEXPR_OP" ||
      textOf(allOf(comparison["name"], "String")[0] ?? {}, "sval") !== "="
    )
      continue;
    const sides = [childOf(comparison, "lexpr"), childOf(comparison, "rexpr")].map(fieldsOf);
    const [one, other] = sides.map((fields) => fields && nameOf(fields));
    if (one === undefined || other === undefined) continue;
    const touched = classes.filter((names) => names.includes(one) || names.includes(other));
    classes = [...classes.filter((names) => !touched.includes(names)), [...touched.flat(), one, other]];
  }
  return classes;
}
