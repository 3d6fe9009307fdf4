import type { ClientBase } from "pg";
import type { Migration } from "./files.js";
import type { Applied } from "./history.js";

/** A schema migration of a database, as far as every role with USAGE on the schema may read it. */
export interface KnownApplied extends Omit<Applied, "timeApplied"> {
  /** Null for all but the newest. */
  timeApplied: Date | null;
}

interface Newest extends Applied {
  breakingNumber: number;
}

/** Tells whether this role may read only the view of the newest migration. */
export async function mayReadVersionOnly(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ only: boolean }>(`
    select coalesce(has_table_privilege(to_regclass('vmstate.schema_version'), 'select')
      and not has_table_privilege(to_regclass('vmstate.schema_change'), 'select'), false) as only`);
  return rows.some(({ only }) => only);
}

/**
 * Lists the migrations that the newest one implies, in order.
 *
 * Of the migrations that this package does not know, only the newest is in the list; it counts as breaking when any of
 * them is.
 */
export async function readPublicHistory(
  client: ClientBase,
  migrations: readonly Migration[],
): Promise<KnownApplied[]> {
  const { rows } = await client.query<Newest>(`
    select number, name, time_applied as "timeApplied", breaking_number as "breakingNumber"
    from vmstate.schema_version`);
  return rows.flatMap(({ number, name, timeApplied, breakingNumber }) => [
    ...migrations.slice(0, number - 1).map((migration) => ({ ...migration, timeApplied: null })),
    { number, name, timeApplied, isBreaking: breakingNumber >= Math.min(number, migrations.length + 1) },
  ]);
}
