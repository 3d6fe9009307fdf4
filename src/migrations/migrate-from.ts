import type { MigrateOptions } from "../migrate.js";
import { applyNext } from "./apply.js";
import { readMigrations } from "./files.js";
import { withSession } from "./session.js";

/** As `migrate`, with the `migrations/` and `sql/` of any directory. */
export async function migrateFrom(
  root: string,
  databaseUrl: string,
  { log, lockTimeout }: MigrateOptions = {},
): Promise<string[]> {
  const migrations = await readMigrations(root);
  return await withSession(databaseUrl, async (client) => {
    const names: string[] = [];
    for (;;) {
      const name = await applyNext(client, { root, migrations, databaseUrl, lockTimeout });
      if (name === undefined) return names;
      names.push(name);
      log?.(name);
    }
  });
}
