import { VmstateError } from "../errors/vmstate-error.js";
import type { ReportVmmArguments } from "./generated.js";
import { Gatherer } from "./reporter/gatherer.js";
import type { ReportVmmResult } from "./results.js";
import type { SqlClient } from "./sql-client.js";

/** How much a {@link reporter} sends at once and keeps. Both are whole numbers from 1. */
export interface ReporterOptions {
  /**
   * Most reports in one batch. Default: 500.
   *
   * The batch locks its VMMs until it commits, so a larger batch keeps other verbs on these VMMs waiting longer.
   */
  maxBatch?: number | undefined;
  /**
   * Most reports in the queue, those that were sent not counted. Default: 10,000.
   *
   * A report beyond it waits for room, in the order of the calls; none is dropped.
   */
  maxQueue?: number | undefined;
}

/** Takes reports of VMMs one by one and sends them in batches; {@link reporter} makes one. */
export interface Reporter {
  /**
   * Reports one VMM as {@link reportVmm} does, and resolves to the same verdict.
   *
   * The verdict comes after the commit of the batch. Of several reports of one VMM, later calls are judged after earlier
   * ones. The report is taken as it is at the time of the call. When the queue is full, the call waits for room.
   *
   * @throws what {@link reportVmm} throws, for the wrong report alone
   * @throws the error of the client, when the connection is lost before the answer arrives: report again, a replay is safe
   * @throws VmstateError when the report has an unknown key, or after {@link Reporter.close}
   */
  report: (a: ReportVmmArguments) => Promise<ReportVmmResult>;
  /**
   * Resolves once the queue has room for another report.
   *
   * For a source that goes on without waiting for verdicts: it waits for room before it makes the next report, so that
   * what is not sent yet does not fill the memory.
   */
  ready: () => Promise<void>;
  /**
   * Refuses further reports and resolves when every report before has its verdict or its error.
   *
   * Never rejects, may be called again, and leaves the client open.
   */
  close: () => Promise<void>;
}

/**
 * Gathers reports that are made at the same time into batches.
 *
 * For a service in which many callers report one VMM each: while a batch is under way, the reports that come are gathered
 * into the next one, so that they share a statement and a commit. No timer is involved: a report that finds nothing under
 * way is sent in the same turn of the event loop, and alone it is a plain {@link reportVmm}.
 *
 * At most two batches are under way at once, and a VMM is in one of them only. A batch that is refused because of one
 * report writes nothing and is sent again in parts, so that the wrong report fails alone.
 *
 * @param sql a pool or a connection, and no transaction: an error would end the transaction for every other report
 */
export function reporter(sql: SqlClient, options: ReporterOptions = {}): Reporter {
  const maxBatch = wholeNumber("maxBatch", options.maxBatch ?? 500);
  const maxQueue = wholeNumber("maxQueue", options.maxQueue ?? 10_000);
  const gatherer = new Gatherer(sql, { maxBatch, maxQueue });
  return {
    report: (a) => gatherer.report(a),
    ready: () => gatherer.ready(),
    close: () => gatherer.close(),
  };
}

function wholeNumber(name: keyof ReporterOptions, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new VmstateError(`reporter: ${name} must be a whole number from 1, not ${String(value)}`);
}
