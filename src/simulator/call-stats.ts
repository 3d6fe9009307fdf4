import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** What became of the calls of one verb, and how long they took. */
export interface VerbFigures {
  /** As the function or view is called in the database. */
  verb: string;
  calls: number;
  /** Milliseconds, as the caller waited. */
  p50: number;
  p99: number;
  /** How often each outcome came, by name. A call with several verdicts counts once for each. */
  outcomes: Record<string, number>;
}

interface VerbStats {
  calls: number;
  outcomes: Map<string, number>;
  microseconds: RecordableHistogram;
}

const MINUTE_IN_MICROSECONDS = 60_000_000;

/** Counts calls by verb and outcome. */
export class CallStats {
  readonly #verbs = new Map<string, VerbStats>();

  record(verb: string, outcomes: readonly string[], milliseconds: number): void {
    const stats = this.#statsOf(verb);
    stats.calls++;
    const microseconds = Math.min(Math.round(milliseconds * 1000), MINUTE_IN_MICROSECONDS);
    stats.microseconds.record(Math.max(microseconds, 1));
    for (const outcome of outcomes) stats.outcomes.set(outcome, (stats.outcomes.get(outcome) ?? 0) + 1);
  }

  /** Returns the figures of each verb, sorted by name. */
  figures(): VerbFigures[] {
    return [...this.#verbs]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([verb, { calls, outcomes, microseconds }]) => ({
        verb,
        calls,
        p50: microseconds.percentile(50) / 1000,
        p99: microseconds.percentile(99) / 1000,
        outcomes: Object.fromEntries([...outcomes].sort()),
      }));
  }

  #statsOf(verb: string): VerbStats {
    let stats = this.#verbs.get(verb);
    if (stats === undefined) {
      const microseconds = createHistogram({ highest: MINUTE_IN_MICROSECONDS });
      stats = { calls: 0, outcomes: new Map(), microseconds };
      this.#verbs.set(verb, stats);
    }
    return stats;
  }
}
