import type postgres from "postgres";
import type { Random } from "../../../src/simulator/random.js";
import type { Alternatives } from "../alternatives/all.js";
import type { Alternative, Schema } from "../alternatives/alternative.js";
import type { Fleet, Fleets } from "../fleet.js";
import { type Entry, type Timed, race } from "../measure.js";

/** What a case is measured with. */
export interface Stage extends Fleets {
  /** The alternatives, with one connection each. */
  narrow: Alternatives;
  /** The alternatives, with `writers` connections each. */
  wide: Alternatives;
  writers: number;
  /** What the number of rounds of a full run is multiplied by. */
  effort: number;
  random: Random;
  /** The connection for statistics and checks, which no entry uses. */
  sql: postgres.Sql;
}

/** A case as it was measured. */
export interface Raced {
  id: string;
  title: string;
  unit: string;
  /** The entry that the others are compared with, if they do the same. */
  base: string | null;
  warmUp: number;
  rounds: number;
  connections: number;
  timed: Timed[];
  /** By the entry's name. */
  counts: Map<string, Record<string, number>>;
  /** By the entry's name, what was measured in each round besides its time. */
  samples: Map<string, number[]>;
}

export type Case = (stage: Stage) => Promise<Raced>;

interface Race extends Omit<Raced, "warmUp" | "timed" | "counts" | "samples" | "connections"> {
  entries: Entry[];
  connections?: number;
  /** @throws when the rows are not as they have to be after so many rounds, those of the warm-up included */
  check?: (calls: number) => Promise<void>;
}

/** How many rounds are run before those that count, as a share of them. */
const WARM_UP = 0.1;

/** Races the entries of a case, and checks that the rows changed as the calls say. */
export async function runCase(stage: Stage, { entries, check, ...about }: Race): Promise<Raced> {
  const rounds = Math.max(3, Math.round(about.rounds * stage.effort));
  const warmUp = Math.max(1, Math.round(rounds * WARM_UP));
  const timed = await race(entries, { warmUp, rounds, random: stage.random });
  await check?.(warmUp + rounds);
  return { connections: 1, counts: new Map(), samples: new Map(), ...about, rounds, warmUp, timed };
}

export function fleetOf({ fleets }: Fleets, { schema }: Alternative): Fleet {
  return fleets[schema];
}

export async function checkFleets({ fleets, sql }: Stage): Promise<void> {
  await fleets.vmstate.check(sql);
  await fleets.bench_plain.check(sql);
}

/** For each schema, a value of its own. */
export function perSchema<T>(value: () => T): Record<Schema, T> {
  return { vmstate: value(), bench_plain: value() };
}
