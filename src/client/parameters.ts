// As text, which the client leaves alone, whatever types and transforms it is configured with.

/**
 * A point in time. In other forms the client would cut it down to milliseconds of its own time zone. What is no point in
 * time PostgreSQL refuses.
 */
export function timeText(time: Date | string | null | undefined): string | null {
  if (isDate(time) && !Number.isNaN(time.valueOf())) return time.toISOString();
  return time === null || time === undefined ? null : String(time);
}

/** Also of another realm, as a test runner has it, where `instanceof` says no. */
function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === "[object Date]";
}

/** An array, each element quoted. What is no array PostgreSQL refuses. */
export function arrayText(elements: readonly string[] | null | undefined): string | null {
  if (elements === null || elements === undefined) return null;
  if (!Array.isArray(elements)) return JSON.stringify(elements);
  return `{${elements.map(elementText).join()}}`;
}

/** What is no text, because the caller has no types, becomes text that PostgreSQL refuses. */
function elementText(element: string | number | boolean | null | undefined): string {
  if (element === null || element === undefined) return "NULL";
  return `"${String(element).replace(/["\\]/g, "\\$&")}"`;
}
