import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import type { Vmstate } from "../../../../src/index.js";
import { live } from "./lifecycle.js";

/** One client that does not stop when the database is upgraded. */
export abstract class Client {
  /** How much of its work is done. */
  done = 0;
  /** Verbs that answered what they should. */
  verbs = 0;
  #stopping = false;

  constructor(protected readonly vm: Vmstate) {}

  /** Until it is stopped; rejects at the first answer that is wrong. */
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

/** Instances that come and go. */
export class Lives extends Client {
  protected override async once(): Promise<void> {
    await live(this.vm, randomUUID(), () => this.verbs++);
  }
}

/** The sled agent of VMMs that run on, each report newer than the one before. */
export class SledAgent extends Client {
  /** Of every VMM, the last that was answered with applied. */
  generation = 2;
  readonly #vmms: { instanceId: string; propolisId: string }[] = [];

  async start(count: number): Promise<this> {
    for (let n = 0; n < count; n++) {
      const id = randomUUID();
      // 0.1.0 knows it by id alone.
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

  /** The generations that the database has. */
  async stored(sql: postgres.Sql): Promise<number[]> {
    const ids = this.#vmms.map(({ propolisId }) => propolisId);
    const rows = await sql<{ generation: number }[]>`
      select distinct state_generation::float8 as generation from vmstate.vmm where id = any (${ids})`;
    return rows.map(({ generation }) => generation);
  }
}

/** Someone who looks: at the API's lists and the work lists. */
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
