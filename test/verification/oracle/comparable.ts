import { isDeepStrictEqual } from "node:util";
import type { Relations } from "./model/relations.js";
import type { Answer } from "./model/step.js";
import { HOUR } from "./model/world.js";

/** The reported times lie between these two, so that they are told from times of the clock. */
export const REPORTED_FROM = Date.UTC(2020, 0);
const REPORTED_UNTIL = Date.UTC(2021, 0);
/** The first time that a sled whose clock is ahead reports; the tests run before that time. */
export const REPORTED_AHEAD_FROM = Date.UTC(2090, 0);

interface Clock {
  now: number;
  hour: number;
}

export const modelClock = (now: number): Clock => ({ now, hour: HOUR });
export const realClock = (): Clock => ({ now: Date.now(), hour: 3_600_000 });

function isTime(column: string): boolean {
  return column.startsWith("time") || column === "since" || column === "updaterLeaseUntil";
}

/** Replaces each time of a clock, of which the model and the server have different ones, by its distance from now in hours. */
export function comparable(answer: Answer, clock: Clock): Answer {
  return Object.fromEntries(
    Object.entries(answer).map(([column, value]) => [
      column,
      isTime(column) ? comparableTime(value, clock) : value,
    ]),
  );
}

function comparableTime(time: unknown, { now, hour }: Clock): unknown {
  if (time === null) return null;
  const at =
    time instanceof Date ? time.getTime() : typeof time === "string" ? Date.parse(time) : Number(time);
  const isReported = (at >= REPORTED_FROM && at < REPORTED_UNTIL) || at >= REPORTED_AHEAD_FROM;
  return isReported ? new Date(at).toISOString() : Math.round((at - now) / hour) + 0;
}

export function comparableRelations(relations: Relations, clock: Clock): Relations {
  return mapRows(relations, (row) => comparable(row, clock));
}

function mapRows(relations: Relations, map: (row: Answer) => Answer): Relations {
  return Object.fromEntries(
    Object.entries(relations).map(([relation, rows]) => [
      relation,
      Object.fromEntries(Object.entries(rows).map(([id, row]) => [id, map(row)])),
    ]),
  );
}

/** The times that are others than before, of rows that were there before. */
export function changedTimes(before: Relations, after: Relations): string[] {
  return Object.entries(after).flatMap(([relation, rows]) =>
    Object.entries(rows).flatMap(([id, row]) => {
      const old = before[relation]?.[id];
      if (!old) return [];
      return Object.keys(row)
        .filter((column) => isTime(column) && row[column] !== old[column])
        .map((column) => `${relation}.${id}.${column}`);
    }),
  );
}

/** Where the two differ, one line each. */
export function differences(path: string, expected: unknown, actual: unknown): string[] {
  if (isDeepStrictEqual(expected, actual)) return [];
  if (!isRecord(expected) || !isRecord(actual))
    return [`${path}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`];
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...keys].flatMap((key) => differences(`${path}.${key}`, expected[key], actual[key]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
