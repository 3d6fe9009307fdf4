import type postgres from "postgres";
import { bareStatementsAlternative } from "../alternatives/bare-statements.js";
import type { Alternative, Report, Schema } from "../alternatives/alternative.js";
import { vmstateAlternative, vmstateFunctionAlternative } from "../alternatives/vmstate.js";
import { found } from "../alternatives/store.js";
import { applied } from "../cases/lives.js";
import { createSled } from "../fleet.js";
import { type Call, type Case, repeated, type Stage } from "./case.js";

type Open = (sql: postgres.Sql) => Alternative;

export const BARE: Open = (sql) => bareStatementsAlternative(sql, "bench_plain");

/** One report by an alternative. */
function report(open: Open, schema: Schema, next: "health" | "transition"): Case["calls"] {
  return repeated(({ fleets }) => {
    const each = fleets[schema][next]();
    return (sql) => applied(open(sql).report(each));
  });
}

/** A batch by an alternative. */
function batch(open: Open, schema: Schema, size: number): Case["calls"] {
  return repeated(({ fleets }) => {
    const reports = fleets[schema].batch(size);
    return async (sql) => {
      const written = await found(open(sql).reports)(reports);
      if (written !== size) throw new Error(`${written} of ${size} reports were applied`);
    };
  });
}

/** A health report as a statement that writes two columns and nothing else: what the triggers of the table cost. */
function twoColumns(schema: Schema): Case["calls"] {
  return repeated(({ fleets }: Stage): Call => {
    const { instanceId, propolisId, generation, time }: Report = fleets[schema].health();
    return async (sql) => {
      const { count } = await sql`
        update ${sql(schema)}.vmm set state_generation = ${generation}, time_state_updated = ${time}
        where instance_id = ${instanceId} and id = ${propolisId} and state_generation < ${generation}`;
      if (count !== 1) throw new Error("the report was not applied");
    };
  });
}

/** A sled reports all its VMMs at once, of which none has news. */
function sled(size: number): Case["calls"] {
  return async ({ sql }, count) => {
    const { report } = await createSled(sql, size);
    return Array.from({ length: count }, (): Call => report);
  };
}

/** The sizes of batches, and how many times the instructions of a bare UPDATE each may run. */
const BATCHES = [
  [100, 1 / 0.85],
  [1_000, 1 / 0.8],
] as const;
/** How many VMMs a sled has. */
const SLEDS = [20, 50, 100];

export const REPORT_CASES: readonly Case[] = [
  { id: "select 1", calls: repeated(() => (sql) => sql`select 1`) },
  { id: "health, bare UPDATE", calls: report(BARE, "bench_plain", "health") },
  {
    id: "health, reportVmm",
    base: "health, bare UPDATE",
    most: 1.7,
    calls: report(vmstateAlternative, "vmstate", "health"),
  },
  {
    id: "health, report_vmm()",
    base: "health, bare UPDATE",
    calls: report(vmstateFunctionAlternative, "vmstate", "health"),
  },
  { id: "transition, bare UPDATE", calls: report(BARE, "bench_plain", "transition") },
  {
    id: "transition, reportVmm",
    base: "transition, bare UPDATE",
    calls: report(vmstateAlternative, "vmstate", "transition"),
  },
  { id: "two columns, no guards", calls: twoColumns("bench_plain") },
  { id: "two columns, guards", base: "two columns, no guards", most: 1.2, calls: twoColumns("vmstate") },
  ...BATCHES.flatMap(([size, most]): Case[] => [
    { id: `batch of ${size}, bare unnest`, units: size, calls: batch(BARE, "bench_plain", size) },
    {
      id: `batch of ${size}, reportVmms`,
      base: `batch of ${size}, bare unnest`,
      most,
      units: size,
      calls: batch(vmstateAlternative, "vmstate", size),
    },
  ]),
  ...SLEDS.flatMap((size): Case[] => {
    const base = `batch of ${size}, reportVmms`;
    const calls = batch(vmstateAlternative, "vmstate", size);
    const isNew = BATCHES.every(([other]) => other !== size);
    return [
      ...(isNew ? [{ id: base, units: size, calls }] : []),
      { id: `sled of ${size}, reportSled`, base, most: 1 / 15, units: size, calls: sled(size) },
    ];
  }),
];
