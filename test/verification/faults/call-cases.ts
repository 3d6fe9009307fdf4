import { randomUUID } from "node:crypto";
import type { Sql } from "postgres";
import {
  beginMigration,
  beginStart,
  beginUpdate,
  createInstance,
  type BeginStartResult,
} from "../../../src/index.js";
import type { Arguments, Verb } from "../../../src/simulator/checked-client.js";
import {
  anotherMigration,
  anotherStart,
  applied,
  migrating,
  running,
  say,
  saying,
  type Scenario,
  starting,
  stopped,
  unwound,
  update,
} from "../../sql/scenario.js";
import type { PausePoint } from "./pause-points.js";
import { beginAndAbandon, takeOver } from "./abandoned-update.js";

/** A step of a saga, or what a sled or a user asks for. */
export interface CallCase {
  verb: Verb;
  prepare: (sql: Sql) => Promise<PreparedCall>;
  /** The tables that the verb writes. */
  writes: readonly Exclude<PausePoint, "commit">[];
  /** What {@link standingOf} the instance is, before and after. */
  before: string;
  after: string;
  /** What {@link outcomesOf} the answer to a replay is. */
  replayed: string;
}

/** An instance on which the verb is about to be called. */
export interface PreparedCall {
  instanceId: string;
  argument: Arguments<Verb>;
  /** What other callers do once the call is committed. */
  goOn: () => Promise<unknown>;
}

export const callCases: readonly CallCase[] = [
  {
    verb: "beginStart",
    prepare: beginningStart,
    writes: ["vmm", "instance"],
    before: "stopped 2",
    after: "starting 3, creating 1",
    replayed: "unchanged",
  },
  {
    verb: "unwindStart",
    prepare: unwindingStart,
    writes: ["vmm"],
    before: "starting 3, creating 1",
    after: "stopped 3, saga_unwound 2",
    replayed: "unchanged",
  },
  {
    verb: "beginMigration",
    prepare: beginningMigration,
    writes: ["vmm", "migration", "instance"],
    before: "running 3, running 2",
    after: "migrating 4, running 2, creating 1, pending 1 to pending 1",
    replayed: "unchanged",
  },
  {
    verb: "unwindMigration",
    prepare: unwindingMigration,
    writes: ["migration", "vmm"],
    before: "migrating 4, running 2, creating 1, pending 1 to pending 1",
    after: "running 4, running 2, saga_unwound 2, failed 2 to failed 2",
    replayed: "unchanged",
  },
  {
    verb: "reportVmm",
    prepare: reportingArrival,
    writes: ["vmm", "migration"],
    before: "migrating 4, running 2, creating 1, pending 1 to pending 1",
    after: "migrating 4, running 2, running 2, pending 1 to completed 2",
    replayed: "stale",
  },
  {
    verb: "reportVmms",
    prepare: reportingBothVmms,
    writes: ["vmm"],
    before: "migrating 4, running 2, creating 1, pending 1 to pending 1",
    after: "migrating 4, rebooting 3, starting 2, pending 1 to pending 1",
    replayed: "stale",
  },
  {
    verb: "beginUpdate",
    prepare: beginningUpdate,
    writes: ["instance"],
    before: "stopping 3, destroyed 3",
    after: "stopping 3 locked, destroyed 3",
    replayed: "applied",
  },
  {
    verb: "commitUpdate",
    prepare: committingUpdate,
    writes: ["instance", "vmm"],
    before: "stopping 3 locked, destroyed 3",
    after: "stopped 4, destroyed 3 unlinked",
    replayed: "unchanged",
  },
  {
    verb: "runUpdate",
    prepare: runningUpdate,
    writes: ["instance", "vmm"],
    before: "stopping 3, destroyed 3",
    after: "stopped 4, destroyed 3 unlinked",
    replayed: "unchanged",
  },
  {
    verb: "deleteInstance",
    prepare: deletingInstance,
    writes: ["instance", "vmm"],
    before: "stopped 3, saga_unwound 2",
    after: "destroyed 5, saga_unwound 2 unlinked",
    replayed: "unchanged",
  },
  {
    verb: "settle",
    prepare: settling,
    writes: ["vmm", "instance"],
    before: "running 3, running 2",
    after: "stopped 4, destroyed 3 unlinked deleted",
    // The VMM is gone; the update and the deletion have nothing to do.
    replayed: "gone, unchanged",
  },
];

async function beginningStart(sql: Sql): Promise<PreparedCall> {
  const s = await stopped(sql);
  return preparedCall(s, s.start, () => say(sql, s, "active", "running"));
}

async function unwindingStart(sql: Sql): Promise<PreparedCall> {
  const s = await starting(sql);
  return preparedCall(s, s.start, () => startAgain(sql, s));
}

async function beginningMigration(sql: Sql): Promise<PreparedCall> {
  const s = await running(sql);
  return preparedCall(s, s.migration, async () => {
    await say(sql, s, "destination", "running", "completed");
    await update(sql, s);
  });
}

