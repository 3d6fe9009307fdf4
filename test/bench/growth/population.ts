import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type postgres from "postgres";
import { invariantViolations } from "../../../src/index.js";
import { Random } from "../../../src/simulator/random.js";
import type { Member } from "../fleet.js";

const SCRIPT = readFileSync(fileURLToPath(new URL("population.sql", import.meta.url)), "utf8");
/** VMMs that are loaded in one transaction. */
const CHUNK = 20_000;
/** Of each project and sled, as many VMMs as population.sql makes. */
const PROJECT = 100;
const RUNNING = 80;
const ON_A_SLED = 30;
/** Enough that their rows are on as many pages, wherever the table is larger. */
const SAMPLE = 6_000;
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
 * Loads as many instances as VMMs, in chunks on all connections of `sql`.
 *
 * `sql` has to be a superuser's: guards and foreign keys are off while the rows are loaded. Whether any row breaks an
 * invariant is checked afterwards.
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

/** A host, and what runs there. */
export interface Sled {
  sledId: string;
  vmms: Member[];
}

/** Knows the ids of the loaded rows without reading them, and how the rows changed since. */
export class Population {
  /** Any of those that were loaded as running. */
  readonly #sample: Member[] = [];
  readonly #takenSleds = new Set<number>();
  readonly #running: number;
  readonly #sleds: number;

  constructor(
    readonly vmms: number,
    readonly seed: number,
  ) {
    this.#running = (vmms / PROJECT) * RUNNING;
    this.#sleds = Math.ceil(this.#running / ON_A_SLED);
    const random = new Random(seed);
    const places = new Set<number>();
    while (places.size < Math.min(SAMPLE, this.#running / 2)) places.add(random.below(this.#running));
    this.#sample = [...places].map((place) => this.#member(place));
  }

  /** A running instance and its VMM, given out once. */
  take(random: Random): Member {
    const [member] = this.#sample.splice(random.below(this.#sample.length), 1);
    if (member === undefined) throw new Error("every VMM of the sample is taken");
    return member;
  }

  /** Different VMMs that run, and go on running. */
  pick(count: number, random: Random): Member[] {
    const places = new Set<number>();
    while (places.size < Math.min(count, this.#sample.length)) places.add(random.below(this.#sample.length));
    return this.#sample.filter((_, place) => places.has(place));
  }

  /** All that are ever taken or picked, in batches. */
  *everybody(size: number): Generator<Member[]> {
    for (let from = 0; from < this.#sample.length; from += size) yield this.#sample.slice(from, from + size);
  }

  project(random: Random): string {
    return this.#key("project", random.below(this.vmms / PROJECT));
  }

  /** A sled, given out once. */
  takeSled(random: Random): Sled {
    let sled = random.below(this.#sleds);
    while (this.#takenSleds.has(sled)) sled = random.below(this.#sleds);
    this.#takenSleds.add(sled);
    return this.#sled(sled);
  }

  sledId(random: Random): string {
    return this.#key("sled", random.below(this.#sleds));
  }

  sleds(): Sled[] {
    return Array.from({ length: this.#sleds }, (_, sled) => this.#sled(sled));
  }

  #sled(sled: number): Sled {
    const vmms: Member[] = [];
    for (let place = sled; place < this.#running; place += this.#sleds) vmms.push(this.#member(place));
    return { sledId: this.#key("sled", sled), vmms };
  }

  #member(place: number): Member {
    const n = Math.floor(place / RUNNING) * PROJECT + (place % RUNNING);
    const ids = { instanceId: this.#key("instance", n), propolisId: this.#key("vmm", n) };
    return { ...ids, generation: GENERATION, state: "running" };
  }

  /** As bench_population.key makes it. */
  #key(kind: string, n: number): string {
    const hex = createHash("md5").update(`${this.seed}${kind}${n}`).digest("hex");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }
}
