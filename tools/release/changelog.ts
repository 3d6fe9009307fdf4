import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { VmstateError } from "../../src/errors/vmstate-error.js";
import type { Migration } from "../../src/schema/files.js";

const CHANGELOG = "CHANGELOG.md";

/**
 * Refuses a changelog that does not tell of the version and its migrations.
 *
 * @param locks what each migration locks
 * @throws VmstateError when the changelog does not tell of the version, or of a migration what whoever applies it has to know
 */
export async function requireChangelog(
  root: string,
  version: string,
  migrations: readonly Migration[],
  locks: ReadonlyMap<string, string>,
): Promise<void> {
  const section = sectionOf(version, await readFile(join(root, CHANGELOG), "utf8"));
  if (section === undefined) throw new VmstateError(`${CHANGELOG} has no section "## ${version}"`);
  for (const { name, isBreaking } of migrations) {
    const item = itemOf(name, section);
    const facts = `Locks: ${String(locks.get(name))}. Breaking: ${isBreaking ? "yes" : "no"}.`;
    if (item === undefined)
      throw new VmstateError(`${CHANGELOG}, ${version}, has no "- Migration \`${name}\`: … ${facts}"`);
    if (!item.endsWith(facts))
      throw new VmstateError(`${CHANGELOG}, ${version}: what it says of ${name} does not end in "${facts}"`);
  }
}

function sectionOf(version: string, text: string): string | undefined {
  return text.split(/^## /m).find((section) => section.startsWith(`${version}\n`));
}

/** Finds the item of a migration, however its lines are broken. */
function itemOf(migration: string, section: string): string | undefined {
  return section
    .split(/^- /m)
    .map((item) => item.replaceAll(/\s+/g, " ").trim())
    .find((item) => item.startsWith(`Migration \`${migration}\``));
}
