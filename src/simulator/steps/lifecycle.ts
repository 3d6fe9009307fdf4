import { aftermath, endByFailure, keepLinked, reap } from "./vmm-failure.js";
import type { Arguments } from "../checked-client.js";
import type { Restarts, Step } from "../lifetime.js";
import { begin, makeProgress, unwind } from "./migrate-saga.js";
import { migrate } from "./migration.js";
import { isDead, type Vmm } from "../model.js";
import { PROPOLIS_IP, type StepContext } from "../step-context.js";
import { report } from "./sled-agent.js";
import { clearance, failToStart, start, unwind as unwindStart } from "./start-saga.js";
import { linkedOf, planUpdate, unlinkMigration, unlinkVmm, update } from "./update-saga.js";

type StepAction = (context: StepContext) => Promise<void>;

/** What a step in a VM's life consists of. */
export const lifecycleSteps: Record<Step["kind"], StepAction> = {
  arrive: async (context) => {
    await create(context);
    await start(context);
  },
  migrate,
  fail: async (context) => {
    await crash(context);
    await start(context);
  },
  reboot,
  restart: async (context) => {
    await stop(context);
    await start(context);
  },
  leave: async (context) => {
    await (context.injectFault() ? endingOf(context) : stop)(context);
    await remove(context);
  },
};

const endings: readonly [StepAction, ...StepAction[]] = [shutDown, crash, unwoundAtLast, underAnUpdate];
const endingsOfMigrations: readonly [StepAction, ...StepAction[]] = [
  stopWhileMigrating,
  unwoundWhileMigrating,
];

const configurations = {
  freely: { autoRestartPolicy: "best_effort", autoRestartCooldown: "0 seconds" },
  once: { autoRestartPolicy: null, autoRestartCooldown: "1 day" },
  never: { autoRestartPolicy: "never", autoRestartCooldown: null },
} as const satisfies Record<Restarts, object>;

function endingOf({ random, mayMigrate }: StepContext): StepAction {
  return random.pick(mayMigrate && random.happens(0.5) ? endingsOfMigrations : endings);
}

async function create(context: StepContext): Promise<void> {
  const { client, random, lifetime } = context;
  lifetime.intent = random.pick(["running", "stopped"]);
  lifetime.restarts = random.pick(["freely", "once", "never"]);
  const request = {
    instanceId: lifetime.instanceId,
    projectId: lifetime.projectId,
    name: `vm-${lifetime.index}`,
    intendedState: lifetime.intent,
    ...configurations[lifetime.restarts],
  };
  if (context.injectFault()) await createInVain(context, request);
  await client.call("createInstance", request, { outcome: "applied", ...context.expectedColumns() });
  if (context.injectFault()) await createAgain(context, request);
  lifetime.state = "no_vmm";
  lifetime.generation++;
  await client.call("finishInstanceCreation", request, { outcome: "applied", ...context.expectedColumns() });
  if (context.injectFault()) await configure(context);
}

type Creation = Arguments<"createInstance"> & { instanceId: string };

/** Creates an instance and deletes it, after which its name is free again. */
async function createInVain(context: StepContext, request: Creation): Promise<void> {
  const { client } = context;
  const instanceId = context.newId();
  await client.call("createInstance", { ...request, instanceId }, { outcome: "applied", instanceId });
  await client.call("deleteInstance", { instanceId }, { outcome: "applied", apiState: "destroyed" });
  await client.call("createInstance", { ...request, instanceId }, { outcome: "gone" });
}

async function createAgain(context: StepContext, request: Creation): Promise<void> {
  const { client } = context;
  const { instanceId } = request;
  const creating = { outcome: "conflict", ...context.expectedColumns() } as const;
  await client.call("createInstance", request, { outcome: "unchanged", ...context.expectedColumns() });
  const nameTaken = { outcome: "conflict", reason: "name_taken", instanceId: null } as const;
  await client.call("createInstance", { ...request, instanceId: context.newId() }, nameTaken);
  const idTaken = { ...nameTaken, reason: "instance_id_taken" } as const;
  await client.call("createInstance", { ...request, projectId: context.newId() }, idTaken);
  await client.call("beginStart", startOf(context), { ...creating, reason: "creating" });
  await client.call("requestStop", { instanceId }, { ...creating, reason: "creating" });
  await client.call("requestReboot", { instanceId }, { ...creating, reason: "not_running" });
}

async function configure(context: StepContext): Promise<void> {
  const { client, random, lifetime } = context;
  const { instanceId } = lifetime;
  await client.call(
    "finishInstanceCreation",
    { instanceId },
    { outcome: "unchanged", ...context.expectedColumns() },
  );
  const restarts = random.pick<Restarts>(["freely", "once", "never"]);
  const outcome = restarts === lifetime.restarts ? "unchanged" : "applied";
  lifetime.restarts = restarts;
  const wish = { instanceId, ...configurations[restarts] };
  await client.call("configureInstance", wish, { outcome, ...context.expectedColumns() });
}

async function crash(context: StepContext): Promise<void> {
  const { active } = context;
  await endByFailure(context, active);
  if (context.injectFault()) await refuseToGoOn(context);
  await update(context, aftermath(context, active));
  if (context.injectFault()) await requestStop(context);
  await reap(context);
}

