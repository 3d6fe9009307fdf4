import { aftermath, die, keepLinked, reap } from "./vmm-failure.js";
import type { Arguments } from "../checked-client.js";
import type { Restarts, Step } from "../lifetime.js";
import { begin, makeProgress, unwind } from "./migrate-saga.js";
import { migrate } from "./migration.js";
import { isDead, type Vmm } from "../model.js";
import { PROPOLIS_IP, type Scene } from "../step-context.js";
import { report } from "./sled-agent.js";
import { clearance, failToStart, start, unwind as unwindStart } from "./start-saga.js";
import { linkedOf, planUpdate, unlinkMigration, unlinkVmm, update } from "./update-saga.js";

type Act = (scene: Scene) => Promise<void>;

/** What a step in a VM's life consists of. */
export const acts: Record<Step["kind"], Act> = {
  arrive: async (scene) => {
    await create(scene);
    await start(scene);
  },
  migrate,
  fail: async (scene) => {
    await crash(scene);
    await start(scene);
  },
  reboot,
  restart: async (scene) => {
    await stop(scene);
    await start(scene);
  },
  leave: async (scene) => {
    await (scene.goesWrong() ? oddEndOf(scene) : stop)(scene);
    await remove(scene);
  },
};

const oddEnds: readonly [Act, ...Act[]] = [shutDown, crash, unwoundAtLast, underAnUpdate];
const oddEndsOfMigrations: readonly [Act, ...Act[]] = [stopWhileMigrating, unwoundWhileMigrating];

const configurations = {
  freely: { autoRestartPolicy: "best_effort", autoRestartCooldown: "0 seconds" },
  once: { autoRestartPolicy: null, autoRestartCooldown: "1 day" },
  never: { autoRestartPolicy: "never", autoRestartCooldown: null },
} as const satisfies Record<Restarts, object>;

function oddEndOf({ chance, mayMigrate }: Scene): Act {
  return chance.pick(mayMigrate && chance.happens(0.5) ? oddEndsOfMigrations : oddEnds);
}

async function create(scene: Scene): Promise<void> {
  const { caller, chance, life } = scene;
  life.intent = chance.pick(["running", "stopped"]);
  life.restarts = chance.pick(["freely", "once", "never"]);
  const request = {
    id: life.instanceId,
    projectId: life.projectId,
    name: `vm-${life.index}`,
    intendedState: life.intent,
    ...configurations[life.restarts],
  };
  if (scene.goesWrong()) await createInVain(scene, request);
  await caller.call("createInstance", request, { outcome: "applied", ...scene.stands() });
  if (scene.goesWrong()) await createAgain(scene, request);
  life.state = "no_vmm";
  life.generation++;
  await caller.call("finishInstanceCreation", request, { outcome: "applied", ...scene.stands() });
  if (scene.goesWrong()) await configure(scene);
}

/** The creation is given up; its name is free again. */
async function createInVain(scene: Scene, request: Arguments<"createInstance">): Promise<void> {
  const { caller } = scene;
  const id = scene.newId();
  await caller.call("createInstance", { ...request, id }, { outcome: "applied", instanceId: id });
  await caller.call("deleteInstance", { instanceId: id }, { outcome: "applied", apiState: "destroyed" });
  await caller.call("createInstance", { ...request, id }, { outcome: "gone" });
}

async function createAgain(scene: Scene, request: Arguments<"createInstance">): Promise<void> {
  const { caller } = scene;
  const { id: instanceId } = request;
  const creating = { outcome: "conflict", ...scene.stands() } as const;
  await caller.call("createInstance", request, { outcome: "unchanged", ...scene.stands() });
  const nameTaken = { outcome: "conflict", reason: "name_taken", instanceId: null } as const;
  await caller.call("createInstance", { ...request, id: scene.newId() }, nameTaken);
  const idTaken = { ...nameTaken, reason: "instance_id_taken" } as const;
  await caller.call("createInstance", { ...request, projectId: scene.newId() }, idTaken);
  await caller.call("beginStart", startOf(scene), { ...creating, reason: "creating" });
  await caller.call("requestStop", { instanceId }, { ...creating, reason: "creating" });
  await caller.call("requestReboot", { instanceId }, { ...creating, reason: "not_running" });
}

async function configure(scene: Scene): Promise<void> {
  const { caller, chance, life } = scene;
  const { instanceId } = life;
  await caller.call(
    "finishInstanceCreation",
    { id: instanceId },
    { outcome: "unchanged", ...scene.stands() },
  );
  const restarts = chance.pick<Restarts>(["freely", "once", "never"]);
  const outcome = restarts === life.restarts ? "unchanged" : "applied";
  life.restarts = restarts;
  const wish = { instanceId, ...configurations[restarts] };
  await caller.call("configureInstance", wish, { outcome, ...scene.stands() });
}

async function crash(scene: Scene): Promise<void> {
  const { active } = scene;
  await die(scene, active);
  if (scene.goesWrong()) await refuseToGoOn(scene);
  await update(scene, aftermath(scene, active));
  if (scene.goesWrong()) await requestStop(scene);
  await reap(scene);
}

