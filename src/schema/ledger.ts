import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface ReleasedMigration {
  name: string;
  /** The hash of the file, in hexadecimal. */
  sha256: string;
  breaking: boolean;
}

export interface Release {
  version: string;
  /** The migrations that no earlier release had. */
  migrations: ReleasedMigration[];
  /** Public objects of the schema, each with parts, that are new in it: what no later release may change or take away. */
  signatures: Record<string, string[]>;
}

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

/** The file comes with the package, and the tool that writes it checks its form. */
export function parseLedger(text: string): Ledger {
  return JSON.parse(text) as Ledger;
}

export function releasedMigrations(ledger: Ledger): ReleasedMigration[] {
  return ledger.flatMap(({ migrations }) => migrations);
}
