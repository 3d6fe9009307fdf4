import type { InstanceState, IntendedState } from "../../client/generated.js";
import type { Answer } from "../checked-client.js";
import type { Instance, Vmm } from "../model.js";
import { type Scene, together } from "../step-context.js";

/** What an update has to make of an instance. */
export interface Change {
  state: InstanceState;
  active?: Vmm;
  /** The migration stays linked. */
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

type Updater = (scene: Scene, change: Change) => Promise<void>;

/** An update saga that has planned and holds the updater lock. */
export interface Holder {
  instanceId: string;
  sagaId: string;
  updaterGeneration: number;
  planToken: string;
}

const LEASE = "10 minutes";

const calm: readonly [Updater, ...Updater[]] = [inOneCall, inTwoCalls];
const wild: readonly [Updater, ...Updater[]] = [
  explained,
  repeated,
  inherited,
  givenUp,
  againstARival,
  takenOver,
  lapsed,
  contended,
];

/** The update saga brings about the change that the database must plan by itself. */
export async function update(scene: Scene, change: Change): Promise<void> {
  await scene.chance.pick(scene.goesWrong() ? wild : calm)(scene, change);
  if (!scene.goesWrong()) return;
  await scene.caller.call("runUpdate", newSaga(scene), { outcome: "unchanged", ...scene.stands() });
}

/** Updaters find nothing to do. */
export async function updateNothing(scene: Scene): Promise<void> {
  const { caller } = scene;
  const unchanged = { outcome: "unchanged", ...scene.stands() } as const;
  await caller.call("beginUpdate", { ...newSaga(scene), lease: LEASE }, unchanged);
  await caller.call("runUpdate", newSaga(scene), unchanged);
}

/** First half of an update: the lock, and the plan for the change. */
export async function planUpdate(scene: Scene, change: Change, lease = LEASE): Promise<Holder> {
  const { caller, life } = scene;
  const saga = newSaga(scene);
  life.updaterGeneration++;
  const { planToken } = await caller.call("beginUpdate", { ...saga, lease }, held(scene, change));
  return { ...saga, updaterGeneration: life.updaterGeneration, planToken };
}

/** The holder of the lock plans once more. */
export async function replan(scene: Scene, holder: Holder, change: Change): Promise<Holder> {
  const { instanceId, sagaId } = holder;
  const again = { instanceId, sagaId, lease: LEASE };
  const { planToken } = await scene.caller.call("beginUpdate", again, held(scene, change));
  return { ...holder, planToken };
}

/** Second half of an update. */
export async function commit(scene: Scene, holder: Holder, change: Change): Promise<void> {
  enact(scene.life, change);
  await scene.caller.call("commitUpdate", holder, { outcome: "applied", ...scene.stands() });
}

/** A new start or migration has made the plan void; the holder lets go of the lock. */
export async function failToCommit(scene: Scene, holder: Holder): Promise<void> {
  await refuse(scene, holder, "stale_generation");
  await unlock(scene, holder);
}

/** Nothing of an outdated plan is written. */
export async function refuse(
  scene: Scene,
  holder: Holder,
  reason: "stale_generation" | "plan_changed",
): Promise<void> {
  await scene.caller.call("commitUpdate", holder, { outcome: "conflict", reason, ...scene.stands() });
}

/** The VMMs that an instance names. */
export function linkedOf({ active, migration }: Instance): Vmm[] {
  return [...new Set([active, migration?.destination])].filter((vmm) => vmm !== undefined);
}

async function inOneCall(scene: Scene, change: Change): Promise<void> {
  const { caller, life } = scene;
  const plan = planOf(life, change);
  enact(life, change);
  life.updaterGeneration++;
  const { updaterGeneration } = life;
  await caller.call("runUpdate", newSaga(scene), {
    outcome: "applied",
    ...scene.stands(),
    ...plan,
    updaterGeneration,
  });
}

async function inTwoCalls(scene: Scene, change: Change): Promise<void> {
  await commit(scene, await planUpdate(scene, change), change);
}

async function explained(scene: Scene, change: Change): Promise<void> {
  const { instanceId } = scene.life;
  await scene.caller.call("explainUpdate", { instanceId }, held(scene, change));
  await inOneCall(scene, change);
  await scene.caller.call("explainUpdate", { instanceId }, { outcome: "unchanged", ...scene.stands() });
}

async function repeated(scene: Scene, change: Change): Promise<void> {
  const { caller } = scene;
  const holder = await replan(scene, await planUpdate(scene, change), change);
  await commit(scene, holder, change);
  await caller.call("commitUpdate", holder, { outcome: "unchanged", ...scene.stands() });
  await caller.call("unlockUpdate", holder, { outcome: "unchanged", ...scene.stands() });
}

async function inherited(scene: Scene, change: Change): Promise<void> {
  const { caller, life } = scene;
  const parent = await planUpdate(scene, change);
  const { instanceId, sagaId: parentSagaId, updaterGeneration } = parent;
  const { sagaId } = newSaga(scene);
  const inheritance = { instanceId, parentSagaId, updaterGeneration, sagaId, lease: LEASE };
  life.updaterGeneration++;
  const { planToken } = await caller.call("inheritUpdate", inheritance, held(scene, change));
  await caller.call("inheritUpdate", inheritance, { ...held(scene, change), outcome: "unchanged" });
  await loseLock(scene, parent);
  await commit(scene, { instanceId, sagaId, updaterGeneration: life.updaterGeneration, planToken }, change);
}

async function givenUp(scene: Scene, change: Change): Promise<void> {
  const holder = await planUpdate(scene, change);
  await unlock(scene, holder);
  await scene.caller.call("commitUpdate", holder, {
    outcome: "conflict",
    reason: "lock_lost",
    ...scene.stands(),
  });
  await inOneCall(scene, change);
}

async function againstARival(scene: Scene, change: Change): Promise<void> {
  const { caller } = scene;
  const holder = await planUpdate(scene, change);
  const locked = { ...held(scene, change), outcome: "conflict", reason: "locked" } as const;
  await caller.call("runUpdate", newSaga(scene), locked);
  await caller.call("beginUpdate", { ...newSaga(scene), lease: LEASE }, locked);
  await commit(scene, holder, change);
}

async function takenOver(scene: Scene, change: Change): Promise<void> {
  const first = await planUpdate(scene, change, "1 microsecond");
  const second = await planUpdate(scene, change);
  await loseLock(scene, first);
  await commit(scene, second, change);
}

/** A lease that has expired still commits, if nobody took it. */
async function lapsed(scene: Scene, change: Change): Promise<void> {
  await commit(scene, await planUpdate(scene, change, "1 microsecond"), change);
}

/** Whoever comes first, the change is made once. */
async function contended(scene: Scene, change: Change): Promise<void> {
  const { caller, life } = scene;
  const planner = newSaga(scene);
  const rivals = [newSaga(scene), newSaga(scene)];
  const answers = (
    await together(
      scene,
      async () => finish(scene, planner, await caller.ask("beginUpdate", { ...planner, lease: LEASE })),
      () => Promise.all(rivals.map((rival) => caller.ask("runUpdate", rival))),
    )
  ).flat();
  enact(life, change);
  life.updaterGeneration++;
  const isOnce = answers.filter(({ outcome }) => outcome === "applied").length === 1;
  caller.require(isOnce, "runUpdate", [...rivals, planner], answers, "one of them applied");
  await caller.call("runUpdate", newSaga(scene), { outcome: "unchanged", ...scene.stands() });
}

async function finish(
  { caller }: Scene,
  planner: { instanceId: string; sagaId: string },
  begun: Answer<"beginUpdate">,
): Promise<Pick<Answer<"commitUpdate">, "outcome">> {
  if (begun.outcome !== "applied") return begun;
  const { updaterGeneration, planToken } = begun;
  return await caller.ask("commitUpdate", { ...planner, updaterGeneration, planToken });
}

async function unlock(scene: Scene, holder: Holder): Promise<void> {
  await scene.caller.call("unlockUpdate", holder, { outcome: "applied", ...scene.stands() });
  await scene.caller.call("unlockUpdate", holder, { outcome: "unchanged", ...scene.stands() });
}

async function loseLock(scene: Scene, holder: Holder): Promise<void> {
  const lost = { outcome: "conflict", reason: "lock_lost", ...scene.stands() } as const;
  await scene.caller.call("commitUpdate", holder, lost);
  await scene.caller.call("unlockUpdate", holder, lost);
}

/** What an update saga is answered that got, or has, the lock. */
function held(
  scene: Scene,
  change: Change,
): { outcome: "applied"; updaterGeneration: number } & ReturnType<Scene["stands"]> & Plan {
  const { life } = scene;
  const { updaterGeneration } = life;
  return { outcome: "applied", ...scene.stands(), ...planOf(life, change), updaterGeneration };
}

function newSaga(scene: Scene): { instanceId: string; sagaId: string } {
  return { instanceId: scene.life.instanceId, sagaId: scene.newId() };
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

/** Makes the model what the database must be after the update. */
export function enact(life: Scene["life"], change: Change): void {
  const unlinked = unlinkedBy(life, change);
  const kept = keptBy(life, change);
  life.state = change.state;
  life.intent = change.intent ?? life.intent;
  life.generation++;
  life.active = change.active;
  if (life.migration !== kept) unlinkMigration(life);
  for (const vmm of unlinked) unlinkVmm(life, vmm);
}

/** The instance no longer names the VMM. */
export function unlinkVmm({ left }: Scene["life"], vmm: Vmm): void {
  vmm.isLinked = false;
  left.push(vmm);
}

/** The instance no longer names its migration. */
export function unlinkMigration(life: Scene["life"]): void {
  if (life.migration === undefined) return;
  life.migration.isLinked = false;
  life.past.push(life.migration);
  life.migration = undefined;
}
