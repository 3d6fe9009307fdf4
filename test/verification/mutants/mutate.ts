import { readFileSync } from "node:fs";
import type postgres from "postgres";
import type { Change } from "./mutants.js";

/** Changes the rules of one database. */
export async function mutate(sql: postgres.Sql, change: Change): Promise<void> {
  if ("trigger" in change) await sql.unsafe(`DROP TRIGGER "${change.trigger}" ON vmstate.${change.on}`);
  else await sql.unsafe(statementsOf(change));
}

/**
 * Returns the file of `sql/` with the change in it, ready to be run.
 *
 * @throws Error when the file does not have the text that is to be changed
 */
export function statementsOf({ file, from, to }: Exclude<Change, { trigger: string }>): string {
  const source = readFileSync(new URL(`../../../sql/${file}.sql`, import.meta.url), "utf8");
  if (!source.includes(from)) throw new Error(`sql/${file}.sql has no ${JSON.stringify(from)}`);
  return source.replace(from, to);
}
