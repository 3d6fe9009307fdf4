import { table } from "../../../src/cli/table.js";
import { spreadText } from "../print.js";
import { count } from "./judge.js";
import type { CallGrowth, Growth } from "./results.js";

/** Times and growth, then what the server touched. */
export function growthText({ sizes, calls }: Growth): string {
  const heads = sizes.map(({ vmms }) => short(vmms));
  const times = table(
    calls.map((call) => [
      call.name,
      ...call.p50Micros.map((micros) => count(Math.round(micros))),
      ...call.growth.slice(-1).map(spreadText),
      toByKeyText(call),
    ]),
    { head: ["p50 µs", ...heads, "growth", "to by key"], right: heads.map((_, at) => at + 1) },
  );
  const pages = table(
    calls.map(({ name, buffers, walBytes }) => [name, ...buffers.map(count), ...walBytes.map(count)]),
    { head: ["pages, bytes of WAL", ...heads, ...heads], right: [...heads, ...heads].map((_, at) => at + 1) },
  );
  return `${times}\n\n${pages}`;
}

function toByKeyText({ toByKey = [] }: CallGrowth): string {
  return toByKey.slice(-1).map(spreadText).join("");
}

/** Such as 10k. */
function short(n: number): string {
  return n >= 1_000_000 ? `${n / 1_000_000}M` : `${n / 1_000}k`;
}
