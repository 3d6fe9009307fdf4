import type { ClientBase } from "pg";
import type postgres from "postgres";
import type { Comparison, Difference } from "./drift/compare.js";
import { withSecondSchema, makeIn, rolledBack, prepareTransaction } from "./drift/beside.js";
import { compareBeside, compareShape } from "./drift/find-drift.js";
import { findRoute, newPool } from "../connection/pool.js";
import { type CatalogObject, readCatalog } from "./drift/read.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { type Migration, recordOf } from "./files.js";

export interface TakeOverOptions {
  migrations: readonly Migration[];
  databaseUrl: string;
}

/**
 * Records the migrations of a schema that has no record of them.
 *
 * Such a schema is a copy without rows, or what psql made before it stopped at an error.
 *
 * @param client in a transaction that holds the migrators' lock; what it has seen is compared in a second session
 * @returns the name of the last migration recorded
 * @throws VmstateError when no migration leaves the schema as it is
 */
export async function takeOver(client: ClientBase, options: TakeOverOptions): Promise<string> {
  const last = await recognize(options);
  for (const { number, name, isBreaking } of options.migrations)
    if (number <= last.number) await client.query(recordOf(name, isBreaking));
  return last.name;
}

/** A migration, and how the live schema differs from the schema that the migration leaves. */
interface Candidate {
  migration: Migration;
  differences: Difference[];
}

/**
 * Finds the first migration that leaves a schema like the live one.
 *
 * If a later migration leaves the same schema, it changes rows, and has to be applied to be sure that it did. Builds
 * each schema beside the live one, in a transaction that is rolled back.
 *
 * @throws VmstateError that names some differences when there is no such migration
 */
export async function recognize({ migrations, databaseUrl }: TakeOverOptions): Promise<Migration> {
  const sql = await newPool(await findRoute(databaseUrl, "vmstate migrate"), { max: 1 });
  try {
    const actual = await readLive(sql);
    return await withSecondSchema(sql, async (transaction, schema) => {
      const candidates: Candidate[] = [];
      for (const migration of migrations) {
        await makeIn(transaction, schema, migration.text);
        // The migration may have changed search_path.
        await prepareTransaction(transaction);
        const differences = await differencesFrom(transaction, schema, actual);
        if (differences.length === 0) return migration;
        candidates.push({ migration, differences });
      }
      throw unlike(candidates);
    });
  } finally {
    await sql.end();
  }
}

async function differencesFrom(
  transaction: postgres.TransactionSql,
  schema: string,
  actual: readonly CatalogObject[],
): Promise<Difference[]> {
  const shape = await compareShape(transaction, schema, actual);
  if (shape.differences.length > 0) return shape.differences;
  // The comparison may make objects anew; the next migration has to find them unchanged.
  const { differences } = await rolledBack<postgres.TransactionSql, Comparison>(
    (act) => transaction.savepoint(act),
    (savepoint) => compareBeside(savepoint, schema, actual),
  );
  return differences;
}

/**
 * Reads the live schema.
 *
 * Every role may read the system catalogs, also a member of the owner that does not inherit.
 */
async function readLive(sql: postgres.Sql): Promise<CatalogObject[]> {
  return await sql.begin("isolation level repeatable read read only", async (transaction) => {
    await prepareTransaction(transaction);
    return await readCatalog(transaction);
  });
}

/** How many differences the error names. */
const NAMED = 3;

/** Makes the error for a schema that equals none of the candidates: says how it differs from the nearest. */
function unlike(candidates: readonly Candidate[]): VmstateError {
  const { migration, differences } = candidates.reduce((nearest, candidate) =>
    candidate.differences.length <= nearest.differences.length ? candidate : nearest,
  );
  const named = differences
    .slice(0, NAMED)
    .map(({ difference, kind, name }) => `${difference} ${kind} ${name}`);
  const more = differences.length - named.length;
  const list = [...named, ...(more > 0 ? [`${more} more`] : [])].join(", ");
  return new VmstateError(
    `schema vmstate has objects, vmstate.schema_change has no row, and the schema equals no release; different from ${migration.name}: ${list}; ${adviceOn(differences)}`,
  );
}

/** Properties that a dump leaves out, and the option of pg_dump that does it. */
const LEFT_OUT: Record<string, string> = { "PUBLIC may": "--no-privileges", comment: "--no-comments" };

/**
 * Says how to dump the schema again, or what else to do.
 *
 * A copy without privileges must not be taken over, because PUBLIC could call every function.
 */
function adviceOn(differences: readonly Difference[]): string {
  const options = new Set(
    differences.map((difference) =>
      difference.difference === "changed" ? LEFT_OUT[difference.property] : undefined,
    ),
  );
  return options.has(undefined)
    ? "see `vmstate doctor`, or drop the schema if it is not vmstate's"
    : `dump the schema again without ${[...options].sort().join(" and ")}`;
}
