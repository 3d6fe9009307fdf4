import { applyNext } from "./apply.js";
import { readMigrations } from "./files.js";
import { withSession } from "./session.js";

export interface MigrateOptions {
  /** Receives the name of each migration that was applied. Default: silence. */
  log?: (name: string) => void;
  /** Receives a line when a schema without records, as of a schema-only dump, was taken over. Default: silence. */
  notice?: (line: string) => void;
  /**
   * How long to wait for locks, as PostgreSQL writes it: `500ms`, `5s`, `1min`, or `0` for as long as it takes. Default:
   * 10 s for locks on tables; as long as it takes while another session migrates. Queries queue behind a lock on a
   * table: after half of the server's `deadlock_timeout` migrate releases all locks, and tries again a little later.
   */
  lockTimeout?: string | undefined;
}

/** Migrates as `migrate` does, with `migrations/` and `sql/` of any directory. */
export async function migrateFrom(
  root: string,
  databaseUrl: string,
  { log, notice, lockTimeout }: MigrateOptions = {},
): Promise<string[]> {
  const migrations = await readMigrations(root);
  return await withSession(databaseUrl, async (client) => {
    const names: string[] = [];
    for (;;) {
      const { applied, takenOver } = await applyNext(client, { migrations, databaseUrl, lockTimeout });
      if (takenOver !== undefined) notice?.(`took over a schema without records: it equals ${takenOver}`);
      if (applied === undefined) return names;
      names.push(applied);
      log?.(applied);
    }
  });
}
