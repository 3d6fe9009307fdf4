import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";
import prettier from "prettier";
import { VmstateError } from "../../src/errors/vmstate-error.js";
import { type Migration, readMigrations, sha256Of } from "../../src/schema/files.js";
import { LEDGER, readLedger, type Release, releasedMigrations } from "../../src/schema/ledger.js";
import { requireChangelog } from "./changelog.js";
import { applyAndSeeLocks } from "./locks.js";
import { unmigrated } from "./new-migration.js";
import {
  brokenSignatures,
  newSignatures,
  promisedBy,
  readSignatures,
  type Signatures,
} from "./signatures.js";

/**
 * Adds the version of package.json to the ledger, with the migrations that no release had yet.
 *
 * @param databaseUrl an empty database to migrate, for the signatures
 * @throws VmstateError when it must not be released as it is
 */
export async function release(root: string, databaseUrl: string): Promise<Release> {
  const ledger = await readLedger(root);
  const version = await versionOf(root);
  if (ledger.some((one) => one.version === version))
    throw new VmstateError(`${version} is released already: raise the version in package.json`);
  const changed = await unmigrated(root);
  if (changed.length > 0)
    throw new VmstateError(
      `changed, and in no migration: ${changed.join(", ")}; run \`npm run migration:new\``,
    );
  const all = await readMigrations(root);
  const promised = promisedBy(ledger);
  const { signatures, locks } = await tryOut(all, databaseUrl);
  const broken = brokenSignatures(promised, signatures);
  if (broken.length > 0)
    throw new VmstateError(
      `public, and gone or another: ${broken.join("; ")}; new behaviour takes a new name`,
    );
  const migrations = all.slice(releasedMigrations(ledger).length);
  await requireChangelog(root, version, migrations, locks);
  const added = {
    version,
    migrations: migrations.map(({ name, text, isBreaking }) => ({
      name,
      sha256: sha256Of(text),
      breaking: isBreaking,
    })),
    signatures: newSignatures(promised, signatures),
  };
  await writeLedger(root, [...ledger, added]);
  return added;
}

async function versionOf(root: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  return version;
}

interface Trial {
  signatures: Signatures;
  /** By name of the migration, what it locks. */
  locks: Map<string, string>;
}

async function tryOut(migrations: readonly Migration[], databaseUrl: string): Promise<Trial> {
  const sql = postgres(databaseUrl, { max: 1 });
  try {
    const locks = await applyAndSeeLocks(sql, migrations);
    return { locks, signatures: await readSignatures(sql) };
  } finally {
    await sql.end();
  }
}

async function writeLedger(root: string, ledger: Release[]): Promise<void> {
  const path = join(root, LEDGER);
  await writeFile(path, await prettier.format(JSON.stringify(ledger), { parser: "json", printWidth: 110 }));
}
