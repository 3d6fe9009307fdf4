import type { Caller } from "./caller.js";
import { judge, type Report, type ReportOutcome, type Verdict } from "./model.js";
import { toArguments } from "./sled-agent.js";

const BATCH = 16;

/** From early to late: what becomes of a report that comes too late only moves on from one to the next. */
const FATES = ["stale", "terminal", "gone"] as const satisfies readonly ReportOutcome[];

interface Letter {
  report: Report;
  posted: Verdict;
}

/** Reports of many VMs that come late, in batches of one call: nothing that they say may be applied any more. */
export class Post {
  readonly #caller: Caller;
  #letters: Letter[] = [];

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** @param report one that would not be applied now */
  async add(report: Report): Promise<void> {
    this.#letters.push({ report, posted: judge(report) });
    if (this.#letters.length >= BATCH) await this.deliver();
  }

  /** @throws Unexpected when one was taken for news */
  async deliver(): Promise<void> {
    const letters = this.#letters;
    this.#letters = [];
    const reports = letters.map(({ report }) => toArguments(report));
    const answers = await this.#caller.ask("reportVmms", reports);
    for (const [n, { report, posted }] of letters.entries()) {
      const now = judge(report);
      const isLate = (column: "vmmOutcome" | "migrationInOutcome" | "migrationOutOutcome"): boolean =>
        isBetween(answers[n]?.[column], posted[column], now[column]);
      const areLate = isLate("vmmOutcome") && isLate("migrationInOutcome") && isLate("migrationOutOutcome");
      const isQuiet = answers[n]?.updateNeeded === false;
      const expected = `${JSON.stringify(posted)} to ${JSON.stringify(now)}`;
      this.#caller.require(areLate && isQuiet, "reportVmms", toArguments(report), answers[n], expected);
    }
  }
}

/** Its VM may have lived on between the post and the answer. */
function isBetween(outcome: unknown, earliest: ReportOutcome | null, latest: ReportOutcome | null): boolean {
  if (outcome === earliest || outcome === latest) return true;
  const fates: readonly unknown[] = FATES;
  return fates.indexOf(outcome) > fates.indexOf(earliest) && fates.indexOf(outcome) < fates.indexOf(latest);
}
