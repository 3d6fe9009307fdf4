import { randomUUID } from "node:crypto";
import {
  type FailVmmArguments,
  type MigrationState,
  type ReportedVmmState,
  sledDigest,
  type Vmstate,
} from "../../src/index.js";
import type { Answer, Arguments, Verb } from "../../src/simulator/checked-client.js";
import { PLAIN_CALLS, PLAIN_FUNCTIONS } from "./plain-calls.js";

/** Calls a verb; `what` tells it from other calls of the same verb. */
export type Call = <V extends Verb>(verb: V, argument: Arguments<V>, what?: string) => Promise<Answer<V>>;

/** A VMM of a lifecycle, and its last report. */
export interface Vmm {
  instanceId: string;
  propolisId: string;
  generation: number;
  state: ReportedVmmState;
}

/** What a sled agent says of a VMM. */
export interface Report extends Vmm {
  time: Date;
}

/** A VMM that a saga is to make, and where. */
export interface NewVmm extends Vmm {
  sagaId: string;
  sledId: string;
  propolisIp: string;
}

/** A migration that a saga is to begin: what `beginMigration` takes. */
export interface Move extends NewVmm {
  migrationId: string;
  sourcePropolisId: string;
  destinationPropolisId: string;
}

/** The updater lock of an update saga, and the plan that it may commit. */
export interface UpdaterLock {
  instanceId: string;
  sagaId: string;
  updaterGeneration: number;
  planToken: string;
}

const LEASE = "1 minute";

/** Answers what its sled says next of a VMM, which is then in that state. */
export function next(vmm: Vmm, state: ReportedVmmState): Report {
  vmm.generation++;
  vmm.state = state;
  const { instanceId, propolisId, generation } = vmm;
  return { instanceId, propolisId, state, generation, time: new Date() };
}

/** Calls the wrappers. */
export function callsOf(verbs: Vmstate): Call {
  return async (verb, argument) => await (verbs[verb] as (a: unknown) => Promise<never>)(argument);
}

/**
 * Passes calls on, and requires of each answer that the verb did something.
 *
 * @throws Error when an answer is neither applied nor, of a verb that only looks, unchanged
 */
export function applied(call: Call): Call {
  return async <V extends Verb>(verb: V, argument: Arguments<V>, what?: string): Promise<Answer<V>> => {
    const answer: Answer<V> = await call(verb, argument, what);
    for (const row of [answer].flat()) requireApplied(verb, row as object);
    return answer;
  };
}

interface Outcomes {
  outcome?: string;
  /** Only in the answer of a report. */
  vmmOutcome?: string;
  /** The last part of a settlement, which is applied only if the others are. */
  deleteOutcome?: string;
}

const MAY_BE_UNCHANGED = new Set(["explainUpdate", "requestReboot"]);

function requireApplied(verb: string, row: object): void {
  const { outcome, vmmOutcome = outcome, deleteOutcome = vmmOutcome } = row as Outcomes;
  if (deleteOutcome === "applied" || (deleteOutcome === "unchanged" && MAY_BE_UNCHANGED.has(verb))) return;
  throw new Error(`a verb was not applied: ${verb} ${JSON.stringify(row)}`);
}

/**
 * Takes one instance through its life, by the verbs.
 *
 * Every test and bench that plays lives plays them by this class, and says how a verb is called. The moves at the end are
 * whole parts of a life: between them they call every verb of an instance, so one that is added there is played everywhere.
 */
export class Lifecycle {
  constructor(
    private readonly call: Call,
    readonly instanceId: string = randomUUID(),
    readonly projectId: string = randomUUID(),
  ) {}

  /** Makes the ids of a VMM that does not exist yet. */
  newVmm(sledId: string = randomUUID()): NewVmm {
    const ids = { instanceId: this.instanceId, propolisId: randomUUID(), sagaId: randomUUID(), sledId };
    return { ...ids, propolisIp: "fd00::1", generation: 1, state: "starting" };
  }

  async create(
    intendedState: "running" | "stopped" = "stopped",
    name = `vm-${this.instanceId}`,
  ): Promise<void> {
    const { instanceId, projectId } = this;
    await this.call("createInstance", { instanceId, projectId, name, intendedState });
    await this.call("finishInstanceCreation", { instanceId });
  }

  async start(vmm: NewVmm = this.newVmm(), what?: string): Promise<NewVmm> {
    await this.call("beginStart", vmm, what);
    return vmm;
  }

  async run(sledId?: string): Promise<NewVmm> {
    const vmm = await this.start(this.newVmm(sledId));
    await this.report(vmm, "starting");
    await this.report(vmm, "running");
    return vmm;
  }

  async report(vmm: Vmm, state: ReportedVmmState, what?: string): Promise<Answer<"reportVmm">> {
    return await this.call("reportVmm", next(vmm, state), what);
  }

  /** Reports the destination VMM and its side of the migration. */
  async reportIn(move: Move, state: ReportedVmmState, side: MigrationState, what?: string): Promise<void> {
    const report = next(move, state);
    const { generation: migrationInGeneration, time: migrationInTime } = report;
    const part = { migrationInState: side, migrationInGeneration, migrationInTime };
    await this.call("reportVmm", { ...report, migrationInId: move.migrationId, ...part }, what);
  }

