import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import {
  beginUpdate,
  commitUpdate,
  failVmm,
  reportVmm,
  type ReportedVmmState,
  type ReportVmmArguments,
  type CommitUpdateResult,
  type FailVmmResult,
  type ReportVmmResult,
} from "../../../src/index.js";
import { applied, migrating, say, type Scenario } from "../scenario.js";
import type { Act } from "./sessions.js";

export const report = (
  { instanceId }: Scenario,
  propolisId: string,
  state: ReportedVmmState,
  generation: number,
): ReportVmmArguments => ({ instanceId, propolisId, state, generation, time: new Date() });

export const reporting =
  (
    s: Scenario,
    state: ReportedVmmState,
    generation: number,
    propolisId = s.propolisId,
  ): Act<ReportVmmResult> =>
  (sql) =>
    reportVmm(sql, report(s, propolisId, state, generation));

/** The side of the migration that the destination (or the source) reports, with its VMM running. */
export const completing =
  (s: Scenario, side: "in" | "out"): Act<ReportVmmResult> =>
  (sql) =>
    reportVmm(sql, {
      ...report(s, side === "in" ? s.destinationId : s.propolisId, "running", 9),
      ...(side === "in"
        ? {
            migrationInId: s.migrationId,
            migrationInState: "completed",
            migrationInGeneration: 9,
            migrationInTime: new Date(),
          }
        : {
            migrationOutId: s.migrationId,
            migrationOutState: "completed",
            migrationOutGeneration: 9,
            migrationOutTime: new Date(),
          }),
    });

export const failing =
  ({ instanceId, propolisId }: Scenario, expectedGeneration?: number): Act<FailVmmResult> =>
  (sql) =>
    failVmm(sql, { instanceId, propolisId, reason: "operator", expectedGeneration });

/** Takes the updater lock; the returned act commits its plan. */
export async function updating(sql: postgres.Sql, s: Scenario): Promise<Act<CommitUpdateResult>> {
  const sagaId = randomUUID();
  const { updaterGeneration, planToken } = await applied(
    beginUpdate(sql, { instanceId: s.instanceId, sagaId, lease: "1 hour" }),
  );
  return (sql) => commitUpdate(sql, { instanceId: s.instanceId, sagaId, updaterGeneration, planToken });
}

/** A running source; a migration whose destination reported that it failed, so that the plan is to clear its ids. */
export async function failedMigration(sql: postgres.Sql): Promise<Scenario> {
  const s = await migrating(sql);
  await say(sql, s, "destination", "running", "failed");
  return s;
}
