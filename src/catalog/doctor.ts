import { randomBytes } from "node:crypto";
import type postgres from "postgres";
import { LOCAL_SETTINGS } from "../connection/settings.js";
import { sqlStateOf } from "../database-error.js";
import { VmstateError } from "../errors.js";
import { SCHEMA_NUMBER } from "../generated.js";
import { PACKAGE_ROOT } from "../migrations/files.js";
import { readSources } from "../migrations/sources.js";
import { compareCatalogs, type Difference } from "./compare.js";
import { type CatalogObject, readCatalog } from "./read.js";
import { restate } from "./restate.js";

/** It must not stand in the way of those who work with the schema. */
const LOCK_TIMEOUT = "1s";

/** What may be as the operator likes it; of rights, what PUBLIC has and who may write is looked at. */
const FREE = ["grants"];

/** What the server may write in another way once it has read its own text, in a dump for example. */
const TEXTS = ["definition", "body", "default", "arguments"];

/**
 * In what the schema of a database is not as this package makes it. For that it makes it again, under another name, in
 * a transaction that it takes back. Changes nothing and waits for nobody.
 *
 * @throws VmstateError when the database has no vmstate, or one of another version, or the role lacks a right
 */
export async function findDrift(sql: postgres.Sql): Promise<Difference[]> {
  const actual = await readActual(sql);
  return await beside(sql, async (transaction, schema) => {
    const differences = compareCatalogs(await readCatalog(transaction, schema), actual, FREE);
    if (!differences.some(isOfText)) return differences;
    await restate(transaction, schema);
    const restated = compareCatalogs(await readCatalog(transaction, schema), actual, FREE);
    const stays = new Set(restated.map(keyOf));
    return differences.filter((difference) => !isOfText(difference) || stays.has(keyOf(difference)));
  });
}

function isOfText(difference: Difference): boolean {
  return difference.difference === "changed" && TEXTS.includes(difference.property);
}

function keyOf(difference: Difference): string {
  const property = difference.difference === "changed" ? difference.property : "";
  return `${difference.kind} ${difference.name} ${property}`;
}

/** In a transaction of its own, so that no lock of it is held while the other schema is made. */
async function readActual(sql: postgres.Sql): Promise<CatalogObject[]> {
  const objects = await sql.begin("isolation level repeatable read read only", async (transaction) => {
    await settle(transaction);
    await requireVersion(transaction);
    return await readCatalog(transaction);
  });
  if (objects.length === 0) throw new VmstateError("this database has no vmstate yet: run `vmstate migrate`");
  return objects;
}

/** A schema of which not even the version can be told is looked at as one of this version. */
async function requireVersion(sql: postgres.TransactionSql): Promise<void> {
  const [{ isThere }] = await sql<[{ isThere: boolean }]>`
    select to_regclass('vmstate.schema_change') is not null as "isThere"`;
  if (!isThere) return;
  const [change] = await sql<{ number: number; name: string }[]>`
    select c.number, c.name from vmstate.schema_change as c order by c.number desc limit 1`;
  if (change && change.number < SCHEMA_NUMBER) throw otherVersion(change.name, "run `vmstate migrate`");
  if (change && change.number > SCHEMA_NUMBER) throw otherVersion(change.name, "use the vmstate that has it");
}

function otherVersion(name: string, advice: string): VmstateError {
  return new VmstateError(
    `this database is at ${name}, this vmstate at migration ${SCHEMA_NUMBER}: ${advice}`,
  );
}

class TakenBack<T> extends Error {
  constructor(readonly answer: T) {
    super();
  }
}

/** Makes the schema as it should be, under another name, for as long as `use` takes. */
async function beside<T>(
  sql: postgres.Sql,
  use: (sql: postgres.TransactionSql, schema: string) => Promise<T>,
): Promise<T> {
  const schema = `vmstate_${randomBytes(6).toString("hex")}`;
  const sources = await readSources(PACKAGE_ROOT);
  const text = sources.map((source) => source.text.replaceAll(/\bvmstate\b/g, schema)).join("\n");
  try {
    return await sql.begin(async (transaction) => {
      await settle(transaction);
      await transaction.unsafe(text).catch(explain);
      throw new TakenBack(await use(transaction, schema));
    });
  } catch (error) {
    if (error instanceof TakenBack) return error.answer as T;
    throw error;
  }
}

async function settle(sql: postgres.TransactionSql): Promise<void> {
  await sql.unsafe(LOCAL_SETTINGS);
  await sql`
    select set_config('search_path', '', true), set_config('lock_timeout', ${LOCK_TIMEOUT}, true),
      set_config('default_tablespace', '', true)`;
}

function explain(cause: unknown): never {
  if (sqlStateOf(cause) !== "42501") throw cause;
  throw new VmstateError(
    "this role lacks CREATE on the database: doctor makes the expected schema beside the live one, and takes it back",
    { cause },
  );
}
