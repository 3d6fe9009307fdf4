import type { MigrateOptions } from "./migrate.js";
import { applyNext } from "./apply.js";
import { readMigrations } from "./files.js";
import { withSession } from "./session.js";

/** As `migrate`, with the `migrations/` and `sql/` of any directory. */
export async function migrateFrom(
  root: string,
  databaseUrl: string,
  { log, notice, lockTimeout }: MigrateOptions = {},
): Promise<string[]> {
  const migrations = await readMigrations(root);
  return await withSession(databaseUrl, async (client) => {
    const names: string[] = [];
    for (;;) {
      const { applied, takenOver } = await applyNext(client, { root, migrations, databaseUrl, lockTimeout });
      if (takenOver !== undefined) notice?.(`took over a schema without records, which is at ${takenOver}`);
      if (applied === undefined) return names;
      names.push(applied);
      log?.(applied);
    }
  });
}
