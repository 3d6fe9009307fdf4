import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import type postgres from "postgres";
import { DatabaseError } from "../../../src/errors/call-errors.js";
import {
  reportVmms,
  type Outcome,
  type ReportVmmArguments,
  type ReportVmmsResult,
} from "../../../src/index.js";
import type { TestDatabase } from "../../support/copy.js";
import { readCatalog } from "./catalog.js";
import type { Finding } from "./finding.js";
import { rollbackDatabaseIn, type RollbackDatabase } from "./rollback-database.js";

export interface Batches {
  figures: string[];
  findings: Finding[];
}

type Vmm = Pick<ReportVmmArguments, "instanceId" | "propolisId">;
type Reports = ReportVmmArguments[];

/** A batch of any size, and the outcome of each of its reports. */
interface Shape {
  name: string;
  reports: (vmms: readonly Vmm[], size: number) => Reports;
  outcome: Outcome;
}

interface Run {
  ms: number;
  problem?: string;
}

/** How many times as many reports the large batch has. Its time may grow as much, with noise, but not by the square. */
const FACTOR = 10;
const NOISE = 3;
/** A batch that takes less passes: noise could be larger than its growth. */
const SOON_MS = 1_000;

const said = { state: "running", time: new Date() } as const;

const shapes: Shape[] = [
  {
    name: "of as many VMMs",
    reports: (vmms, size) => vmms.slice(0, size).map((vmm) => ({ ...said, ...vmm, generation: 2 })),
    outcome: "applied",
  },
  {
    name: "of one VMM",
    reports: (vmms, size) => ofOne(vmms, size).map((vmm, n) => ({ ...said, ...vmm, generation: 2 + n })),
    outcome: "applied",
  },
  {
    name: "of one VMM, all stale",
    reports: (vmms, size) => ofOne(vmms, size).map((vmm) => ({ ...said, ...vmm, generation: 1 })),
    outcome: "stale",
  },
];

/** Batches so large that a cost would show which rises with the square of their size. */
export async function fuzzBatches(database: TestDatabase, size: number): Promise<Batches> {
  const vmms = await createVmms(database.sql, size);
  const rollbackDatabase = await rollbackDatabaseIn(database, await readCatalog(database.sql));
  const figures: string[] = [];
  const findings = await malformedAtTheEnd(rollbackDatabase, vmms);
  for (const shape of shapes) {
    const title = `${size.toLocaleString("en")} reports ${shape.name}`;
    const { ms, problem } = await compare(rollbackDatabase, shape, vmms, size);
    figures.push(`${title} ${(ms / 1000).toFixed(1)} s`);
    if (problem !== undefined)
      findings.push({ fault: "slow batch", target: "reportVmms", problem: `${title}: ${problem}` });
  }
  return { figures, findings };
}

async function compare(
  rollbackDatabase: RollbackDatabase,
  shape: Shape,
  vmms: readonly Vmm[],
  size: number,
): Promise<Run> {
  const small = await run(rollbackDatabase, shape, vmms, Math.ceil(size / FACTOR));
  const large = await run(rollbackDatabase, shape, vmms, size);
  const times = large.ms / small.ms;
  const isSlow = large.ms > SOON_MS && times > FACTOR * NOISE;
  const problem =
    small.problem ?? large.problem ?? (isSlow ? `${times.toFixed(0)} times as long as a tenth` : undefined);
  return { ms: large.ms, ...(problem !== undefined && { problem }) };
}

async function run(
  rollbackDatabase: RollbackDatabase,
  { reports, outcome }: Shape,
  vmms: readonly Vmm[],
  size: number,
): Promise<Run> {
  const batch = reports(vmms, size);
  const started = performance.now();
  let ms = 0;
  const { answer, error } = await rollbackDatabase.attempt("plain", async (sql) => {
    const answers = await reportVmms(sql, batch);
    ms = performance.now() - started;
    return answers;
  });
  if (error !== undefined)
    return {
      ms: performance.now() - started,
      problem: error instanceof Error ? error.message : inspect(error),
    };
  const answers = answer as ReportVmmsResult[];
  const isInOrder = answers.every(
    ({ ordinal, vmmOutcome }, n) => ordinal === n + 1 && vmmOutcome === outcome,
  );
  return answers.length === size && isInOrder
    ? { ms }
    : { ms, problem: `not every one is ${outcome}, in order` };
}

/** Refused as a whole, naming the one that is wrong. */
async function malformedAtTheEnd(
  rollbackDatabase: RollbackDatabase,
  vmms: readonly Vmm[],
): Promise<Finding[]> {
  const batch = vmms.map((vmm) => ({ ...said, ...vmm, generation: 2 }));
  const broken = { ...said, ...nobody, generation: 0 };
  const { error, changed } = await rollbackDatabase.attempt("plain", (sql) =>
    reportVmms(sql, [...batch, broken]),
  );
  const detail = error instanceof DatabaseError ? error.detail : undefined;
  if (detail?.includes(`Element ${batch.length + 1}:`) && !changed) return [];
  return [
    {
      fault: "wrong answer",
      target: "reportVmms",
      problem: `the last report is malformed: ${String(error)}`,
    },
  ];
}

const nobody = { instanceId: randomUUID(), propolisId: randomUUID() };

function ofOne(vmms: readonly Vmm[], size: number): Vmm[] {
  return Array.from({ length: size }, () => vmms[0] ?? nobody);
}

/** One linked VMM in each of as many instances, as fast as rows can be written: without guards and foreign keys. */
async function createVmms(sql: postgres.Sql, count: number): Promise<Vmm[]> {
  return await sql.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    const vmms = await sql<Vmm[]>`
      insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, time_unlinked)
        select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '::1', gen_random_uuid(), null
          from generate_series(1, ${count}::int)
        returning instance_id as "instanceId", id as "propolisId"`;
    await sql`
      insert into vmstate.instance (id, project_id, name, state, active_propolis_id, intended_state)
        select v.instance_id, gen_random_uuid(), 'web', 'vmm', v.id, 'running' from vmstate.vmm as v`;
    return [...vmms];
  });
}
