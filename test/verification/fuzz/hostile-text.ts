import fc from "fast-check";
import { typeOf, type Catalog, type Slot } from "./catalog.js";
import type { Pick } from "./choice.js";
import { edges, huge, words } from "./edges.js";
import { hostileJson } from "./json-text.js";
import { arrayText, rowText } from "./literals.js";
import { ownText } from "./own-text.js";
import type { Subject } from "./population.js";

type Text = string | null;

/** What does not suit a slot, or hardly. */
export function hostileText(
  catalog: Catalog,
  subjects: readonly Subject[],
  slot: Slot,
): fc.Arbitrary<Pick<Text>> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 8, arbitrary: fc.constant(() => null) },
    { weight: 24, arbitrary: ofType(catalog, subjects, slot) },
    { weight: 8, arbitrary: ofAnother(catalog, subjects, slot) },
    { weight: 8, arbitrary: words.map((text) => () => text) },
    { weight: 1, arbitrary: huge.map((text) => () => text) },
  );
}

/** What would suit, if the call were about another instance. */
function ofAnother(catalog: Catalog, subjects: readonly Subject[], slot: Slot): fc.Arbitrary<Pick<Text>> {
  return fc.tuple(fc.constantFrom(...subjects), ownText(catalog, slot)).map(
    ([another, pick]) =>
      () =>
        pick(another),
  );
}

function ofType(catalog: Catalog, subjects: readonly Subject[], slot: Slot): fc.Arbitrary<Pick<Text>> {
  if (slot.type === "pg_catalog.jsonb") return hostileJson(catalog, slot.name);
  const { labels, base, element, parts } = typeOf(catalog, slot.type);
  if (labels.length > 0) return wrongLabel(catalog, labels);
  if (base !== null) return ofType(catalog, subjects, { ...slot, type: base });
  if (element !== null) return brokenArray(catalog, subjects, { ...slot, type: element });
  if (parts.length > 0) return brokenRow(catalog, subjects, parts);
  const known = edges[slot.type];
  const texts = known === undefined ? words : fc.constantFrom(...known);
  if (slot.type !== "pg_catalog.uuid") return texts.map((text) => () => text);
  return fc.oneof(
    respelled(catalog, slot),
    fc.uuid().map((id) => () => id),
    texts.map((text) => () => text),
  );
}

/** Another way to write the same id. */
function respelled(catalog: Catalog, slot: Slot): fc.Arbitrary<Pick<Text>> {
  const spelling = fc.constantFrom(
    (id: string) => id.toUpperCase(),
    (id: string) => `{${id}}`,
    (id: string) => id.replaceAll("-", ""),
    (id: string) => ` ${id}`,
  );
  return fc.tuple(ownText(catalog, slot), spelling).map(([pick, spell]) => (subject) => {
    const id = pick(subject);
    return id === null ? null : spell(id);
  });
}

/** In wrong case, padded, or of another type. */
function wrongLabel(catalog: Catalog, labels: readonly string[]): fc.Arbitrary<Pick<Text>> {
  const others = [...catalog.types.values()].flatMap((type) => type.labels);
  const wrong = labels.flatMap((label) => [label.toUpperCase(), ` ${label}`, label.slice(1)]);
  return fc.constantFrom(...wrong, ...others, "").map((label) => () => label);
}

function brokenArray(catalog: Catalog, subjects: readonly Subject[], slot: Slot): fc.Arbitrary<Pick<Text>> {
  const malformed = fc
    .constantFrom("{", "{}", "{NULL}", "{{},{}}", "[0:1]={a,b}", "{a,", "[2:1]={}")
    .map((text) => () => text);
  const element = fc.oneof(
    ownText(catalog, slot),
    ofType(catalog, subjects, slot),
    fc.constant(() => null),
  );
  const pair = fc.tuple(element, element);
  return fc.oneof(
    malformed,
    pair.map((picks) => (subject: Subject) => arrayText(picks.map((pick) => pick(subject)))),
    pair.map(
      (picks) => (subject: Subject) => `{${picks.map((pick) => arrayText([pick(subject)])).join(",")}}`,
    ),
    ownText(catalog, slot).map(
      (pick) => (subject: Subject) => arrayText(Array<Text>(1_000).fill(pick(subject))),
    ),
  );
}

function brokenRow(
  catalog: Catalog,
  subjects: readonly Subject[],
  parts: readonly Slot[],
): fc.Arbitrary<Pick<Text>> {
  const own = parts.map((part) => fc.tuple(fc.constant(part), ownText(catalog, part)));
  const harm = fc
    .constantFrom(...parts)
    .chain((part) => fc.tuple(fc.constant(part), hostileText(catalog, subjects, part)));
  const malformed = ["", "()", "(", "(,,)", `(${",".repeat(parts.length - 1)})`, ",".repeat(50)];
  return fc.oneof(
    fc.constantFrom(...malformed).map((text) => () => text),
    fc.tuple(fc.tuple(...own), harm).map(
      ([picks, [broken, hostile]]) =>
        (subject: Subject) =>
          rowText(picks.map(([part, pick]) => (part === broken ? hostile : pick)(subject))),
    ),
  );
}
