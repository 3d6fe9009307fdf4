// Parameters are sent as text, because a client changes no text, whatever types and transforms it is configured with.
// A statement casts a boolean and a point in time from text (`::pg_catalog.text::pg_catalog.bool`): of a parameter that is a
// boolean, the driver `postgres` below Drizzle makes false whatever the text says.

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

/** Tells whether a value is a `Date`, also one of another realm, as in a test runner, where `instanceof` is false. */
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

/** Quotes an element. A caller without types may pass a value that is no text, which PostgreSQL then refuses. */
function elementText(element: string | number | boolean | null | undefined): string {
  if (element === null || element === undefined) return "NULL";
  return `"${String(element).replace(/["\\]/g, "\\$&")}"`;
}
