import { perSecondText } from "../print.js";
import type { CaseResult, EntryResult, Results } from "../results.js";
import { bars, lines } from "./chart.js";

/** The pictures of a run, by file name. */
export function plotsOf(results: Results): Map<string, string> {
  const plot = new Plots(results);
  return new Map([
    ["reports.svg", plot.reports()],
    ["batches.svg", plot.batches()],
    ["reporter.svg", plot.reporter()],
    ["lives.svg", plot.lives()],
    ["writers.svg", plot.writers()],
    ["wal.svg", plot.wal()],
  ]);
}

class Plots {
  readonly #where: string;

  constructor(readonly results: Results) {
    const { machine, rows } = results;
    const { fsync = "?", synchronous_commit = "?" } = machine.settings;
    this.#where =
      `${machine.cpu} x ${machine.cores}, PostgreSQL ${machine.postgresql}, fsync ${fsync}, ` +
      `synchronous_commit ${synchronous_commit}, ${rows} VMMs`;
  }

  reports(): string {
    return this.#speeds("Health reports per second, one connection", ["health-report"]);
  }

  lives(): string {
    return this.#speeds("Per second, one connection", ["start-cycle", "migration-cycle", "unwound-start"]);
  }

  writers(): string {
    return this.#speeds(
      "Reports per second of many writers at once",
      ["many-writers", "one-instance"],
      ({ counts: { lost = 0, acknowledged = 0 } }) => (lost > 0 ? `, ${lost} of ${acknowledged} lost` : ""),
    );
  }

  batches(): string {
    const cases = this.results.cases.filter(({ id }) => id.startsWith("batch-"));
    const reports = this.#case("health-report");
    const sizes = cases.map(({ id }) => Number(id.slice("batch-".length)));
    const names = (cases[0]?.entries ?? [])
      .map(({ name }) => name)
      .filter((name) => !name.includes("one by one") && !name.startsWith("select "));
    return lines({
      title: "VMs per second by the size of the batch",
      subtitle: this.#where,
      xName: "reports in one transaction",
      yName: "VMs/s",
      x: [1, ...sizes],
      series: names.map((name) => ({
        name,
        values: [reports, ...cases].map(({ entries }) => entryOf(entries, name)?.perSecond ?? null),
      })),
    });
  }

  reporter(): string {
    const cases = this.results.cases.filter(({ id }) => id.startsWith("reporter-"));
    return lines({
      title: "Reports per second by the number of callers",
      subtitle: this.#where,
      xName: "callers that report one VMM at a time",
      yName: "reports/s",
      x: cases.map(({ id }) => Number(id.slice("reporter-".length))),
      series: (cases[0]?.entries ?? []).map(({ name }) => ({
        name,
        values: cases.map(({ entries }) => entryOf(entries, name)?.perSecond ?? null),
      })),
    });
  }

  wal(): string {
    const { entries } = this.#case("wal");
    const values = entries.map(({ counts }) => counts["walBytes"] ?? 0);
    return bars({
      title: "Bytes of WAL for a health report",
      subtitle: this.#where,
      names: entries.map(({ name }) => name),
      series: [{ name: "bytes", values, labels: values.map((value) => value.toFixed(0)) }],
    });
  }

  #speeds(title: string, ids: string[], more: (entry: EntryResult) => string = () => ""): string {
    const cases = ids.map((id) => this.#case(id));
    const names = (cases[0]?.entries ?? []).map(({ name }) => name);
    return bars({
      title,
      subtitle: this.#where,
      names,
      series: cases.map(({ title, entries }) => ({
        name: title.replace(/[:,(].*/, ""),
        values: names.map((name) => entryOf(entries, name)?.perSecond ?? 0),
        labels: names.map((name) => {
          const entry = entryOf(entries, name);
          return entry === undefined ? "" : `${label(entry)}${more(entry)}`;
        }),
      })),
    });
  }

  #case(id: string): CaseResult {
    const result = this.results.cases.find((each) => each.id === id);
    if (result === undefined) throw new Error(`there is no case ${id}`);
    return result;
  }
}

function entryOf(entries: readonly EntryResult[], name: string): EntryResult | undefined {
  return entries.find((entry) => entry.name === name);
}

function label({ perSecond, ratio }: EntryResult): string {
  const speed = perSecondText(perSecond);
  return ratio === null ? speed : `${speed}  (${ratio.median.toFixed(2)} x)`;
}
