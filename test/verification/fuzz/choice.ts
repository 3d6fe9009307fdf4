import fc from "fast-check";
import type { Argument, Slot } from "./catalog.js";
import type { Subject } from "./population.js";

/** Chooses a value for the rows that a call is about. */
export type Pick<V> = (subject: Subject) => V;

/** What may be passed to a slot. */
export interface Supply<V> {
  /** Values that fit the slot. */
  own: (slot: Slot) => fc.Arbitrary<Pick<V>>;
  /** Values that do not fit the slot, or only just. */
  hostile: (slot: Slot) => fc.Arbitrary<Pick<V>>;
}

/** The value of each slot that is passed at all. */
export type Choice<V> = ReadonlyMap<Slot, V>;

/**
 * Passes values that fit to most slots, and hostile ones to some.
 *
 * With hostile values everywhere, a function would refuse the first, and never reach its later checks.
 */
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

/** Leaves out some optional slots. The slots of a migration part of a report go together. */
export function butSome(slots: readonly Argument[]): fc.Arbitrary<readonly Slot[]> {
  const names = new Set(slots.filter((slot) => slot.optional).map(groupOf));
  return fc.subarray([...names]).map((left) => slots.filter((slot) => !left.includes(groupOf(slot))));
}

/** Takes the required slots and one or two optional ones. */
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
