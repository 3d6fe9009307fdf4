import type postgres from "postgres";
import type { ReportVmmArguments, ReportedVmmState } from "../../../src/index.js";
import type { Random } from "../../../src/simulator/random.js";
import type { VmmKey } from "../../bench/alternatives/alternative.js";

/** A VMM that other callers start, migrate, end and delete at any time, as it was a moment ago. */
interface MovingVmm extends VmmKey {
  generation: number;
  migrationId: string | null;
  isDestination: boolean | null;
  sideGeneration: number | null;
}

const ALIVE: readonly [ReportedVmmState, ...ReportedVmmState[]] = [
  "running",
  ...Array.from({ length: 11 }, () => "running" as const),
  "starting",
  "rebooting",
  "migrating",
  "stopping",
  "stopped",
];
const DEAD = ["failed", "destroyed"] as const;
/** The generation at which createRunning reports a VMM. */
const FIRST_GENERATION = 2;
/** Few reports end a VMM, so that VMMs live long enough to migrate. */
const ENDS = 0.01;
const SIDES = ["in_progress", "in_progress", "in_progress", "in_progress", "completed", "failed"] as const;

/**
 * VMMs that only batches and single reports write, whose newest report is known.
 *
 * No report ends one of them, so each row has to show the newest generation that was sent.
 */
export class SteadyVmms {
  readonly #newest = new Map<string, number>();

  constructor(private readonly vmms: readonly [VmmKey, ...VmmKey[]]) {}

  get instanceIds(): string[] {
    return this.vmms.map(({ instanceId }) => instanceId);
  }

  pick(random: Random): VmmKey {
    return random.pick(this.vmms);
  }

  /** Makes a report of one of them, which may be older than those that were sent. */
  report(random: Random, time: Date | string): ReportVmmArguments {
    const { instanceId, propolisId } = this.pick(random);
    // The VMM was reported running at generation 2.
    const generation = FIRST_GENERATION + 1 + random.below(1_000_000);
    const state = random.pick(["running", "rebooting"] as const);
    return { instanceId, propolisId, state, generation, time };
  }

  /** Notes that the reports are sent: in the end the row of each VMM has to show the newest of them. */
  send(reports: readonly ReportVmmArguments[]): void {
    const ids = new Set(this.vmms.map(({ propolisId }) => propolisId));
    for (const { propolisId, generation } of reports)
      if (ids.has(propolisId))
        this.#newest.set(propolisId, Math.max(generation, this.#newest.get(propolisId) ?? 0));
  }

  /** Counts the VMMs whose row is not as the newest report says. */
  async countWrong(sql: postgres.ISql): Promise<number> {
    const rows = await sql<{ id: string; generation: number }[]>`
      select id, state_generation::float8 as generation from vmstate.vmm
        where instance_id = any (${this.instanceIds}::uuid[])`;
    const stored = new Map(rows.map(({ id, generation }) => [id, generation]));
    return this.vmms.filter(
      ({ propolisId }) => stored.get(propolisId) !== (this.#newest.get(propolisId) ?? FIRST_GENERATION),
    ).length;
  }
}

/** Makes reports of `count` VMMs of other instances, in random order; if asked for, with the sides of their migrations. */
export async function reportMoving(
  sql: postgres.ISql,
  count: number,
  { instanceIds }: SteadyVmms,
  random: Random,
  { time, sides }: { time: Date | string; sides: boolean },
): Promise<ReportVmmArguments[]> {
  const vmms = await sql<MovingVmm[]>`
    select v.instance_id as "instanceId", v.id as "propolisId", v.state_generation::float8 as generation,
        m.id as "migrationId", m.destination_propolis_id = v.id as "isDestination",
        case when m.destination_propolis_id = v.id then m.destination_generation else m.source_generation end::float8 as "sideGeneration"
      from vmstate.vmm as v
      left join vmstate.migration as m on m.instance_id = v.instance_id and v.id in (m.source_propolis_id, m.destination_propolis_id)
      where v.instance_id <> all (${instanceIds}::uuid[])
      order by random() limit ${count}`;
  return vmms.map((vmm) => {
    const { instanceId, propolisId, generation } = vmm;
    const state = random.happens(ENDS) ? random.pick(DEAD) : random.pick(ALIVE);
    const report = { instanceId, propolisId, state, generation: generation + random.below(3), time };
    return sides ? { ...report, ...sideOf(vmm, random, time) } : report;
  });
}

function sideOf(vmm: MovingVmm, random: Random, time: Date | string): Partial<ReportVmmArguments> {
  const { migrationId, isDestination, sideGeneration } = vmm;
  if (migrationId === null) return {};
  const [state, generation] = [random.pick(SIDES), Number(sideGeneration) + random.below(3)];
  return isDestination === true
    ? {
        migrationInId: migrationId,
        migrationInState: state,
        migrationInGeneration: generation,
        migrationInTime: time,
      }
    : {
        migrationOutId: migrationId,
        migrationOutState: state,
        migrationOutGeneration: generation,
        migrationOutTime: time,
      };
}
