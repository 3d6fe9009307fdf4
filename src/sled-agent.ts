import type { ReportVmmAnswer, ReportVmmsAnswer } from "./answers.js";
import type { ReportVmmArguments } from "./generated.js";
import { manyRows, oneRow, type SqlClient } from "./rows.js";

/** A sled agent reports one VMM, and optionally the side of a migration into it and of one out of it. */
export function reportVmm(sql: SqlClient, a: ReportVmmArguments): Promise<ReportVmmAnswer> {
  return oneRow(sql`select row_to_json(r)::text from vmstate.report_vmm(
    ${a.instanceId}, ${a.propolisId}, ${a.state}, ${a.generation}, ${a.time},
    ${a.migrationInId ?? null}, ${a.migrationInState ?? null}, ${a.migrationInGeneration ?? null},
    ${a.migrationInTime ?? null}, ${a.migrationOutId ?? null}, ${a.migrationOutState ?? null},
    ${a.migrationOutGeneration ?? null}, ${a.migrationOutTime ?? null}) as r`);
}

/** Many reports in one call; the answers are in their order. */
export function reportVmms(
  sql: SqlClient,
  reports: readonly ReportVmmArguments[],
): Promise<ReportVmmsAnswer[]> {
  return manyRows(
    sql`select row_to_json(r)::text from vmstate.report_vmms(${JSON.stringify(reports.map(toElement))}::text::jsonb) as r`,
  );
}

function toElement(a: ReportVmmArguments): Record<string, unknown> {
  return {
    instance_id: a.instanceId,
    propolis_id: a.propolisId,
    state: a.state,
    generation: a.generation,
    time: a.time,
    migration_in_id: a.migrationInId,
    migration_in_state: a.migrationInState,
    migration_in_generation: a.migrationInGeneration,
    migration_in_time: a.migrationInTime,
    migration_out_id: a.migrationOutId,
    migration_out_state: a.migrationOutState,
    migration_out_generation: a.migrationOutGeneration,
    migration_out_time: a.migrationOutTime,
  };
}
