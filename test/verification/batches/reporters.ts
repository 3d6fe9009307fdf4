import type postgres from "postgres";
import {
  purge,
  type ReportVmmArguments,
  reportVmm,
  reportVmms,
  type ReportVmmsResult,
  runUpdate,
} from "../../../src/index.js";
import type { Random } from "../../../src/simulator/random.js";
import { makeDeletedRowsOld } from "../../support/deleted-rows.js";
import { reportMoving, type SteadyVmms } from "./targets.js";

/** Half of a batch is of VMMs whose reports are all known, the other half of VMMs that every verb may touch. */
const HALF = 20;
/** More than the hour that purge requires, and less than the age of what makeDeletedRowsOld made old. */
const TWO_HOURS_MS = 7_200_000;
/** How many rows one call purges: few, so that later calls find some, too. */
const PURGED = 50;

/** A time in a form that only the JSON call takes: a batch with it is sent as JSON. */
const JSON_TIME = "2026-01-01 00:00:00+00";

/** The ways in which the database takes a batch. */
export const FORMS = ["arrays", "JSON", "a VMM twice", "migration parts"] as const;
export type Form = (typeof FORMS)[number];

/** What reporters have sent. */
export interface Sent {
  reports: number;
  batches: number;
}

/** Sends one batch of that form, a single report and an update, and now and then purges; counts the reports. */
export async function reportOnce(
  sql: postgres.Sql,
  form: Form,
  steady: SteadyVmms,
  random: Random,
  sent: Sent,
): Promise<void> {
  const time = form === "arrays" ? new Date() : JSON_TIME;
  const reports = shuffled(await makeReports(sql, form, steady, random, time), random);
  steady.send(reports);
  requireAnswers(reports, await reportVmms(sql, reports));
  const single = steady.report(random, time);
  steady.send([single]);
  await reportVmm(sql, single);
  sent.reports += reports.length + 1;
  sent.batches++;
  await runUpdate(sql, { instanceId: steady.pick(random).instanceId, sagaId: crypto.randomUUID() });
  if (random.below(10) > 0) return;
  await makeDeletedRowsOld(sql);
  await purge(sql, { before: new Date(Date.now() - TWO_HOURS_MS), limit: PURGED });
}

async function makeReports(
  sql: postgres.Sql,
  form: Form,
  steady: SteadyVmms,
  random: Random,
  time: Date | string,
): Promise<ReportVmmArguments[]> {
  const own = Array.from({ length: HALF }, () => steady.report(random, time));
  const options = { time, sides: form === "migration parts" };
  const reports = [...own, ...(await reportMoving(sql, HALF, steady, random, options))];
  if (form === "a VMM twice") return reports;
  return [...new Map(reports.map((report) => [report.propolisId, report])).values()];
}

/** @throws Error unless there is one answer for each report, in the order of the reports */
function requireAnswers(reports: readonly ReportVmmArguments[], answers: readonly ReportVmmsResult[]): void {
  const hold = reports.every(({ propolisId }, at) => {
    const answer = answers[at];
    return answer?.ordinal === at + 1 && answer.propolisId === propolisId;
  });
  if (!hold || answers.length !== reports.length)
    throw new Error(`${answers.length} answers to ${reports.length} reports, or in another order`);
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
