import fc from "fast-check";
import { typeOf, type Catalog, type Slot } from "./catalog.js";
import type { Pick } from "./choice.js";
import { ownText } from "./own-text.js";
import type { Subject } from "./population.js";

/** A JSON object, its values as JSON text. */
type Members = readonly (readonly [key: string, value: string])[];

const DEEP = 10_000;

/** JSON of a shape that no function takes, and text that is no JSON. */
const shapes = fc.constantFrom(
  ...each(
    `null true 0 "" "[]" {} [] [[]] [{}] [null] [[{}]] [[null],[]] {"a":1,"a":2} {"p_id":null} {"":{"":[null]}}`,
  ),
  ...each(
    `[{"state":"running","state":"failed"}] [1e400] [-1e-400] [1e200000] [0.1e-20000] [-0] "\\u0000" "\\ud800"`,
  ),
  ...each(`{ [1,] NaN [Infinity] {'a':1} ["\\udc00"] [][] [`),
  "",
  `[${"9".repeat(1000)}]`,
  "[".repeat(DEEP) + "]".repeat(DEEP),
  `${'{"a":'.repeat(DEEP)}1${"}".repeat(DEEP)}`,
  `[{"state":${"[".repeat(DEEP)}${"]".repeat(DEEP)}}]`,
);

/** What a field may hold that asks for something else. */
const values = fc.oneof(
  fc.constantFrom(
    ...each(`null true "" {} [] 0 -1 1.5 1e3 9007199254740992 1e30 "saga_unwound" "creating" "RUNNING"`),
  ),
  fc.constantFrom(...each(`"infinity" "-infinity" "soon" "now" "2024-02-30" "294277-01-01" "\\u0000"`)),
  fc.constantFrom("9".repeat(1_000), `"${"x".repeat(100_000)}"`),
  fc.json(),
);

function each(list: string): string[] {
  return list.split(" ");
}

/** What suits an argument of this name: reports, one report, or else an object. */
export function ownJson(catalog: Catalog, name: string): fc.Arbitrary<Pick<string>> {
  if (name === "p_reports") return batch(report(catalog));
  if (name === "p_element") return report(catalog);
  return fc.constantFrom('{"p_id": 1}', "{}").map((text) => () => text);
}

export function hostileJson(catalog: Catalog, name: string): fc.Arbitrary<Pick<string>> {
  const anything = fc.oneof(shapes, fc.json()).map((text) => () => text);
  if (name !== "p_reports" && name !== "p_element") return anything;
  const element = fc.oneof(brokenReport(catalog), report(catalog), anything);
  return fc.oneof({ withCrossShrink: true }, brokenReport(catalog), batch(element), anything);
}

/** What a sled agent could say. */
export function report(catalog: Catalog): fc.Arbitrary<Pick<string>> {
  return members(catalog).map((pick) => (subject) => objectText(pick(subject)));
}

/** A report with a field that is missing, or holds something else, or that no report has. */
function brokenReport(catalog: Catalog): fc.Arbitrary<Pick<string>> {
  const fields = typeOf(catalog, "vmstate.vmm_report").parts.map((part) => part.name);
  const harm = fc.tuple(fc.constantFrom(...fields, "extra", "p_state", ""), fc.option(values));
  return fc.tuple(members(catalog), harm).map(([pick, [field, value]]) => (subject) => {
    const others = pick(subject).filter(([key]) => key !== field);
    return objectText(value === null ? others : [...others, [field, value]]);
  });
}

function batch(element: fc.Arbitrary<Pick<string>>): fc.Arbitrary<Pick<string>> {
  return fc
    .array(element, { maxLength: 5 })
    .map((picks) => (subject) => `[${picks.map((pick) => pick(subject)).join(",")}]`);
}

function members(catalog: Catalog): fc.Arbitrary<Pick<Members>> {
  const { parts } = typeOf(catalog, "vmstate.vmm_report");
  const inward = (part: Slot): boolean => part.name.startsWith("migration_in");
  const outward = (part: Slot): boolean => part.name.startsWith("migration_out");
  return fc
    .record({
      picks: fc.tuple(...parts.map((part) => ownText(catalog, part))),
      in: fc.boolean(),
      out: fc.boolean(),
    })
    .map(
      (m) => (subject: Subject) =>
        parts.flatMap((part, n): Members => {
          if ((inward(part) && !m.in) || (outward(part) && !m.out)) return [];
          return [[part.name, jsonText(part, m.picks[n]?.(subject) ?? null)]];
        }),
    );
}

function jsonText({ type }: Slot, text: string | null): string {
  return type === "pg_catalog.int8" && text !== null ? text : JSON.stringify(text);
}

function objectText(entries: Members): string {
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`;
}
