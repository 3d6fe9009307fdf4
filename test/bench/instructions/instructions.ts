import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { migrate } from "../../../src/schema/index.js";
import { Random } from "../../../src/simulator/random.js";
import { withDatabase } from "../../../src/testing/databases.js";
import { copyDatabase } from "../../support/copy.js";
import { createFleets } from "../fleet.js";
import type { Call, Case, Stage } from "./case.js";
import type { CountedServer } from "./counted-server.js";
import type { CaseResult } from "./results.js";

export interface Scale {
  /** Running VMMs that reports are about. */
  rows: number;
  /** Calls before those that are counted: enough for every plan to be cached. */
  warmUp: number;
  calls: number;
}

export interface InstructionsOptions extends Scale {
  seed: number;
  cases: readonly Case[];
  /** The directory for the profiles, files that callgrind_annotate reads. */
  profiles?: string;
  /** Told of each case when it is done. */
  onCase: (result: CaseResult) => void;
}

interface Prepared {
  each: Case;
  calls: Call[];
}

/** Counts the instructions of every case, in a database of its own. */
export async function countInstructions(
  server: CountedServer,
  options: InstructionsOptions,
): Promise<CaseResult[]> {
  const name = `vmstate_bench_${randomBytes(6).toString("hex")}`;
  await using database = await copyDatabase({ serverUrl: server.url, name, template: "template0" });
  await migrate(database.url);
  const url = withDatabase(server.url, name);
  const { prepared, check } = await prepare(database.sql, options);
  await database.sql.end();
  await server.startCounting();
  await server.count(readAll, url);
  const results: CaseResult[] = [];
  for (const { each, calls } of prepared) {
    const result = resultOf(
      each,
      await instructionsOf(server, url, calls, options, profileOf(each, options)),
      results,
    );
    results.push(result);
    options.onCase(result);
  }
  await check(database.connect());
  return results;
}

/**
 * Reads every row, by each primary key, into the memory of the server.
 *
 * A restart has emptied that memory, and no case shall pay for pages that it is the first to read. The first backend also
 * reads the catalogs for all that follow.
 */
async function readAll(sql: Stage["sql"]): Promise<void> {
  await sql`set enable_seqscan = off`;
  for (const schema of ["vmstate", "bench_plain"]) {
    await sql`select count(time_created) from (select * from ${sql(schema)}.instance order by id) as i`;
    await sql`select count(time_created) from (select * from ${sql(schema)}.vmm order by id) as v`;
    await sql`select count(time_created) from (select * from ${sql(schema)}.vmm order by instance_id, id) as v`;
  }
  for (const key of ["id", "instance_id, row_id, id", "transaction_id"])
    await sql`select count("time") from (select * from vmstate.history order by ${sql.unsafe(key)}) as h`;
}

/** Makes the rows and the calls of every case. */
async function prepare(
  sql: Stage["sql"],
  { rows, cases, warmUp, calls, seed }: InstructionsOptions,
): Promise<{ prepared: Prepared[]; check: (sql: Stage["sql"]) => Promise<void> }> {
  const count = 2 * warmUp + calls;
  const random = new Random(seed, 1);
  // Twice as many instances are stopped as there are lives, and each case takes its own.
  const size = { rows, lives: Math.ceil((cases.length * count) / 2), listed: 1 };
  const fleets = await createFleets(sql, size, random);
  const stopped = fleets.stopped.values();
  const nextStopped = (): string => {
    const { value } = stopped.next();
    if (value === undefined) throw new Error("no stopped instance is left");
    return value;
  };
  const stage = { ...fleets, sql, random, nextStopped };
  const prepared: Prepared[] = [];
  for (const each of cases) prepared.push({ each, calls: await each.calls(stage, count) });
  const check = async (counted: Stage["sql"]): Promise<void> => {
    await fleets.fleets.vmstate.check(counted);
    await fleets.fleets.bench_plain.check(counted);
  };
  return { prepared, check };
}

/**
 * Counts the instructions of one call.
 *
 * One backend makes the calls of a warm-up only, another one as many and then those that count: what the second ran more
 * than the first is theirs. The start and the end of a backend are in both, and so is all that a cache is filled with.
 */
async function instructionsOf(
  server: CountedServer,
  url: string,
  calls: readonly Call[],
  { warmUp, calls: counted }: Scale,
  profile?: string,
): Promise<number> {
  const makeAll = (part: readonly Call[]) => async (sql: Stage["sql"]) => {
    for (const call of part) await call(sql);
  };
  const alone = await server.count(makeAll(calls.slice(0, warmUp)), url);
  const together = await server.count(makeAll(calls.slice(warmUp)), url, profile);
  return (together - alone) / counted;
}

function profileOf({ id }: Case, { profiles }: InstructionsOptions): string | undefined {
  return profiles === undefined ? undefined : join(profiles, `${id.replace(/\W+/g, "-")}.callgrind`);
}

function resultOf(
  { id, base, most, units = 1 }: Case,
  ofCall: number,
  before: readonly CaseResult[],
): CaseResult {
  const instructions = ofCall / units;
  const other = before.find((result) => result.id === base);
  const ratio = other === undefined ? null : Number((instructions / other.instructions).toFixed(3));
  return {
    id,
    units,
    instructions: Math.round(instructions),
    base: base ?? null,
    ratio,
    most: most === undefined ? null : Number(most.toFixed(3)),
    reached: ratio === null || most === undefined ? null : ratio <= most,
  };
}
