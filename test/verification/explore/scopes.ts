import type { ReportedVmmState } from "../../../src/index.js";
import type { Limits } from "./explore.js";

export interface Scope extends Omit<Limits, "states" | "seed"> {
  name: string;
}

const EVERY: readonly ReportedVmmState[] = [
  "starting",
  "running",
  "stopping",
  "stopped",
  "rebooting",
  "migrating",
  "failed",
  "destroyed",
];
const FEW: readonly ReportedVmmState[] = ["running", "stopped", "failed", "destroyed"];
const FEWEST: readonly ReportedVmmState[] = ["running", "failed", "destroyed"];

const WITHOUT_END = Number.MAX_SAFE_INTEGER;

/**
 * What `npm run explore` covers.
 *
 * A depth is what fits into minutes; a scope WITHOUT_END is searched until there is no state left to reach.
 */
export const SCOPES: readonly Scope[] = [
  { name: "starts", starts: 2, migrations: 0, reports: EVERY, psql: false, ages: false, depth: WITHOUT_END },
  { name: "migration", starts: 1, migrations: 1, reports: FEWEST, psql: false, ages: false, depth: 10 },
  { name: "everything", starts: 2, migrations: 2, reports: EVERY, psql: false, ages: false, depth: 7 },
  { name: "psql", starts: 1, migrations: 1, reports: FEW, psql: true, ages: false, depth: 7 },
  { name: "ages", starts: 2, migrations: 1, reports: FEWEST, psql: false, ages: true, depth: 8 },
];

/** The same with less of everything, for every run of the tests. */
export const SMALL_SCOPES: readonly Scope[] = [
  { name: "start", starts: 1, migrations: 0, reports: EVERY, psql: false, ages: false, depth: WITHOUT_END },
  { name: "everything", starts: 2, migrations: 2, reports: EVERY, psql: false, ages: false, depth: 5 },
  { name: "psql", starts: 1, migrations: 1, reports: FEW, psql: true, ages: false, depth: 5 },
  { name: "ages", starts: 2, migrations: 0, reports: FEWEST, psql: false, ages: true, depth: 6 },
];
