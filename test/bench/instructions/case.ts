import type postgres from "postgres";
import type { Random } from "../../../src/simulator/random.js";
import type { Fleets } from "../fleet.js";

/** What the calls of a case are made from, on a server that does not run in valgrind yet. */
export interface Stage extends Fleets {
  sql: postgres.Sql;
  random: Random;
  /** An instance that no other case has; it is stopped. */
  nextStopped: () => string;
}

/** One call, made on the connection whose instructions are counted. */
export type Call = (sql: postgres.Sql) => Promise<unknown>;

export interface Case {
  id: string;
  /** The case that this one is compared with. */
  base?: string;
  /** At most so many times the instructions of the base. */
  most?: number;
  /** The number of units in a call; the figures are per unit. Default: 1. */
  units?: number;
  /** Makes calls, to be made once each and in this order; whatever they need is prepared here. */
  calls: (stage: Stage, count: number) => Promise<Call[]>;
}

/** Makes the calls of a case that need no preparation. */
export function repeated(make: (stage: Stage) => Call): Case["calls"] {
  return (stage, count) => Promise.resolve(Array.from({ length: count }, () => make(stage)));
}
