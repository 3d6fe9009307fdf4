/** The definition of one object, with what belongs to it: its comments, rights, indexes and triggers. */
export interface Part {
  /** For example `FUNCTION vmstate.report_vmm`. It stays when the definition moves to another file. */
  object: string;
  text: string;
}

/** The empty line before the next object. Indexes and triggers belong to the object before them. */
const BETWEEN = /^\n(?=(?:--.*\n)*CREATE (?:OR REPLACE )?(?:TYPE|DOMAIN|FUNCTION|VIEW|TABLE) )/m;

/** Splits a file of `sql/` into the objects that it defines. */
export function partsOf(text: string): Part[] {
  return text.split(BETWEEN).map((part) => ({ object: objectOf(part), text: part }));
}

function objectOf(text: string): string {
  const statement =
    /^(?:CREATE (?:OR REPLACE )?((?:TYPE|DOMAIN|FUNCTION|VIEW|TABLE|SCHEMA) )(?:IF NOT EXISTS )?|(ALTER TABLE ))([\w.]+)/m;
  const [, created = "", altered = "", name] = statement.exec(text) ?? [];
  if (name === undefined) throw new Error(`no object is defined in: ${text}`);
  return `${created}${altered}${name}`;
}
