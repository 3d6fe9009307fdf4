/** Writes the literal of a row; a part that is null is left empty. */
export function rowText(parts: readonly (string | null)[]): string {
  return `(${parts.map((part) => (part === null ? "" : quoted(part))).join(",")})`;
}

/** Writes the literal of an array. */
export function arrayText(elements: readonly (string | null)[]): string {
  return `{${elements.map((element) => (element === null ? "NULL" : quoted(element))).join(",")}}`;
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** Longest text that a finding shows whole. */
const LIMIT = 120;

/** Cuts a long text, and says how long it is. */
export function shortened(text: string): string {
  return text.length <= LIMIT ? text : `${text.slice(0, LIMIT)}… (${text.length} characters)`;
}
