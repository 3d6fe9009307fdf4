import type postgres from "postgres";
import { randomUUID } from "node:crypto";
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
        parsing(narrow.sql, size),
      ],
      check: () => checkFleets(stage),
    });
  };
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
