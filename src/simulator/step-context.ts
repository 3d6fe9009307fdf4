import type { ApiInstanceState, InstanceState } from "../client/generated.js";
import type { CheckedClient } from "./checked-client.js";
import type { Random } from "./random.js";
import type { Lifetime, Rates } from "./lifetime.js";
import { apiStateOf, type Vmm } from "./model.js";
import type { LateReports } from "./late-reports.js";
import type { Ids } from "./ids.js";

/** An address of TEST-NET-1, where nothing listens. */
export const PROPOLIS_IP = "192.0.2.1";

/** What every verb on an instance answers about it. */
export interface InstanceColumns {
  apiState: ApiInstanceState;
  state: InstanceState;
  stateGeneration: number;
  activePropolisId: string | null;
  destinationPropolisId: string | null;
  migrationId: string | null;
}

/** One step in the life of one VM, and all that it needs. */
export class StepContext {
  constructor(
    readonly lifetime: Lifetime,
    readonly random: Random,
    readonly client: CheckedClient,
    readonly lateReports: LateReports,
    private readonly ids: Ids,
    private readonly rates: Rates,
  ) {}

  injectFault(): boolean {
    return this.random.happens(this.rates.failRate);
  }

  get mayMigrate(): boolean {
    return this.rates.migrateRate > 0;
  }

  newId(): string {
    return this.ids.id(this.lifetime.index, this.lifetime.ids++);
  }

  /** The VMM of an instance that has one. */
  get active(): Vmm {
    return (this.lifetime as Lifetime & { active: Vmm }).active;
  }

  /**
   * Makes the VMM that a start or migrate saga is about to create.
   *
   * With `source`, the VMM is on another sled than the source.
   */
  newVmm(source?: Vmm): Vmm {
    const id = this.newId();
    const isAlone = this.injectFault();
    return {
      id,
      sagaId: this.newId(),
      sledId: isAlone ? this.newId() : this.#sledId(source?.sledId),
      isAlone,
      cameBy: source ? "migration" : "start",
      state: "creating",
      generation: 1,
      wasRunning: false,
      isLinked: false,
      isDeleted: false,
    };
  }

  /** Returns the columns of the instance that every answer must have now. */
  expectedColumns(): InstanceColumns {
    const { lifetime } = this;
    return {
      apiState: apiStateOf(lifetime),
      state: lifetime.state,
      stateGeneration: lifetime.generation,
      activePropolisId: lifetime.active?.id ?? null,
      destinationPropolisId: lifetime.migration?.destination.id ?? null,
      migrationId: lifetime.migration?.id ?? null,
    };
  }

  #sledId(other: string | undefined): string {
    const sledIds = this.ids.sledIds.filter((sledId) => sledId !== other);
    return this.random.pick(sledIds as [string, ...string[]]);
  }
}

/** Runs two calls at once, in random order. */
export async function together<A, B>(
  { random }: StepContext,
  one: () => Promise<A>,
  other: () => Promise<B>,
): Promise<[A, B]> {
  if (random.happens(0.5)) return await Promise.all([one(), other()]);
  const [b, a] = await Promise.all([other(), one()]);
  return [a, b];
}
