import fc from "fast-check";
import postgres from "postgres";
import type { Bound } from "./actors.js";
import { canonical } from "./canonical.js";
import { installDriver } from "./driver.js";
import { brokenIn, type Found } from "./properties.js";
import type { Memory, Snapshot } from "./snapshot.js";
import { allSteps, type Step } from "./steps.js";
import { broken } from "./transition.js";

export interface Limits extends Bound {
  /** How many steps a path may have. */
  depth: number;
  /** How many states may be looked at. */
  states: number;
  /** Decides which of several shortest ways to a state is taken. */
  seed: number;
}

export interface Exploration {
  /** Different states, each looked at. */
  states: number;
  /** Steps tried from them. */
  transitions: number;
  /** How many steps the farthest of them is from the first. */
  depth: number;
  /** Whether no state within the bound is left out, however far. */
  complete: boolean;
  failures: Failure[];
}

/** A broken property, and a shortest way to break it. */
export interface Failure {
  property: string;
  path: Step[];
}

/** A state, and a shortest way there. */
interface Node {
  path: number[];
  state: Snapshot;
  memory: Memory;
}

interface Expansion extends Found {
  memory: Memory;
  results: Result[];
}

type Result = { step: number } & (
  | { answer: Answer | Answer[] | null; after: Snapshot | Purged | null; memory: Memory | null }
  | { code: string; message: string }
);

/** The instance's row is gone. */
interface Purged extends Pick<Snapshot, "vmms" | "migrations"> {
  instance: null;
}

/** What the properties ask of an answer. */
export interface Answer {
  outcome?: string;
  vmm_outcome?: string;
  migration_in_outcome?: string | null;
  migration_out_outcome?: string | null;
  /** Only in the answer of settle. */
  update_outcome?: string | null;
  delete_outcome?: string | null;
  /** Only in the answer of report_sled. */
  time_agreed?: string | null;
  /** Only in the answer of purge. */
  migrations?: number;
  vmms?: number;
  instances?: number;
  left_over?: boolean;
}

/**
 * Explores breadth first, from one instance in creation, what every step of every actor makes of each state that is reached.
 *
 * The server's own functions take the steps. Each client explores in a database of its own. Goes no deeper than the first
 * failure.
 */
export async function explore(clients: readonly postgres.Sql[], limits: Limits): Promise<Exploration> {
  const steps = shuffled(allSteps(limits), limits.seed);
  await Promise.all(clients.map((sql) => installDriver(sql, steps)));
  return await new Explorer(clients, steps, limits).run();
}

class Explorer {
  readonly #seen = new Set<string>();
  readonly #failures = new Map<string, Failure>();
  #transitions = 0;
  #looked = 0;

  constructor(
    private readonly clients: readonly postgres.Sql[],
    private readonly steps: readonly Step[],
    private readonly limits: Limits,
  ) {}

