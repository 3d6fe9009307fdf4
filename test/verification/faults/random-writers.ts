import type postgres from "postgres";
import { randomUUID } from "node:crypto";
import { apiInstances, type MigrationState, type ReportedVmmState } from "../../../src/index.js";
import type { Answer, Arguments, Verb } from "../../../src/simulator/checked-client.js";
import type { Random } from "../../../src/simulator/random.js";
import { PROPOLIS_IP } from "../../../src/simulator/step-context.js";
import { manyRows } from "../../../src/client/rows.js";
import { statement } from "../../../src/client/statement.js";
import { PLAIN_CALLS, PLAIN_FUNCTIONS } from "../../support/plain-calls.js";
import { type Client, type Connection, PlainClient } from "./retrying-clients.js";
import type { Totals } from "./totals.js";

interface Vmm {
  id: string;
  sagaId: string;
  generation: number;
}

interface Migration {
  id: string;
  sagaId: string;
  source: string;
  destination: string;
  sourceGeneration: number;
  destinationGeneration: number;
}

/** An instance as a client read it; the row may have changed when the client acts on it. */
interface ObservedInstance {
  instanceId: string;
  generation: number;
  active: string | null;
  /** The newest ones. */
  vmms: Vmm[];
  migration: Migration | null;
}

/** What a brawler has when it acts. */
interface Context {
  client: Client;
  random: Random;
  observed: ObservedInstance;
}

type Action = (context: Context) => Promise<void>;
type Choices<T> = readonly [T, ...T[]];

const PROJECT = "00000000-0000-4000-8000-00000000b4a1";
/** Few, so that a sled that fails hits several instances. */
const SLEDS: Choices<string> = [
  "00000000-0000-4000-8000-000000000001",
  "00000000-0000-4000-8000-000000000002",
  "00000000-0000-4000-8000-000000000003",
];
const HOUR_MS = 3_600_000;
const LEASES: Choices<string> = ["1 millisecond", "20 milliseconds", "200 milliseconds"];
const STATES: Choices<ReportedVmmState> = [
  "starting",
  "running",
  "running",
  "running",
  "rebooting",
  "migrating",
  "stopping",
  "stopped",
  "destroyed",
  "failed",
];
const SIDES: Choices<MigrationState> = ["in_progress", "in_progress", "completed", "failed"];
const LISTS: Choices<Verb> = [
  "pendingUpdates",
  "abandonedVmms",
  "orphanedVmms",
  "restartableInstances",
  "watchedVmms",
  "stuckInstances",
];

const weightedActions: readonly (readonly [Action, weight: number])[] = [
  [start, 2],
  [unwindStart, 1],
  [migrate, 2],
  [unwindMigration, 1],
  [report, 4],
  [reportAll, 1],
  [failVmm, 1],
  [failSled, 1],
  [update, 3],
  [runUpdate, 2],
  [plain, 2],
  [stop, 1],
  [finishCreation, 1],
  [configure, 1],
  [deleteVmm, 1],
  [remove, 1],
  [look, 1],
];
const actions = weightedActions.flatMap(([action, weight]) => Array<Action>(weight).fill(action)) as [
  Action,
  ...Action[],
];

/** Many who write the same few instances, each after its own mind: all answers are right, and no error is. */
export class RandomWriters {
  readonly #instances: string[] = [];

  constructor(
    private readonly size: number,
    private readonly totals: Totals,
  ) {}

