import type { SqlClient } from "../client/rows.js";
import { VmstateError } from "../errors/vmstate-error.js";
import { acts } from "./steps/lifecycle.js";
import { Caller, Unexpected } from "./checked-client.js";
import { Chance } from "./random.js";
import { check, type Findings } from "./check.js";
import { Complaints } from "./problem-log.js";
import { Crew } from "./task-pool.js";
import { Life, type Rates, type Step, stepsOf } from "./lifetime.js";
import { Meter, type VerbFigures } from "./call-stats.js";
import { Post } from "./late-reports.js";
import { type Due, Schedule } from "./schedule.js";
import { Scene } from "./step-context.js";
import type { TraceVm } from "./trace.js";
import { World } from "./ids.js";

/** How to replay. */
export interface ReplayOptions extends Rates {
  /** How many VMs may be in play at a time. */
  concurrency: number;
  /** The same seed makes the same decisions. */
  seed: number;
  signal: AbortSignal;
  /** Is told how many VMs have been played to the end. */
  onPlayed: (vms: number) => void;
}

/** What came of it. */
export interface ReplayResult extends Findings {
  vms: number;
  seconds: number;
  verbs: VerbFigures[];
  /** Calls that were not answered as they must be. */
  unexpected: Complaints;
}

/** One step of a life that is due. */
interface Turn extends Due {
  life: Life;
  /** Its place among the steps of the life. */
  n: number;
  kind: Step["kind"];
}

/**
 * Plays the lives of the VMs of a trace, in the order of its clock and as fast as the server takes it, and checks what
 * has become of them.
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
  readonly #meter = new Meter();
  readonly #world = new World();
  readonly #caller: Caller;
  readonly #post: Post;
  readonly #crew: Crew;
  readonly #schedule = new Schedule<Turn>();
  /** Of the lives in play, the turns that are due. */
  readonly #inPlay = new Map<Life, Turn[]>();
  readonly #lost = new WeakSet<Life>();
  readonly #endsRunning: boolean[] = [];
  readonly #unexpected = new Complaints();
  #played = 0;

  constructor(sql: SqlClient, options: ReplayOptions) {
    this.#sql = sql;
    this.#options = options;
    this.#caller = new Caller(sql, this.#meter);
    this.#post = new Post(this.#caller);
    this.#crew = new Crew(options.concurrency);
  }

  async run(trace: AsyncIterable<TraceVm>): Promise<ReplayResult> {
    const begun = performance.now();
    await this.#play(trace);
    const seconds = (performance.now() - begun) / 1000;
    const verbs = this.#meter.figures();
    return { vms: this.#played, seconds, verbs, unexpected: this.#unexpected, ...(await this.#check()) };
  }

  async #play(trace: AsyncIterable<TraceVm>): Promise<void> {
    try {
      for await (const vm of trace) {
        await this.#playUntil(vm.arrival);
        this.#add(vm);
      }
      await this.#playUntil(Infinity);
      await this.#crew.finish();
      await this.#expectAll(() => this.#post.deliver());
    } catch (error) {
      await this.#crew.idle();
      if (!(error instanceof VmstateError)) throw error;
      throw new VmstateError(`${error.message}; VMs played so far: ${this.#played}`, { cause: error });
    }
  }

  async #check(): Promise<Findings> {
    // What the check reads does not belong to the figures.
    const caller = new Caller(this.#sql, new Meter());
    return await check(caller, this.#world, this.#options.concurrency, this.#endsRunning);
  }

  #add(vm: TraceVm): void {
    const index = this.#endsRunning.length;
    const steps = stepsOf(vm, this.#chance(index, 0), this.#options);
    const life = new Life(index, this.#world.instanceId(index), this.#world.projectId(vm.batch), steps);
    this.#endsRunning.push(vm.lifetime === undefined);
    this.#put(life, 0);
  }

  /** The n-th step of a life, if it has so many, comes to be due at its time. */
  #put(life: Life, n: number): void {
    const step = life.steps[n];
    if (step) this.#schedule.add({ at: step.at, index: life.index, life, n, kind: step.kind });
  }

  /** All that is due by then, as the trace's clock has it. */
  async #playUntil(at: number): Promise<void> {
    for (let first = this.#schedule.first; first && first.at <= at; first = this.#schedule.first) {
      this.#options.signal.throwIfAborted();
      this.#schedule.next();
      await this.#begin(first);
    }
  }

  async #begin(turn: Turn): Promise<void> {
    const { life, n } = turn;
    this.#put(life, n + 1);
    const due = this.#inPlay.get(life);
    if (due) due.push(turn);
    else await this.#crew.begin(() => this.#playTurns(turn));
  }

  /** Also those that come to be due meanwhile. */
  async #playTurns(first: Turn): Promise<void> {
    const { life } = first;
    const due = [first];
    this.#inPlay.set(life, due);
    for (const turn of due) await this.#playTurn(turn);
    this.#inPlay.delete(life);
  }

  async #playTurn({ life, n, kind }: Turn): Promise<void> {
    const chance = this.#chance(life.index, n + 1);
    const scene = new Scene(life, chance, this.#caller, this.#post, this.#world, this.#options);
    const isAsExpected = !this.#lost.has(life) && (await this.#expectAll(() => acts[kind](scene)));
    if (!isAsExpected) this.#lost.add(life);
    if (n + 1 === life.steps.length) this.#options.onPlayed(++this.#played);
  }

  async #expectAll(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      if (!(error instanceof Unexpected)) throw error;
      this.#unexpected.add(error.message);
      return false;
    }
  }

  #chance(index: number, part: number): Chance {
    return new Chance(this.#options.seed, index, part);
  }
}
