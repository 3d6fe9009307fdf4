import type { InstanceState, IntendedState } from "../../client/generated.js";
import type { Answer } from "../checked-client.js";
import type { Instance, Vmm } from "../model.js";
import { type StepContext, together } from "../step-context.js";

/** What an update has to make of an instance. */
export interface Change {
  state: InstanceState;
  active?: Vmm;
  /** Whether the migration stays linked. */
  isMigrating?: boolean;
  /** Default: it stays. */
  intent?: IntendedState;
  terminates?: readonly Vmm[];
}

interface Plan {
  newState: InstanceState;
  newActivePropolisId: string | null;
  newDestinationPropolisId: string | null;
  newMigrationId: string | null;
  newIntendedState: IntendedState;
  network: "keep" | "move" | "delete";
  networkPropolisId: string | null;
  unlinkedPropolisIds: string[];
  terminatePropolisIds: string[];
}

type Updater = (context: StepContext, change: Change) => Promise<void>;

/** An update saga that has planned and holds the updater lock. */
export interface Holder {
  instanceId: string;
  sagaId: string;
  updaterGeneration: number;
  planToken: string;
}

const LEASE = "10 minutes";

/** Ways to update without another saga or a repeated call. */
const plainUpdates: readonly [Updater, ...Updater[]] = [inOneCall, inTwoCalls];
/** Ways to update in which calls are repeated, or another saga wants or gets the lock. */
const contestedUpdates: readonly [Updater, ...Updater[]] = [
  explained,
  repeated,
  inherited,
  givenUp,
  againstARival,
  takenOver,
  lapsed,
  contended,
];

/** Runs an update saga that must find and commit this change. */
export async function update(context: StepContext, change: Change): Promise<void> {
  await context.random.pick(context.injectFault() ? contestedUpdates : plainUpdates)(context, change);
  if (!context.injectFault()) return;
  await context.client.call("runUpdate", newSaga(context), {
    outcome: "unchanged",
    ...context.expectedColumns(),
  });
}

/** Checks that update sagas find nothing to do. */
export async function updateNothing(context: StepContext): Promise<void> {
  const { client } = context;
  const unchanged = { outcome: "unchanged", ...context.expectedColumns() } as const;
  await client.call("beginUpdate", { ...newSaga(context), lease: LEASE }, unchanged);
  await client.call("runUpdate", newSaga(context), unchanged);
}

/** Takes the updater lock and gets the plan, which must be for this change. */
export async function planUpdate(context: StepContext, change: Change, lease = LEASE): Promise<Holder> {
  const { client, lifetime } = context;
  const saga = newSaga(context);
  lifetime.updaterGeneration++;
  const { planToken } = await client.call("beginUpdate", { ...saga, lease }, held(context, change));
  return { ...saga, updaterGeneration: lifetime.updaterGeneration, planToken };
}

/** Gets the plan once more, for the saga that holds the lock. */
export async function replan(context: StepContext, holder: Holder, change: Change): Promise<Holder> {
  const { instanceId, sagaId } = holder;
  const again = { instanceId, sagaId, lease: LEASE };
  const { planToken } = await context.client.call("beginUpdate", again, held(context, change));
  return { ...holder, planToken };
}

/** Commits a plan. */
export async function commit(context: StepContext, holder: Holder, change: Change): Promise<void> {
  enact(context.lifetime, change);
  await context.client.call("commitUpdate", holder, { outcome: "applied", ...context.expectedColumns() });
}

/** Checks that a plan is refused after a new start or migration; unlocks. */
export async function failToCommit(context: StepContext, holder: Holder): Promise<void> {
  await refuse(context, holder, "stale_generation");
  await unlock(context, holder);
}

/** Checks that nothing of an outdated plan is written. */
export async function refuse(
  context: StepContext,
  holder: Holder,
  reason: "stale_generation" | "plan_changed",
): Promise<void> {
  await context.client.call("commitUpdate", holder, {
    outcome: "conflict",
    reason,
    ...context.expectedColumns(),
  });
}

