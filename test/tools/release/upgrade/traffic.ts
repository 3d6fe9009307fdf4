import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import type { Vmstate } from "../../../../src/index.js";
import { live } from "./lifecycle.js";

/**
 * Makes a client that calls a verb again which failed because a function that it calls was dropped.
 *
 * As 0008_drop_old_names and 0010_drop_batch_functions say, that happens to a verb that began before the migration which
 * replaced the function, and had touched no table yet. It has changed nothing.
 */
function withRetry(vm: Vmstate): Vmstate {
  return new Proxy(vm, {
    get: (target, name): unknown => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      const call = async (...given: unknown[]): Promise<unknown> =>
        (await Reflect.apply(member, target, given)) as unknown;
      return (...given: unknown[]) =>
        call(...given).catch((error: unknown) => {
          if ((error as { code?: unknown }).code === "42883") return call(...given);
          throw error;
        });
    },
  });
}

/** One client that does not stop when the database is upgraded. */
export abstract class Client {
  /** How much of its work is done. */
  done = 0;
  /** Verbs that answered what they should. */
  verbs = 0;
  #stopping = false;
  protected readonly vm: Vmstate;

  constructor(vm: Vmstate) {
    this.vm = withRetry(vm);
  }

  /** Works until it is stopped; rejects at the first answer that is wrong. */
  async work(): Promise<void> {
    while (!this.#stopping) {
      await this.once();
      this.done++;
    }
  }

  stop(): void {
    this.#stopping = true;
  }

  protected abstract once(): Promise<void>;
}

/** Creates instances, and takes each through its whole life. */
export class Lives extends Client {
  protected override async once(): Promise<void> {
    await live(this.vm, randomUUID(), () => this.verbs++);
  }
}

/** The sled agent of VMMs that run on, each report newer than the one before. */
export class SledAgent extends Client {
  /** The generation of the last report of every VMM that was applied. */
  generation = 2;
  readonly #vmms: { instanceId: string; propolisId: string }[] = [];

  async start(count: number): Promise<this> {
    for (let n = 0; n < count; n++) {
      const id = randomUUID();
      // Release 0.1.0 takes the id of an instance as `id` alone.
      const ids = { id, instanceId: id };
      await this.vm.createInstance({ ...ids, projectId: id, name: "web", intendedState: "running" });
      await this.vm.finishInstanceCreation(ids);
      const vmm = { instanceId: id, propolisId: id };
      await this.vm.beginStart({ ...vmm, sagaId: id, sledId: id, propolisIp: "fd00::1" });
      this.#vmms.push(vmm);
    }
    return this;
  }

  protected override async once(): Promise<void> {
    const generation = this.generation + 1;
    const said = { state: "running", generation, time: new Date() } as const;
    const [first, ...others] = this.#vmms.map((vmm) => ({ ...vmm, ...said }));
    const answers = await this.vm.reportVmms(others);
    const outcomes = answers.map(({ vmmOutcome }) => vmmOutcome);
    if (first) outcomes.push((await this.vm.reportVmm(first)).vmmOutcome);
    if (outcomes.some((outcome) => outcome !== "applied"))
      throw new Error(`not applied: ${outcomes.join(", ")}`);
    this.verbs += 2;
    this.generation = generation;
  }

  /** Reads the generations that the VMMs have in the database: one, if all reports have arrived. */
  async storedGenerations(sql: postgres.Sql): Promise<number[]> {
    const ids = this.#vmms.map(({ propolisId }) => propolisId);
    const rows = await sql<{ generation: number }[]>`
      select distinct state_generation::float8 as generation from vmstate.vmm where id = any (${ids})`;
    return rows.map(({ generation }) => generation);
  }
}

/** Reads a list of the API and work lists. */
export class Reader extends Client {
  protected override async once(): Promise<void> {
    const projectId = randomUUID();
    const lists = [
      this.vm.apiInstances({ projectId }),
      this.vm.pendingUpdates({ limit: 9 }),
      this.vm.stuckInstances({ limit: 9 }),
    ];
    this.verbs += (await Promise.all(lists)).length;
  }
}
