// As text, which the client leaves alone, whatever types and transforms it is configured with.

/**
 * Writes a point in time as text.
 *
 * In another form the client would cut the time down to milliseconds of its own time zone. PostgreSQL refuses a text
 * that is no point in time.
 */
export function timeText(time: Date | string | null | undefined): string | null {
  if (isDate(time) && !Number.isNaN(time.valueOf())) return time.toISOString();
  return time === null || time === undefined ? null : String(time);
}

/** Tells a `Date`, also one of another realm, as a test runner has it, where `instanceof` says no. */
function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === "[object Date]";
}

/**
 * Writes an array as text, each element quoted.
 *
 * PostgreSQL refuses what is no array.
 */
export function arrayText(elements: readonly string[] | null | undefined): string | null {
  if (elements === null || elements === undefined) return null;
  if (!Array.isArray(elements)) return JSON.stringify(String(elements));
  return `{${elements.map(elementText).join()}}`;
}

/** What is no text, because the caller has no types, becomes text that PostgreSQL refuses. */
function elementText(element: string | number | boolean | null | undefined): string {
  if (element === null || element === undefined) return "NULL";
  return `"${String(element).replace(/["\\]/g, "\\$&")}"`;
}
