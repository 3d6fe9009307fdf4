import type postgres from "postgres";
import { SET_BY_PACKAGE } from "../../src/schema/drift/additions.js";
import { readCatalog } from "../../src/schema/drift/read.js";

/** What is in one catalog and not in the other, a line per fact. */
export interface FactDifference {
  onlyInFirst: string[];
  onlyInSecond: string[];
}

export function compareFacts(first: readonly string[], second: readonly string[]): FactDifference {
  const without = (some: readonly string[], others: readonly string[]): string[] => {
    const known = new Set(others);
    return some.filter((fact) => !known.has(fact));
  };
  return { onlyInFirst: without(first, second), onlyInSecond: without(second, first) };
}

/**
 * All that the catalog knows of schema `vmstate`, a line per fact. Of options only those that this package sets: the
 * server keeps others for itself, with values that differ between two databases.
 */
export async function readFacts(sql: postgres.ISql): Promise<string[]> {
  const objects = await readCatalog(sql);
  return objects.flatMap(({ kind, name, properties, options }) => [
    `${kind} ${name}`,
    ...Object.entries(properties).map(([property, value]) => `${kind} ${name}: ${property} ${value}`),
    ...Object.entries(options)
      .filter(([option]) => SET_BY_PACKAGE.includes(option))
      .map(([option, value]) => `${kind} ${name}: ${option} ${value}`),
  ]);
}
