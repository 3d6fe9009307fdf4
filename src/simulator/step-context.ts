import type { ApiInstanceState, InstanceState } from "../client/generated.js";
import type { Caller } from "./checked-client.js";
import type { Chance } from "./random.js";
import type { Life, Rates } from "./lifetime.js";
import { apiStateOf, type Vmm } from "./model.js";
import type { Post } from "./late-reports.js";
import type { World } from "./ids.js";

/** Nobody listens there. */
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
export class Scene {
  constructor(
    readonly life: Life,
    readonly chance: Chance,
    readonly caller: Caller,
    readonly post: Post,
    private readonly world: World,
    private readonly rates: Rates,
  ) {}

  goesWrong(): boolean {
    return this.chance.happens(this.rates.failRate);
  }

  get mayMigrate(): boolean {
    return this.rates.migrateRate > 0;
  }

  newId(): string {
    return this.world.id(this.life.index, this.life.ids++);
  }

  /** The VMM of an instance that has one. */
  get active(): Vmm {
    return (this.life as Life & { active: Vmm }).active;
  }

  /** A VMM that a start saga is about to create, or a migrate saga from `source`, which is on another sled. */
  newVmm(source?: Vmm): Vmm {
    const id = this.newId();
    const isAlone = this.goesWrong();
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

  /** The instance as it must stand now. */
  stands(): InstanceColumns {
    const { life } = this;
    return {
      apiState: apiStateOf(life),
      state: life.state,
      stateGeneration: life.generation,
      activePropolisId: life.active?.id ?? null,
      destinationPropolisId: life.migration?.destination.id ?? null,
      migrationId: life.migration?.id ?? null,
    };
  }

  #sledId(other: string | undefined): string {
    const sledIds = this.world.sledIds.filter((sledId) => sledId !== other);
    return this.chance.pick(sledIds as [string, ...string[]]);
  }
}

/** Two at once; which is sent first differs. */
export async function together<A, B>(
  { chance }: Scene,
  one: () => Promise<A>,
  other: () => Promise<B>,
): Promise<[A, B]> {
  if (chance.happens(0.5)) return await Promise.all([one(), other()]);
  const [b, a] = await Promise.all([other(), one()]);
  return [a, b];
}
