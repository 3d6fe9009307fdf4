import { typedError } from "../errors/typed-error.js";
import { VIEW_ROWS } from "./generated.js";
import { manyRows } from "./rows.js";
import type { SqlClient } from "./sql-client.js";
import { statement } from "./statement.js";

/** A tag of what follows FROM in a statement about a view. */
export type ReadRows<Row> = (
  rest: TemplateStringsArray,
  ...values: (string | number | null)[]
) => Promise<Row[]>;

/**
 * Tags what follows FROM in a statement that answers with rows of a view, called `r` there.
 *
 * @param reader the function that reads the view, for its errors
 */
export function viewRows<Row>(sql: SqlClient, reader: string, view: keyof typeof VIEW_ROWS): ReadRows<Row> {
  return async (rest, ...values) => {
    const strings = behind(`select ${VIEW_ROWS[view]}::pg_catalog.text from vmstate.${view} as r `, rest);
    try {
      return await manyRows(sql, statement(strings, ...values));
    } catch (error) {
      throw typedError(reader, error);
    }
  };
}

function behind(start: string, [first = "", ...others]: TemplateStringsArray): TemplateStringsArray {
  const strings = [start + first, ...others];
  return Object.assign(strings, { raw: strings });
}
