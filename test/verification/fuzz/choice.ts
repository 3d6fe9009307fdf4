import fc from "fast-check";
import type { Argument, Slot } from "./catalog.js";
import type { Subject } from "./population.js";

/** A value, once it is known which subject the call is about. */
export type Pick<V> = (subject: Subject) => V;

/** What may be passed to a slot. */
export interface Supply<V> {
  /** What suits it. */
  own: (slot: Slot) => fc.Arbitrary<Pick<V>>;
  /** What does not, or hardly. */
  hostile: (slot: Slot) => fc.Arbitrary<Pick<V>>;
}

/** The value of each slot that is passed at all. */
export type Choice<V> = ReadonlyMap<Slot, V>;

/** Mostly what suits, so that what a function checks last is reached too, and hostile values in one place or more. */
export function choice<V>(
  subjects: readonly Subject[],
  slots: readonly Slot[],
  supply: Supply<V>,
  passed: fc.Arbitrary<readonly Slot[]>,
): fc.Arbitrary<Choice<V>> {
  const offers = slots.map((slot) =>
    fc.record({ slot: fc.constant(slot), own: supply.own(slot), hostile: supply.hostile(slot) }),
  );
  return fc
    .record({
      subject: fc.constantFrom(...subjects),
      offers: fc.tuple(...offers),
      broken: broken(slots),
      passed,
    })
    .map(({ subject, offers, broken, passed }) => {
      const values = offers
        .filter(({ slot }) => broken.includes(slot) || passed.includes(slot))
        .map(({ slot, own, hostile }): [Slot, V] => [slot, (broken.includes(slot) ? hostile : own)(subject)]);
      return new Map(values);
    });
}

/** All but some of those that may be left out. The parts of a report on a migration go together. */
export function butSome(slots: readonly Argument[]): fc.Arbitrary<readonly Slot[]> {
  const names = new Set(slots.filter((slot) => slot.optional).map(groupOf));
  return fc.subarray([...names]).map((left) => slots.filter((slot) => !left.includes(groupOf(slot))));
}

/** Those that may not be left out, and at least one, at most two of the others. */
export function few(slots: readonly Argument[]): fc.Arbitrary<readonly Slot[]> {
  const required = slots.filter((slot) => !slot.optional);
  const optional = slots.filter((slot) => slot.optional);
  const bounds = { minLength: Math.min(1, optional.length), maxLength: Math.min(2, optional.length) };
  return fc.subarray(optional, bounds).map((some) => [...required, ...some]);
}

function groupOf({ name }: Slot): string {
  return /migration_?(?:in|out)/i.exec(name)?.[0] ?? name;
}

function broken(slots: readonly Slot[]): fc.Arbitrary<readonly Slot[]> {
  if (slots.length === 0) return fc.constant([]);
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 5, arbitrary: fc.constant([]) },
    { weight: 5, arbitrary: fc.constantFrom(...slots).map((slot) => [slot]) },
    { weight: 1, arbitrary: fc.subarray([...slots]) },
  );
}
