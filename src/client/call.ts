import { typedError } from "../errors/typed-error.js";
import { requireArguments } from "./arguments.js";
import { ARGUMENTS } from "./generated.js";
import { manyRows, oneRow } from "./rows.js";
import type { SqlClient } from "./sql-client.js";
import type { Statement } from "./statement.js";

type Verb = keyof typeof ARGUMENTS;

/**
 * Calls a verb that answers one row.
 *
 * @param statementOf makes the statement once the arguments are checked
 * @throws InvalidArgumentError before anything is sent, DatabaseError when the database refuses the call
 */
export async function callForRow<Row>(
  sql: SqlClient,
  verb: Verb,
  given: object,
  statementOf: () => Statement,
): Promise<Row> {
  requireArguments(verb, given, ARGUMENTS[verb]);
  try {
    return await oneRow<Row>(sql, statementOf());
  } catch (error) {
    throw typedError(verb, error);
  }
}

/** Calls a verb that answers any number of rows. */
export async function callForRows<Row>(
  sql: SqlClient,
  verb: Verb,
  given: object,
  statementOf: () => Statement,
): Promise<Row[]> {
  requireArguments(verb, given, ARGUMENTS[verb]);
  try {
    return await manyRows<Row>(sql, statementOf());
  } catch (error) {
    throw typedError(verb, error);
  }
}
