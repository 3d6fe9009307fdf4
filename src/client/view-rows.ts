import { VIEW_ROWS } from "./generated.js";
import { manyRows } from "./rows.js";
import type { SqlClient } from "./sql-client.js";
import { statement } from "./statement.js";

/** Tags what follows FROM in a statement that answers with rows of a view, called `r` there. */
export function viewRows<Row>(sql: SqlClient, view: keyof typeof VIEW_ROWS) {
  return (rest: TemplateStringsArray, ...values: (string | number | null)[]): Promise<Row[]> =>
    manyRows(
      sql,
      statement(
        behind(`select ${VIEW_ROWS[view]}::pg_catalog.text from vmstate.${view} as r `, rest),
        ...values,
      ),
    );
}

function behind(start: string, [first = "", ...others]: TemplateStringsArray): TemplateStringsArray {
  const strings = [start + first, ...others];
  return Object.assign(strings, { raw: strings });
}