  async run(): Promise<Exploration> {
    let level = [await this.#first()];
    let depth = 0;
    for (;;) {
      const next = await this.#exploreLevel(
        level.slice(0, this.limits.states - this.#looked),
        depth < this.limits.depth,
      );
      const isOver = next.length === 0 || this.#failures.size > 0 || this.#looked === this.limits.states;
      if (isOver) break;
      level = next;
      depth += 1;
    }
    return {
      states: this.#looked,
      transitions: this.#transitions,
      depth,
      complete: this.#looked === this.#seen.size && depth < this.limits.depth,
      failures: [...this.#failures.values()],
    };
  }

  async #first(): Promise<Node> {
    const [sql] = this.clients;
    if (sql === undefined) throw new Error("no database to explore");
    const { state, memory } = await expand(sql, [], []);
    const first = { path: [], state, memory };
    this.#isNew(first);
    return first;
  }

  /** Checks the nodes of one depth and, unless it is the last, takes each step from them; returns the nodes that are new. */
  async #exploreLevel(nodes: readonly Node[], goesOn: boolean): Promise<Node[]> {
    const next: Node[] = [];
    const queue = nodes.values();
    const work = async (sql: postgres.Sql): Promise<void> => {
      for (const node of queue) next.push(...(await this.#lookAt(sql, node, goesOn)));
    };
    await Promise.all(this.clients.map(work));
    return next;
  }

  async #lookAt(sql: postgres.Sql, node: Node, goesOn: boolean): Promise<Node[]> {
    this.#looked += 1;
    const expansion = await this.#expand(sql, node, goesOn ? this.#enabled(node) : []);
    if (expansion === undefined) return [];
    for (const property of brokenIn(expansion)) this.#fail(property, node.path);
    return expansion.results
      .map((result) => this.#judge(node, expansion, result))
      .filter((reached) => reached !== undefined)
      .filter((reached) => this.#isNew(reached));
  }

  async #expand(sql: postgres.Sql, { path }: Node, enabled: number[]): Promise<Expansion | undefined> {
    try {
      return await expand(sql, path, enabled);
    } catch (error) {
      if (!(error instanceof postgres.PostgresError)) throw error;
      this.#fail(`a state is read without an error: ${error.code} ${error.message}`, path);
      return undefined;
    }
  }

  #enabled({ state, memory }: Node): number[] {
    return [...this.steps.keys()].filter((i) => this.#step(i).enabled(state, memory));
  }

  #judge(node: Node, { state, memory, properties }: Expansion, result: Result): Node | undefined {
    this.#transitions += 1;
    const path = [...node.path, result.step];
    const step = this.#step(result.step);
    if ("code" in result) {
      if (!isRefusal(step, result.code)) this.#fail(`no verb fails: ${result.code} ${result.message}`, path);
      return undefined;
    }
    const after = result.after ?? state;
    if (isPurged(after)) {
      const isOver =
        state.instance.state === "destroyed" && after.vmms.length + after.migrations.length === 0;
      if (!isOver) this.#fail("only a deleted instance without VMMs is purged", path);
      return undefined;
    }
    const transition = {
      step,
      told: step.updater === undefined ? undefined : memory[step.updater],
      planToken: properties.plan.plan_token,
      before: state,
      after,
      outcomes: outcomes(result.answer),
      answer: result.answer,
    };
    for (const property of broken(transition)) this.#fail(property, path);
    return { path, state: after, memory: result.memory ?? memory };
  }

  #isNew({ state, memory }: Node): boolean {
    const { size } = this.#seen;
    return this.#seen.add(canonical(state, memory, this.limits)).size > size;
  }

  #fail(property: string, path: readonly number[]): void {
    if (!this.#failures.has(property))
      this.#failures.set(property, { property, path: path.map((i) => this.#step(i)) });
  }

  #step(i: number): Step {
    const step = this.steps[i];
    if (step === undefined) throw new Error(`there is no step ${i}`);
    return step;
  }
}

function shuffled<T>(all: T[], seed: number): T[] {
  const { length } = all;
  return fc.sample(fc.shuffledSubarray(all, { minLength: length }), { seed, numRuns: 1 }).flat();
}

function isPurged(after: Snapshot | Purged): after is Purged {
  return after.instance === null;
}

/** Whether the step had to fail in this way: a guard or a constraint refuses psql, and VM001 refuses a misuse. */
function isRefusal({ kind }: Step, code: string): boolean {
  if (kind === "misuse") return code === "VM001";
  return kind === "psql" && (code.startsWith("VM1") || code.startsWith("23"));
}

async function expand(sql: postgres.Sql, path: number[], steps: number[]): Promise<Expansion> {
  const [row] = await sql<[{ expansion: string }]>`select proof.expand(${path}, ${steps})::text as expansion`;
  return JSON.parse(row.expansion) as Expansion;
}

function outcomes(answer: Answer | Answer[] | null): string[] {
  return [answer ?? []]
    .flat()
    .flatMap((row) =>
      [
        ...[row.outcome, row.vmm_outcome, row.migration_in_outcome, row.migration_out_outcome],
        ...[row.update_outcome, row.delete_outcome],
      ].filter((outcome) => typeof outcome === "string"),
    );
}
