import type { ReportSledResult, ReportVmmResult, ReportVmmsResult } from "./results.js";
import { typedError } from "../errors/typed-error.js";
import { requireArguments, requireOnly } from "./arguments.js";
import { callForRow } from "./call.js";
import { ARGUMENTS, type ReportSledArguments, type ReportVmmArguments } from "./generated.js";
import { timeText } from "./parameters.js";
import { hasNoMigrationPart, type PlainBatch, plainBatchOf } from "./plain-batch.js";
import { oneRow, rowsByColumn } from "./rows.js";
import type { SqlClient } from "./sql-client.js";
import { type Statement, statement } from "./statement.js";

/** Reports one VMM, and optionally its side of a migration into and out of it. */
export async function reportVmm(sql: SqlClient, a: ReportVmmArguments): Promise<ReportVmmResult> {
  // An unknown key is refused as well: a misspelt key would silently drop a part of a report.
  requireOnly("reportVmm", a, ARGUMENTS.reportVmm);
  try {
    return await oneRow(sql, hasNoMigrationPart(a) ? vmmReport(a) : fullReport(a));
  } catch (error) {
    throw typedError("reportVmm", error);
  }
}

function vmmReport(a: ReportVmmArguments): Statement {
  return statement`select pg_catalog.to_json(vmstate.report_vmm(
    ${a.instanceId}, ${a.propolisId}, ${a.state}, ${a.generation},
    ${timeText(a.time)}::pg_catalog.text::pg_catalog.timestamptz))::pg_catalog.text`;
}

function fullReport(a: ReportVmmArguments): Statement {
  return statement`select pg_catalog.to_json(vmstate.report_vmm(
    ${a.instanceId}, ${a.propolisId}, ${a.state}, ${a.generation},
    ${timeText(a.time)}::pg_catalog.text::pg_catalog.timestamptz,
    ${a.migrationInId ?? null}, ${a.migrationInState ?? null}, ${a.migrationInGeneration ?? null},
    ${timeText(a.migrationInTime)}::pg_catalog.text::pg_catalog.timestamptz,
    ${a.migrationOutId ?? null}, ${a.migrationOutState ?? null}, ${a.migrationOutGeneration ?? null},
    ${timeText(a.migrationOutTime)}::pg_catalog.text::pg_catalog.timestamptz))::pg_catalog.text`;
}

/** Reports many VMMs in one call; the answers are in the order of the reports. */
export async function reportVmms(
  sql: SqlClient,
  reports: readonly ReportVmmArguments[],
): Promise<ReportVmmsResult[]> {
  requireArguments("reportVmms", { reports }, ARGUMENTS.reportVmms);
  const elements = Array.isArray(reports) ? reports.map(toElement) : reports;
  const plain = Array.isArray(reports) ? plainBatchOf(reports) : undefined;
  try {
    const batch = plain === undefined ? batchOf(toJson(elements)) : batchOfArrays(plain);
    const answered = await rowsByColumn<ReportVmmsResult>(sql, batch);
    if (answered === undefined) return [];
    return plain === undefined ? answered : allRows(reports, answered);
  } catch (error) {
    throw typedError("reportVmms", error);
  }
}

/**
 * Adds the rows that PostgreSQL leaves out of the answer to arrays.
 *
 * These are of the reports that were applied and make no update necessary: their VMMs stand as reported.
 */
function allRows(reports: readonly ReportVmmArguments[], answered: ReportVmmsResult[]): ReportVmmsResult[] {
  const rows = reports.map(({ instanceId, propolisId, state, generation }, at): ReportVmmsResult => ({
    ...{ ordinal: at + 1, instanceId, propolisId, vmmOutcome: "applied" },
    ...{ migrationInOutcome: null, migrationOutOutcome: null },
    ...{ updateNeeded: false, state, stateGeneration: generation },
  }));
  for (const row of answered) rows[row.ordinal - 1] = row;
  return rows;
}

