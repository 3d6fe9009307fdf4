import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const RELEASED_MIGRATION = z.strictObject({
  name: z.string(),
  /** Of the file, in hexadecimal. */
  sha256: z.string(),
  breaking: z.boolean(),
});

const RELEASE = z.strictObject({
  version: z.string(),
  /** Those that the releases before did not have. */
  migrations: z.array(RELEASED_MIGRATION),
  /** Public objects of the schema, each with parts, that are new in it: what no later release may change or take away. */
  signatures: z.record(z.string(), z.array(z.string())),
});

export type ReleasedMigration = z.infer<typeof RELEASED_MIGRATION>;
export type Release = z.infer<typeof RELEASE>;
/** What each release shipped, oldest first. Nothing in it ever changes; a release adds to its end. */
export type Ledger = Release[];

export const LEDGER = "sql/released.json";

/**
 * Reads the ledger of releases.
 *
 * @param root where `sql/` and `migrations/` are
 */
export async function readLedger(root: string): Promise<Ledger> {
  return parseLedger(await readFile(join(root, LEDGER), "utf8"));
}

export function parseLedger(text: string): Ledger {
  return z.array(RELEASE).parse(JSON.parse(text));
}

export function releasedMigrations(ledger: Ledger): ReleasedMigration[] {
  return ledger.flatMap(({ migrations }) => migrations);
}