  /** Takes instances that are there, and makes those that lack. */
  async prepare(connection: Connection): Promise<void> {
    const found = await apiInstances(connection.sql, { projectId: PROJECT, limit: this.size });
    this.#instances.push(...found.map(({ id }) => id));
    const client = new PlainClient(connection);
    while (this.#instances.length < this.size) this.#instances.push(await create(client));
  }

  /** Each move once, then any, until it is told to stop. */
  async write(connection: Connection, random: Random, signal: AbortSignal): Promise<void> {
    const client = new PlainClient(connection);
    for (let n = 0; !signal.aborted; n++)
      await this.#act(connection, client, random, actions[n] ?? random.pick(actions));
  }

  /** However the sagas ended that held a lock: it is free when its lease is over. */
  async settle(connection: Connection): Promise<void> {
    const expired = await manyRows<{ instanceId: string; updaterLeaseUntil: Date }>(
      connection.sql,
      statement`
      select json_build_object('instance_id', id, 'updater_lease_until', updater_lease_until)::text
        from vmstate.instance where project_id = ${PROJECT} and updater_lease_until < clock_timestamp()`,
    );
    const client = new PlainClient(connection);
    for (const { instanceId, updaterLeaseUntil } of expired) {
      const answer = await client.ask("runUpdate", { instanceId, sagaId: randomUUID() });
      // Somebody else may have it by now.
      if (
        answer.outcome === "conflict" &&
        answer.updaterLeaseUntil?.getTime() === updaterLeaseUntil.getTime()
      )
        this.totals.wrong.add(`an updater lock of ${instanceId} outlives its lease`);
    }
  }

  async #act({ sql }: Connection, client: Client, random: Random, action: Action): Promise<void> {
    const place = random.below(this.size);
    const instanceId = String(this.#instances[place]);
    try {
      const observed = await observe(sql, instanceId);
      if (observed) await action({ client, random, observed });
      else this.#instances[place] = await create(client);
    } catch (error) {
      this.totals.wrong.add(`${action.name}: ${String(error)}`);
    }
  }
}

async function create(client: Client): Promise<string> {
  const id = randomUUID();
  await client.ask("createInstance", {
    instanceId: id,
    projectId: PROJECT,
    name: id,
    intendedState: "running",
  });
  await client.ask("finishInstanceCreation", { instanceId: id });
  return id;
}

async function observe(sql: postgres.ISql, instanceId: string): Promise<ObservedInstance | undefined> {
  // not "vmms", which a purge counts: manyRows would ask for a number
  const [seen] = await manyRows<Omit<ObservedInstance, "vmms"> & { newest: Vmm[] }>(
    sql,
    statement`
    select json_build_object('instance_id', i.id, 'generation', i.state_generation, 'active', i.active_propolis_id,
        'newest', array(
          select json_build_object('id', v.id, 'sagaId', v.saga_id, 'generation', v.state_generation)
            from vmstate.vmm as v where v.instance_id = i.id and v.time_deleted is null
            order by v.time_created desc limit 5),
        'migration', (
          select json_build_object('id', m.id, 'sagaId', m.saga_id, 'source', m.source_propolis_id,
              'destination', m.destination_propolis_id, 'sourceGeneration', m.source_generation,
              'destinationGeneration', m.destination_generation)
            from vmstate.migration as m where m.instance_id = i.id and m.id = i.migration_id))::text
      from vmstate.instance as i where i.id = ${instanceId} and i.time_deleted is null`,
  );
  return seen && { ...seen, vmms: seen.newest };
}

async function start({ client, random, observed }: Context): Promise<void> {
  const { instanceId, generation } = observed;
  const saga = { instanceId, ...newPropolis(random) };
  const begun = await client.ask("beginStart", {
    ...saga,
    startReason: random.pick(["user", "auto_restart"] as const),
    expectedGeneration: random.happens(0.3) ? generation : null,
  });
  if (begun.outcome === "applied" && random.happens(0.3)) await client.ask("unwindStart", saga);
  if (random.happens(0.2)) await client.ask("beginStart", saga);
}

async function unwindStart({ client, observed: { instanceId, active, vmms } }: Context): Promise<void> {
  const vmm = vmms.find(({ id }) => id === active);
  if (vmm) await client.ask("unwindStart", { instanceId, sagaId: vmm.sagaId, propolisId: vmm.id });
}

async function migrate({ client, random, observed: { instanceId, active } }: Context): Promise<void> {
  if (active === null) return;
  const { propolisId, ...saga } = newPropolis(random);
  await client.ask("beginMigration", {
    instanceId,
    ...saga,
    migrationId: randomUUID(),
    sourcePropolisId: active,
    destinationPropolisId: propolisId,
  });
}

async function unwindMigration({ client, observed: { instanceId, migration } }: Context): Promise<void> {
  if (!migration) return;
  await client.ask("unwindMigration", { instanceId, sagaId: migration.sagaId, migrationId: migration.id });
}

async function report({ client, random, observed }: Context): Promise<void> {
  const [vmm, ...others] = observed.vmms;
  if (vmm) await client.ask("reportVmm", reportOf(random, observed, random.pick([vmm, ...others])));
}

async function reportAll({ client, random, observed }: Context): Promise<void> {
  await client.ask(
    "reportVmms",
    observed.vmms.map((vmm) => reportOf(random, observed, vmm)),
  );
}

function reportOf(
  random: Random,
  { instanceId, migration }: ObservedInstance,
  { id, generation }: Vmm,
): Arguments<"reportVmm"> {
  const time = new Date();
  return {
    instanceId,
    propolisId: id,
    state: random.pick(STATES),
    generation: generation + random.below(3),
    time,
    ...(migration?.destination === id && {
      migrationInId: migration.id,
      migrationInState: random.pick(SIDES),
      migrationInGeneration: migration.destinationGeneration + 1,
      migrationInTime: time,
    }),
    ...(migration?.source === id && {
      migrationOutId: migration.id,
      migrationOutState: random.pick(SIDES),
      migrationOutGeneration: migration.sourceGeneration + 1,
      migrationOutTime: time,
    }),
  };
}

async function failVmm({ client, observed: { instanceId, vmms } }: Context): Promise<void> {
  const [vmm] = vmms;
  if (vmm) await client.ask("failVmm", { instanceId, propolisId: vmm.id, reason: "no_such_vmm" });
}

async function failSled({ client, random, observed: { vmms } }: Context): Promise<void> {
  const sled = { sledId: random.pick(SLEDS), reason: "sled_off" } as const;
  await client.ask("failSledVmms", { ...sled, propolisIds: vmms.slice(0, 2).map(({ id }) => id) });
  await client.ask("failSled", sled);
}

/** The saga may lose its way after any of its steps. */
async function update({ client, random, observed: { instanceId } }: Context): Promise<void> {
  const sagaId = randomUUID();
  const begun = await client.ask("beginUpdate", { instanceId, sagaId, lease: random.pick(LEASES) });
  if (begun.outcome !== "applied" || random.happens(0.2)) return;
  const holder = { instanceId, sagaId, updaterGeneration: begun.updaterGeneration };
  const act = random.pick([commit, commit, inherit, unlock, breakLock]);
  await act(client, holder, begun);
}

type Holder = Omit<Arguments<"commitUpdate">, "planToken">;
type Plan = Extract<Answer<"beginUpdate">, { outcome: "applied" | "unchanged" }>;

async function commit(client: Client, holder: Holder, { planToken }: Plan): Promise<void> {
  await client.ask("commitUpdate", { ...holder, planToken });
}

async function inherit(client: Client, { instanceId, sagaId, updaterGeneration }: Holder): Promise<void> {
  const child = { instanceId, sagaId: randomUUID() };
  const parent = { parentSagaId: sagaId, updaterGeneration };
  const heir = await client.ask("inheritUpdate", { ...child, ...parent, lease: "100 milliseconds" });
  if (heir.outcome === "applied")
    await commit(client, { ...child, updaterGeneration: heir.updaterGeneration }, heir);
}

async function unlock(client: Client, holder: Holder): Promise<void> {
  await client.ask("unlockUpdate", holder);
}

/** The saga that held the lock is told that it lost it. */
async function breakLock(client: Client, holder: Holder, plan: Plan): Promise<void> {
  await client.ask("breakUpdate", { ...holder, reason: "brawl" });
  await commit(client, holder, plan);
}

async function runUpdate({ client, observed: { instanceId } }: Context): Promise<void> {
  await client.ask("runUpdate", { instanceId, sagaId: randomUUID() });
}

async function plain({ client, random, observed: { instanceId } }: Context): Promise<void> {
  const name = random.pick(PLAIN_FUNCTIONS);
  await client.ask(name, PLAIN_CALLS[name](instanceId));
}

async function stop({ client, observed }: Context): Promise<void> {
  await client.ask("requestStop", observed);
}

async function finishCreation({ client, observed }: Context): Promise<void> {
  await client.ask("finishInstanceCreation", { instanceId: observed.instanceId });
}

async function configure({ client, random, observed: { instanceId } }: Context): Promise<void> {
  await client.ask("renameInstance", { instanceId, name: random.pick(["a", "b", instanceId]) });
  const autoRestartCooldown = random.pick(["0 seconds", null]);
  await client.ask("configureInstance", { instanceId, autoRestartCooldown });
}

async function deleteVmm({ client, observed: { instanceId, vmms } }: Context): Promise<void> {
  for (const { id } of vmms.slice(-2)) await client.ask("deleteVmm", { instanceId, propolisId: id });
}

async function remove({ client, random, observed }: Context): Promise<void> {
  await client.ask("purge", { before: new Date(Date.now() - 2 * HOUR_MS), limit: 10 });
  if (random.happens(0.3)) await client.ask("deleteInstance", observed);
}

async function look({ client, random, observed }: Context): Promise<void> {
  await client.ask(random.pick(LISTS), { limit: 5 });
  await client.ask("apiInstance", observed);
  await client.ask("apiVmms", observed);
}

function newPropolis(
  random: Random,
): Pick<Arguments<"beginStart">, "sagaId" | "propolisId" | "sledId" | "propolisIp"> {
  return {
    sagaId: randomUUID(),
    propolisId: randomUUID(),
    sledId: random.pick(SLEDS),
    propolisIp: PROPOLIS_IP,
  };
}
