const KEYS: ReadonlySet<string> = new Set([
  ...["instance_id", "propolis_id", "state", "generation", "time"],
  ...["in", "out"].flatMap((way) =>
    ["id", "state", "generation", "time"].map((part) => `migration_${way}_${part}`),
  ),
]);

/** The first key that no report of a batch has, written as SQL or as TypeScript has it; also one that holds nothing. */
export function unknownKeyIn(reports: unknown, naming: "snake" | "camel"): string | undefined {
  return [reports]
    .flat()
    .filter((report) => typeof report === "object" && report !== null)
    .flatMap((report) => Object.keys(report))
    .find((key) => !KEYS.has(naming === "snake" ? key : snakeOf(key)));
}

/** What has an underscore is no name in camel case. */
function snakeOf(key: string): string {
  return key.includes("_") ? "" : key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
