import { ProblemLog } from "../../../src/simulator/problem-log.js";

const nouns = {
  crashes: ["server crash", "server crashes"],
  deaths: ["client death", "client deaths"],
  terminations: ["backend terminated", "backends terminated"],
  cancellations: ["statement cancelled", "statements cancelled"],
  timeouts: ["timeout", "timeouts"],
  exhaustions: ["connection exhaustion", "connection exhaustions"],
  retries: ["serialization failure retried", "serialization failures retried"],
  dumps: ["dump", "dumps"],
} as const;

/** What is counted. */
export type Counted = keyof typeof nouns;

/** Counts the faults of a run, and lists what they broke. */
export class Totals {
  /** Acknowledged writes that the database does not have. */
  readonly lost = new ProblemLog();
  /** Rows that break an invariant. */
  readonly violations = new ProblemLog();
  /** Other wrong results. */
  readonly wrong = new ProblemLog();
  /** Parts for which this machine lacks something. */
  readonly skipped: string[] = [];
  acknowledged = 0;
  /** Calls that a fault kept from being answered. */
  interrupted = 0;
  /** The number of interrupted calls that were committed all the same. */
  unheard = 0;
  readonly #counts = new Map<Counted, number>();

  count(what: Counted, times = 1): void {
    this.#counts.set(what, this.countOf(what) + times);
  }

  countOf(what: Counted): number {
    return this.#counts.get(what) ?? 0;
  }

  get failures(): number {
    return this.lost.count + this.violations.count + this.wrong.count;
  }

  /** The first problems, a line each. */
  problems(): string[] {
    const { lost, violations, wrong } = this;
    return Object.entries({ lost, violated: violations, wrong }).flatMap(([kind, { first }]) =>
      first.map((line) => `${kind}: ${line}`),
    );
  }

  /** On one line. */
  figures(): string {
    const faults = Object.entries(nouns).map(([what, [one, many]]) => {
      const times = this.countOf(what as Counted);
      return `${number(times)} ${times === 1 ? one : many}`;
    });
    const outcome = [
      `${number(this.acknowledged)} acknowledged writes`,
      `${number(this.interrupted)} calls interrupted`,
      `${number(this.unheard)} of them committed all the same`,
      `${number(this.lost.count)} lost`,
      `${number(this.violations.count)} violations`,
      `${number(this.wrong.count)} wrong`,
    ];
    const skipped = this.skipped.map((part) => `, skipped ${part}`);
    return `${faults.join(", ")}; ${outcome.join(", ")}${skipped.join("")}`;
  }
}

function number(value: number): string {
  return value.toLocaleString("en");
}
