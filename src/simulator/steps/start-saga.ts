import type { Arguments } from "../checked-client.js";
import { aftermath, endByFailure, reap } from "./vmm-failure.js";
import { isDead, type Vmm } from "../model.js";
import { PROPOLIS_IP, type StepContext, together } from "../step-context.js";
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

type Failure = (context: StepContext) => Promise<void>;

const failures: readonly [Failure, ...Failure[]] = [
  beforeBegin,
  (context) => afterReports(context, []),
  (context) => afterReports(context, ["starting"]),
  (context) => afterReports(context, ["starting", "running"]),
  (context) => afterReports(context, ["running"]),
  afterVmmFailure,
  afterUpdate,
  duringUpdate,
  racingUpdate,
];

/** So that a fail rate of 1 ends, too. */
const MOST_FAILURES = 5;

/**
 * Starts an instance that has no live VMM, again until a start saga succeeds.
 *
 * The user starts it, or the control plane does by itself.
 */
export async function start(context: StepContext): Promise<void> {
  for (let n = 0; n < MOST_FAILURES && context.injectFault(); n++)
    await context.random.pick(failures)(context);
  const vmm = await begin(context);
  await report(context, vmm, "starting");
  await report(context, vmm, "running");
  if (context.lifetime.migration)
    await update(context, { state: "vmm", active: vmm, terminates: othersAlive(context, vmm) });
  await reap(context);
}

/** Starts an instance and unwinds the saga, which leaves an unwound VMM. */
export async function failToStart(context: StepContext): Promise<void> {
  await unwind(context, await begin(context));
}

/** Unwinds the start saga of the active VMM. */
export async function unwind(context: StepContext, vmm: Vmm): Promise<void> {
  const { client, lifetime } = context;
  const saga = sagaOf(context, vmm);
  if (context.injectFault()) {
    const wrong = { outcome: "conflict", reason: "wrong_saga", stateGeneration: vmm.generation } as const;
    await client.call("unwindStart", { ...saga, sagaId: context.newId() }, wrong);
  }
  markUnwound(vmm);
  const unwound = { state: vmm.state, stateGeneration: vmm.generation };
  await client.call("unwindStart", saga, { outcome: "applied", ...unwound });
  await client.call("apiInstance", { instanceId: lifetime.instanceId }, { state: "stopped" });
  if (context.injectFault()) await client.call("unwindStart", saga, { outcome: "unchanged", ...unwound });
  if (context.injectFault()) await stayUnwound(context, vmm);
  if (context.random.happens(0.5)) await reportTooLate(context, vmm);
}

/** Returns what an update makes of an instance whose active VMM is unwound. */
export function clearance({ lifetime }: StepContext): Change {
  return { state: "no_vmm", terminates: linkedOf(lifetime).filter((vmm) => !isDead(vmm)) };
}

async function begin(context: StepContext): Promise<Vmm> {
  const { lifetime } = context;
  const isPlanned = lifetime.active !== undefined && context.injectFault();
  const holder = isPlanned ? await planUpdate(context, clearance(context)) : undefined;
  if (context.injectFault()) await beginWrongly(context, holder !== undefined);
  const vmm = context.injectFault()
    ? await beginTwice(context)
    : await beginOnce(context, holder !== undefined);
  if (context.injectFault()) await beginAgain(context, vmm);
  if (holder) await failToCommit(context, holder);
  return vmm;
}

async function beginOnce(context: StepContext, isLocked: boolean): Promise<Vmm> {
  const { client, random, lifetime } = context;
  const vmm = context.newVmm();
  const isByItself = !isLocked && mayRestart(context) && !isSlowedDown(context) && random.happens(0.5);
  const replacedPropolisId = lifetime.active?.id ?? null;
  const expectedGeneration = random.happens(0.5) ? lifetime.generation : undefined;
  link(context, vmm);
  lifetime.wasRestarted ||= isByItself;
  lifetime.restartsInARow = isByItself ? lifetime.restartsInARow + 1 : 0;
  await client.call(
    "beginStart",
    { ...argumentsOf(context, vmm), startReason: isByItself ? "auto_restart" : "user", expectedGeneration },
    { outcome: "applied", ...context.expectedColumns(), replacedPropolisId },
  );
  return vmm;
}

/** Begins two start sagas at once, of which one is applied. */
async function beginTwice(context: StepContext): Promise<Vmm> {
  const { client } = context;
  const [vmm, other] = [context.newVmm(), context.newVmm()];
  const attempt = (each: Vmm): Promise<{ outcome: string }> =>
    client.call(
      "beginStart",
      argumentsOf(context, each),
      { outcome: "applied" },
      { outcome: "conflict", reason: "already_started" },
    );
  const answers = await together(
    context,
    () => attempt(vmm),
    () => attempt(other),
  );
  const [isFirst, isSecond] = answers.map(({ outcome }) => outcome === "applied");
  client.require(isFirst !== isSecond, "beginStart", [vmm.id, other.id], answers, "one of them applied");
  const winner = isFirst ? vmm : other;
  link(context, winner);
  context.lifetime.restartsInARow = 0;
  return winner;
}

async function beginWrongly(context: StepContext, isLocked: boolean): Promise<void> {
  const { client, lifetime } = context;
  const refused = { outcome: "conflict", ...context.expectedColumns(), replacedPropolisId: null } as const;
  const attempt = argumentsOf(context, context.newVmm());
  await client.call(
    "beginStart",
    { ...attempt, expectedGeneration: lifetime.generation + 1 },
    { ...refused, reason: "stale_generation" },
  );
  if (!isLocked && (mayRestart(context) || isSlowedDown(context))) return;
  await client.call(
    "beginStart",
    { ...attempt, startReason: "auto_restart" },
    { ...refused, reason: "restart_not_permitted" },
  );
}

