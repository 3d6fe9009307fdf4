import type { Arguments, CheckedClient } from "./checked-client.js";
import { expectedVerdict, type Report, type ReportOutcome, type Verdict } from "./model.js";

/** The report as `report_vmm` takes it. */
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

/** Reports of many VMs that come late, in batches of one call: nothing that they say may be applied any more. */
export class LateReports {
  readonly #client: CheckedClient;
  #waiting: LateReport[] = [];

  constructor(client: CheckedClient) {
    this.#client = client;
  }

  /** @param report one that would not be applied now */
  async add(report: Report): Promise<void> {
    this.#waiting.push({ report, verdictWhenAdded: expectedVerdict(report) });
    if (this.#waiting.length >= BATCH) await this.deliver();
  }

  /** @throws UnexpectedAnswer when one was taken for news */
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
