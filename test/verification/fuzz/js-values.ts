import fc from "fast-check";
import { camelCase, snakeCase } from "../../support/verbs.js";
import type { Catalog, Slot } from "./catalog.js";
import type { Pick, Supply } from "./choice.js";
import { hostileText } from "./hostile-text.js";
import { report } from "./json-text.js";
import { ownText } from "./own-text.js";
import type { Subject } from "./population.js";

/** What a program could pass without a compiler that stops it: every JSON value, and what else has a literal. */
const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, true, "", {}, new Uint8Array([255]), 5n, -(2n ** 63n), 2n ** 63n),
  fc.constantFrom<unknown>([], [[]], [null], [true], ["a", "b"]),
  fc.constantFrom(NaN, Infinity, -Infinity, -0, 0, -1, 0.5, 65536, 2 ** 31, 1e-7, 1e21),
  fc.constantFrom(2 ** 53 - 1, 2 ** 53, 2 ** 63),
  // the ends of time, and both sides of where the years have four digits
  fc.constantFrom(NaN, 0, 8.64e15, -8.64e15, 253402300799999, 253402300800000).map((ms) => new Date(ms)),
  // the years 1 and 0, and the last millisecond before each
  fc
    .constantFrom(-62135596800000, -62135596800001, -62167219200000, -62167219200001)
    .map((ms) => new Date(ms)),
  fc.double(),
  fc.jsonValue(),
);

/** Values for the arguments of wrappers, whose slots are named in camel case. */
export function jsSupply(catalog: Catalog, subjects: readonly Subject[]): Supply<unknown> {
  return {
    own: (slot) => (slot.type === "pg_catalog.jsonb" ? ownReports(catalog) : ownValue(catalog, slot)),
    hostile: (slot) =>
      fc.oneof(
        slot.type === "pg_catalog.jsonb" ? hostileReports(catalog) : text(catalog, subjects, slot),
        junk.map((value) => () => value),
      ),
  };
}

function ownValue(catalog: Catalog, slot: Slot): fc.Arbitrary<Pick<unknown>> {
  const own = ownText(catalog, { ...slot, name: snakeCase(slot.name) });
  return fc.tuple(own, fc.boolean()).map(([pick, asText]) => (subject) => {
    const text = pick(subject);
    if (text === null) return null;
    if (/int[48]$/.test(slot.type)) return Number(text);
    if (slot.type.startsWith("pg_catalog._")) return elementsOf(text);
    return slot.type === "pg_catalog.timestamptz" && !asText ? new Date(text) : text;
  });
}

/** Splits the literal of an array of ids. */
function elementsOf(text: string): string[] {
  return text.split(/[{},"]+/).filter((element) => element !== "");
}

function text(catalog: Catalog, subjects: readonly Subject[], slot: Slot): fc.Arbitrary<Pick<unknown>> {
  return hostileText(catalog, subjects, { ...slot, name: snakeCase(slot.name) });
}

function ownReports(catalog: Catalog): fc.Arbitrary<Pick<unknown>> {
  return fc
    .array(ownReport(catalog), { maxLength: 5 })
    .map((picks) => (subject) => picks.map((pick) => pick(subject)));
}

/** Reports of which one element is no report, or has a field that no report has or a value of another type. */
function hostileReports(catalog: Catalog): fc.Arbitrary<Pick<unknown>> {
  const field = fc.constantFrom(
    ...["", "instanceId", "state", "generation", "time", "migrationInId"],
    ...["extra", "propolis_id", "pState"],
  );
  return fc.tuple(ownReport(catalog), field, junk).map(([pick, field, value]) => (subject) => {
    const own = pick(subject);
    return field === "" ? [own, value] : [{ ...own, [field]: value }, own];
  });
}

function ownReport(catalog: Catalog): fc.Arbitrary<Pick<Record<string, unknown>>> {
  return report(catalog).map((pick) => (subject) => {
    const members = JSON.parse(pick(subject)) as Record<string, unknown>;
    return Object.fromEntries(Object.entries(members).map(([key, value]) => [camelCase(key), value]));
  });
}
