import type { ReportVmmResult, ReportVmmsResult } from "./results.js";
import { typedError } from "../errors/typed-error.js";
import { requireArguments, requireOnly } from "./arguments.js";
import { ARGUMENTS, type ReportVmmArguments } from "./generated.js";
import { timeText } from "./parameters.js";
import { oneRow, rowsByColumn } from "./rows.js";
import type { SqlClient } from "./sql-client.js";
import { type Statement, statement } from "./statement.js";

/** Reports one VMM, and optionally its side of a migration into and out of it. */
export async function reportVmm(sql: SqlClient, a: ReportVmmArguments): Promise<ReportVmmResult> {
  // An unknown key is refused as well: a misspelt key would silently drop a part of a report.
  requireOnly("reportVmm", a, ARGUMENTS.reportVmm);
  try {
    return await oneRow(sql, isOfVmmAlone(a) ? vmmReport(a) : fullReport(a));
  } catch (error) {
    throw typedError("reportVmm", error);
  }
}

/**
 * Tells whether a report has no migration part.
 *
 * Most reports have none, and are sent with eight parameters less.
 */
function isOfVmmAlone(a: ReportVmmArguments): boolean {
  const inward = a.migrationInId ?? a.migrationInState ?? a.migrationInGeneration ?? a.migrationInTime;
  const outward = a.migrationOutId ?? a.migrationOutState ?? a.migrationOutGeneration ?? a.migrationOutTime;
  return (inward ?? outward ?? null) === null;
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
  const elements = toJson(Array.isArray(reports) ? reports.map(toElement) : reports);
  try {
    return await rowsByColumn(sql, batchOf(elements));
  } catch (error) {
    throw typedError("reportVmms", error);
  }
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
