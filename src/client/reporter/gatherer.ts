import { VmstateError } from "../../errors/vmstate-error.js";
import { requireOnly } from "../arguments.js";
import { ARGUMENTS, type ReportVmmArguments } from "../generated.js";
import { copyReport } from "../report-arguments.js";
import type { ReportVmmResult } from "../results.js";
import type { SqlClient } from "../sql-client.js";
import { type PendingReport, ReportQueue } from "./report-queue.js";
import { sendBatch } from "./send-batch.js";

/** While PostgreSQL works on one batch, the client reads the answers of the other. A third one gained nothing. */
const MAX_IN_FLIGHT = 2;

/** A queue of more reports than this is divided among the batches that may be sent now, so that two sessions work on it. */
const UNDIVIDED = 32;

interface Limits {
  maxBatch: number;
  maxQueue: number;
}

/** Queues reports, sends them in batches, and counts those that have no answer yet. */
export class Gatherer {
  readonly #queue = new ReportQueue();
  /** The callbacks of calls that wait for room in the queue, in the order of the calls. Empty unless the queue is full. */
  readonly #waitingForRoom = new Set<() => void>();
  readonly #closing: (() => void)[] = [];
  #unanswered = 0;
  #inFlight = 0;
  #scheduled = false;
  #closed = false;

  constructor(
    readonly sql: SqlClient,
    readonly limits: Limits,
  ) {}

  async report(a: ReportVmmArguments): Promise<ReportVmmResult> {
    this.#requireOpen();
    requireOnly("reportVmm", a, ARGUMENTS.reportVmm);
    const report = copyReport(a);
    const vmm = nameOf(report.propolisId);
    this.#unanswered++;
    return await new Promise((resolve, reject) => {
      this.#whenRoom(() => this.#queue.add({ report, vmm, resolve, reject }));
      this.#schedule();
    });
  }

  async ready(): Promise<void> {
    this.#requireOpen();
    await new Promise<void>((resolve) => this.#whenRoom(resolve));
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#unanswered > 0) await new Promise<void>((resolve) => this.#closing.push(resolve));
  }

  #requireOpen(): void {
    if (this.#closed) throw new VmstateError("reporter: it is closed, and takes no further reports");
  }

  #whenRoom(act: () => void): void {
    if (this.#hasRoom()) act();
    else this.#waitingForRoom.add(act);
  }

  #hasRoom(): boolean {
    return this.#queue.size < this.limits.maxQueue;
  }

  /** Sends at the end of this turn, so that all callers whose requests arrived in one turn share a batch. */
  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= MAX_IN_FLIGHT) return;
    this.#scheduled = true;
    atEndOfTurn(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    while (this.#inFlight < MAX_IN_FLIGHT) {
      const share = Math.ceil(this.#queue.size / (MAX_IN_FLIGHT - this.#inFlight));
      const batch = this.#queue.take(Math.min(this.limits.maxBatch, Math.max(UNDIVIDED, share)));
      if (batch.length === 0) return;
      void this.#settle(batch);
      this.#admitWaiting();
    }
  }

  #admitWaiting(): void {
    for (const act of this.#waitingForRoom) {
      if (!this.#hasRoom()) return;
      this.#waitingForRoom.delete(act);
      act();
    }
  }

  async #settle(batch: readonly PendingReport[]): Promise<void> {
    this.#inFlight++;
    await sendBatch(this.sql, batch);
    this.#inFlight--;
    this.#queue.release(batch);
    this.#schedule();
    this.#unanswered -= batch.length;
    if (this.#unanswered === 0) for (const resolve of this.#closing) resolve();
  }
}

/** Spells the id of a VMM in one way, because PostgreSQL reads several spellings of a uuid. */
function nameOf(propolisId: unknown): string {
  return String(propolisId)
    .toLowerCase()
    .replace(/[^0-9a-f]/g, "");
}

/** Acts when this turn of the event loop is done; where there is no such function, when this job is. */
function atEndOfTurn(act: () => void): void {
  if (typeof setImmediate === "function") setImmediate(act);
  else void Promise.resolve().then(act);
}
