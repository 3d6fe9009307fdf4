import type { Client } from "pg";
import { beginning } from "../connection/settings.js";
import { applyError } from "./apply-error.js";
import type { Migration } from "./files.js";
import { handOverStatements } from "./hand-over.js";
import { pendingOf, readHistory } from "./history.js";
import { lockOutAutovacuum, lockOutOthers, type LockWait, runWithLockRetries } from "./lock-wait.js";
import { become, requireOwner } from "./owner.js";
import { record } from "./record.js";
import { takeOver } from "./take-over.js";

export interface ApplyOptions {
  migrations: readonly Migration[];
  databaseUrl: string;
  /** The longest wait for a lock, as PostgreSQL writes intervals: `5s`. */
  lockTimeout: string | undefined;
}

/** What one transaction did. */
export interface Step {
  /** The migration that was applied; undefined: none was pending. */
  applied: string | undefined;
  /** Up to which migration a copy without records was taken over. */
  takenOver: string | undefined;
}

/**
 * Applies the first migration that the database does not have.
 *
 * Works as the schema's owner, in one transaction that also takes the lock: so a pooler that gives each transaction
 * another server connection does no harm.
 */
export async function applyNext(client: Client, options: ApplyOptions): Promise<Step> {
  // Under a stricter isolation level the transaction would not see what others committed while it waited for the lock.
  await client.query(beginning("isolation level read committed read write"));
  const tableLocks = await lockOutOthers(client, options.lockTimeout);
  const owner = await requireOwner(client);
  if (await handOver(client, options, tableLocks)) return await applyNext(client, options);
  await become(client, owner);
  const found = await readHistory(client);
  const takenOver = found.hasUnrecorded ? await takeOver(client, options) : undefined;
  const history = takenOver === undefined ? found : await readHistory(client);
  const [next] = pendingOf(options.migrations, history.applied);
  if (next === undefined) {
    await record(client, history, options.migrations.length);
  } else {
    await apply(client, next, options, tableLocks);
    await record(client, await readHistory(client), options.migrations.length);
  }
  await client.query("commit");
  return { applied: next?.name, takenOver };
}

/**
 * Gives the schema's owner what other roles own of the schema, and commits.
 *
 * Works as the role that logged in. Commits because a copy without records is compared in another session, which
 * must not wait for the locks.
 *
 * @returns true if other roles owned a part of the schema; the transaction is over then
 */
async function handOver(client: Client, { migrations }: ApplyOptions, lockWait: LockWait): Promise<boolean> {
  const statements = await handOverStatements(client, migrations);
  if (statements.length === 0) return false;
  await runWithLockRetries(client, statements.join(";"), lockWait, performance.now());
  await client.query("commit");
  return true;
}

async function apply(
  client: Client,
  migration: Migration,
  { databaseUrl }: ApplyOptions,
  lockWait: LockWait,
): Promise<void> {
  const begun = performance.now();
  try {
    await lockOutAutovacuum(client);
    await runWithLockRetries(client, await textFor(client, migration), lockWait, begun);
  } catch (cause) {
    throw applyError(migration.name, cause, databaseUrl);
  }
}

const CREATE_SCHEMA = /^CREATE SCHEMA IF NOT EXISTS vmstate;$/m;

/**
 * Returns the text of a migration, without CREATE SCHEMA if the schema exists.
 *
 * PostgreSQL asks for CREATE on the database before it looks whether the schema is there. The line stays, empty, so
 * that an error names the line of the file.
 */
async function textFor(client: Client, { text }: Migration): Promise<string> {
  const { rows } = await client.query("select from pg_namespace where nspname = 'vmstate'");
  return rows.length === 0 ? text : text.replace(CREATE_SCHEMA, "");
}
