/** A part of a tree of libpg-query: `{ FuncCall: { … } }`, or what is in it. */
export type Node = Record<string, unknown>;

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a node has under a name, if that is a node. */
export function childOf(node: Node, name: string): Node | undefined {
  const child = node[name];
  return isNode(child) ? child : undefined;
}

export function listOf(node: Node, name: string): Node[] {
  const list = node[name];
  return Array.isArray(list) ? list.filter(isNode) : [];
}

export function textOf(node: Node, name: string): string {
  const text = node[name];
  return typeof text === "string" ? text : "";
}

/** The kind of a node that stands where several kinds may (`{ FuncCall: … }`), and what is in it. */
export function kindOf(node: Node): [kind: string, node: Node] {
  const [[kind, inner] = ["", {}]] = Object.entries(node);
  return [kind, isNode(inner) ? inner : {}];
}

/** All nodes of a kind, however deep. */
export function allOf(tree: unknown, kind: string): Node[] {
  const found: Node[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      if (name === kind && isNode(inner)) found.push(inner);
      visit(inner);
    }
  };
  visit(tree);
  return found;
}

/** The texts of a list of names: `["vmstate", "lock_vmm"]`. */
export function namesIn(node: Node, name: string): string[] {
  return listOf(node, name).map((part) => {
    const [kind, inner] = kindOf(part);
    return kind === "String" ? textOf(inner, "sval") : "*";
  });
}

/** The fields of a column or variable, `["v_instance", "id"]`; undefined for anything else. */
export function fieldsOf(node: Node | undefined): string[] | undefined {
  const column = node && childOf(node, "ColumnRef");
  return column && namesIn(column, "fields");
}

/** The name of a function of schema vmstate that a call calls; undefined for a built-in one. */
export function ownFunction(call: Node): string | undefined {
  const [schema, name] = namesIn(call, "funcname");
  return schema === "vmstate" ? name : undefined;
}
