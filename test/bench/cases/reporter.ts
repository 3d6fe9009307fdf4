import { median } from "simple-statistics";
import { reporter, reportVmm, type ReportVmmArguments, type ReportVmmResult } from "../../../src/index.js";
import { next } from "../fleet.js";
import type { Entry } from "../measure.js";
import { type Case, checkFleets, runCase } from "./case.js";

/** The name of the entry whose callers share no statement. */
export const SINGLE = "reportVmm";
export const GATHERED = "reporter";

type Report = (a: ReportVmmArguments) => Promise<ReportVmmResult>;

/**
 * So many callers at once, over one pool: each reports VMMs of its own, and makes its next report when it has the verdict.
 */
export function reporterCase(callers: number): Case {
  return async (stage) => {
    const { random, wide, writers } = stage;
    const fleet = stage.fleets.vmstate;
    const each = Math.min(20, Math.max(4, Math.round(1_024 / callers)));
    const shares = Array.from({ length: callers }, (_, n) => fleet.share(callers, n));
    const latencies = new Map<string, number[]>();
    const entry = (name: string, report: Report): Entry => {
      const micros: number[] = [];
      latencies.set(name, micros);
      const call = async (_: unknown, caller: number): Promise<void> => {
        const share = shares[caller] ?? [];
        for (let n = 0; n < each; n++) {
          // A fleet of a test has fewer VMMs than callers.
          const member = share[random.below(Math.max(1, share.length))] ?? fleet.pick();
          const started = performance.now();
          await report(next(member, "running"));
          micros.push(1_000 * (performance.now() - started));
        }
      };
      return { name, size: callers * each, call: () => Promise.all(shares.map(call)) };
    };
    const gathering = reporter(wide.sql);
    const raced = await runCase(stage, {
      id: `reporter-${callers}`,
      title: `${callers} callers that report one VMM at a time`,
      unit: "reports",
      base: SINGLE,
      rounds: 60,
      connections: writers,
      entries: [entry(SINGLE, (a) => reportVmm(wide.sql, a)), entry(GATHERED, gathering.report)],
      check: () => checkFleets(stage),
    });
    await gathering.close();
    for (const [name, micros] of latencies) raced.counts.set(name, { "p50 µs of a report": median(micros) });
    return raced;
  };
}
