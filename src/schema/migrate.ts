import type { MigrateOptions } from "./migrate-from.js";

export type { MigrateOptions } from "./migrate-from.js";

/**
 * Applies the migrations of this package that the database does not have yet.
 *
 * Applies each in a transaction. If another session is migrating the database, waits until that session is done. What
 * psql or another tool applied counts as applied. All that a migration makes belongs to the owner of schema vmstate,
 * also when a member of that role or a superuser migrates. A schema without records, as of a schema-only dump, is
 * taken over if it equals that of a release.
 *
 * @param databaseUrl `postgres://user:password@host:port/database`
 * @returns the names of the migrations applied, in order; empty when there was nothing to do
 * @throws VmstateError when the server cannot be reached, refuses, is too old, the role may not migrate, or a migration
 *   fails
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  // Imported here, so that a service which only calls verbs does not load the migration tool.
  const [{ PACKAGE_ROOT }, { migrateFrom }] = await Promise.all([
    import("./files.js"),
    import("./migrate-from.js"),
  ]);
  return await migrateFrom(PACKAGE_ROOT, databaseUrl, options);
}
