import type { Arguments } from "../checked-client.js";
import { aftermath, die, reap } from "./vmm-failure.js";
import { isDead, type Vmm } from "../model.js";
import { PROPOLIS_IP, type Scene, together } from "../step-context.js";
import { report, reportTooLate } from "./sled-agent.js";
import {
  type Change,
  commit,
  enact,
  failToCommit,
  linkedOf,
  planUpdate,
  unlinkVmm,
  update,
} from "./update-saga.js";

type Failure = (scene: Scene) => Promise<void>;

const failures: readonly [Failure, ...Failure[]] = [
  beforeBegin,
  (scene) => afterReports(scene, []),
  (scene) => afterReports(scene, ["starting"]),
  (scene) => afterReports(scene, ["starting", "running"]),
  (scene) => afterReports(scene, ["running"]),
  afterDeath,
  afterUpdate,
  duringUpdate,
  racingUpdate,
];

const MOST_FAILURES = 5;

/** A user, or the control plane by itself, starts an instance without a living VMM until a saga gets through. */
export async function start(scene: Scene): Promise<void> {
  for (let n = 0; n < MOST_FAILURES && scene.goesWrong(); n++) await scene.chance.pick(failures)(scene);
  const vmm = await begin(scene);
  await report(scene, vmm, "starting");
  await report(scene, vmm, "running");
  if (scene.life.migration)
    await update(scene, { state: "vmm", active: vmm, terminates: othersAlive(scene, vmm) });
  await reap(scene);
}

/** The instance is left with an unwound VMM. */
export async function failToStart(scene: Scene): Promise<void> {
  await unwind(scene, await begin(scene));
}

/** The saga that created the active VMM fails after all; what it undoes first is in the database. */
export async function unwind(scene: Scene, vmm: Vmm): Promise<void> {
  const { caller, life } = scene;
  const saga = sagaOf(scene, vmm);
  if (scene.goesWrong()) {
    const wrong = { outcome: "conflict", reason: "wrong_saga", stateGeneration: vmm.generation } as const;
    await caller.call("unwindStart", { ...saga, sagaId: scene.newId() }, wrong);
  }
  markUnwound(vmm);
  const unwound = { state: vmm.state, stateGeneration: vmm.generation };
  await caller.call("unwindStart", saga, { outcome: "applied", ...unwound });
  await caller.call("apiInstance", { instanceId: life.instanceId }, { state: "stopped" });
  if (scene.goesWrong()) await caller.call("unwindStart", saga, { outcome: "unchanged", ...unwound });
  if (scene.goesWrong()) await stayUnwound(scene, vmm);
  if (scene.chance.happens(0.5)) await reportTooLate(scene, vmm);
}

/** What an update makes of an instance whose active VMM is unwound. */
export function clearance({ life }: Scene): Change {
  return { state: "no_vmm", terminates: linkedOf(life).filter((vmm) => !isDead(vmm)) };
}

async function begin(scene: Scene): Promise<Vmm> {
  const { life } = scene;
  const isPlanned = life.active !== undefined && scene.goesWrong();
  const holder = isPlanned ? await planUpdate(scene, clearance(scene)) : undefined;
  if (scene.goesWrong()) await beginWrongly(scene, holder !== undefined);
  const vmm = scene.goesWrong() ? await beginTwice(scene) : await beginOnce(scene, holder !== undefined);
  if (scene.goesWrong()) await beginAgain(scene, vmm);
  if (holder) await failToCommit(scene, holder);
  return vmm;
}

async function beginOnce(scene: Scene, isLocked: boolean): Promise<Vmm> {
  const { caller, chance, life } = scene;
  const vmm = scene.newVmm();
  const isByItself = !isLocked && mayRestart(scene) && chance.happens(0.5);
  const replacedPropolisId = life.active?.id ?? null;
  const expectedGeneration = chance.happens(0.5) ? life.generation : undefined;
  link(scene, vmm);
  life.wasRestarted ||= isByItself;
  await caller.call(
    "beginStart",
    { ...argumentsOf(scene, vmm), startReason: isByItself ? "auto_restart" : "user", expectedGeneration },
    { outcome: "applied", ...scene.stands(), replacedPropolisId },
  );
  return vmm;
}

/** Two sagas begin at once; one gets through. */
async function beginTwice(scene: Scene): Promise<Vmm> {
  const { caller } = scene;
  const [vmm, other] = [scene.newVmm(), scene.newVmm()];
  const attempt = (each: Vmm): Promise<{ outcome: string }> =>
    caller.call(
      "beginStart",
      argumentsOf(scene, each),
      { outcome: "applied" },
      { outcome: "conflict", reason: "already_started" },
    );
  const answers = await together(
    scene,
    () => attempt(vmm),
    () => attempt(other),
  );
  const [isFirst, isSecond] = answers.map(({ outcome }) => outcome === "applied");
  caller.require(isFirst !== isSecond, "beginStart", [vmm.id, other.id], answers, "one of them applied");
  const winner = isFirst ? vmm : other;
  link(scene, winner);
  return winner;
}

