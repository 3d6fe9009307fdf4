import { typedError } from "../errors/typed-error.js";
import { requireArguments, requireSpelling } from "./arguments.js";
import { ARGUMENTS } from "./generated.js";
import { manyRows, oneRow } from "./rows.js";
import type { SqlClient } from "./sql-client.js";
import type { Statement } from "./statement.js";

type Verb = keyof typeof ARGUMENTS;

/**
 * Calls a verb that answers one row.
 *
 * @throws InvalidArgumentError before anything is sent, DatabaseError when the database refuses the call
 */
export async function callForRow<Row>(
  sql: SqlClient,
  verb: Verb,
  given: object,
  statementOf: () => Statement,
): Promise<Row> {
  requireArguments(verb, given, ARGUMENTS[verb]);
  requireSpelling(verb, given, ARGUMENTS[verb]);
  return await typed(verb, oneRow<Row>(sql, statementOf()));
}

/** Calls a verb that answers any number of rows. */
export async function callForRows<Row>(
  sql: SqlClient,
  verb: Verb,
  given: object,
  statementOf: () => Statement,
): Promise<Row[]> {
  requireArguments(verb, given, ARGUMENTS[verb]);
  requireSpelling(verb, given, ARGUMENTS[verb]);
  return await typed(verb, manyRows<Row>(sql, statementOf()));
}

/** Resolves as the answer does; what the client threw becomes an error of this package. */
export async function typed<T>(verb: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw typedError(verb, error);
  }
}
