import fc from "fast-check";
import type { CallContext, Generated } from "./call-context.js";

/** A choice of one id, given the instance it is for. */
export type Pick = (at: CallContext, instanceId: string) => string;

/** Chooses among picks, by weight. */
function ways(...choices: [number, Pick][]): fc.Arbitrary<Pick> {
  return fc.oneof(...choices.map(([weight, pick]) => ({ weight, arbitrary: fc.constant(pick) })));
}

type Table = "vmm" | "migration";

interface Owned {
  id: string;
  instanceId: string;
  timeDeleted: unknown;
}

/** One of the rows, or an id that no row ever has. */
const row =
  (table: Table, choose: (rows: readonly Owned[], instanceId: string) => Owned | undefined): Pick =>
  ({ world, names }, instanceId) => {
    const rows = Object.values<Owned>(table === "vmm" ? world.vmms : world.migrations);
    return choose(rows, instanceId)?.id ?? names.id(table, "unknown");
  };

const nth = (table: Table, n: number): Pick =>
  row(table, (rows, instanceId) => {
    const own = rows.filter((row) => row.instanceId === instanceId);
    return own[n % own.length];
  });

const deleted = (table: Table): Pick =>
  row(table, (rows, instanceId) =>
    rows.find((row) => row.instanceId === instanceId && row.timeDeleted !== null),
  );

const foreign = (table: Table): Pick =>
  row(table, (rows, instanceId) => rows.find((row) => row.instanceId !== instanceId));

const unknown = (table: Table): Pick => row(table, () => undefined);

const linked =
  (column: "activePropolisId" | "destinationPropolisId" | "migrationId"): Pick =>
  ({ world, names }, instanceId) =>
    world.instances[instanceId]?.[column] ?? names.id("vmm", "unknown");

/** The lowest id that no row has yet, or a later one. */
const next =
  (table: Table, skipped = 0): Pick =>
  ({ world, names }) => {
    const rows = table === "vmm" ? world.vmms : world.migrations;
    let n = Object.keys(rows).length;
    while (rows[names.id(table, n)]) n++;
    return names.id(table, n + skipped);
  };

/** A VMM of the instance, most often; or one that is not, or not yet. */
export const vmm: fc.Arbitrary<Pick> = fc.oneof(
  {
    weight: 3,
    arbitrary: ways(
      [5, linked("activePropolisId")],
      [4, linked("destinationPropolisId")],
      [2, deleted("vmm")],
      [1, foreign("vmm")],
      [1, next("vmm")],
      [1, unknown("vmm")],
    ),
  },
  { weight: 1, arbitrary: fc.nat(9).map((n) => nth("vmm", n)) },
);

/** A migration of the instance, most often; or one that is not, or not yet. */
export const migration: fc.Arbitrary<Pick> = fc.oneof(
  {
    weight: 3,
    arbitrary: ways(
      [5, linked("migrationId")],
      [3, deleted("migration")],
      [1, foreign("migration")],
      [1, next("migration")],
      [1, unknown("migration")],
    ),
  },
  { weight: 1, arbitrary: fc.nat(9).map((n) => nth("migration", n)) },
);

/** The id of any row, if there is one. */
const taken =
  (table: Table, n: number): Pick =>
  (at, instanceId) => {
    const ids = Object.keys(table === "vmm" ? at.world.vmms : at.world.migrations);
    return ids[n % ids.length] ?? next(table)(at, instanceId);
  };

/** An id for a new row, most often one that is free. */
const free = (table: Table): fc.Arbitrary<Pick> =>
  fc.oneof(
    { weight: 6, arbitrary: ways([4, next(table)], [1, next(table, 1)]) },
    { weight: 1, arbitrary: fc.nat(9).map((n) => taken(table, n)) },
  );
export const newVmm = free("vmm");
export const newMigration = free("migration");

/** One of the two instances of a sequence; sometimes an id that no instance has. */
export const instance: fc.Arbitrary<Generated<string>> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.nat(1).map(
      (n): Generated<string> =>
        ({ names, focus }) =>
          names.id("instance", focus ?? n),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Generated<string>>(({ names }) => names.id("instance", "unknown")) },
);

export const saga: fc.Arbitrary<Generated<string>> = fc.nat(3).map(
  (n): Generated<string> =>
    ({ names }) =>
      names.id("saga", n),
);

export const sled: fc.Arbitrary<Generated<string>> = fc.nat(3).map(
  (n): Generated<string> =>
    ({ names }) =>
      names.id("sled", n),
);

/** Whether a call names the saga or VMM that it has to name: true most often. */
export const rightly: fc.Arbitrary<boolean> = fc.constantFrom(true, true, true, false);

/** From a generation to one nearby, most often the same; never below 1. */
export const nearby: fc.Arbitrary<(generation: number) => number> = fc
  .constantFrom(0, 0, 0, 0, 0, -1, -1, 1)
  .map((offset) => (generation) => Math.max(1, generation + offset));

/** From a generation to a newer one, most often. */
export const newer: fc.Arbitrary<(generation: number) => number> = fc
  .constantFrom(1, 1, 1, 1, 1, 2, 3, 0, -1)
  .map((offset) => (generation) => Math.max(1, generation + offset));

/** An expected generation: most often none. */
export const expected: fc.Arbitrary<(generation: number | undefined) => number | null> = fc
  .constantFrom(null, null, null, null, null, 0, 0, -1, 1)
  .map((offset) => (generation) => (offset === null ? null : Math.max(1, (generation ?? 1) + offset)));