  /** Reports the source VMM and its side of the migration. */
  async reportOut(
    vmm: Vmm,
    move: Move,
    state: ReportedVmmState,
    side: MigrationState,
    what?: string,
  ): Promise<void> {
    const report = next(vmm, state);
    const { generation: migrationOutGeneration, time: migrationOutTime } = report;
    const part = { migrationOutState: side, migrationOutGeneration, migrationOutTime };
    await this.call("reportVmm", { ...report, migrationOutId: move.migrationId, ...part }, what);
  }

  /** Reports the sled of a VMM that is the only one on its sled. */
  async reportSled(vmm: NewVmm, what?: string): Promise<void> {
    await this.call("reportSled", { sledId: vmm.sledId, ...(await sledDigest([vmm])) }, what);
  }

  async migrate(source: Vmm, sledId?: string, what?: string): Promise<Move> {
    const vmm = this.newVmm(sledId);
    const ids = { sourcePropolisId: source.propolisId, destinationPropolisId: vmm.propolisId };
    const move = { ...vmm, ...ids, migrationId: randomUUID() };
    await this.call("beginMigration", move, what);
    return move;
  }

  async update(what?: string): Promise<void> {
    await this.call("runUpdate", { instanceId: this.instanceId, sagaId: randomUUID() }, what);
  }

  async beginUpdate(what?: string): Promise<UpdaterLock> {
    const saga = { instanceId: this.instanceId, sagaId: randomUUID() };
    const { updaterGeneration, planToken } = await this.call("beginUpdate", { ...saga, lease: LEASE }, what);
    return { ...saga, updaterGeneration: Number(updaterGeneration), planToken: String(planToken) };
  }

  async requestStop(): Promise<void> {
    await this.call("requestStop", { instanceId: this.instanceId });
  }

  async failVmm({ propolisId }: Vmm, reason: FailVmmArguments["reason"]): Promise<void> {
    await this.call("failVmm", { instanceId: this.instanceId, propolisId, reason });
  }

  async deleteVmm({ propolisId }: Vmm, what?: string): Promise<void> {
    await this.call("deleteVmm", { instanceId: this.instanceId, propolisId }, what);
  }

  async delete(): Promise<void> {
    await this.call("deleteInstance", { instanceId: this.instanceId });
  }

  /** Makes the calls that need nothing but an instance. */
  async plainly(): Promise<void> {
    const { instanceId } = this;
    for (const name of PLAIN_FUNCTIONS) await this.call(name, PLAIN_CALLS[name](instanceId));
    await this.call("configureInstance", { instanceId, autoRestartPolicy: "never" });
  }

  /** Migrates to a VMM whose migration unwinds, and then to another one, which completes; answers that one. */
  async move(source: Vmm, sledId?: string): Promise<Move> {
    const nowhere = await this.migrate(source);
    await this.call("unwindMigration", nowhere);
    const move = await this.migrate(source, sledId, "replacing");
    await this.deleteVmm(nowhere, "unwound");
    await this.reportIn(move, "migrating", "in_progress", "destination begins");
    await this.reportOut(source, move, "migrating", "in_progress", "source begins");
    await this.reportIn(move, "running", "completed", "destination completes");
    await this.update("migrated");
    await this.reportOut(source, move, "destroyed", "completed", "source ends");
    await this.deleteVmm(source, "migrated");
    return move;
  }

  /** Stops; the update saga hands its lock on. */
  async stop(vmm: Vmm): Promise<void> {
    await this.requestStop();
    await this.report(vmm, "destroyed", "destroyed");
    const { instanceId, sagaId: parentSagaId, updaterGeneration } = await this.beginUpdate();
    const saga = { instanceId, sagaId: randomUUID() };
    const handover = { ...saga, parentSagaId, updaterGeneration, lease: LEASE };
    const inherited = await this.call("inheritUpdate", handover);
    const plan = {
      updaterGeneration: Number(inherited.updaterGeneration),
      planToken: String(inherited.planToken),
    };
    await this.call("commitUpdate", { ...saga, ...plan });
    await this.deleteVmm(vmm);
  }

  /** Starts once more, and settles the VMM that ends. */
  async restart(): Promise<void> {
    const vmm = await this.start(this.newVmm(), "settled");
    await this.call("settle", { ...next(vmm, "destroyed"), state: "destroyed", sagaId: randomUUID() });
  }

  /** Starts twice: the first start unwinds, the VMM of the second is lost, and two update sagas stop before a third commits. */
  async failToStart(): Promise<void> {
    const first = await this.start();
    await this.call("unwindStart", first);
    const second = await this.start(this.newVmm(), "replacing");
    await this.deleteVmm(first, "never started");
    await this.failVmm(second, "no_such_vmm");
    await this.call("unlockUpdate", await this.beginUpdate("failed"));
    const { instanceId, updaterGeneration } = await this.beginUpdate("abandoned");
    await this.call("breakUpdate", { instanceId, updaterGeneration, reason: "the saga is dead" });
    await this.update("failed");
    await this.deleteVmm(second, "failed");
  }

  /** Starts twice: once the sled fails, and once the sled has lost the VMM. */
  async loseSleds(): Promise<void> {
    const vmm = await this.run();
    await this.reportSled(vmm);
    await this.call("failSled", { sledId: vmm.sledId, reason: "sled_off" });
    await this.update("sled lost");
    const { sledId: other, propolisId } = await this.run();
    const reason = "no_such_vmm";
    await this.call("failSledVmms", { sledId: other, propolisIds: [propolisId], reason });
    await this.update("VMM lost");
  }
}
