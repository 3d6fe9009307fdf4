import fc from "fast-check";
import type { Slot } from "./catalog.js";
import type { Choice } from "./choice.js";

export type MalformedCall = (given: Choice<string | null>) => Choice<string | null>;

/** Types of which a caller might pass a value where the function takes another type. */
const MISTAKEN = ["text", "int4", "int8", "bool", "uuid", "jsonb", "timestamptz", "bytea"];

/** Makes, rarely, a call with an argument too few, too many, or of a wrong type. */
export function malformedCalls(slots: readonly Slot[]): fc.Arbitrary<MalformedCall> {
  const none = fc.constant<MalformedCall>((given) => given);
  const one = slots.length === 0 ? [extra] : [extra, missing(slots), mistaken(slots)];
  return fc.oneof(
    { withCrossShrink: true },
    { weight: slots.length === 0 ? 1 : 20, arbitrary: none },
    { weight: 1, arbitrary: fc.oneof(...one) },
  );
}

/** Tells whether the server finds a function for these arguments: none is missing, and none is unknown. */
export function fits(given: Choice<string | null>, required: readonly Slot[], all: readonly Slot[]): boolean {
  return required.every((slot) => given.has(slot)) && [...given.keys()].every((slot) => all.includes(slot));
}

const extra = fc.constant<MalformedCall>(
  (given) => new Map([...given, [{ name: "p_extra", type: "pg_catalog.text" }, ""]]),
);

function missing(slots: readonly Slot[]): fc.Arbitrary<MalformedCall> {
  return fc
    .constantFrom(...slots)
    .map((left) => (given) => new Map([...given].filter(([slot]) => slot !== left)));
}

function mistaken(slots: readonly Slot[]): fc.Arbitrary<MalformedCall> {
  return fc.tuple(fc.constantFrom(...slots), fc.constantFrom(...MISTAKEN)).map(([wrong, name]) => (given) => {
    const type = `pg_catalog.${name}`;
    return new Map([...given].map(([slot, text]) => [slot === wrong ? { ...slot, type } : slot, text]));
  });
}
