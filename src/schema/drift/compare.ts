import { forPlanner, judgeOption, type MayBeAdded } from "./additions.js";
import type { CatalogObject } from "./read.js";

/** One object or property by which a schema differs from the expected one. */
export type Difference = Missing | Unexpected | Changed;

interface Missing {
  difference: "missing";
  kind: string;
  name: string;
}

interface Unexpected {
  difference: "unexpected";
  kind: string;
  name: string;
}

interface Changed {
  difference: "changed";
  kind: string;
  name: string;
  property: string;
  /** Null: it should not have this property. */
  expected: string | null;
  /** Null: it does not have it. */
  actual: string | null;
}

/** Something that a user added, and that undoes nothing. */
export interface Addition {
  difference: "added";
  kind: string;
  name: string;
  /** Null: the object itself was added. */
  property: string | null;
  actual: string | null;
}

export interface Comparison {
  differences: Difference[];
  /** What users added, which is no reason to fail. */
  warnings: Addition[];
}

/**
 * Lists the differences between two schemas, and what was added.
 *
 * Of an object that is missing or unexpected it does not list the parts.
 *
 * @param ignored properties that may differ
 * @param mayBeAdded tells which objects are a warning if they were added
 */
export function compareCatalogs(
  expected: readonly CatalogObject[],
  actual: readonly CatalogObject[],
  ignored: readonly string[] = [],
  mayBeAdded: MayBeAdded = forPlanner,
): Comparison {
  const [left, right] = [byKey(expected), byKey(actual)];
  const extra = only(right, left);
  const added = extra.filter(mayBeAdded);
  const pairs = [...left].flatMap(([key, object]): Pair[] => {
    const other = right.get(key);
    return other ? [[object, withoutAdded(other, added)]] : [];
  });
  return {
    differences: [
      ...only(left, right).map(({ kind, name }): Missing => ({ difference: "missing", kind, name })),
      ...extra
        .filter((object) => !added.includes(object))
        .map(({ kind, name }): Unexpected => ({ difference: "unexpected", kind, name })),
      ...pairs.flatMap((pair) => [...changedProperties(pair, ignored), ...changedOptions(pair)]),
    ],
    warnings: [...pairs.flatMap(addedOptions), ...added.map(addedObject)],
  };
}

/** What an object should be, and what it is. */
type Pair = [expected: CatalogObject, actual: CatalogObject];

/** Counts the position of a column without added columns: those that a later release adds come behind them. */
function withoutAdded(object: CatalogObject, added: readonly CatalogObject[]): CatalogObject {
  const { kind, parent, properties } = object;
  const position = Number(properties["position"]);
  const before = added.filter(
    (one) => one.kind === kind && one.parent === parent && Number(one.properties["position"]) < position,
  );
  if (before.length === 0) return object;
  return { ...object, properties: { ...properties, position: String(position - before.length) } };
}

function byKey(objects: readonly CatalogObject[]): Map<string, CatalogObject> {
  return new Map(objects.map((object) => [keyOf(object), object]));
}

function keyOf({ kind, name }: CatalogObject): string {
  return `${kind} ${name}`;
}

function only(some: Map<string, CatalogObject>, others: Map<string, CatalogObject>): CatalogObject[] {
  const isOnly = (key: string | null): boolean => key !== null && some.has(key) && !others.has(key);
  return [...some.values()].filter((object) => isOnly(keyOf(object)) && !isOnly(object.parent));
}

function changedProperties([expected, actual]: Pair, ignored: readonly string[]): Changed[] {
  return unequal(expected.properties, actual.properties)
    .filter(({ property }) => !ignored.includes(property))
    .map((values) => ({ ...changeOf(expected), ...values }));
}

function changedOptions([expected, actual]: Pair): Changed[] {
  return unequal(expected.options, actual.options)
    .filter((option) => judgeOption(option) === "difference")
    .map((option) => ({ ...changeOf(expected), ...option }));
}

function changeOf({ kind, name }: CatalogObject): Pick<Changed, "difference" | "kind" | "name"> {
  return { difference: "changed", kind, name };
}

function addedOptions([{ kind, name, options }, actual]: Pair): Addition[] {
  return unequal(options, actual.options)
    .filter((option) => judgeOption(option) === "warning")
    .map(({ property, actual: value }) => ({ difference: "added", kind, name, property, actual: value }));
}

function addedObject({ kind, name }: CatalogObject): Addition {
  return { difference: "added", kind, name, property: null, actual: null };
}

type Values = Record<string, string>;

function unequal(expected: Values, actual: Values): Pick<Changed, "property" | "expected" | "actual">[] {
  const properties = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...properties]
    .sort()
    .map((property) => ({
      property,
      expected: expected[property] ?? null,
      actual: actual[property] ?? null,
    }))
    .filter((values) => values.expected !== values.actual);
}