async function unwindingMigration(sql: Sql): Promise<PreparedCall> {
  const s = await migrating(sql);
  return preparedCall(s, s.migration, () => applied(beginMigration(sql, anotherMigration(s))));
}

async function reportingArrival(sql: Sql): Promise<PreparedCall> {
  const s = await migrating(sql);
  return preparedCall(s, arrival(s), () => update(sql, s));
}

/** A batch of two VMMs, of which no half may be written. */
async function reportingBothVmms(sql: Sql): Promise<PreparedCall> {
  const s = await migrating(sql);
  const { instanceId, propolisId, destinationId } = s;
  const time = new Date();
  const batch: Arguments<"reportVmms"> = [
    { instanceId, propolisId, state: "rebooting", generation: 3, time },
    { instanceId, propolisId: destinationId, state: "starting", generation: 2, time },
  ];
  return preparedCall(s, batch, async () => {
    await say(sql, s, "destination", "running", "completed");
    await update(sql, s);
  });
}

async function beginningUpdate(sql: Sql): Promise<PreparedCall> {
  const s = await saying(sql, "destroyed");
  const saga = { instanceId: s.instanceId, sagaId: randomUUID(), lease: "500 milliseconds" };
  return preparedCall(s, saga, async () => {
    const { updaterGeneration, planToken } = await applied(beginUpdate(sql, saga));
    await takeOver(sql, { ...saga, updaterGeneration, planToken });
  });
}

async function committingUpdate(sql: Sql): Promise<PreparedCall> {
  const saga = await beginAndAbandon(sql, "1 hour");
  return preparedCall(saga, saga, () => startAgain(sql, saga));
}

async function runningUpdate(sql: Sql): Promise<PreparedCall> {
  const s = await saying(sql, "destroyed");
  const saga = { instanceId: s.instanceId, sagaId: randomUUID() };
  return preparedCall(s, saga, () => startAgain(sql, s));
}

async function deletingInstance(sql: Sql): Promise<PreparedCall> {
  const s = await unwound(sql);
  const namesake = { ...s.create, instanceId: randomUUID() };
  return preparedCall(s, { instanceId: s.instanceId }, () => applied(createInstance(sql, namesake)));
}

async function settling(sql: Sql): Promise<PreparedCall> {
  const s = await running(sql);
  const { instanceId, propolisId } = s;
  const saga = { instanceId, propolisId, sagaId: randomUUID() };
  const ended = { ...saga, state: "destroyed", generation: 3, time: new Date() } as const;
  return preparedCall(s, ended, () => startAgain(sql, s));
}

interface Outcomes {
  outcome?: string;
  vmmOutcome?: string;
  updateOutcome?: string | null;
  deleteOutcome?: string | null;
}

/** Lists the outcomes of an answer, each once: those of all its rows, and of all parts of a settlement. */
export function outcomesOf(answer: unknown): string {
  const outcomes = [answer as Outcomes | Outcomes[]].flat().flatMap((row) => {
    const { outcome, vmmOutcome, updateOutcome, deleteOutcome } = row;
    return [outcome, vmmOutcome, updateOutcome, deleteOutcome].flatMap((each) => each ?? []);
  });
  return [...new Set(outcomes)].join(", ");
}

/** What the instance shows, with its VMMs and its migrations, and their generations. */
export async function standingOf(sql: Sql, instanceId: string): Promise<string> {
  const [{ standing }] = await sql<[{ standing: string }]>`
    select concat_ws(', ',
        concat_ws(' ', r.api_state, r.state_generation, case when r.updater_id is not null then 'locked' end),
        (select string_agg(concat_ws(' ', v.state, v.state_generation,
              case when v.time_unlinked is not null then 'unlinked' end,
              case when v.time_deleted is not null then 'deleted' end), ', ' order by v.time_created)
          from vmstate.vmm as v where v.instance_id = r.instance_id),
        (select string_agg(concat_ws(' ', m.source_state, m.source_generation, 'to',
              m.destination_state, m.destination_generation), ', ' order by m.time_created)
          from vmstate.migration as m where m.instance_id = r.instance_id)
      ) as standing
      from vmstate.resolved_instance as r where r.instance_id = ${instanceId}`;
  return standing;
}

function preparedCall(
  { instanceId }: { instanceId: string },
  argument: Arguments<Verb>,
  goOn: PreparedCall["goOn"],
): PreparedCall {
  return { instanceId, argument, goOn };
}

function startAgain(sql: Sql, s: Pick<Scenario, "instanceId">): Promise<BeginStartResult> {
  return applied(beginStart(sql, anotherStart(s)));
}

/** A migration after which the destination has the guest. */
function arrival({ instanceId, destinationId, migrationId }: Scenario): Arguments<"reportVmm"> {
  const time = new Date();
  return {
    ...{ instanceId, propolisId: destinationId, state: "running", generation: 2, time },
    migrationInId: migrationId,
    migrationInState: "completed",
    migrationInGeneration: 2,
    migrationInTime: time,
  };
}
