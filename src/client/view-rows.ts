import { typedError } from "../errors/typed-error.js";
import { VIEW_ROWS } from "./generated.js";
import { manyRows } from "./rows.js";
import type { SqlClient } from "./sql-client.js";
import { statement } from "./statement.js";

/** A template tag that reads rows of a view; the template is what follows the view in the statement. */
export type ReadRows<Row> = (
  rest: TemplateStringsArray,
  ...values: (string | number | null)[]
) => Promise<Row[]>;

/**
 * Returns a template tag that reads rows of a view.
 *
 * The template is what follows the view in the statement: WHERE, ORDER BY and LIMIT. It calls the view `r`.
 *
 * @param reader the function that reads the view, for its errors
 */
export function viewRows<Row>(sql: SqlClient, reader: string, view: keyof typeof VIEW_ROWS): ReadRows<Row> {
  return async (rest, ...values) => {
    const strings = prepended(`select ${VIEW_ROWS[view]}::pg_catalog.text from vmstate.${view} as r `, rest);
    try {
      return await manyRows(sql, statement(strings, ...values));
    } catch (error) {
      throw typedError(reader, error);
    }
  };
}

function prepended(start: string, [first = "", ...others]: TemplateStringsArray): TemplateStringsArray {
  const strings = [start + first, ...others];
  return Object.assign(strings, { raw: strings });
}