/**
 * Reports that a sled is alive and has these VMMs in these states, at the cost of one row.
 *
 * {@link sledDigest} makes `vmmCount` and `digest`. After `differs`, report all VMMs of the sled with {@link reportVmms}.
 */
export function reportSled(sql: SqlClient, a: ReportSledArguments): Promise<ReportSledResult> {
  return callForRow(
    sql,
    "reportSled",
    a,
    () => statement`select pg_catalog.to_json(vmstate.report_sled(
    ${a.sledId}, ${a.vmmCount}, ${a.digest}))::pg_catalog.text`,
  );
}

function batchOfArrays({ instanceIds, propolisIds, states, generations, times }: PlainBatch): Statement {
  return statement`
    select pg_catalog.json_build_object(
      'ordinal', pg_catalog.json_agg(r.ordinal), 'instance_id', pg_catalog.json_agg(r.instance_id),
      'propolis_id', pg_catalog.json_agg(r.propolis_id), 'vmm_outcome', pg_catalog.json_agg(r.vmm_outcome),
      'migration_in_outcome', pg_catalog.json_agg(r.migration_in_outcome),
      'migration_out_outcome', pg_catalog.json_agg(r.migration_out_outcome),
      'update_needed', pg_catalog.json_agg(r.update_needed),
      'state', pg_catalog.json_agg(r.state), 'state_generation', pg_catalog.json_agg(r.state_generation)
    )::pg_catalog.text from vmstate.report_vmm_batch(
      ${instanceIds}::pg_catalog.text::pg_catalog.uuid[], ${propolisIds}::pg_catalog.text::pg_catalog.uuid[],
      ${states}::pg_catalog.text::vmstate.reported_vmm_state[], ${generations}::pg_catalog.text::pg_catalog.int8[],
      ${times}::pg_catalog.text::pg_catalog.timestamptz[]) as r`;
}

function batchOf(elements: string): Statement {
  return statement`
    select pg_catalog.json_build_object(
      'ordinal', pg_catalog.json_agg(r.ordinal), 'instance_id', pg_catalog.json_agg(r.instance_id),
      'propolis_id', pg_catalog.json_agg(r.propolis_id), 'vmm_outcome', pg_catalog.json_agg(r.vmm_outcome),
      'migration_in_outcome', pg_catalog.json_agg(r.migration_in_outcome),
      'migration_out_outcome', pg_catalog.json_agg(r.migration_out_outcome),
      'update_needed', pg_catalog.json_agg(r.update_needed),
      'state', pg_catalog.json_agg(r.state), 'state_generation', pg_catalog.json_agg(r.state_generation)
    )::pg_catalog.text from vmstate.report_vmms(${elements}::pg_catalog.text::pg_catalog.jsonb) as r`;
}

/**
 * Converts a report to an element of the batch.
 *
 * What is no report goes as it is, and PostgreSQL refuses it.
 */
function toElement(a: ReportVmmArguments, at: number): unknown {
  if (Object(a) !== a) return a;
  requireOnly("reportVmms", a, ARGUMENTS.reportVmm, `reportVmms: element ${String(at + 1)}`);
  return {
    instance_id: a.instanceId,
    propolis_id: a.propolisId,
    state: a.state,
    generation: a.generation,
    time: timeText(a.time),
    migration_in_id: a.migrationInId,
    migration_in_state: a.migrationInState,
    migration_in_generation: a.migrationInGeneration,
    migration_in_time: timeText(a.migrationInTime),
    migration_out_id: a.migrationOutId,
    migration_out_state: a.migrationOutState,
    migration_out_generation: a.migrationOutGeneration,
    migration_out_time: timeText(a.migrationOutTime),
  };
}

/**
 * Converts elements to JSON, a bigint to text, which PostgreSQL reads as a number.
 *
 * Looks for bigints only when JSON.stringify has thrown because of one: to look in every report would slow down all.
 */
function toJson(reports: unknown): string {
  try {
    return JSON.stringify(reports);
  } catch {
    return JSON.stringify(reports, (_, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    );
  }
}
