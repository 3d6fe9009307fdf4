/** A statement of a wrapper: its text in pieces, and the values that stand between them. */
export interface Statement {
  strings: TemplateStringsArray;
  values: readonly unknown[];
}

/** Tags the text of a statement. Nothing of it is sent before a client gets it. */
export function statement(strings: TemplateStringsArray, ...values: readonly unknown[]): Statement {
  return { strings, values };
}

/** The texts that were made already. A template in the source passes the same array of pieces on every call. */
const texts = new WeakMap<TemplateStringsArray, string>();

/** The text as PostgreSQL takes it: `$1`, `$2` … for the values. */
export function textOf({ strings }: Statement): string {
  const known = texts.get(strings);
  if (known !== undefined) return known;
  const text = strings.reduce((before, piece, at) => `${before}$${at}${piece}`);
  texts.set(strings, text);
  return text;
}

/** The values as text, which every client sends as it is: PostgreSQL knows the types, and a client would have to guess. */
export function textParametersOf({ values }: Statement): (string | null)[] {
  return values.map((value) =>
    value === null || value === undefined ? null : String(value as string | number),
  );
}