/** Checks what is refused until the update saga has unlinked a dead VMM. */
async function refuseToGoOn(context: StepContext): Promise<void> {
  const { client, lifetime } = context;
  const { instanceId } = lifetime;
  const refused = { outcome: "conflict", ...context.expectedColumns() } as const;
  await keepLinked(context);
  await client.call("beginStart", startOf(context), { ...refused, reason: "not_stopped" });
  await client.call("deleteInstance", { instanceId }, { ...refused, reason: "not_stopped" });
  await client.call("requestReboot", { instanceId }, { ...refused, reason: "not_running" });
}

async function reboot(context: StepContext): Promise<void> {
  const { active, client, lifetime } = context;
  await client.call(
    "requestReboot",
    { instanceId: lifetime.instanceId },
    { outcome: "unchanged", ...context.expectedColumns(), commandPropolisIds: [active.id] },
  );
  await report(context, active, "rebooting");
  await report(context, active, "running");
}

async function stop(context: StepContext): Promise<void> {
  const { active } = context;
  if (context.injectFault()) await keepLinked(context);
  await requestStop(context);
  await end(context, active);
  await update(context, aftermath(context, active));
  await reap(context);
}

/** Stops an instance that migrates; which of its two VMMs ends first differs. */
async function stopWhileMigrating(context: StepContext): Promise<void> {
  const { active, random } = context;
  const migration = await begin(context);
  await makeProgress(context, migration);
  await requestStop(context);
  const ends = [migration.source, migration.destination];
  for (const vmm of random.happens(0.5) ? ends : ends.reverse()) await end(context, vmm);
  if (random.happens(0.5)) await unwind(context, migration);
  await update(context, aftermath(context, active));
  await reap(context);
}

/** Ends an instance because its guest ends the VM itself. */
async function shutDown(context: StepContext): Promise<void> {
  const { active } = context;
  await end(context, active);
  await update(context, aftermath(context, active));
  await reap(context);
}

/** Leaves an unwound VMM, with which the instance is then deleted. */
async function unwoundAtLast(context: StepContext): Promise<void> {
  await stop(context);
  await failToStart(context);
}

/** Leaves an unwound VMM and a migration away from it, then deleted as well. */
async function unwoundWhileMigrating(context: StepContext): Promise<void> {
  await stop(context);
  await start(context);
  await makeProgress(context, await begin(context));
  await unwindStart(context, context.active);
}

/** Deletes the instance while an update saga holds its lock. */
async function underAnUpdate(context: StepContext): Promise<void> {
  const { client } = context;
  await unwoundAtLast(context);
  const holder = await planUpdate(context, clearance(context));
  await remove(context);
  await client.call("commitUpdate", holder, { outcome: "gone", ...context.expectedColumns() });
  await client.call("unlockUpdate", holder, { outcome: "gone", ...context.expectedColumns() });
}

async function requestStop(context: StepContext): Promise<void> {
  const { client, lifetime } = context;
  const alive = linkedOf(lifetime).filter((vmm) => !isDead(vmm));
  const commandPropolisIds = alive.map(({ id }) => id);
  lifetime.intent = "stopped";
  if (lifetime.state === "failed") {
    lifetime.state = "no_vmm";
    lifetime.generation++;
  }
  const answer = { ...context.expectedColumns(), commandPropolisIds };
  await client.call("requestStop", { instanceId: lifetime.instanceId }, { outcome: "applied", ...answer });
  if (!context.injectFault()) return;
  await client.call("requestStop", { instanceId: lifetime.instanceId }, { outcome: "unchanged", ...answer });
}

async function end(context: StepContext, vmm: Vmm): Promise<void> {
  await report(context, vmm, "stopping");
  if (context.injectFault()) await endByFailure(context, vmm);
  else await report(context, vmm, "destroyed");
}

async function remove(context: StepContext): Promise<void> {
  const { client, lifetime } = context;
  const { instanceId } = lifetime;
  const outcome = lifetime.state === "destroyed" ? "unchanged" : "applied";
  if (outcome === "applied") markDeleted(context);
  await client.call("deleteInstance", { instanceId }, { outcome, ...context.expectedColumns() });
  if (context.injectFault()) await stayDeleted(context);
  await reap(context);
}

function markDeleted({ lifetime }: StepContext): void {
  lifetime.generation += lifetime.active ? 2 : 1;
  for (const vmm of linkedOf(lifetime)) unlinkVmm(lifetime, vmm);
  unlinkMigration(lifetime);
  for (const migration of lifetime.unlinkedMigrations) migration.isDeleted = true;
  lifetime.unlinkedMigrations = [];
  lifetime.active = undefined;
  lifetime.state = "destroyed";
  lifetime.intent = "destroyed";
}

async function stayDeleted(context: StepContext): Promise<void> {
  const { client, lifetime } = context;
  const { instanceId } = lifetime;
  const gone = { outcome: "gone", ...context.expectedColumns() } as const;
  await client.call("deleteInstance", { instanceId }, { ...gone, outcome: "unchanged" });
  await client.call("beginStart", startOf(context), gone);
  await client.call("requestStop", { instanceId }, gone);
  await client.call("requestReboot", { instanceId }, gone);
  await client.call("runUpdate", { instanceId, sagaId: context.newId() }, gone);
  await client.call("configureInstance", { instanceId }, gone);
  await client.call("explainUpdate", { instanceId }, gone);
}

function startOf(context: StepContext): Arguments<"beginStart"> {
  const { id: propolisId, sagaId, sledId } = context.newVmm();
  return { instanceId: context.lifetime.instanceId, sagaId, propolisId, sledId, propolisIp: PROPOLIS_IP };
}