async function beginWrongly(scene: Scene, isLocked: boolean): Promise<void> {
  const { caller, life } = scene;
  const refused = { outcome: "conflict", ...scene.stands(), replacedPropolisId: null } as const;
  const attempt = argumentsOf(scene, scene.newVmm());
  await caller.call(
    "beginStart",
    { ...attempt, expectedGeneration: life.generation + 1 },
    { ...refused, reason: "stale_generation" },
  );
  if (!isLocked && mayRestart(scene)) return;
  await caller.call(
    "beginStart",
    { ...attempt, startReason: "auto_restart" },
    { ...refused, reason: "restart_not_permitted" },
  );
}

async function beginAgain(scene: Scene, vmm: Vmm): Promise<void> {
  const { caller } = scene;
  const again = { ...argumentsOf(scene, vmm), expectedGeneration: 1 };
  await caller.call("beginStart", again, { outcome: "unchanged", ...scene.stands() });
  const started = { outcome: "conflict", reason: "already_started", ...scene.stands() } as const;
  await caller.call("beginStart", argumentsOf(scene, scene.newVmm()), started);
}

/** The very saga that was unwound comes again, and people look at its VMM. */
async function stayUnwound(scene: Scene, vmm: Vmm): Promise<void> {
  const { caller, life } = scene;
  const taken = { outcome: "conflict", reason: "propolis_id_taken", ...scene.stands() } as const;
  await caller.call("beginStart", argumentsOf(scene, vmm), taken);
  const vmms = await caller.ask("apiVmms", { instanceId: life.instanceId });
  const isShown = vmms.some(({ id, state }) => id === vmm.id && state === "destroyed");
  caller.require(isShown, "apiVmms", { instanceId: life.instanceId }, vmms, `${vmm.id} destroyed`);
}

async function beforeBegin(scene: Scene): Promise<void> {
  const saga = sagaOf(scene, scene.newVmm());
  await scene.caller.call("unwindStart", saga, { outcome: "not_found" });
}

async function afterReports(scene: Scene, states: readonly ("starting" | "running")[]): Promise<void> {
  const vmm = await begin(scene);
  for (const state of states) await report(scene, vmm, state);
  await unwind(scene, vmm);
  await maybeUpdate(scene);
}

async function afterDeath(scene: Scene): Promise<void> {
  const vmm = await begin(scene);
  await die(scene, vmm);
  await unwind(scene, vmm);
  await maybeUpdate(scene);
}

/** The update saga was faster than the unwinding one, which then has nothing to undo. */
async function afterUpdate(scene: Scene): Promise<void> {
  const { caller } = scene;
  const vmm = await begin(scene);
  await die(scene, vmm);
  const { state, generation: stateGeneration } = vmm;
  await update(scene, aftermath(scene, vmm));
  await caller.call("unwindStart", sagaOf(scene, vmm), { outcome: "unchanged", state, stateGeneration });
  await reap(scene);
  await caller.call("unwindStart", sagaOf(scene, vmm), { outcome: "gone", state, stateGeneration });
}

/** A plan that was made for a dead VMM still holds when that is unwound; only the state follows. */
async function duringUpdate(scene: Scene): Promise<void> {
  const vmm = await begin(scene);
  await die(scene, vmm);
  const holder = await planUpdate(scene, aftermath(scene, vmm));
  await unwind(scene, vmm);
  await commit(scene, holder, clearance(scene));
}

async function racingUpdate(scene: Scene): Promise<void> {
  const { caller, life } = scene;
  const vmm = await begin(scene);
  await die(scene, vmm);
  const updater = { instanceId: life.instanceId, sagaId: scene.newId() };
  const [{ outcome }] = await together(
    scene,
    () => caller.call("unwindStart", sagaOf(scene, vmm), { outcome: "applied" }, { outcome: "unchanged" }),
    () => caller.call("runUpdate", updater, { outcome: "applied" }),
  );
  if (outcome === "applied") markUnwound(vmm);
  enact(life, outcome === "applied" ? clearance(scene) : aftermath(scene, vmm));
  life.updaterGeneration++;
  await caller.call("runUpdate", updater, { outcome: "unchanged", ...scene.stands() });
}

/** The next saga finds the unwound VMM, or nothing. */
async function maybeUpdate(scene: Scene): Promise<void> {
  if (scene.chance.happens(0.5)) await update(scene, clearance(scene));
  if (scene.chance.happens(0.5)) await reap(scene);
}

function mayRestart({ life }: Scene): boolean {
  if (life.intent !== "running" || life.restarts === "never") return false;
  return life.restarts === "freely" || !life.wasRestarted;
}

function othersAlive({ life }: Scene, vmm: Vmm): Vmm[] {
  return linkedOf(life).filter((each) => each !== vmm && !isDead(each));
}

function markUnwound(vmm: Vmm): void {
  vmm.state = "saga_unwound";
  vmm.generation++;
}

/** The new VMM replaces none or an unwound one. */
function link({ life }: Scene, vmm: Vmm): void {
  if (life.active) unlinkVmm(life, life.active);
  life.active = vmm;
  vmm.isLinked = true;
  life.state = "vmm";
  life.intent = "running";
  life.generation++;
}

function sagaOf({ life }: Scene, { sagaId, id }: Vmm): Arguments<"unwindStart"> {
  return { instanceId: life.instanceId, sagaId, propolisId: id };
}

function argumentsOf(scene: Scene, vmm: Vmm): Arguments<"beginStart"> {
  return { ...sagaOf(scene, vmm), sledId: vmm.sledId, propolisIp: PROPOLIS_IP };
}