async function beginAgain(context: StepContext, vmm: Vmm): Promise<void> {
  const { client } = context;
  const again = { ...argumentsOf(context, vmm), expectedGeneration: 1 };
  await client.call("beginStart", again, { outcome: "unchanged", ...context.expectedColumns() });
  const started = { outcome: "conflict", reason: "already_started", ...context.expectedColumns() } as const;
  await client.call("beginStart", argumentsOf(context, context.newVmm()), started);
}

/** Checks that a replay does not revive an unwound VMM, which shows destroyed. */
async function stayUnwound(context: StepContext, vmm: Vmm): Promise<void> {
  const { client, lifetime } = context;
  const taken = { outcome: "conflict", reason: "propolis_id_taken", ...context.expectedColumns() } as const;
  await client.call("beginStart", argumentsOf(context, vmm), taken);
  const vmms = await client.ask("apiVmms", { instanceId: lifetime.instanceId });
  const isShown = vmms.some(({ id, state }) => id === vmm.id && state === "destroyed");
  client.require(isShown, "apiVmms", { instanceId: lifetime.instanceId }, vmms, `${vmm.id} destroyed`);
}

async function beforeBegin(context: StepContext): Promise<void> {
  const saga = sagaOf(context, context.newVmm());
  await context.client.call("unwindStart", saga, { outcome: "not_found" });
}

async function afterReports(
  context: StepContext,
  states: readonly ("starting" | "running")[],
): Promise<void> {
  const vmm = await begin(context);
  for (const state of states) await report(context, vmm, state);
  await unwind(context, vmm);
  await maybeUpdate(context);
}

async function afterVmmFailure(context: StepContext): Promise<void> {
  const vmm = await begin(context);
  await endByFailure(context, vmm);
  await unwind(context, vmm);
  await maybeUpdate(context);
}

/** Unwinds a start saga after the update saga, so that it has nothing to undo. */
async function afterUpdate(context: StepContext): Promise<void> {
  const { client } = context;
  const vmm = await begin(context);
  await endByFailure(context, vmm);
  const { state, generation: stateGeneration } = vmm;
  await update(context, aftermath(context, vmm));
  await client.call("unwindStart", sagaOf(context, vmm), { outcome: "unchanged", state, stateGeneration });
  await reap(context);
  await client.call("unwindStart", sagaOf(context, vmm), { outcome: "gone", state, stateGeneration });
}

/**
 * Unwinds a start saga between the plan and the commit of an update.
 *
 * The plan was made for the dead VMM and still holds; only the new state follows.
 */
async function duringUpdate(context: StepContext): Promise<void> {
  const vmm = await begin(context);
  await endByFailure(context, vmm);
  const holder = await planUpdate(context, aftermath(context, vmm));
  await unwind(context, vmm);
  await commit(context, holder, clearance(context));
}

async function racingUpdate(context: StepContext): Promise<void> {
  const { client, lifetime } = context;
  const vmm = await begin(context);
  await endByFailure(context, vmm);
  const updater = { instanceId: lifetime.instanceId, sagaId: context.newId() };
  const [{ outcome }] = await together(
    context,
    () => client.call("unwindStart", sagaOf(context, vmm), { outcome: "applied" }, { outcome: "unchanged" }),
    () => client.call("runUpdate", updater, { outcome: "applied" }),
  );
  if (outcome === "applied") markUnwound(vmm);
  enact(lifetime, outcome === "applied" ? clearance(context) : aftermath(context, vmm));
  lifetime.updaterGeneration++;
  await client.call("runUpdate", updater, { outcome: "unchanged", ...context.expectedColumns() });
}

/** Updates or not, so that the next saga finds no VMM or the unwound one. */
async function maybeUpdate(context: StepContext): Promise<void> {
  if (context.random.happens(0.5)) await update(context, clearance(context));
  if (context.random.happens(0.5)) await reap(context);
}

function mayRestart({ lifetime }: StepContext): boolean {
  if (lifetime.intent !== "running" || lifetime.restarts === "never") return false;
  return lifetime.restarts === "freely" || !lifetime.wasRestarted;
}

function othersAlive({ lifetime }: StepContext, vmm: Vmm): Vmm[] {
  return linkedOf(lifetime).filter((each) => each !== vmm && !isDead(each));
}

function markUnwound(vmm: Vmm): void {
  vmm.state = "saga_unwound";
  vmm.generation++;
}

/** Links a new VMM, which replaces none or an unwound one, in the model. */
function link({ lifetime }: StepContext, vmm: Vmm): void {
  if (lifetime.active) unlinkVmm(lifetime, lifetime.active);
  lifetime.active = vmm;
  vmm.isLinked = true;
  lifetime.state = "vmm";
  lifetime.intent = "running";
  lifetime.generation++;
}

function sagaOf({ lifetime }: StepContext, { sagaId, id }: Vmm): Arguments<"unwindStart"> {
  return { instanceId: lifetime.instanceId, sagaId, propolisId: id };
}

function argumentsOf(context: StepContext, vmm: Vmm): Arguments<"beginStart"> {
  return { ...sagaOf(context, vmm), sledId: vmm.sledId, propolisIp: PROPOLIS_IP };
}

/**
 * Tells whether the database may make the next automatic restart wait.
 *
 * It does from the third in a row on, and then the answer depends on the clock.
 */
function isSlowedDown({ lifetime }: StepContext): boolean {
  return lifetime.restarts === "freely" && lifetime.restartsInARow >= 2;
}
