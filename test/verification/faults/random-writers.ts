import type postgres from "postgres";
import { randomUUID } from "node:crypto";
import {
  apiInstances,
  type MigrationState,
  type ReportedVmmState,
  sledDigest,
  type SledVmm,
} from "../../../src/index.js";
import type { Answer, Arguments, Verb } from "../../../src/simulator/checked-client.js";
import type { Random } from "../../../src/simulator/random.js";
import { PROPOLIS_IP } from "../../../src/simulator/step-context.js";
import { manyRows } from "../../../src/client/rows.js";
import { statement } from "../../../src/client/statement.js";
import { asJson } from "../../support/called-verb.js";
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

/** What a random writer has when it acts. */
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
  "silentSleds",
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
  [reportSled, 1],
  [update, 3],
  [runUpdate, 2],
  [plain, 2],
  [stop, 1],
  [finishCreation, 1],
  [configure, 1],
  [deleteVmm, 1],
  [settle, 2],
  [remove, 1],
  [look, 1],
];
const actions = weightedActions.flatMap(([action, weight]) => Array<Action>(weight).fill(action)) as [
  Action,
  ...Action[],
];

/** Clients that each choose verbs at random on the same few instances: every answer is right, and every error is wrong. */
export class RandomWriters {
  readonly #instances: string[] = [];

  constructor(
    private readonly size: number,
    private readonly totals: Totals,
  ) {}

  /** Takes the instances that exist, and creates those that are missing. */
  async prepare(connection: Connection): Promise<void> {
    const found = await apiInstances(connection.sql, { projectId: PROJECT, limit: this.size });
    this.#instances.push(...found.map(({ id }) => id));
    const client = new PlainClient(connection);
    while (this.#instances.length < this.size) this.#instances.push(await create(client));
  }

  /** Does each action once, and then random actions, until the signal. */
  async write(connection: Connection, random: Random, signal: AbortSignal): Promise<void> {
    const client = new PlainClient(connection);
    for (let n = 0; !signal.aborted; n++)
      await this.#act(connection, client, random, actions[n] ?? random.pick(actions));
  }

  /** Checks that an updater lock is free once its lease has expired, however its saga ended. */
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
      // Another saga may hold the lock by now, with another lease.
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

/** Reports all VMMs in one batch, as JSON or as arrays; a report with a side of a migration goes as JSON in any case. */
async function reportAll({ client, random, observed }: Context): Promise<void> {
  const reports = observed.vmms.map((vmm) => reportOf(random, observed, vmm));
  await client.ask("reportVmms", random.happens(0.5) ? reports.map(asJson) : reports);
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

/** A sled whose agent knows its VMMs, or has just lost them. */
async function reportSled({ client, random }: Context): Promise<void> {
  const sledId = random.pick(SLEDS);
  const vmms = (await client.ask("watchedVmms", {})).filter((vmm) => vmm.sledId === sledId);
  const known = random.happens(0.2) ? [] : (vmms as SledVmm[]);
  await client.ask("reportSled", { sledId, ...(await sledDigest(known)) });
}

/** An update saga that may stop after any of its steps. */
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
  const inherited = await client.ask("inheritUpdate", { ...child, ...parent, lease: "100 milliseconds" });
  if (inherited.outcome === "applied")
    await commit(client, { ...child, updaterGeneration: inherited.updaterGeneration }, inherited);
}

async function unlock(client: Client, holder: Holder): Promise<void> {
  await client.ask("unlockUpdate", holder);
}

/** Breaks the lock of the saga, whose commit then has to be refused. */
async function breakLock(client: Client, holder: Holder, plan: Plan): Promise<void> {
  await client.ask("breakUpdate", { ...holder, reason: "a random writer" });
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

async function settle({ client, random, observed }: Context): Promise<void> {
  const vmm = observed.vmms.at(-1);
  if (!vmm) return;
  const { instanceId, propolisId, generation, time } = reportOf(random, observed, vmm);
  const state = random.pick(["failed", "destroyed", "stopping"] as const);
  const ended = { instanceId, propolisId, sagaId: randomUUID(), state, generation, time };
  await client.ask("settle", { ...ended, delete: random.happens(0.5) });
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
