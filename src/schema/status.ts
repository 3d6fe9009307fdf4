import type { ClientBase } from "pg";
import { beginning } from "../connection/settings.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { type Migration, PACKAGE_ROOT, readMigrations } from "./files.js";
import { type History, pendingOf, readHistory, readRecordedHistory } from "./history.js";
import { becomeOwnerIfAllowed } from "./owner.js";
import { type KnownApplied, mayReadVersionOnly, readPublicHistory } from "./public-history.js";
import { withSession } from "./session.js";
import { recognize } from "./take-over.js";

/** A migration, of this package or of a database. */
export interface MigrationStatus {
  name: string;
  /** `unknown`: the database has it, this package does not. */
  state: "applied" | "pending" | "unknown";
  isBreaking: boolean;
  timeApplied: Date | null;
}

/**
 * Lists the migrations that the database has, then those only this package has.
 *
 * Any role to which `grantAccess` gave something may ask. To a role that may not read the table of migrations, only
 * the newest has a time.
 */
export async function migrationStatus(databaseUrl: string): Promise<MigrationStatus[]> {
  const migrations = await readMigrations(PACKAGE_ROOT);
  const applied = await readOnly<KnownApplied[]>(databaseUrl, async (client) =>
    (await mayReadVersionOnly(client))
      ? await readPublicHistory(client, migrations)
      : (await readRecordedHistory(client)).applied,
  );
  const pending = migrations.filter(({ name }) => !applied.some((one) => one.name === name));
  return [
    ...applied.map((one) => statusOf(one, migrations)),
    ...pending.map(({ name, isBreaking }) => ({
      name,
      state: "pending" as const,
      isBreaking,
      timeApplied: null,
    })),
  ];
}

function statusOf({ name, isBreaking, timeApplied }: KnownApplied, migrations: Migration[]): MigrationStatus {
  const isKnown = migrations.some((migration) => migration.name === name);
  return { name, state: isKnown ? "applied" : "unknown", isBreaking, timeApplied };
}

/**
 * Lists what {@link migrate} would apply.
 *
 * @throws VmstateError as migrate would before it applies anything, and for a schema without records, which migrate would take over
 */
export async function pendingMigrations(databaseUrl: string): Promise<Migration[]> {
  const migrations = await readMigrations(PACKAGE_ROOT);
  const { applied, hasUnrecorded } = await readOnly<
    Pick<History, "hasUnrecorded"> & { applied: KnownApplied[] }
  >(databaseUrl, async (client) =>
    (await mayReadVersionOnly(client))
      ? { applied: await readPublicHistory(client, migrations), hasUnrecorded: false }
      : await readHistory(client),
  );
  if (hasUnrecorded) throw toTakeOver(await recognize({ migrations, databaseUrl }));
  return pendingOf(migrations, applied);
}

function toTakeOver({ name }: Migration): VmstateError {
  return new VmstateError(
    `schema vmstate has no row in vmstate.schema_change, and equals ${name}: run \`vmstate migrate\`, which records ${name} and applies what follows`,
  );
}

async function readOnly<T>(databaseUrl: string, read: (client: ClientBase) => Promise<T>): Promise<T> {
  return await withSession(databaseUrl, async (client) => {
    await client.query(beginning("isolation level repeatable read read only"));
    await becomeOwnerIfAllowed(client);
    return await read(client);
  });
}

/** Writes migrations as one text, for psql or another tool. */
export function sqlOf(migrations: readonly Migration[]): string {
  return migrations.map(({ name, text }) => `-- migrations/${name}.sql\n${text}`).join("\n");
}