/** Lists the VMMs that an instance names. */
export function linkedOf({ active, migration }: Instance): Vmm[] {
  return [...new Set([active, migration?.destination])].filter((vmm) => vmm !== undefined);
}

async function inOneCall(context: StepContext, change: Change): Promise<void> {
  const { client, lifetime } = context;
  const plan = planOf(lifetime, change);
  enact(lifetime, change);
  lifetime.updaterGeneration++;
  const { updaterGeneration } = lifetime;
  await client.call("runUpdate", newSaga(context), {
    outcome: "applied",
    ...context.expectedColumns(),
    ...plan,
    updaterGeneration,
  });
}

async function inTwoCalls(context: StepContext, change: Change): Promise<void> {
  await commit(context, await planUpdate(context, change), change);
}

async function explained(context: StepContext, change: Change): Promise<void> {
  const { instanceId } = context.lifetime;
  await context.client.call("explainUpdate", { instanceId }, held(context, change));
  await inOneCall(context, change);
  await context.client.call(
    "explainUpdate",
    { instanceId },
    { outcome: "unchanged", ...context.expectedColumns() },
  );
}

async function repeated(context: StepContext, change: Change): Promise<void> {
  const { client } = context;
  const holder = await replan(context, await planUpdate(context, change), change);
  await commit(context, holder, change);
  await client.call("commitUpdate", holder, { outcome: "unchanged", ...context.expectedColumns() });
  await client.call("unlockUpdate", holder, { outcome: "unchanged", ...context.expectedColumns() });
}

async function inherited(context: StepContext, change: Change): Promise<void> {
  const { client, lifetime } = context;
  const parent = await planUpdate(context, change);
  const { instanceId, sagaId: parentSagaId, updaterGeneration } = parent;
  const { sagaId } = newSaga(context);
  const inheritance = { instanceId, parentSagaId, updaterGeneration, sagaId, lease: LEASE };
  lifetime.updaterGeneration++;
  const { planToken } = await client.call("inheritUpdate", inheritance, held(context, change));
  await client.call("inheritUpdate", inheritance, { ...held(context, change), outcome: "unchanged" });
  await loseLock(context, parent);
  await commit(
    context,
    { instanceId, sagaId, updaterGeneration: lifetime.updaterGeneration, planToken },
    change,
  );
}

async function givenUp(context: StepContext, change: Change): Promise<void> {
  const holder = await planUpdate(context, change);
  await unlock(context, holder);
  await context.client.call("commitUpdate", holder, {
    outcome: "conflict",
    reason: "lock_lost",
    ...context.expectedColumns(),
  });
  await inOneCall(context, change);
}

async function againstARival(context: StepContext, change: Change): Promise<void> {
  const { client } = context;
  const holder = await planUpdate(context, change);
  const locked = { ...held(context, change), outcome: "conflict", reason: "locked" } as const;
  await client.call("runUpdate", newSaga(context), locked);
  await client.call("beginUpdate", { ...newSaga(context), lease: LEASE }, locked);
  await commit(context, holder, change);
}

async function takenOver(context: StepContext, change: Change): Promise<void> {
  const first = await planUpdate(context, change, "1 microsecond");
  const second = await planUpdate(context, change);
  await loseLock(context, first);
  await commit(context, second, change);
}

/** Commits after the lease has expired, which is legal if no other saga took the lock. */
async function lapsed(context: StepContext, change: Change): Promise<void> {
  await commit(context, await planUpdate(context, change, "1 microsecond"), change);
}

/** Runs three updates at once, of which one makes the change. */
async function contended(context: StepContext, change: Change): Promise<void> {
  const { client, lifetime } = context;
  const planner = newSaga(context);
  const rivals = [newSaga(context), newSaga(context)];
  const answers = (
    await together(
      context,
      async () => finish(context, planner, await client.ask("beginUpdate", { ...planner, lease: LEASE })),
      () => Promise.all(rivals.map((rival) => client.ask("runUpdate", rival))),
    )
  ).flat();
  enact(lifetime, change);
  lifetime.updaterGeneration++;
  const isOnce = answers.filter(({ outcome }) => outcome === "applied").length === 1;
  client.require(isOnce, "runUpdate", [...rivals, planner], answers, "one of them applied");
  await client.call("runUpdate", newSaga(context), { outcome: "unchanged", ...context.expectedColumns() });
}

