import type { Arguments, CheckedClient } from "./checked-client.js";
import { expectedVerdict, type Report, type ReportOutcome, type Verdict } from "./model.js";

/** Converts a report to the arguments of `report_vmm`. */
export function toArguments({
  instanceId,
  vmm,
  state,
  generation,
  time,
  ...parts
}: Report): Arguments<"reportVmm"> {
  const { migrationIn, migrationOut } = parts;
  return {
    instanceId,
    propolisId: vmm.id,
    state,
    generation,
    time,
    migrationInId: migrationIn?.migration.id,
    migrationInState: migrationIn?.state,
    migrationInGeneration: migrationIn?.generation,
    migrationInTime: migrationIn && time,
    migrationOutId: migrationOut?.migration.id,
    migrationOutState: migrationOut?.state,
    migrationOutGeneration: migrationOut?.generation,
    migrationOutTime: migrationOut && time,
  };
}

const BATCH = 16;

/** Outcomes of a late report: while it waits, its outcome can only move on to a later one of these. */
const LATE_OUTCOMES: readonly unknown[] = ["stale", "terminal", "gone"] satisfies ReportOutcome[];

interface LateReport {
  report: Report;
  /** The verdict that the report would have got when it was added. */
  verdictWhenAdded: Verdict;
}

/**
 * Collects late reports of many VMs, and sends them in batches of one call.
 *
 * Nothing that a late report says may be applied any more.
 */
export class LateReports {
  readonly #client: CheckedClient;
  #waiting: LateReport[] = [];

  constructor(client: CheckedClient) {
    this.#client = client;
  }

  /**
   * Adds a late report, and sends the batch when it is full.
   *
   * @param report one that would not be applied now
   */
  async add(report: Report): Promise<void> {
    this.#waiting.push({ report, verdictWhenAdded: expectedVerdict(report) });
    if (this.#waiting.length >= BATCH) await this.deliver();
  }

  /**
   * Sends the waiting reports in one batch, and checks that none was applied.
   *
   * @throws UnexpectedAnswer when one was taken for news
   */
  async deliver(): Promise<void> {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const reports = waiting.map(({ report }) => toArguments(report));
    const answers = await this.#client.ask("reportVmms", reports);
    for (const [n, { verdictWhenAdded }] of waiting.entries()) {
      const expected = `${JSON.stringify(verdictWhenAdded)}, or later`;
      const isLate = isNoNews(answers[n], verdictWhenAdded);
      this.#client.require(isLate, "reportVmms", reports[n], answers[n], expected);
    }
  }
}

/** Tells whether an answer applies nothing; its VM may have moved on since the report was added. */
function isNoNews(answer: Partial<Record<keyof Verdict, unknown>> | undefined, whenAdded: Verdict): boolean {
  const columns = ["vmmOutcome", "migrationInOutcome", "migrationOutOutcome"] as const;
  const areLate = columns.every((column) => isAsLate(answer?.[column], whenAdded[column]));
  return areLate && answer?.updateNeeded === false;
}

/** Tells whether an outcome is the one expected when the report was added, or a later one. */
function isAsLate(outcome: unknown, whenAdded: ReportOutcome | null): boolean {
  return whenAdded === null
    ? outcome === null
    : LATE_OUTCOMES.indexOf(outcome) >= LATE_OUTCOMES.indexOf(whenAdded);
}
