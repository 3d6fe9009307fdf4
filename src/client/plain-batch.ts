import type { ReportVmmArguments, ReportedVmmState } from "./generated.js";
import { timeText } from "./parameters.js";

/** Reports as the arrays that `report_vmm_batch` takes, each written as the text of an array. */
export interface PlainBatch {
  instanceIds: string;
  propolisIds: string;
  states: string;
  generations: string;
  times: string;
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** A time of the years 0 to 9999: `toISOString` writes other years with a sign, which PostgreSQL does not read. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const STATES: ReadonlySet<ReportedVmmState> = new Set<ReportedVmmState>([
  "starting",
  "running",
  "stopping",
  "stopped",
  "rebooting",
  "migrating",
  "failed",
  "destroyed",
]);

/**
 * Writes reports as arrays; returns undefined if one of them has to go as JSON.
 *
 * A report with a migration part has to, and one with a value that PostgreSQL would not write in that form: the error for
 * a wrong value in JSON names the element, and the error for a wrong value in an array does not.
 */
export function plainBatchOf(reports: readonly ReportVmmArguments[]): PlainBatch | undefined {
  const times: string[] = [];
  for (const report of reports) {
    const time = plainTime(report);
    if (time === undefined) return undefined;
    times.push(time);
  }
  const column = (value: (report: ReportVmmArguments) => string | number): string =>
    `{${reports.map(value).join()}}`;
  return {
    instanceIds: column(({ instanceId }) => instanceId),
    propolisIds: column(({ propolisId }) => propolisId),
    states: column(({ state }) => state),
    generations: column(({ generation }) => generation),
    times: `{${times.join()}}`,
  };
}

/** Returns the time of a report as text; undefined if the report has to go as JSON, as null has to, without types. */
function plainTime(a: ReportVmmArguments | null): string | undefined {
  if (a === null) return undefined;
  const isPlain =
    isId(a.instanceId) && isId(a.propolisId) && STATES.has(a.state) && Number.isSafeInteger(a.generation);
  if (!isPlain || !hasNoMigrationPart(a)) return undefined;
  const time = String(timeText(a.time));
  return TIME.test(time) && isCalendarTime(time) ? time : undefined;
}

function isId(id: unknown): boolean {
  return typeof id === "string" && ID.test(id);
}

/** Tells whether the calendar has the day. PostgreSQL would refuse another one without naming the element. */
function isCalendarTime(time: string): boolean {
  const date = new Date(time);
  return !Number.isNaN(date.valueOf()) && date.toISOString() === time;
}

/**
 * Tells whether a report has no migration part.
 *
 * Most reports have none, and are sent without the eight parameters of migration parts.
 */
export function hasNoMigrationPart(a: ReportVmmArguments): boolean {
  const inward = a.migrationInId ?? a.migrationInState ?? a.migrationInGeneration ?? a.migrationInTime;
  const outward = a.migrationOutId ?? a.migrationOutState ?? a.migrationOutGeneration ?? a.migrationOutTime;
  return (inward ?? outward ?? null) === null;
}
