import type { CatalogObject } from "./read.js";

/** One thing in which a schema is not as it should be. */
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

/**
 * What differs, a line for each; of an object that is missing or too many, not the parts.
 *
 * @param ignored properties that may differ
 */
export function compareCatalogs(
  expected: readonly CatalogObject[],
  actual: readonly CatalogObject[],
  ignored: readonly string[] = [],
): Difference[] {
  const [left, right] = [byKey(expected), byKey(actual)];
  return [
    ...only(left, right).map(({ kind, name }): Missing => ({ difference: "missing", kind, name })),
    ...only(right, left).map(({ kind, name }): Unexpected => ({ difference: "unexpected", kind, name })),
    ...[...left].flatMap(([key, object]) => changes(object, right.get(key), ignored)),
  ];
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

function changes(
  expected: CatalogObject,
  actual: CatalogObject | undefined,
  ignored: readonly string[],
): Changed[] {
  if (actual === undefined) return [];
  const { kind, name } = expected;
  const properties = new Set([...Object.keys(expected.properties), ...Object.keys(actual.properties)]);
  return [...properties]
    .filter((property) => !ignored.includes(property))
    .map((property) => ({
      difference: "changed" as const,
      kind,
      name,
      property,
      expected: expected.properties[property] ?? null,
      actual: actual.properties[property] ?? null,
    }))
    .filter(({ expected, actual }) => expected !== actual);
}
