import type { FailureReason } from "../../client/generated.js";
import { isDead, type Migration, type Vmm } from "../model.js";
import type { StepContext } from "../step-context.js";
import { report, reportTooLate } from "./sled-agent.js";
import { type Change, linkedOf } from "./update-saga.js";

type VmmFailure = (context: StepContext, vmm: Vmm) => Promise<void>;

const vmmFailures: readonly [VmmFailure, ...VmmFailure[]] = [
  declared,
  hostLost,
  (context, vmm) => report(context, vmm, "failed"),
  (context, vmm) => report(context, vmm, "destroyed"),
];

const reasons: readonly [FailureReason, ...FailureReason[]] = [
  "no_such_vmm",
  "sled_expunged",
  "sled_off",
  "operator",
];

/** Ends a VMM in one of many ways, after which it is `failed` or `destroyed`. */
export async function endByFailure(context: StepContext, vmm: Vmm): Promise<void> {
  await context.random.pick(vmmFailures)(context, vmm);
  if (context.injectFault()) await failAgain(context, vmm);
  if (context.injectFault()) await reportTooLate(context, vmm);
}

/** Declares a VMM dead, as a watcher does. */
export async function declared(context: StepContext, vmm: Vmm): Promise<void> {
  const { client, lifetime, random } = context;
  const failure = { instanceId: lifetime.instanceId, propolisId: vmm.id, reason: random.pick(reasons) };
  const { state, generation } = vmm;
  if (context.injectFault()) {
    const stale = {
      outcome: "conflict",
      reason: "stale_generation",
      state,
      stateGeneration: generation,
    } as const;
    await client.call("failVmm", { ...failure, expectedGeneration: generation + 1 }, stale);
  }
  const expectedGeneration = random.happens(0.5) ? generation : undefined;
  fail(vmm);
  await client.call("failVmm", { ...failure, expectedGeneration }, { outcome: "applied", ...failureOf(vmm) });
}

/** Returns what an update makes of an instance whose guest was on a dead VMM. */
export function aftermath({ lifetime }: StepContext, { state, wasRunning }: Vmm): Change {
  const terminates = linkedOf(lifetime).filter((vmm) => !isDead(vmm));
  if (state === "failed") return { state, terminates };
  const isShutDown = wasRunning && lifetime.intent === "running";
  return { state: "no_vmm", terminates, ...(isShutDown && { intent: "guest_shutdown" }) };
}

/** Ends the VMMs that no instance names any more, and deletes them. */
export async function reap(context: StepContext): Promise<void> {
  const { unlinkedVmms } = context.lifetime;
  for (let vmm = unlinkedVmms.shift(); vmm !== undefined; vmm = unlinkedVmms.shift()) {
    if (!isDead(vmm)) await end(context, vmm);
    await deleteVmm(context, vmm);
  }
}

/** Checks that no VMM can be deleted that an instance names. */
export async function keepLinked(context: StepContext): Promise<void> {
  const { client, lifetime } = context;
  for (const { id: propolisId, state } of linkedOf(lifetime)) {
    const kept = { outcome: "conflict", reason: "linked", state } as const;
    await client.call("deleteVmm", { instanceId: lifetime.instanceId, propolisId }, kept);
  }
}

async function hostLost(context: StepContext, vmm: Vmm): Promise<void> {
  if (!vmm.isAlone) {
    await declared(context, vmm);
    return;
  }
  const { client, lifetime } = context;
  const failure = { sledId: vmm.sledId, reason: "sled_expunged" } as const;
  fail(vmm);
  const failed = {
    outcome: "applied",
    instanceId: lifetime.instanceId,
    propolisId: vmm.id,
    ...failureOf(vmm),
  };
  client.requireRows("failSled", failure, await client.ask("failSled", failure), [failed]);
  client.requireRows("failSled", failure, await client.ask("failSled", failure), []);
}

function fail(vmm: Vmm): void {
  vmm.state = "failed";
  vmm.generation++;
}

function failureOf({ generation, isLinked }: Vmm): {
  state: "failed";
  stateGeneration: number;
  updateNeeded: boolean;
} {
  return { state: "failed", stateGeneration: generation, updateNeeded: isLinked };
}

async function failAgain({ client, lifetime }: StepContext, vmm: Vmm): Promise<void> {
  const { state, generation } = vmm;
  await client.call(
    "failVmm",
    { instanceId: lifetime.instanceId, propolisId: vmm.id, reason: "operator", expectedGeneration: 1 },
    { outcome: "terminal", state, stateGeneration: generation, updateNeeded: false },
  );
}

async function end(context: StepContext, vmm: Vmm): Promise<void> {
  const { client, lifetime } = context;
  if (context.injectFault()) {
    const alive = { outcome: "conflict", reason: "not_destroyable", state: vmm.state } as const;
    await client.call("deleteVmm", { instanceId: lifetime.instanceId, propolisId: vmm.id }, alive);
  }
  if (context.injectFault()) await endByFailure(context, vmm);
  else await report(context, vmm, "destroyed");
}

async function deleteVmm(context: StepContext, vmm: Vmm): Promise<void> {
  const { client, lifetime } = context;
  const { state, generation } = vmm;
  const propolis = { instanceId: lifetime.instanceId, propolisId: vmm.id };
  if (context.injectFault()) await reportTooLate(context, vmm);
  markDeleted(context, vmm);
  await client.call("deleteVmm", propolis, { outcome: "applied", state, stateGeneration: generation });
  if (!context.injectFault()) return;
  await client.call("deleteVmm", propolis, { outcome: "unchanged", state, stateGeneration: generation });
  await client.call("failVmm", { ...propolis, reason: "operator" }, { outcome: "gone", updateNeeded: false });
  await reportTooLate(context, vmm);
}

/** Marks a VMM as deleted in the model, with the migrations that name it. */
function markDeleted({ lifetime }: StepContext, vmm: Vmm): void {
  const goes = ({ source, destination }: Migration): boolean => source === vmm || destination === vmm;
  vmm.isDeleted = true;
  for (const migration of lifetime.unlinkedMigrations.filter(goes)) migration.isDeleted = true;
  lifetime.unlinkedMigrations = lifetime.unlinkedMigrations.filter((migration) => !goes(migration));
}