/** Until the update saga has unlinked a dead VMM. */
async function refuseToGoOn(scene: Scene): Promise<void> {
  const { caller, life } = scene;
  const { instanceId } = life;
  const refused = { outcome: "conflict", ...scene.stands() } as const;
  await keepLinked(scene);
  await caller.call("beginStart", startOf(scene), { ...refused, reason: "not_stopped" });
  await caller.call("deleteInstance", { instanceId }, { ...refused, reason: "not_stopped" });
  await caller.call("requestReboot", { instanceId }, { ...refused, reason: "not_running" });
}

async function reboot(scene: Scene): Promise<void> {
  const { active, caller, life } = scene;
  await caller.call(
    "requestReboot",
    { instanceId: life.instanceId },
    { outcome: "unchanged", ...scene.stands(), commandPropolisIds: [active.id] },
  );
  await report(scene, active, "rebooting");
  await report(scene, active, "running");
}

async function stop(scene: Scene): Promise<void> {
  const { active } = scene;
  if (scene.goesWrong()) await keepLinked(scene);
  await requestStop(scene);
  await end(scene, active);
  await update(scene, aftermath(scene, active));
  await reap(scene);
}

/** Both sleds are told; which VMM ends first differs. */
async function stopWhileMigrating(scene: Scene): Promise<void> {
  const { active, chance } = scene;
  const migration = await begin(scene);
  await makeProgress(scene, migration);
  await requestStop(scene);
  const ends = [migration.source, migration.destination];
  for (const vmm of chance.happens(0.5) ? ends : ends.reverse()) await end(scene, vmm);
  if (chance.happens(0.5)) await unwind(scene, migration);
  await update(scene, aftermath(scene, active));
  await reap(scene);
}

/** The guest ends its VM itself. */
async function shutDown(scene: Scene): Promise<void> {
  const { active } = scene;
  await end(scene, active);
  await update(scene, aftermath(scene, active));
  await reap(scene);
}

/** The instance is deleted with an unwound VMM. */
async function unwoundAtLast(scene: Scene): Promise<void> {
  await stop(scene);
  await failToStart(scene);
}

/** The instance is deleted with an unwound VMM and a migration that leads away from it. */
async function unwoundWhileMigrating(scene: Scene): Promise<void> {
  await stop(scene);
  await start(scene);
  await makeProgress(scene, await begin(scene));
  await unwindStart(scene, scene.active);
}

/** The instance is deleted while an update saga holds it. */
async function underAnUpdate(scene: Scene): Promise<void> {
  const { caller } = scene;
  await unwoundAtLast(scene);
  const holder = await planUpdate(scene, clearance(scene));
  await remove(scene);
  await caller.call("commitUpdate", holder, { outcome: "gone", ...scene.stands() });
  await caller.call("unlockUpdate", holder, { outcome: "gone", ...scene.stands() });
}

async function requestStop(scene: Scene): Promise<void> {
  const { caller, life } = scene;
  const alive = linkedOf(life).filter((vmm) => !isDead(vmm));
  const commandPropolisIds = alive.map(({ id }) => id);
  life.intent = "stopped";
  if (life.state === "failed") {
    life.state = "no_vmm";
    life.generation++;
  }
  const answer = { ...scene.stands(), commandPropolisIds };
  await caller.call("requestStop", { instanceId: life.instanceId }, { outcome: "applied", ...answer });
  if (!scene.goesWrong()) return;
  await caller.call("requestStop", { instanceId: life.instanceId }, { outcome: "unchanged", ...answer });
}

async function end(scene: Scene, vmm: Vmm): Promise<void> {
  await report(scene, vmm, "stopping");
  if (scene.goesWrong()) await die(scene, vmm);
  else await report(scene, vmm, "destroyed");
}

async function remove(scene: Scene): Promise<void> {
  const { caller, life } = scene;
  const { instanceId } = life;
  const outcome = life.state === "destroyed" ? "unchanged" : "applied";
  if (outcome === "applied") markDeleted(scene);
  await caller.call("deleteInstance", { instanceId }, { outcome, ...scene.stands() });
  if (scene.goesWrong()) await stayDeleted(scene);
  await reap(scene);
}

function markDeleted({ life }: Scene): void {
  life.generation += life.active ? 2 : 1;
  for (const vmm of linkedOf(life)) unlinkVmm(life, vmm);
  unlinkMigration(life);
  for (const migration of life.past) migration.isDeleted = true;
  life.past = [];
  life.active = undefined;
  life.state = "destroyed";
  life.intent = "destroyed";
}

async function stayDeleted(scene: Scene): Promise<void> {
  const { caller, life } = scene;
  const { instanceId } = life;
  const gone = { outcome: "gone", ...scene.stands() } as const;
  await caller.call("deleteInstance", { instanceId }, { ...gone, outcome: "unchanged" });
  await caller.call("beginStart", startOf(scene), gone);
  await caller.call("requestStop", { instanceId }, gone);
  await caller.call("requestReboot", { instanceId }, gone);
  await caller.call("runUpdate", { instanceId, sagaId: scene.newId() }, gone);
  await caller.call("configureInstance", { instanceId }, gone);
  await caller.call("explainUpdate", { instanceId }, gone);
}

function startOf(scene: Scene): Arguments<"beginStart"> {
  const { id: propolisId, sagaId, sledId } = scene.newVmm();
  return { instanceId: scene.life.instanceId, sagaId, propolisId, sledId, propolisIp: PROPOLIS_IP };
}
