import type { ApiInstanceState, ApiVmmState, IntendedState } from "../../../src/index.js";
import { alive, dead, effectiveState, type Input, planOf, type Topology, type Vmm } from "../../sql/model.js";
import { isOld, mayAutoRestart } from "./ages.js";
import { hadBeenRunning, isLeftOver, migrationOf, type Snapshot, vmmOf } from "./snapshot.js";

/** What the views and probes say of a state. */
export interface Properties {
  violations: { invariant: string }[];
  api: { state: ApiInstanceState; time_state_updated: string } | null;
  api_vmms: Record<string, ApiVmmState>;
  plan: {
    outcome: string;
    new_state: string | null;
    new_active_propolis_id: string | null;
    new_destination_propolis_id: string | null;
    new_migration_id: string | null;
    new_intended_state: string | null;
    unlinked_propolis_ids: string[] | null;
    terminate_propolis_ids: string[] | null;
    plan_token: string | null;
  };
  pending: boolean;
  restartable: boolean;
  abandoned: string[];
  orphaned: string[];
}

/** A state of the instance, and what was found out about it. */
export interface Found {
  state: Snapshot;
  properties: Properties;
  /** The result of a start after every VMM has ended. */
  restart: { updates: number; start: string; shows: ApiInstanceState };
  /** What was left when all that was deleted had grown old and was purged; null when nothing is deleted. */
  purge: AfterPurge | null;
  /** What was left when every VMM ended and all was deleted. */
  retire: Snapshot & {
    pending: boolean;
    violations: number;
    /** When every VMM had ended, before all was deleted: what the user wants, and whether a restart would do it. */
    intent: IntendedState;
    restartable: boolean;
    /** Whether a purge left anything of it. */
    left_over: boolean;
  };
}

/** What a purge left. */
interface AfterPurge extends Pick<Snapshot, "vmms" | "migrations"> {
  instance: Snapshot["instance"] | null;
  left_over: boolean;
}

/** What must hold of every state, by name; a property answers whether it is broken. */
const PROPERTIES: Record<string, (found: Found) => boolean> = {
  "no invariant is violated": ({ properties }) => properties.violations.length > 0,

  "the API shows the state derived from the rows": ({ state, properties }) =>
    isDeleted(state) ? properties.api !== null : properties.api?.state !== effectiveState(inputOf(state)),

  "the API never shows saga_unwound": ({ state, properties }) =>
    state.vmms.some(
      ({ id, state: stored, time_deleted }) =>
        time_deleted === null &&
        properties.api_vmms[id] !== (stored === "saga_unwound" ? "destroyed" : stored),
    ),

  "instance_plan equals the model's plan": ({ state, properties }) =>
    !isDeleted(state) && JSON.stringify(planned(properties)) !== JSON.stringify(modelled(state)),

  "the API shows no time in the future": ({ properties }) =>
    properties.api !== null && Date.parse(properties.api.time_state_updated) > Date.now(),

  "restartable_instance equals the model's list": ({ state, properties }) =>
    properties.restartable !== (!isDeleted(state) && mayAutoRestart(state) && isListedInTime(state)),

  "a guest that ran and shut down is not restarted": ({ state, retire }) =>
    !isDeleted(state) &&
    (retire.intent !== intentOnceEnded(state) || (retire.intent !== "running" && retire.restartable)),

  "a live VMM is in orphaned_vmm if and only if it is unlinked": ({ state, properties }) =>
    state.vmms.some(
      ({ id, state: stored }) => alive(stored) && !isLinked(state, id) !== properties.orphaned.includes(id),
    ),

  "a dead VMM that is not deleted is in abandoned_vmm if and only if it is unlinked": ({
    state,
    properties,
  }) =>
    state.vmms.some(
      ({ id, state: stored, time_deleted }) =>
        time_deleted === null && dead(stored) && !isLinked(state, id) !== properties.abandoned.includes(id),
    ),

  "after one update no further plan is left": ({ restart }) => restart.updates > 1,

  "an instance can be started again after its VMMs have ended": ({ state, restart }) =>
    !isDeleted(state) && !(restart.start === "applied" && restart.shows === "starting"),

  "an instance and its VMMs can be deleted after the VMMs have ended": ({ retire }) =>
    retire.instance.state !== "destroyed" ||
    retire.vmms.some(({ time_deleted }) => time_deleted === null) ||
    retire.migrations.some(({ time_deleted }) => time_deleted === null) ||
    retire.pending ||
    retire.violations > 0,

  "a purge deletes every row that is not needed any more, and no other": ({ state, purge }) =>
    purge !== null &&
    (purge.left_over || JSON.stringify(idsOf(purge)) !== JSON.stringify(idsOf(afterPurge(state)))),

  "an instance can be purged after it was deleted": ({ retire }) => retire.left_over,
};

