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

/** What becomes of a report that comes too late only moves on, from one of these to the next. */
const FATES: readonly unknown[] = ["stale", "terminal", "gone"] satisfies ReportOutcome[];

interface LateReport {
  report: Report;
  /** What it would be answered when it was posted. */
  posted: Verdict;
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
    this.#waiting.push({ report, posted: expectedVerdict(report) });
    if (this.#waiting.length >= BATCH) await this.deliver();
  }

  /** @throws Unexpected when one was taken for news */
  async deliver(): Promise<void> {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const reports = waiting.map(({ report }) => toArguments(report));
    const answers = await this.#client.ask("reportVmms", reports);
    for (const [n, { posted }] of waiting.entries()) {
      const expected = `${JSON.stringify(posted)}, or later`;
      this.#client.require(isNoNews(answers[n], posted), "reportVmms", reports[n], answers[n], expected);
    }
  }
}

/** The life of its VM may have gone on between the post and the answer. */
function isNoNews(answer: Partial<Record<keyof Verdict, unknown>> | undefined, posted: Verdict): boolean {
  const columns = ["vmmOutcome", "migrationInOutcome", "migrationOutOutcome"] as const;
  const areLate = columns.every((column) => isLate(answer?.[column], posted[column]));
  return areLate && answer?.updateNeeded === false;
}

function isLate(outcome: unknown, posted: ReportOutcome | null): boolean {
  return posted === null ? outcome === null : FATES.indexOf(outcome) >= FATES.indexOf(posted);
}
