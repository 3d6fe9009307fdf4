const KEYS: ReadonlySet<string> = new Set([
  ...["instance_id", "propolis_id", "state", "generation", "time"],
  ...["in", "out"].flatMap((way) =>
    ["id", "state", "generation", "time"].map((part) => `migration_${way}_${part}`),
  ),
]);

/** Finds the first key of a report that reports do not have, even if its value is null. SQL has snake case, TypeScript camel case. */
export function unknownKeyIn(reports: unknown, naming: "snake" | "camel"): string | undefined {
  return [reports]
    .flat()
    .filter((report) => typeof report === "object" && report !== null)
    .flatMap((report) => Object.keys(report))
    .find((key) => !KEYS.has(naming === "snake" ? key : snakeOf(key)));
}

/** Converts from camel case; a key with an underscore is none, and becomes empty. */
function snakeOf(key: string): string {
  return key.includes("_") ? "" : key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
