import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type postgres from "postgres";
import { invariantViolations } from "../../../src/index.js";
import type { Chance } from "../../../src/replay/chance.js";
import type { Member } from "../fleet.js";

const SCRIPT = readFileSync(fileURLToPath(new URL("population.sql", import.meta.url)), "utf8");
const CHUNK = 20_000;
const PROJECT = 100;
const RUNNING = 89;
const ON_A_SLED = 30;
/** Above that of every loaded row, so that a report need not read what it replaces. */
const GENERATION = 1_000_000;

export interface Load {
  /** Rows of the table of VMMs; whole projects of 100. */
  vmms: number;
  seed: number;
  /** Told of each chunk. */
  onLoaded?: (vmms: number) => void;
}

/**
 * As many instances as VMMs, in chunks on all connections of `sql`. It has to be a superuser's: guards and foreign keys are
 * off while it loads, and whether any row breaks an invariant is looked at afterwards.
 */
export async function loadPopulation(sql: postgres.Sql, load: Load): Promise<Population> {
  const { vmms, seed, onLoaded } = load;
  if (vmms % PROJECT !== 0) throw new Error(`${vmms} VMMs are not whole projects of ${PROJECT}`);
  await sql.unsafe(SCRIPT);
  const chunks = Array.from({ length: Math.ceil(vmms / CHUNK) }, (_, n) => n * CHUNK).values();
  const work = async (): Promise<void> => {
    for (const from of chunks) {
      const to = Math.min(from + CHUNK, vmms);
      await sql.begin(async (transaction) => {
        await transaction`set local session_replication_role = replica`;
        await transaction`select bench_population.load(${seed}, ${vmms}, ${from}, ${to})`;
      });
      onLoaded?.(to - from);
    }
  };
  await Promise.all(Array.from({ length: sql.options.max }, work));
  await sql`drop schema bench_population cascade`;
  await sql`vacuum analyze vmstate.instance, vmstate.vmm, vmstate.migration`;
  await requireSound(sql);
  return new Population(vmms, seed);
}

/** @throws Error when a row breaks an invariant */
export async function requireSound(sql: postgres.Sql): Promise<void> {
  const { length } = await invariantViolations(sql);
  if (length > 0) throw new Error(`${length} rows break an invariant`);
}

/** Who the loaded rows are, without reading them, and what became of them since. */
export class Population {
  readonly #members = new Map<number, Member>();
  readonly #taken = new Set<number>();
  readonly #takenSleds = new Set<number>();
  readonly #running: number;
  readonly #sleds: number;

  constructor(
    readonly vmms: number,
    readonly seed: number,
  ) {
    this.#running = (vmms / PROJECT) * RUNNING;
    this.#sleds = Math.ceil(this.#running / ON_A_SLED);
  }

  /** A running instance and its VMM, which then is nobody else's. */
  take(chance: Chance): Member {
    const at = this.#free(chance);
    this.#taken.add(at);
    return this.#member(at);
  }

  /** Different VMMs that run, and go on running. */
  pick(count: number, chance: Chance): Member[] {
    const chosen = new Set<number>();
    while (chosen.size < count) chosen.add(this.#free(chance));
    return [...chosen].map((at) => this.#member(at));
  }

  project(chance: Chance): string {
    return this.#key("project", chance.below(this.vmms / PROJECT));
  }

  /** A sled, which then is nobody else's. */
  takeSled(chance: Chance): string {
    let at = chance.below(this.#sleds);
    while (this.#takenSleds.has(at)) at = chance.below(this.#sleds);
    this.#takenSleds.add(at);
    return this.#key("sled", at);
  }

  #free(chance: Chance): number {
    let at = chance.below(this.#running);
    while (this.#taken.has(at)) at = chance.below(this.#running);
    return at;
  }

  #member(at: number): Member {
    const n = Math.floor(at / RUNNING) * PROJECT + (at % RUNNING);
    const member = this.#members.get(n) ?? {
      instanceId: this.#key("instance", n),
      propolisId: this.#key("vmm", n),
      generation: GENERATION,
      state: "running",
    };
    this.#members.set(n, member);
    return member;
  }

  /** As bench_population.key makes it. */
  #key(kind: string, n: number): string {
    const hex = createHash("md5").update(`${this.seed}${kind}${n}`).digest("hex");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }
}
