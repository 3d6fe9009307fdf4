import { table } from "../../../src/terminal/table.js";
import type { Bloat } from "./results.js";

/** Writes the sizes of tables and indexes, and how many dead rows and autovacuums the tables had. */
export function bloatText({ sizes, dead, autovacuums, hotPercent, minutes }: Bloat): string {
  const places = [...new Set([0, 10, Math.floor(minutes / 2), minutes])]
    .filter((minute) => minute <= minutes)
    .toSorted((a, b) => a - b);
  const heads = places.map((minute) => `min ${minute}`);
  const relations = table(
    Object.entries(sizes).map(([name, kib]) => [name, ...places.map((minute) => String(kib[minute] ?? ""))]),
    { head: ["KiB", ...heads], right: heads.map((_, at) => at + 1) },
  );
  const tables = table(
    Object.entries(dead).map(([name, rows]) => [
      name,
      String(Math.max(...rows)),
      String(rows.at(-1) ?? ""),
      String(autovacuums[name] ?? ""),
      `${hotPercent[name] ?? ""}`,
    ]),
    { head: ["dead rows", "at most", "at last", "autovacuums", "HOT %"], right: [1, 2, 3, 4] },
  );
  return `${relations}\n\n${tables}`;
}
