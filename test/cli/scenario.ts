import { randomUUID } from "node:crypto";
import { vmstate, type Vmstate } from "../../src/client/bind.js";
import type { MigrationState, ReportedVmmState } from "../../src/client/generated.js";
import type { SqlClient } from "../../src/client/sql-client.js";

/** One instance on its way through life, by the verbs. */
export class Scenario {
  readonly projectId = randomUUID();
  private readonly verbs: Vmstate;
  private generation = 1;

  constructor(
    sql: SqlClient,
    readonly instanceId: string = randomUUID(),
  ) {
    this.verbs = vmstate(sql);
  }

  async create(name = "web"): Promise<this> {
    const { instanceId: id, projectId } = this;
    await this.verbs.createInstance({ instanceId: id, projectId, name, intendedState: "running" });
    return this;
  }

  async createStopped(name?: string): Promise<this> {
    await this.create(name);
    await this.verbs.finishInstanceCreation({ instanceId: this.instanceId });
    return this;
  }

  /** Starts a VMM and answers its id. */
  async start(sagaId = randomUUID()): Promise<string> {
    const propolisId = randomUUID();
    const { instanceId } = this;
    await this.verbs.beginStart({
      instanceId,
      sagaId,
      propolisId,
      sledId: randomUUID(),
      propolisIp: "fd00::1",
    });
    return propolisId;
  }

  async startAndUnwind(): Promise<string> {
    const sagaId = randomUUID();
    const propolisId = await this.start(sagaId);
    await this.verbs.unwindStart({ instanceId: this.instanceId, sagaId, propolisId });
    return propolisId;
  }

  async run(): Promise<string> {
    const propolisId = await this.start();
    await this.report(propolisId, "running");
    return propolisId;
  }

  async migrate(sourcePropolisId: string): Promise<{ migrationId: string; destinationPropolisId: string }> {
    const { instanceId } = this;
    const ids = { migrationId: randomUUID(), destinationPropolisId: randomUUID() };
    await this.verbs.beginMigration({
      ...ids,
      instanceId,
      sagaId: randomUUID(),
      sourcePropolisId,
      sledId: randomUUID(),
      propolisIp: "fd00::2",
    });
    return ids;
  }

  async report(propolisId: string, state: ReportedVmmState): Promise<void> {
    const { instanceId } = this;
    const generation = ++this.generation;
    await this.verbs.reportVmm({ instanceId, propolisId, state, generation, time: new Date() });
  }

  async reportMigrationIn(propolisId: string, migrationId: string, side: MigrationState): Promise<void> {
    const generation = ++this.generation;
    const time = new Date();
    await this.verbs.reportVmm({
      instanceId: this.instanceId,
      propolisId,
      state: "running",
      generation,
      time,
      migrationInId: migrationId,
      migrationInState: side,
      migrationInGeneration: generation,
      migrationInTime: time,
    });
  }

  async beginUpdate(lease: string): Promise<string> {
    const sagaId = randomUUID();
    await this.verbs.beginUpdate({ instanceId: this.instanceId, sagaId, lease });
    return sagaId;
  }

  async update(): Promise<void> {
    await this.verbs.runUpdate({ instanceId: this.instanceId, sagaId: randomUUID() });
  }

  async deleteVmm(propolisId: string): Promise<void> {
    await this.verbs.deleteVmm({ instanceId: this.instanceId, propolisId });
  }

  async stop(): Promise<void> {
    await this.verbs.requestStop({ instanceId: this.instanceId });
  }

  async delete(): Promise<void> {
    await this.verbs.deleteInstance({ instanceId: this.instanceId });
  }
}
