import type { ReportVmmArguments } from "../generated.js";
import type { ReportVmmResult } from "../results.js";

/** A report without an answer, and its caller. */
export interface PendingReport {
  report: ReportVmmArguments;
  /** The VMM, always spelled alike. */
  vmm: string;
  resolve: (result: ReportVmmResult) => void;
  reject: (error: unknown) => void;
}

/** The reports of one VMM, in the order in which they came. */
type Lane = PendingReport[];

/**
 * From so many reports on, the reports of a VMM are sent together.
 *
 * PostgreSQL takes about twice as long for each report of a batch that names some VMM twice. So a VMM is in a batch once,
 * and its next report waits for the next batch; but one at a time is slower yet when many callers report one VMM.
 */
const CROWD = 4;

/** Reports that were not sent yet. Those of a VMM leave in the order in which they came, and never in two batches at once. */
export class ReportQueue {
  /** How many reports wait. */
  size = 0;
  /** By VMM: those with reports that wait, and those that are in a batch under way. */
  readonly #lanes = new Map<string, Lane>();
  /** Of VMMs that are in no batch, the longest wait first. */
  readonly #ready = new Set<Lane>();
  /** The same, of VMMs whose reports are sent together. */
  readonly #crowded = new Set<Lane>();
  #lastWasCrowded = false;

  add(pending: PendingReport): void {
    let lane = this.#lanes.get(pending.vmm);
    if (lane === undefined) {
      lane = [];
      this.#lanes.set(pending.vmm, lane);
      this.#ready.add(lane);
    }
    lane.push(pending);
    this.size++;
    if (lane.length >= CROWD && this.#ready.delete(lane)) this.#crowded.add(lane);
  }

  /** Takes the next batch: one report of each VMM, or all reports of VMMs that have many. The two kinds take turns. */
  take(max: number): PendingReport[] {
    const crowded = this.#crowded.size > 0 && !(this.#lastWasCrowded && this.#ready.size > 0);
    this.#lastWasCrowded = crowded;
    const lanes = crowded ? this.#crowded : this.#ready;
    const batch: PendingReport[] = [];
    for (const lane of lanes) {
      if (batch.length === max) break;
      lanes.delete(lane);
      for (const pending of lane.splice(0, crowded ? max - batch.length : 1)) batch.push(pending);
    }
    this.size -= batch.length;
    return batch;
  }

  /** Lets the VMMs of a batch into further batches: the batch has its answers. */
  release(batch: readonly PendingReport[]): void {
    for (const { vmm } of batch) {
      const lane = this.#lanes.get(vmm);
      if (lane === undefined) continue;
      if (lane.length === 0) this.#lanes.delete(vmm);
      else (lane.length < CROWD ? this.#ready : this.#crowded).add(lane);
    }
  }
}
