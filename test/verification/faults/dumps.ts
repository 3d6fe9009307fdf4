import type postgres from "postgres";
import { startEmbedded } from "../../../src/embedded/start.js";
import { migrate } from "../../../src/schema/index.js";
import { compareFacts, readFacts } from "../../support/catalog-facts.js";
import { copyDatabase, type TestDatabase } from "../../support/copy.js";
import { systemBin } from "../../support/system-programs.js";
import { running } from "../../sql/scenario.js";
import { DUMP_TOOLS, transfer } from "./dump-tools.js";
import { codeOf } from "./expected-errors.js";
import { Workload } from "./workload.js";
import type { Totals } from "./totals.js";

export interface DumpOptions {
  seed: number;
  workers: number;
  dumps: number;
  totals: Totals;
}

const WRITES = 100;

/** Checks that a dump taken under load restores the database of one moment, and that clients can work there. */
export async function dump(options: DumpOptions): Promise<void> {
  const { totals, dumps } = options;
  if (dumps === 0) return;
  const bin = systemBin(["initdb", "postgres", ...DUMP_TOOLS]);
  if (bin === undefined) {
    totals.skipped.push("dumps (no server of the system with pg_dump and pg_restore)");
    return;
  }
  const server = await startEmbedded({ bin });
  try {
    for (let n = 0; n < dumps; n++) {
      await dumpOnce(bin, server.url, options);
      totals.count("dumps");
    }
  } finally {
    await server.stop();
  }
}

async function dumpOnce(bin: string, serverUrl: string, options: DumpOptions): Promise<void> {
  const { totals } = options;
  await using source = await copyDatabase({ serverUrl, name: "vmstate_source", template: "template0" });
  await using restored = await copyDatabase({ serverUrl, name: "vmstate_restored", template: "template0" });
  await migrate(source.url);
  let rows = "";
  await Workload.during({ ...options, database: source, expected: [] }, async (workload) => {
    await workload.progress(WRITES);
    rows = await transferUnderLoad(bin, source, restored);
    await workload.progress(WRITES);
  });
  for (const line of await differences(source, restored)) totals.wrong.add(`restored: ${line}`);
  if ((await digestOf(restored.sql)) !== rows) totals.lost.add("restored: the rows are others");
  for (const line of await breachesOf(restored.sql)) totals.wrong.add(`restored: ${line}`);
  await Workload.during({ ...options, database: restored, expected: [] }, (workload) =>
    workload.progress(WRITES),
  );
}

/** Dumps one database and restores the dump to the other; returns the digest of the rows at the moment of the dump. */
async function transferUnderLoad(bin: string, source: TestDatabase, restored: TestDatabase): Promise<string> {
  return await source.sql.begin("isolation level repeatable read", async (sql) => {
    const [{ snapshot }] = await sql<[{ snapshot: string }]>`select pg_export_snapshot() as snapshot`;
    await transfer(bin, source.url, snapshot, restored.url);
    return await digestOf(sql);
  });
}

async function digestOf(sql: postgres.ISql): Promise<string> {
  const [{ digest }] = await sql<[{ digest: string }]>`
    select md5(string_agg(row::text, '' order by row::text)) as digest
      from (
        select to_jsonb(i) as row from vmstate.instance as i
        union all select to_jsonb(v) from vmstate.vmm as v
        union all select to_jsonb(m) from vmstate.migration as m
        union all select to_jsonb(p) from vmstate.pgmigrations as p
        union all select to_jsonb(l) from faults.ledger as l
      ) as everything`;
  return digest;
}

async function differences(source: TestDatabase, restored: TestDatabase): Promise<string[]> {
  const facts = compareFacts(await flatFacts(source.sql), await flatFacts(restored.sql));
  return [
    ...facts.onlyInFirst.map((fact) => `it has no ${fact}`),
    ...facts.onlyInSecond.map((fact) => `it has ${fact}`),
  ];
}

/**
 * Reads the facts of the catalog without parentheses, white space and names of columns.
 *
 * The server writes these in another way when it has made the object of its own text.
 */
async function flatFacts(sql: postgres.Sql): Promise<string[]> {
  const facts = await readFacts(sql);
  return facts.map((fact) => fact.replaceAll(/ AS \w+|[()]|\s/g, ""));
}

/** Tries forbidden writes; returns those that no guard refused as it must. */
export async function breachesOf(sql: postgres.Sql): Promise<string[]> {
  const { instanceId, propolisId } = await running(sql);
  const forbidden: [string, postgres.PendingQuery<postgres.Row[]>][] = [
    ["VM101", sql`update vmstate.vmm set state = 'stopping' where id = ${propolisId}`],
    ["VM102", sql`update vmstate.vmm set state = 'creating', state_generation = 9 where id = ${propolisId}`],
    ["VM103", sql`update vmstate.vmm set saga_id = gen_random_uuid() where id = ${propolisId}`],
    [
      "VM104",
      sql`update vmstate.instance set state = 'no_vmm', active_propolis_id = null, state_generation = 9
        where id = ${instanceId}`,
    ],
    ["VM104", sql`delete from vmstate.vmm where id = ${propolisId}`],
  ];
  const found: string[] = [];
  for (const [code, write] of forbidden) {
    const error = await write.then(() => undefined, codeOf);
    if (error !== code) found.push(`a write that must be ${code} is ${error ?? "let through"}`);
  }
  return found;
}
