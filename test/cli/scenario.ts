import { randomUUID } from "node:crypto";
import { vmstate } from "../../src/client/bind.js";
import type { MigrationState, ReportedVmmState } from "../../src/client/generated.js";
import type { SqlClient } from "../../src/client/sql-client.js";
import { callsOf, Lifecycle, type Move, type NewVmm } from "../support/lifecycle.js";

/** One instance that a test takes from state to state, and its VMMs by their ids, as a command names them. */
export class Scenario {
  readonly projectId = randomUUID();
  private readonly life: Lifecycle;
  private readonly vmms = new Map<string, NewVmm>();
  private readonly moves = new Map<string, Move>();

  constructor(
    private readonly sql: SqlClient,
    readonly instanceId: string = randomUUID(),
  ) {
    this.life = new Lifecycle(callsOf(vmstate(sql)), instanceId, this.projectId);
  }

  async create(name = "web"): Promise<this> {
    const { instanceId, projectId } = this;
    await vmstate(this.sql).createInstance({ instanceId, projectId, name, intendedState: "running" });
    return this;
  }

  async createStopped(name = "web"): Promise<this> {
    await this.life.create("running", name);
    return this;
  }

  /** Starts a VMM and answers its id. */
  async start(sagaId = randomUUID()): Promise<string> {
    const vmm = await this.life.start({ ...this.life.newVmm(), sagaId });
    this.vmms.set(vmm.propolisId, vmm);
    return vmm.propolisId;
  }

  async startAndUnwind(): Promise<string> {
    const propolisId = await this.start();
    await vmstate(this.sql).unwindStart(this.vmm(propolisId));
    return propolisId;
  }

  async run(): Promise<string> {
    const propolisId = await this.start();
    await this.report(propolisId, "running");
    return propolisId;
  }

  async migrate(sourcePropolisId: string): Promise<{ migrationId: string; destinationPropolisId: string }> {
    const move = await this.life.migrate(this.vmm(sourcePropolisId));
    this.vmms.set(move.propolisId, move);
    this.moves.set(move.migrationId, move);
    return move;
  }

  async report(propolisId: string, state: ReportedVmmState): Promise<void> {
    await this.life.report(this.vmm(propolisId), state);
  }

  async reportMigrationIn(migrationId: string, side: MigrationState): Promise<void> {
    await this.life.reportIn(known(this.moves, migrationId), "running", side);
  }

  async beginUpdate(lease: string): Promise<string> {
    const sagaId = randomUUID();
    await vmstate(this.sql).beginUpdate({ instanceId: this.instanceId, sagaId, lease });
    return sagaId;
  }

  async update(): Promise<void> {
    await this.life.update();
  }

  async deleteVmm(propolisId: string): Promise<void> {
    await this.life.deleteVmm(this.vmm(propolisId));
  }

  async stop(): Promise<void> {
    await this.life.requestStop();
  }

  async delete(): Promise<void> {
    await this.life.delete();
  }

  private vmm(propolisId: string): NewVmm {
    return known(this.vmms, propolisId);
  }
}

function known<V>(map: ReadonlyMap<string, V>, id: string): V {
  const value = map.get(id);
  if (value === undefined) throw new Error(`the scenario does not know ${id}`);
  return value;
}
