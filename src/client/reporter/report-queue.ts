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
type VmmQueue = PendingReport[];

/**
 * How many reports of one VMM have to wait before they are sent in one batch.
 *
 * PostgreSQL takes about twice as long for each report of a batch that names some VMM twice. So a VMM is in a batch once,
 * and its next report waits for the next batch; but one at a time is slower yet when many callers report one VMM.
 */
const BACKLOG = 4;

/** Reports that were not sent yet. Those of a VMM leave in the order in which they came, and never in two batches at once. */
export class ReportQueue {
  /** How many reports wait. */
  size = 0;
  /** By VMM: those with reports that wait, and those that are in a batch under way. */
  readonly #byVmm = new Map<string, VmmQueue>();
  /** Of VMMs that are in no batch, the longest wait first. */
  readonly #ready = new Set<VmmQueue>();
  /** The same, of VMMs whose reports are sent together. */
  readonly #backlogged = new Set<VmmQueue>();
  #lastWasBacklog = false;

  add(pending: PendingReport): void {
    let queue = this.#byVmm.get(pending.vmm);
    if (queue === undefined) {
      queue = [];
      this.#byVmm.set(pending.vmm, queue);
      this.#ready.add(queue);
    }
    queue.push(pending);
    this.size++;
    if (queue.length >= BACKLOG && this.#ready.delete(queue)) this.#backlogged.add(queue);
  }

  /** Takes the next batch: one report of each VMM, or all reports of VMMs that have many. The two kinds take turns. */
  take(max: number): PendingReport[] {
    const isBacklog = this.#backlogged.size > 0 && !(this.#lastWasBacklog && this.#ready.size > 0);
    this.#lastWasBacklog = isBacklog;
    const queues = isBacklog ? this.#backlogged : this.#ready;
    const batch: PendingReport[] = [];
    for (const queue of queues) {
      if (batch.length === max) break;
      queues.delete(queue);
      for (const pending of queue.splice(0, isBacklog ? max - batch.length : 1)) batch.push(pending);
    }
    this.size -= batch.length;
    return batch;
  }

  /** Lets the VMMs of a batch into further batches: the batch has its answers. */
  release(batch: readonly PendingReport[]): void {
    for (const { vmm } of batch) {
      const queue = this.#byVmm.get(vmm);
      if (queue === undefined) continue;
      if (queue.length === 0) this.#byVmm.delete(vmm);
      else (queue.length < BACKLOG ? this.#ready : this.#backlogged).add(queue);
    }
  }
}
