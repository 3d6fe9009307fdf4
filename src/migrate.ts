export interface MigrateOptions {
  /** Receives the name of each migration that was applied. Default: silence. */
  log?: (name: string) => void;
  /**
   * How long to wait for locks, as PostgreSQL writes it: `500ms`, `5s`, `1min`, or `0` for as long as it takes. Default:
   * 10 s for those on tables; as long as it takes for somebody else who is migrating. Others wait behind a lock on a
   * table: after half of the server's `deadlock_timeout` all are given back, and it is tried again a little later.
   */
  lockTimeout?: string | undefined;
}

/**
 * Applies the migrations of this package that the database does not have yet, each in a transaction. If somebody else is
 * migrating the database, waits until they are done. What psql or another tool applied counts as applied.
 *
 * @param databaseUrl `postgres://user:password@host:port/database`
 * @returns the names of the migrations applied, in order; empty when there was nothing to do
 * @throws VmstateError when the server cannot be reached, refuses, is too old, or a migration fails
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  // A service that only calls verbs loads nothing of what migrates.
  const [{ PACKAGE_ROOT }, { migrateFrom }] = await Promise.all([
    import("./migrations/files.js"),
    import("./migrations/migrate-from.js"),
  ]);
  return await migrateFrom(PACKAGE_ROOT, databaseUrl, options);
}
