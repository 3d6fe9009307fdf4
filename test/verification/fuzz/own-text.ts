import fc from "fast-check";
import { typeOf, type Catalog, type Slot } from "./catalog.js";
import type { Pick } from "./choice.js";
import { ownJson } from "./json-text.js";
import { arrayText, rowText } from "./literals.js";
import type { Subject } from "./population.js";

type Text = string | null;

/** Ordinary values by type, as text. */
const ordinary: Readonly<Record<string, readonly string[]>> = {
  "pg_catalog.bool": ["true", "false"],
  "pg_catalog.int4": ["1", "12400"],
  "pg_catalog.int8": ["1", "2", "7"],
  "pg_catalog.xid8": ["3", "750"],
  "pg_catalog.text": ["web", "report_vmm"],
  "pg_catalog.name": ["pg_monitor"],
  "pg_catalog.inet": ["fd00::1", "10.0.0.1"],
  "pg_catalog.interval": ["00:01:00", "01:00:00"],
  "pg_catalog.timestamptz": ["2024-02-29 12:00:00+00", "2030-01-02 03:04:05.678901+02"],
};

/** Generates a text that fits a slot: a value of the subject by the name of the slot, or a plain one by its type. */
export function ownText(catalog: Catalog, slot: Slot): fc.Arbitrary<Pick<Text>> {
  const name = slot.name.replace(/^p_/, "");
  const byType = ordinaryText(catalog, slot);
  return fc.tuple(fc.nat(), byType).map(([n, pick]) => (subject) => {
    const named = subject.named[name];
    return named === undefined ? pick(subject) : nth(named, n);
  });
}

function ordinaryText(catalog: Catalog, { name, type }: Slot): fc.Arbitrary<Pick<Text>> {
  if (type === "pg_catalog.uuid")
    return fc.nat().map(
      (n) =>
        ({ ids }) =>
          nth(ids, n),
    );
  if (type === "pg_catalog.jsonb") return ownJson(catalog, name);
  const { labels, base, element, parts } = typeOf(catalog, type);
  if (labels.length > 0) return fc.constantFrom(...labels).map((label) => () => label);
  if (base !== null) return ownText(catalog, { name, type: base });
  if (parts.length > 0) return ownRow(catalog, type, parts);
  const texts = ordinary[type];
  if (texts !== undefined) return fc.constantFrom(...texts).map((text) => () => text);
  if (element !== null) return ownArray(catalog, { name: name.replace(/s$/, ""), type: element });
  throw new Error(`nothing is known of type ${type}`);
}

/** Generates arrays: most have one element, because a function that takes several arrays wants them to be of one length. */
function ownArray(catalog: Catalog, slot: Slot): fc.Arbitrary<Pick<Text>> {
  const element = ownText(catalog, slot);
  return fc
    .oneof({ weight: 6, arbitrary: fc.tuple(element) }, fc.array(element, { maxLength: 4 }))
    .map((picks) => (subject) => arrayText(picks.map((pick) => pick(subject))));
}

/** Generates a row of the type: most often one that the subject has stored, else one made up. */
function ownRow(catalog: Catalog, type: string, parts: readonly Slot[]): fc.Arbitrary<Pick<Text>> {
  const made = fc.tuple(...parts.map((part) => ownText(catalog, part)));
  return fc.tuple(fc.nat(), fc.nat(3), made).map(([n, die, picks]) => (subject: Subject) => {
    const stored = subject.rows[type];
    if (stored !== undefined && die > 0) return nth(stored, n);
    return rowText(picks.map((pick) => pick(subject)));
  });
}

function nth(texts: readonly string[], n: number): Text {
  return texts[n % texts.length] ?? null;
}
