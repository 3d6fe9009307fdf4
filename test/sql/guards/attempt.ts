import type postgres from "postgres";

class RolledBack extends Error {}

/** Acts in a transaction that is rolled back in any case; returns the SQL error, if there is one. */
export async function attempt(
  sql: postgres.Sql,
  act: (sql: postgres.TransactionSql) => Promise<unknown>,
): Promise<postgres.PostgresError | undefined> {
  try {
    await sql.begin(async (sql) => {
      await act(sql);
      throw new RolledBack();
    });
  } catch (error) {
    if (error instanceof RolledBack) return undefined;
    return error as postgres.PostgresError;
  }
  return undefined;
}