async function finish(
  { client }: StepContext,
  planner: { instanceId: string; sagaId: string },
  begun: Answer<"beginUpdate">,
): Promise<Pick<Answer<"commitUpdate">, "outcome">> {
  if (begun.outcome !== "applied") return begun;
  const { updaterGeneration, planToken } = begun;
  return await client.ask("commitUpdate", { ...planner, updaterGeneration, planToken });
}

async function unlock(context: StepContext, holder: Holder): Promise<void> {
  await context.client.call("unlockUpdate", holder, { outcome: "applied", ...context.expectedColumns() });
  await context.client.call("unlockUpdate", holder, { outcome: "unchanged", ...context.expectedColumns() });
}

async function loseLock(context: StepContext, holder: Holder): Promise<void> {
  const lost = { outcome: "conflict", reason: "lock_lost", ...context.expectedColumns() } as const;
  await context.client.call("commitUpdate", holder, lost);
  await context.client.call("unlockUpdate", holder, lost);
}

/** Returns the answer to an update saga that has the lock. */
function held(
  context: StepContext,
  change: Change,
): { outcome: "applied"; updaterGeneration: number } & ReturnType<StepContext["expectedColumns"]> & Plan {
  const { lifetime } = context;
  const { updaterGeneration } = lifetime;
  return { outcome: "applied", ...context.expectedColumns(), ...planOf(lifetime, change), updaterGeneration };
}

function newSaga(context: StepContext): { instanceId: string; sagaId: string } {
  return { instanceId: context.lifetime.instanceId, sagaId: context.newId() };
}

function planOf(instance: Instance, change: Change): Plan {
  const { active, intent = instance.intent, terminates = [] } = change;
  const kept = keptBy(instance, change);
  return {
    newState: change.state,
    newActivePropolisId: active?.id ?? null,
    newDestinationPropolisId: kept?.destination.id ?? null,
    newMigrationId: kept?.id ?? null,
    newIntendedState: intent,
    network: active === instance.active ? "keep" : active ? "move" : "delete",
    networkPropolisId: active?.id ?? null,
    unlinkedPropolisIds: unlinkedBy(instance, change).map(({ id }) => id),
    terminatePropolisIds: terminates.map(({ id }) => id),
  };
}

function keptBy({ migration }: Instance, { isMigrating = false }: Change): Instance["migration"] {
  return isMigrating ? migration : undefined;
}

function unlinkedBy(instance: Instance, change: Change): Vmm[] {
  const kept = [change.active, keptBy(instance, change)?.destination];
  return linkedOf(instance).filter((vmm) => !kept.includes(vmm));
}

/** Applies the change of an update to the model. */
export function enact(lifetime: StepContext["lifetime"], change: Change): void {
  const unlinked = unlinkedBy(lifetime, change);
  const kept = keptBy(lifetime, change);
  lifetime.state = change.state;
  lifetime.intent = change.intent ?? lifetime.intent;
  lifetime.generation++;
  lifetime.active = change.active;
  if (lifetime.migration !== kept) unlinkMigration(lifetime);
  for (const vmm of unlinked) unlinkVmm(lifetime, vmm);
}

/** Removes the link to a VMM from the model of the instance. */
export function unlinkVmm({ unlinkedVmms }: StepContext["lifetime"], vmm: Vmm): void {
  vmm.isLinked = false;
  unlinkedVmms.push(vmm);
}

/** Removes the link to the migration from the model of the instance. */
export function unlinkMigration(lifetime: StepContext["lifetime"]): void {
  if (lifetime.migration === undefined) return;
  lifetime.migration.isLinked = false;
  lifetime.unlinkedMigrations.push(lifetime.migration);
  lifetime.migration = undefined;
}
