import type postgres from "postgres";
import { VmstateError } from "../../errors/vmstate-error.js";
import { SCHEMA_NUMBER } from "../../client/generated.js";
import { PACKAGE_ROOT } from "../files.js";
import { readSources } from "../sources.js";
import { byUsers, forPlanner, type MayBeAdded } from "./additions.js";
import { withSecondSchema, makeIn, prepareTransaction } from "./beside.js";
import { readCaptures } from "./captures.js";
import { compareCatalogs, type Comparison, type Difference } from "./compare.js";
import { comparePartitions } from "./partitions.js";
import { type CatalogObject, readCatalog } from "./read.js";
import { restate } from "./restate.js";

/** Properties that are not compared: of grants, only those to PUBLIC and those to write count, as properties of their own. */
const FREE = ["grants"];

/** Properties that the server may write in another way once it has read its own text, as from a dump. */
const TEXTS = ["definition", "body", "default", "arguments"];

/**
 * Finds in what the schema of a database differs from the one that this package makes.
 *
 * Builds the expected schema under another name, in a transaction that is rolled back. Changes nothing, and waits for a
 * lock for 1 second at most.
 *
 * What users added is no difference: tables, views, columns, constraints, indexes and triggers of theirs, and what they
 * set for the planner, autovacuum or storage.
 *
 * @throws VmstateError when the database has no schema vmstate, or one of another version, or the role lacks a privilege
 */
export async function findDrift(sql: postgres.Sql): Promise<Difference[]> {
  const { differences } = await examine(sql);
  return differences;
}

/**
 * Finds what {@link findDrift} finds, and warns of what users added.
 *
 * @throws VmstateError as findDrift does
 */
export async function examine(sql: postgres.Sql): Promise<Comparison> {
  const { actual, partitions } = await readActual(sql);
  const sources = await readSources(PACKAGE_ROOT);
  const { differences, warnings } = await withSecondSchema(sql, async (transaction, schema) => {
    await makeIn(transaction, schema, sources.map(({ text }) => text).join("\n"));
    return await compareBeside(transaction, schema, actual, byUsers);
  });
  return {
    differences: [...differences, ...partitions.differences],
    warnings: [...warnings, ...partitions.warnings],
  };
}

/**
 * Compares two schemas without texts that the server may write in another way.
 *
 * Faster than {@link compareBeside}, and makes no object anew.
 */
export async function compareShape(
  sql: postgres.TransactionSql,
  schema: string,
  actual: readonly CatalogObject[],
): Promise<Comparison> {
  return compareCatalogs(await readCatalog(sql, schema), actual, [...FREE, ...TEXTS]);
}

/**
 * Compares the live schema with the expected one that was made beside it.
 *
 * If texts differ, makes the objects of the expected schema anew.
 */
export async function compareBeside(
  sql: postgres.TransactionSql,
  schema: string,
  actual: readonly CatalogObject[],
  mayBeAdded: MayBeAdded = forPlanner,
): Promise<Comparison> {
  const compare = async (): Promise<Comparison> =>
    compareCatalogs(await readCatalog(sql, schema), actual, FREE, mayBeAdded);
  const { differences, warnings } = await compare();
  if (!differences.some(isOfText)) return { differences, warnings };
  await restate(sql, schema);
  const restated = await compare();
  const stays = new Set(restated.differences.map(keyOf));
  return {
    differences: differences.filter((difference) => !isOfText(difference) || stays.has(keyOf(difference))),
    warnings,
  };
}

function isOfText(difference: Difference): boolean {
  return difference.difference === "changed" && TEXTS.includes(difference.property);
}

function keyOf(difference: Difference): string {
  const property = difference.difference === "changed" ? difference.property : "";
  return `${difference.kind} ${difference.name} ${property}`;
}

interface Actual {
  actual: CatalogObject[];
  partitions: Comparison;
}

/**
 * Reads the live schema, and compares its partitions with their parent.
 *
 * Does so in a transaction of its own, so that it holds no lock while the expected schema is made.
 */
async function readActual(sql: postgres.Sql): Promise<Actual> {
  const read = await sql.begin("isolation level repeatable read read only", async (transaction) => {
    await prepareTransaction(transaction);
    await requireVersion(transaction);
    const actual = [...(await readCatalog(transaction)), ...(await readCaptures(transaction))];
    return { actual, partitions: await comparePartitions(transaction) };
  });
  if (read.actual.length === 0)
    throw new VmstateError("this database has no schema vmstate: run `vmstate migrate`");
  return read;
}

/**
 * Refuses a schema of another version.
 *
 * A schema that does not tell its version is compared with this version.
 */
async function requireVersion(sql: postgres.TransactionSql): Promise<void> {
  const [{ isThere }] = await sql<[{ isThere: boolean }]>`
    select to_regclass('vmstate.schema_change') is not null as "isThere"`;
  if (!isThere) return;
  const [change] = await sql<{ number: number; name: string }[]>`
    select c.number, c.name from vmstate.schema_change as c order by c.number desc limit 1`;
  if (change && change.number < SCHEMA_NUMBER) throw otherVersion(change.name, "run `vmstate migrate`");
  if (change && change.number > SCHEMA_NUMBER) throw otherVersion(change.name, "use the release that has it");
}

function otherVersion(name: string, advice: string): VmstateError {
  return new VmstateError(
    `this database is at ${name}, this vmstate at migration ${SCHEMA_NUMBER}: ${advice}`,
  );
}
