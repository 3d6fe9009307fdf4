import { types } from "node:util";

// As text, which the client leaves alone, whatever types and transforms it is configured with.

/**
 * Writes a point in time as text.
 *
 * In another form the client would cut the time down to milliseconds of its own time zone. PostgreSQL refuses a text
 * that is no point in time.
 */
export function timeText(time: Date | string | null | undefined): string | null {
  if (types.isDate(time) && !Number.isNaN(time.valueOf())) return time.toISOString();
  return time === null || time === undefined ? null : String(time);
}

/**
 * Writes an array as text, each element quoted.
 *
 * PostgreSQL refuses what is no array.
 */
export function arrayText(elements: readonly string[] | null | undefined): string | null {
  if (elements === null || elements === undefined) return null;
  if (!Array.isArray(elements)) return JSON.stringify(elements);
  return `{${elements.map(elementText).join()}}`;
}

function elementText(element: string | null | undefined): string {
  return element === null || element === undefined ? "NULL" : `"${element.replace(/["\\]/g, "\\$&")}"`;
}
