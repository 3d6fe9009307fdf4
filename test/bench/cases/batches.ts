import type postgres from "postgres";
import { randomUUID } from "node:crypto";
import type { Report } from "../alternatives/alternative.js";
import type { Fleet } from "../fleet.js";
import type { Entry } from "../measure.js";
import { type Case, checkFleets, fleetOf, runCase } from "./case.js";

const ROUNDS = 5_000;

/** So many VMMs in one transaction. */
export function batches(size: number): Case {
  return (stage) => {
    const { narrow, fleets } = stage;
    const single = narrow.all.find(({ name }) => name === "vmstate");
    return runCase(stage, {
      id: `batch-${size}`,
      title: `${size} reports in one transaction`,
      unit: "reports",
      base: "bare statement",
      rounds: Math.min(150, Math.max(15, ROUNDS / size)),
      entries: [
        ...narrow.all.flatMap((alternative) => {
          const { name, reports } = alternative;
          if (reports === undefined) return [];
          return [{ name, size, call: () => reports(fleetOf(stage, alternative).batch(size)) }];
        }),
        ...(single === undefined
          ? []
          : [
              {
                name: "vmstate, one by one",
                size: 1,
                call: () => single.report(fleets.vmstate.health()),
              },
            ]),
        ...functions(narrow.sql, size, fleets.vmstate),
        parsing(narrow.sql, size),
      ],
      check: () => checkFleets(stage),
    });
  };
}

/** The function for arrays and the one for JSON by themselves: what the wrapper of the first adds is the rest. */
function functions(sql: postgres.ISql, size: number, fleet: Fleet): Entry[] {
  const column = <T>(reports: readonly Report[], value: (report: Report) => T): T[] => reports.map(value);
  const requireNone = ({ count }: { count: number }): void => {
    if (count > 0) throw new Error(`${count} reports were not applied`);
  };
  const byArrays = async (): Promise<void> => {
    const reports = fleet.batch(size);
    requireNone(
      await sql`
        select ordinal from vmstate.report_vmm_batch(
          ${column(reports, (r) => r.instanceId)}::uuid[], ${column(reports, (r) => r.propolisId)}::uuid[],
          ${column(reports, (r) => r.state)}::text[]::vmstate.reported_vmm_state[],
          ${column(reports, (r) => r.generation)}::bigint[],
          ${column(reports, (r) => r.time.toISOString())}::timestamptz[])`,
    );
  };
  const byJson = async (): Promise<void> => {
    const elements = fleet.batch(size).map(({ instanceId, propolisId, state, generation, time }) => ({
      ...{ instance_id: instanceId, propolis_id: propolisId, state, generation, time },
    }));
    requireNone(
      await sql`
        select ordinal from vmstate.report_vmms(${JSON.stringify(elements)}::text::jsonb) where vmm_outcome <> 'applied'`,
    );
  };
  return [
    { name: "select report_vmm_batch(…)", size, call: byArrays },
    { name: "select report_vmms(…)", size, call: byJson },
  ];
}

/** What of a batch is its JSON on the way in: sent, and made reports of. */
function parsing(sql: postgres.ISql, size: number): Entry {
  const report = (): object => ({
    instance_id: randomUUID(),
    propolis_id: randomUUID(),
    state: "running",
    generation: 2,
    time: new Date(),
  });
  const reports = Array.from({ length: size }, report);
  return {
    name: "only parsed",
    size,
    call: () => sql`
      select cardinality(vmstate.parse_batch(${JSON.stringify(reports)}::text::jsonb))`,
  };
}
