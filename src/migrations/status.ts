import { beginning } from "../connection/settings.js";
import { type Migration, PACKAGE_ROOT, readMigrations } from "./files.js";
import { pendingOf, readHistory } from "./history.js";
import { type KnownApplied, mayReadVersionOnly, readPublicHistory } from "./public-history.js";
import { withSession } from "./session.js";

/** A migration, of this package or of a database. */
export interface MigrationStatus {
  name: string;
  /** `unknown`: the database has it, this package does not. */
  state: "applied" | "pending" | "unknown";
  isBreaking: boolean;
  timeApplied: Date | null;
}

/**
 * All migrations that the database has, then those that this package has besides. Any role to which `grantAccess` gave
 * something may ask; to one that may not read the table of them, only the newest has a time.
 */
export async function migrationStatus(databaseUrl: string): Promise<MigrationStatus[]> {
  const migrations = await readMigrations(PACKAGE_ROOT);
  const applied = await readApplied(databaseUrl, migrations);
  const pending = migrations.filter(({ name }) => !applied.some((one) => one.name === name));
  return [
    ...applied.map((one) => statusOf(one, migrations)),
    ...pending.map(({ name, isBreaking }) => ({ name, state: "pending" as const, isBreaking, timeApplied: null })),
  ];
}

function statusOf({ name, isBreaking, timeApplied }: KnownApplied, migrations: Migration[]): MigrationStatus {
  const isKnown = migrations.some((migration) => migration.name === name);
  return { name, state: isKnown ? "applied" : "unknown", isBreaking, timeApplied };
}

/** What {@link migrate} would apply. */
export async function pendingMigrations(databaseUrl: string): Promise<Migration[]> {
  const migrations = await readMigrations(PACKAGE_ROOT);
  const applied = await readApplied(databaseUrl, migrations);
  return pendingOf(migrations, applied);
}

async function readApplied(databaseUrl: string, migrations: readonly Migration[]): Promise<KnownApplied[]> {
  return await withSession(databaseUrl, async (client) => {
    await client.query(beginning("isolation level repeatable read read only"));
    if (await mayReadVersionOnly(client)) return await readPublicHistory(client, migrations);
    return (await readHistory(client)).applied;
  });
}

/** Migrations as one text, for psql or another tool. */
export function sqlOf(migrations: readonly Migration[]): string {
  return migrations.map(({ name, text }) => `-- migrations/${name}.sql\n${text}`).join("\n");
}
