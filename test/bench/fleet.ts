import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type postgres from "postgres";
import { reportSled, reportVmms, sledDigest, type SqlClient } from "../../src/index.js";
import type { Random } from "../../src/simulator/random.js";
import { next, type Vmm as Member } from "../support/lifecycle.js";
import type { Report, Schema, VmmKey } from "./alternatives/alternative.js";

export { next, type Member };

const PLAIN = readFileSync(fileURLToPath(new URL("plain.sql", import.meta.url)), "utf8");

export interface FleetSize {
  /** Running VMMs, each of an instance, that reports are about. */
  rows: number;
  /** Instances of each kind that cases take through their lives. */
  lives: number;
  /** Instances of the project that is listed. */
  listed: number;
}

/** The same rows in both schemas, and how they changed since. */
export interface Fleets {
  fleets: Record<Schema, Fleet>;
  /** Stopped instances. */
  stopped: string[];
  /** Running instances of the project that is listed. */
  projectId: string;
  size: FleetSize;
}

/** Makes the rows through the verbs, and copies them to bench_plain. */
export async function createFleets(sql: postgres.Sql, size: FleetSize, random: Random): Promise<Fleets> {
  const projectId = randomUUID();
  const running = await createRunning(sql, randomUUID(), size.rows);
  const movers = await createRunning(sql, randomUUID(), size.lives);
  await createRunning(sql, projectId, size.listed);
  const stopped = await createStopped(sql, randomUUID(), 2 * size.lives);
  // as dense as their copies will be, or the copies' pages would be pruned more often
  await sql`vacuum full vmstate.instance, vmstate.vmm`;
  await sql.unsafe(PLAIN);
  await sql`vacuum analyze vmstate.instance, vmstate.vmm, bench_plain.instance, bench_plain.vmm`;
  const fleetIn = (schema: Schema): Fleet => new Fleet(schema, running, movers, random);
  const fleets = { vmstate: fleetIn("vmstate"), bench_plain: fleetIn("bench_plain") };
  return { fleets, stopped, projectId, size };
}

export async function createStopped(sql: postgres.Sql, project: string, count: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select (vmstate.finish_instance_creation((vmstate.create_instance(
      gen_random_uuid(), ${project}, 'bench-' || n, 'running')).instance_id)).instance_id as id
    from generate_series(1, ${count}::int) as n`;
  return rows.map(({ id }) => id);
}

const BATCH = 1_000;

/**
 * Makes running instances, each with a VMM that has the id of the instance.
 *
 * The VMMs are on the given sled, or else each on a sled of its own.
 */
export async function createRunning(
  sql: postgres.Sql,
  project: string,
  count: number,
  sledId: string | null = null,
): Promise<VmmKey[]> {
  const ids = await createStopped(sql, project, count);
  await sql`
    select (vmstate.begin_start(id, id, id, coalesce(${sledId}::uuid, id), 'fd00::1')).outcome
      from unnest(${ids}::uuid[]) as i (id)`;
  const vmms = ids.map((id) => ({ instanceId: id, propolisId: id }));
  for (let from = 0; from < count; from += BATCH)
    await reportVmms(
      sql,
      vmms
        .slice(from, from + BATCH)
        .map((vmm) => ({ ...vmm, state: "running", generation: 2, time: new Date() })),
    );
  return vmms;
}

/** A sled whose VMMs all run, and that has reported once. */
export interface RunningSled {
  vmms: Member[];
  /** @throws Error when the database does not agree */
  report: (sql: SqlClient) => Promise<void>;
}

export async function createSled(sql: postgres.Sql, size: number): Promise<RunningSled> {
  const sledId = randomUUID();
  const keys = await createRunning(sql, randomUUID(), size, sledId);
  const vmms = keys.map((key): Member => ({ ...key, generation: 2, state: "running" }));
  const digest = { sledId, ...(await sledDigest(vmms)) };
  const report = async (client: SqlClient): Promise<void> => {
    const { outcome } = await reportSled(client, digest);
    if (outcome !== "applied") throw new Error("the sled and the database differ");
  };
  await report(sql);
  return { vmms, report };
}

/** The rows of one schema as they have to be. */
export class Fleet {
  readonly movers: Member[];
  readonly #members: Member[];

  constructor(
    readonly schema: Schema,
    running: readonly VmmKey[],
    movers: readonly VmmKey[],
    readonly random: Random,
  ) {
    const member = (vmm: VmmKey): Member => ({ ...vmm, generation: 2, state: "running" });
    this.#members = running.map(member);
    this.movers = movers.map(member);
  }

  /** Any VMM of the fleet. */
  pick(): Member {
    const member = this.#members[this.random.below(this.#members.length)];
    if (member === undefined) throw new Error("the fleet is empty");
    return member;
  }

  /** The next report of some VMM, which changes nothing but its generation. */
  health(): Report {
    return next(this.pick(), "running");
  }

  /** The next report of some VMM, which changes its state: it reboots, or has rebooted. */
  transition(): Report {
    const member = this.pick();
    return next(member, member.state === "running" ? "rebooting" : "running");
  }

  /** Makes one report each of so many VMMs. */
  batch(size: number): Report[] {
    const chosen = new Set<Member>();
    while (chosen.size < Math.min(size, this.#members.length)) chosen.add(this.pick());
    return [...chosen].map((member) => next(member, "running"));
  }

  /** Makes one report of every VMM, in batches. */
  *everybody(size: number): Generator<Report[]> {
    for (let from = 0; from < this.#members.length; from += size)
      yield this.#members.slice(from, from + size).map((member) => next(member, "running"));
  }

  /** Returns the n-th of several equal shares of the VMMs, which have no VMM in common. */
  share(of: number, n: number): Member[] {
    return this.#members.filter((_, at) => at % of === n);
  }

  /** @throws Error that counts the reports which no row shows */
  async check(sql: postgres.Sql): Promise<void> {
    const rows = await sql<{ id: string; state: string; generation: number }[]>`
      select id, state, state_generation::float8 as generation from ${sql(this.schema)}.vmm
      where id = any (${this.#members.map(({ propolisId }) => propolisId)}::uuid[])`;
    const stored = new Map(rows.map((row) => [row.id, row]));
    const wrong = this.#members.filter(({ propolisId, state, generation }) => {
      const row = stored.get(propolisId);
      return row?.state !== state || row.generation !== generation;
    });
    if (wrong.length > 0) throw new Error(`${this.schema}: ${wrong.length} VMMs are not as last reported`);
  }
}
