import type { SqlClient } from "../client/sql-client.js";
import { DatabaseError } from "../errors/call-errors.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { lifecycleSteps } from "./steps/lifecycle.js";
import { CheckedClient, UnexpectedAnswer } from "./checked-client.js";
import { Random } from "./random.js";
import { check, type Findings } from "./check.js";
import { ProblemLog } from "./problem-log.js";
import { TaskPool } from "./task-pool.js";
import { Lifetime, type Rates, type Step, stepsOf } from "./lifetime.js";
import { CallStats, type VerbFigures } from "./call-stats.js";
import { LateReports } from "./late-reports.js";
import { type Due, Schedule } from "./schedule.js";
import { StepContext } from "./step-context.js";
import type { TraceVm } from "./trace.js";
import { Ids } from "./ids.js";

/** How to replay. */
export interface ReplayOptions extends Rates {
  /** How many VMs may have steps under way at a time. */
  concurrency: number;
  /** The same seed makes the same decisions. */
  seed: number;
  /** What the ids of the instances begin with. Default: another prefix for each replay. */
  run?: string;
  signal: AbortSignal;
  /** Is told how many VMs have been played to the end. */
  onPlayed: (vms: number) => void;
}

/** What a replay did and found. */
export interface ReplayResult extends Findings {
  vms: number;
  seconds: number;
  verbs: VerbFigures[];
  /** Calls that were not answered as they must be. */
  unexpected: ProblemLog;
}

/** One step of a VM, and when the step is due. */
interface Turn extends Due {
  lifetime: Lifetime;
  /** The place of the step among the steps of the VM. */
  n: number;
  kind: Step["kind"];
}

/**
 * Plays the VMs of a trace on a database, and checks what has become of them.
 *
 * Plays them in the order of the trace's clock, as fast as the server takes it.
 *
 * @throws VmstateError when the trace is faulty; the VMs under way have ended their steps by then
 */
export async function replay(
  sql: SqlClient,
  trace: AsyncIterable<TraceVm>,
  options: ReplayOptions,
): Promise<ReplayResult> {
  return await new Replay(sql, options).run(trace);
}

class Replay {
  readonly #sql: SqlClient;
  readonly #options: ReplayOptions;
  readonly #stats = new CallStats();
  readonly #ids: Ids;
  readonly #client: CheckedClient;
  readonly #lateReports: LateReports;
  readonly #pool: TaskPool;
  readonly #schedule = new Schedule<Turn>();
  /** By VM in play, the turns that are due. */
  readonly #inPlay = new Map<Lifetime, Turn[]>();
  /** VMs whose further steps are not played, because a verb gave an unexpected answer. */
  readonly #lost = new WeakSet<Lifetime>();
  /** By index of the VM, whether the VM still runs when the trace ends. */
  readonly #endsRunning: boolean[] = [];
  readonly #unexpected = new ProblemLog();
  #played = 0;

  constructor(sql: SqlClient, options: ReplayOptions) {
    this.#sql = sql;
    this.#options = options;
    this.#ids = new Ids(options.run);
    this.#client = new CheckedClient(sql, this.#stats);
    this.#lateReports = new LateReports(this.#client);
    this.#pool = new TaskPool(options.concurrency);
  }

  async run(trace: AsyncIterable<TraceVm>): Promise<ReplayResult> {
    const begun = performance.now();
    await this.#play(trace);
    const seconds = (performance.now() - begun) / 1000;
    const verbs = this.#stats.figures();
    return { vms: this.#played, seconds, verbs, unexpected: this.#unexpected, ...(await this.#check()) };
  }

  async #play(trace: AsyncIterable<TraceVm>): Promise<void> {
    try {
      for await (const vm of trace) {
        await this.#playUntil(vm.arrival);
        this.#add(vm);
      }
      await this.#playUntil(Infinity);
      await this.#pool.finish();
      await this.#expectAll(() => this.#lateReports.deliver());
    } catch (error) {
      await this.#pool.idle();
      if (!(error instanceof VmstateError) || error instanceof DatabaseError) throw error;
      throw new VmstateError(`${error.message}; VMs played so far: ${this.#played}`, { cause: error });
    }
  }

  async #check(): Promise<Findings> {
    // The reads of the final check do not count in the figures.
    const client = new CheckedClient(this.#sql, new CallStats());
    return await check(client, this.#ids, this.#options.concurrency, this.#endsRunning);
  }

  #add(vm: TraceVm): void {
    const index = this.#endsRunning.length;
    const steps = stepsOf(vm, this.#random(index, 0), this.#options);
    const lifetime = new Lifetime(index, this.#ids.instanceId(index), this.#ids.projectId(vm.batch), steps);
    this.#endsRunning.push(vm.duration === undefined);
    this.#put(lifetime, 0);
  }

  /** Schedules the n-th step of a VM, if it has so many. */
  #put(lifetime: Lifetime, n: number): void {
    const step = lifetime.steps[n];
    if (step) this.#schedule.add({ at: step.at, index: lifetime.index, lifetime, n, kind: step.kind });
  }

  /** Plays all steps that are due by this time of the trace's clock. */
  async #playUntil(at: number): Promise<void> {
    for (let first = this.#schedule.first; first && first.at <= at; first = this.#schedule.first) {
      this.#options.signal.throwIfAborted();
      this.#schedule.next();
      await this.#begin(first);
    }
  }

  async #begin(turn: Turn): Promise<void> {
    const { lifetime, n } = turn;
    this.#put(lifetime, n + 1);
    const due = this.#inPlay.get(lifetime);
    if (due) due.push(turn);
    else await this.#pool.begin(() => this.#playTurns(turn));
  }

  /** Plays the due steps of a VM, also those that come to be due meanwhile. */
  async #playTurns(first: Turn): Promise<void> {
    const { lifetime } = first;
    const due = [first];
    this.#inPlay.set(lifetime, due);
    for (const turn of due) await this.#playTurn(turn);
    this.#inPlay.delete(lifetime);
  }

  async #playTurn({ lifetime, n, kind }: Turn): Promise<void> {
    const random = this.#random(lifetime.index, n + 1);
    const context = new StepContext(
      lifetime,
      random,
      this.#client,
      this.#lateReports,
      this.#ids,
      this.#options,
    );
    const isAsExpected =
      !this.#lost.has(lifetime) && (await this.#expectAll(() => lifecycleSteps[kind](context)));
    if (!isAsExpected) this.#lost.add(lifetime);
    if (n + 1 === lifetime.steps.length) this.#options.onPlayed(++this.#played);
  }

  async #expectAll(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      if (!(error instanceof UnexpectedAnswer)) throw error;
      this.#unexpected.add(error.message);
      return false;
    }
  }

  #random(index: number, part: number): Random {
    return new Random(this.#options.seed, index, part);
  }
}
