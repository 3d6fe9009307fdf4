import { sqlStateOf } from "../errors/sql-state.js";
import { typedError } from "../errors/typed-error.js";
import { type Incompatibility, IncompatibleDatabaseError } from "../errors/vmstate-error.js";
import { SCHEMA_NUMBER, type SchemaVersionRow } from "./generated.js";
import { isWhole, sharesSessions } from "./postgres/pooler.js";
import type { PoolClient } from "./postgres/queries.js";
import type { SqlClient } from "./sql-client.js";
import { viewRows } from "./view-rows.js";

const MIGRATE = "run `npx vmstate migrate`";
const NOT_INSTALLED = {
  reason: "not_installed",
  detail: "this database has no vmstate",
  hint: MIGRATE,
} as const;

/**
 * Resolves when this package works with the database, and throws otherwise.
 *
 * For services, once, when they start. A newer database works, unless a schema migration that this package does not
 * know is breaking. Any role to which `grantAccess` gave something may ask. A pooler in transaction mode works with a
 * client that prepares no statements.
 *
 * @throws IncompatibleDatabaseError when it does not work; its `hint` names the command to run, or the option to set
 */
export async function assertCompatible(sql: SqlClient): Promise<void> {
  const version = await readVersion(sql);
  if (version.number < SCHEMA_NUMBER) throw tooOld(version);
  if (version.breakingNumber > SCHEMA_NUMBER) throw tooNew(version);
  if (prepares(sql)) await requirePreparedStatements(sql);
}

/** Tells a pool that prepares statements. A transaction is a pool's, which can be asked itself. */
function prepares(sql: SqlClient): sql is PoolClient {
  if (typeof sql !== "function" || !isWhole(sql)) return false;
  return sql.options !== undefined && sql.options.prepare !== false;
}

async function requirePreparedStatements(sql: PoolClient): Promise<void> {
  if (await explaining(() => sharesSessions(sql))) throw new IncompatibleDatabaseError(POOLED);
}

async function readVersion(sql: SqlClient): Promise<SchemaVersionRow> {
  const [version] = await explaining(
    () => viewRows<SchemaVersionRow>(sql, "assertCompatible", "schema_version")``,
  );
  if (version === undefined) throw notRecorded();
  return version;
}

async function explaining<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw explained(typedError("assertCompatible", error));
  }
}

const POOLED = {
  reason: "pooler",
  detail:
    "a pooler runs the transactions of this client in sessions that lack the statements which the client has prepared",
  hint: "have the client prepare none (of postgres.js: `prepare: false`, and `max_pipeline=0` in the URL; of pg: no `name` of a query), or set the pooler to session mode",
} as const;

/** By SQLSTATE. */
const EXPLANATIONS: Record<string, Omit<Incompatibility, "sqlState">> = {
  "3F000": NOT_INSTALLED,
  "42P01": NOT_INSTALLED,
  "42501": {
    reason: "no_access",
    detail: "this role may not read vmstate.schema_version",
    hint: "have the schema's owner call vmstate.grant_access for it",
  },
  "26000": POOLED,
  "42P05": POOLED,
};

function explained(error: unknown): unknown {
  const sqlState = sqlStateOf(error);
  const explanation = EXPLANATIONS[sqlState];
  if (explanation === undefined) return error;
  return new IncompatibleDatabaseError({ ...explanation, sqlState }, (error as Error).cause);
}

/** Makes the error for a copy of the schema without its rows. */
function notRecorded(): IncompatibleDatabaseError {
  return new IncompatibleDatabaseError({
    reason: "not_installed",
    detail: "schema vmstate has no record of its migrations, as a copy of the schema alone has none",
    hint: MIGRATE,
  });
}

function tooOld({ name }: SchemaVersionRow): IncompatibleDatabaseError {
  return new IncompatibleDatabaseError({
    reason: "older",
    detail: `this database is at ${name}, older than migration ${SCHEMA_NUMBER}, which this vmstate needs`,
    hint: MIGRATE,
  });
}

function tooNew({ name, breakingNumber }: SchemaVersionRow): IncompatibleDatabaseError {
  return new IncompatibleDatabaseError({
    reason: "newer",
    detail: `this database is at ${name}, and migration ${breakingNumber} breaks this vmstate, which knows ${SCHEMA_NUMBER}`,
    hint: "upgrade it: `npm install vmstate@latest`",
  });
}
