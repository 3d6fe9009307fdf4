import { sqlStateOf } from "../../errors/sql-state.js";
import { VmstateError } from "../../errors/vmstate-error.js";
import type { ReportVmmResult, ReportVmmsResult } from "../results.js";
import { reportVmm, reportVmms } from "../sled-agent.js";
import type { SqlClient } from "../sql-client.js";
import type { PendingReport } from "./report-queue.js";

/** Into how many parts a refused batch is cut: one wrong report among 500 costs about 30 calls more. */
const PARTS = 10;

/**
 * SQLSTATEs of errors that one report can cause for its whole batch.
 *
 * Wrong data (22), a constraint (23), a conflict of transactions (40), misuse (VM), a VMM of another sled (42501), and a
 * row that is locked for too long (55P03, 57014). Any other error, as of a lost connection, is not the fault of a report.
 */
const OF_ONE_REPORT = /^(?:(?:22|23|40|VM)...|42501|55P03|57014)$/;

/**
 * Sends a batch and answers each of its callers; never rejects.
 *
 * PostgreSQL has written nothing of a batch that it refuses. So the parts are sent again, one after the other because
 * several reports may be of one VMM, until the wrong report is alone and fails as a `reportVmm`.
 */
export async function sendBatch(sql: SqlClient, batch: readonly PendingReport[]): Promise<void> {
  try {
    for (const { pending, result } of await answersOf(sql, batch)) pending.resolve(result);
  } catch (error) {
    if (batch.length > 1 && OF_ONE_REPORT.test(sqlStateOf(error))) await sendParts(sql, batch);
    else for (const { reject } of batch) reject(error);
  }
}

interface Answer {
  pending: PendingReport;
  result: ReportVmmResult;
}

async function answersOf(sql: SqlClient, batch: readonly PendingReport[]): Promise<Answer[]> {
  const [pending] = batch;
  if (pending !== undefined && batch.length === 1)
    return [{ pending, result: await reportVmm(sql, pending.report) }];
  const rows = await reportVmms(
    sql,
    batch.map(({ report }) => report),
  );
  return batch.map((pending, at) => ({ pending, result: toResult(rows[at]) }));
}

async function sendParts(sql: SqlClient, batch: readonly PendingReport[]): Promise<void> {
  const size = Math.ceil(batch.length / PARTS);
  for (let from = 0; from < batch.length; from += size) await sendBatch(sql, batch.slice(from, from + size));
}

/** Leaves out the columns that say which element of the batch a row answers. */
function toResult(row: ReportVmmsResult | undefined): ReportVmmResult {
  if (row === undefined)
    throw new VmstateError("reporter: the client answered fewer rows than it was sent reports");
  const { vmmOutcome, migrationInOutcome, migrationOutOutcome, updateNeeded, state, stateGeneration } = row;
  const result = {
    vmmOutcome,
    migrationInOutcome,
    migrationOutOutcome,
    updateNeeded,
    state,
    stateGeneration,
  };
  return result as ReportVmmResult;
}
