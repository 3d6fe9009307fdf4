import { table } from "../../../src/terminal/table.js";
import { spreadText } from "../print.js";
import { count } from "./judge.js";
import type { Growth } from "./results.js";

/** Times, how they grow, and what a list costs next to reading by key; then what the server touched. */
export function growthText({ sizes, calls }: Growth): string {
  const heads = sizes.map(({ vmms }) => short(vmms));
  const times = table(
    calls.map((call) => [
      call.name,
      ...call.p50Micros.map((micros) => String(Number((micros / 1_000).toPrecision(3)))),
      ...call.growth.slice(-1).map(spreadText),
      call.toByKey?.at(-1)?.median.toFixed(2) ?? "",
    ]),
    { head: ["p50 ms", ...heads, "growth", "by key"], right: heads.map((_, at) => at + 1) },
  );
  const pages = table(
    calls.map(({ name, buffers, walBytes }) => [name, ...buffers.map(count), ...walBytes.map(count)]),
    { head: ["pages, bytes of WAL", ...heads, ...heads], right: [...heads, ...heads].map((_, at) => at + 1) },
  );
  return `${times}\n\n${pages}`;
}

/** Such as 10k. */
function short(n: number): string {
  return n >= 1_000_000 ? `${n / 1_000_000}M` : `${n / 1_000}k`;
}
