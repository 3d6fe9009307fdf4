import { type Edge, NOTHING } from "./observe.js";

/**
 * Draws a Mermaid state diagram.
 *
 * States that differ in nothing but their names, neither in what leads to them nor in what they lead to, are one box.
 *
 * @param order all states, in the order to tell them in
 */
export function diagramOf(edges: readonly Edge[], order: readonly string[]): string {
  const boxes = boxesOf(edges, order);
  const boxed = (state: string): string => boxes.find((box) => box.includes(state))?.[0] ?? state;
  const arrows = new Map<string, Set<string>>();
  for (const { from, to, by } of sorted(edges, order)) {
    const arrow = `${boxed(from)} --> ${boxed(to)}`;
    arrows.set(arrow, (arrows.get(arrow) ?? new Set()).add(by));
  }
  return [
    "```mermaid",
    "stateDiagram-v2",
    ...boxes.filter((box) => box.length > 1).map((box) => `    state "${box.join(", ")}" as ${box[0]}`),
    ...[...arrows].map(([arrow, bys]) => `    ${arrow}: ${[...bys].sort().join(", ")}`),
    ...boxes.filter((box) => isFinal(box, edges)).map(([state]) => `    ${state} --> [*]`),
    "```",
  ].join("\n");
}

function isFinal(box: readonly string[], edges: readonly Edge[]): boolean {
  return edges.every(({ from }) => !box.includes(from));
}

/** Groups the states that any edge has into boxes. */
function boxesOf(edges: readonly Edge[], order: readonly string[]): string[][] {
  const boxes: string[][] = [];
  for (const state of order.filter((name) => edges.some(({ from, to }) => name === from || name === to))) {
    const box = boxes.find(([other = ""]) => areAlike(state, other, edges));
    if (box) box.push(state);
    else boxes.push([state]);
  }
  return boxes;
}

/** Tells whether the edges stay the same when two states change names. */
function areAlike(one: string, other: string, edges: readonly Edge[]): boolean {
  const swap = (state: string): string => (state === one ? other : state === other ? one : state);
  const texts = new Set(edges.map(({ from, to, by }) => `${from} ${to} ${by}`));
  return edges.every(({ from, to, by }) => texts.has(`${swap(from)} ${swap(to)} ${by}`));
}

function sorted(edges: readonly Edge[], order: readonly string[]): Edge[] {
  const place = (state: string): number => [NOTHING, ...order].indexOf(state);
  return edges.toSorted((a, b) => place(a.from) - place(b.from) || place(a.to) - place(b.to));
}