/** The names of the properties that do not hold here. */
export function brokenIn(found: Found): string[] {
  return Object.entries(PROPERTIES).flatMap(([name, isBroken]) => (isBroken(found) ? [name] : []));
}

const isDeleted = ({ instance }: Snapshot): boolean => instance.state === "destroyed";

function isLinked({ instance }: Snapshot, id: string): boolean {
  return id === instance.active_propolis_id || id === instance.destination_propolis_id;
}

function inputOf(state: Snapshot): Input {
  const { instance } = state;
  const active = vmmOf(state, instance.active_propolis_id);
  const destination = vmmOf(state, instance.destination_propolis_id);
  const migration = migrationOf(state, instance.migration_id);
  return {
    state: instance.state,
    intent: instance.intended_state,
    topology: topologyOf(state),
    a: active?.state ?? null,
    aStarted: active === undefined ? null : hadBeenRunning(state, active),
    t: destination?.state ?? null,
    tStarted: destination === undefined ? null : hadBeenRunning(state, destination),
    s: migration?.source_state ?? null,
    d: migration?.destination_state ?? null,
  };
}

/** First the migrations of which no VMM is left without a link, then the VMMs that none names, then the instance that has neither. */
function afterPurge(state: Snapshot): AfterPurge {
  const { instance, vmms, migrations } = state;
  const keptMigrations = migrations.filter(
    (m) =>
      m.time_deleted === null ||
      isLeftOver(state, m.source_propolis_id) ||
      isLeftOver(state, m.destination_propolis_id),
  );
  const named = keptMigrations.flatMap((m) => [m.source_propolis_id, m.destination_propolis_id]);
  const keptVmms = vmms.filter(({ id, time_deleted }) => time_deleted === null || named.includes(id));
  const isKept = instance.time_deleted === null || keptVmms.length > 0 || keptMigrations.length > 0;
  const left = { vmms: keptVmms, migrations: keptMigrations, left_over: false };
  return { instance: isKept ? instance : null, ...left };
}

function idsOf({ instance, vmms, migrations }: AfterPurge): unknown[] {
  return [instance !== null, [...vmms, ...migrations].map(({ id }) => id)];
}

/** What the user is taken to want once each VMM that lives has reported destroyed, and that was acted on. */
function intentOnceEnded(state: Snapshot): IntendedState {
  const ended = <V extends Input["a"]>(vmm: V): V | "destroyed" => (alive(vmm) ? "destroyed" : vmm);
  const input = inputOf(state);
  return planOf({ ...input, a: ended(input.a), t: ended(input.t) }).intent;
}

/** A view goes by when its statement began: here, before all steps but those that make something old. */
function isListedInTime({ instance: { time_last_auto_restarted: last } }: Snapshot): boolean {
  return last === null || isOld(last);
}

function topologyOf(state: Snapshot): Topology {
  const migration = migrationOf(state, state.instance.migration_id);
  if (migration === undefined) return "none";
  if (migration.source_propolis_id === state.instance.active_propolis_id) return "source";
  return migration.destination_propolis_id === state.instance.active_propolis_id ? "destination" : "neither";
}

function modelled(state: Snapshot): unknown {
  const plan = planOf(inputOf(state));
  const { instance } = state;
  const id = (vmm: Vmm | null): string | null =>
    vmm === null ? null : vmm === "A" ? instance.active_propolis_id : instance.destination_propolis_id;
  return {
    outcome: plan.needed ? "applied" : "unchanged",
    state: plan.state,
    active: id(plan.active),
    destination: id(plan.destination),
    migration: plan.migration ? instance.migration_id : null,
    intent: plan.intent,
    unlinked: plan.unlinked.map(id),
    terminate: plan.terminate.map(id),
  };
}

function planned({ plan }: Properties): unknown {
  return {
    outcome: plan.outcome,
    state: plan.new_state,
    active: plan.new_active_propolis_id,
    destination: plan.new_destination_propolis_id,
    migration: plan.new_migration_id,
    intent: plan.new_intended_state,
    unlinked: plan.unlinked_propolis_ids,
    terminate: plan.terminate_propolis_ids,
  };
}
