import type postgres from "postgres";
import type { Migration } from "../../src/schema/files.js";

/** The lock modes for which readers or writers of rows wait, weakest first. */
const MODES = ["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"];

/**
 * Applies migrations, and finds the locks that each takes.
 *
 * The database has the migrations before them.
 *
 * @returns for each, by name, what it locked that was there before: `` `vmm` (ACCESS EXCLUSIVE) ``
 */
export async function applyAndSeeLocks(
  sql: postgres.Sql,
  migrations: readonly Migration[],
): Promise<Map<string, string>> {
  const locks = new Map<string, string>();
  for (const { name, text } of migrations) {
    locks.set(
      name,
      await sql.begin(async (transaction) => {
        const before = await transaction<{ oid: number }[]>`select c.oid from pg_class as c`;
        await transaction.unsafe(text);
        return await locked(
          transaction,
          before.map(({ oid }) => oid),
        );
      }),
    );
  }
  return locks;
}

/** Names the table that a lock is on; that of an index is its table's. */
async function locked(sql: postgres.ISql, relations: readonly number[]): Promise<string> {
  const rows = await sql<{ name: string; mode: string }[]>`
    select c.relname as name, (array_agg(l.mode order by array_position(${MODES}, l.mode) desc))[1] as mode
    from pg_locks as l
      join pg_class as c on c.oid = l.relation
    where l.pid = pg_backend_pid() and l.mode = any(${MODES}) and c.relkind <> 'i'
      and c.oid = any(${[...relations]}::oid[]) and c.relnamespace <> 'pg_catalog'::regnamespace
    group by c.relname order by c.relname`;
  if (rows.length === 0) return "nothing that exists";
  return rows.map(({ name, mode }) => `\`${name}\` (${spelled(mode)})`).join(", ");
}

/** Spells a lock mode as the manual does: `ACCESS EXCLUSIVE`. */
function spelled(mode: string): string {
  return mode
    .replace(/Lock$/, "")
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toUpperCase();
}
