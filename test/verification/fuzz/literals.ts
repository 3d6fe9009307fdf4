/** The text of a row, or null for each part that is null. */
export function rowText(parts: readonly (string | null)[]): string {
  return `(${parts.map((part) => (part === null ? "" : quoted(part))).join(",")})`;
}

export function arrayText(elements: readonly (string | null)[]): string {
  return `{${elements.map((element) => (element === null ? "NULL" : quoted(element))).join(",")}}`;
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** As long as a person reads. */
export function shortened(text: string): string {
  const LIMIT = 120;
  return text.length <= LIMIT ? text : `${text.slice(0, LIMIT)}… (${text.length} characters)`;
}
