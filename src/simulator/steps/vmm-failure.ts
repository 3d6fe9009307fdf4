import type { FailureReason } from "../../client/generated.js";
import { isDead, type Migration, type Vmm } from "../model.js";
import type { Scene } from "../step-context.js";
import { report, reportTooLate } from "./sled-agent.js";
import { type Change, linkedOf } from "./update-saga.js";

type Death = (scene: Scene, vmm: Vmm) => Promise<void>;

const deaths: readonly [Death, ...Death[]] = [
  declared,
  hostLost,
  (scene, vmm) => report(scene, vmm, "failed"),
  (scene, vmm) => report(scene, vmm, "destroyed"),
];

const reasons: readonly [FailureReason, ...FailureReason[]] = [
  "no_such_vmm",
  "sled_expunged",
  "sled_off",
  "operator",
];

/** A VMM dies in one of many ways; it is `failed` or `destroyed` then. */
export async function die(scene: Scene, vmm: Vmm): Promise<void> {
  await scene.chance.pick(deaths)(scene, vmm);
  if (scene.goesWrong()) await failAgain(scene, vmm);
  if (scene.goesWrong()) await reportTooLate(scene, vmm);
}

/** A watcher declares a VMM dead. */
export async function declared(scene: Scene, vmm: Vmm): Promise<void> {
  const { caller, life, chance } = scene;
  const failure = { instanceId: life.instanceId, propolisId: vmm.id, reason: chance.pick(reasons) };
  const { state, generation } = vmm;
  if (scene.goesWrong()) {
    const stale = {
      outcome: "conflict",
      reason: "stale_generation",
      state,
      stateGeneration: generation,
    } as const;
    await caller.call("failVmm", { ...failure, expectedGeneration: generation + 1 }, stale);
  }
  const expectedGeneration = chance.happens(0.5) ? generation : undefined;
  fail(vmm);
  await caller.call("failVmm", { ...failure, expectedGeneration }, { outcome: "applied", ...failureOf(vmm) });
}

/** What an update makes of an instance whose guest was on this VMM, which is `failed` or `destroyed`. */
export function aftermath({ life }: Scene, { state, wasRunning }: Vmm): Change {
  const terminates = linkedOf(life).filter((vmm) => !isDead(vmm));
  if (state === "failed") return { state, terminates };
  const isShutDown = wasRunning && life.intent === "running";
  return { state: "no_vmm", terminates, ...(isShutDown && { intent: "guest_shutdown" }) };
}

/** What is no longer linked ends, and is deleted. */
export async function reap(scene: Scene): Promise<void> {
  const { left } = scene.life;
  for (let vmm = left.shift(); vmm !== undefined; vmm = left.shift()) {
    if (!isDead(vmm)) await end(scene, vmm);
    await deleteVmm(scene, vmm);
  }
}

/** Nothing that an instance names can be deleted. */
export async function keepLinked(scene: Scene): Promise<void> {
  const { caller, life } = scene;
  for (const { id: propolisId, state } of linkedOf(life)) {
    const kept = { outcome: "conflict", reason: "linked", state } as const;
    await caller.call("deleteVmm", { instanceId: life.instanceId, propolisId }, kept);
  }
}

async function hostLost(scene: Scene, vmm: Vmm): Promise<void> {
  if (!vmm.isAlone) {
    await declared(scene, vmm);
    return;
  }
  const { caller, life } = scene;
  const failure = { sledId: vmm.sledId, reason: "sled_expunged" } as const;
  fail(vmm);
  const failed = { outcome: "applied", instanceId: life.instanceId, propolisId: vmm.id, ...failureOf(vmm) };
  caller.requireRows("failSled", failure, await caller.ask("failSled", failure), [failed]);
  caller.requireRows("failSled", failure, await caller.ask("failSled", failure), []);
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

async function failAgain({ caller, life }: Scene, vmm: Vmm): Promise<void> {
  const { state, generation } = vmm;
  await caller.call(
    "failVmm",
    { instanceId: life.instanceId, propolisId: vmm.id, reason: "operator", expectedGeneration: 1 },
    { outcome: "terminal", state, stateGeneration: generation, updateNeeded: false },
  );
}

async function end(scene: Scene, vmm: Vmm): Promise<void> {
  const { caller, life } = scene;
  if (scene.goesWrong()) {
    const alive = { outcome: "conflict", reason: "not_destroyable", state: vmm.state } as const;
    await caller.call("deleteVmm", { instanceId: life.instanceId, propolisId: vmm.id }, alive);
  }
  if (scene.goesWrong()) await die(scene, vmm);
  else await report(scene, vmm, "destroyed");
}

async function deleteVmm(scene: Scene, vmm: Vmm): Promise<void> {
  const { caller, life } = scene;
  const { state, generation } = vmm;
  const propolis = { instanceId: life.instanceId, propolisId: vmm.id };
  if (scene.goesWrong()) await reportTooLate(scene, vmm);
  markDeleted(scene, vmm);
  await caller.call("deleteVmm", propolis, { outcome: "applied", state, stateGeneration: generation });
  if (!scene.goesWrong()) return;
  await caller.call("deleteVmm", propolis, { outcome: "unchanged", state, stateGeneration: generation });
  await caller.call("failVmm", { ...propolis, reason: "operator" }, { outcome: "gone", updateNeeded: false });
  await reportTooLate(scene, vmm);
}

/** With a VMM go the migrations that name it. */
function markDeleted({ life }: Scene, vmm: Vmm): void {
  const goes = ({ source, destination }: Migration): boolean => source === vmm || destination === vmm;
  vmm.isDeleted = true;
  for (const migration of life.past.filter(goes)) migration.isDeleted = true;
  life.past = life.past.filter((migration) => !goes(migration));
}
