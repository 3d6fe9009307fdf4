import { dead } from "../../sql/model.js";
import { STRANGER } from "./actors.js";
import type { Answer } from "./explore.js";
import { OPERATOR_RULES } from "./operator-rules.js";
import type { InstanceRow, MigrationRow, Snapshot, VmmRow } from "./snapshot.js";
import { migrationOf, vmmOf } from "./snapshot.js";
import type { Step } from "./steps.js";

/** What a step did. */
export interface Transition {
  step: Step;
  before: Snapshot;
  after: Snapshot;
  outcomes: string[];
  answer: Answer | Answer[] | null;
  /** What the updater was told that takes the step. */
  told: [updaterGeneration: number, planToken: string] | undefined;
  /** The plan as it stood before the step. */
  planToken: string | null;
}

/** What must hold of every step. By the name of the property: whether a transition breaks it. */
const PROPERTIES: Record<string, (transition: Transition) => boolean> = {
  "a refused verb changes nothing": ({ step, before, after, outcomes }) =>
    !["lease_expires", "purge"].includes(step.kind) &&
    !outcomes.includes("applied") &&
    !outcomes.includes("psql") &&
    !sameRows(before, lettingGoOfTheLock(step, before, after)),

  "late reports are refused": ({ step, outcomes }) =>
    step.kind === "late_reports" && outcomes.includes("applied"),

  "generations never fall": (transition) =>
    pairs(transition).some(([before, after]) =>
      generationsOf(before).some((g, i) => g > (generationsOf(after)[i] ?? 0)),
    ),

  "a changed state or link raises the generation": ({ before, after }) =>
    changed(before.instance, after.instance, ["state", ...LINKS]) &&
    after.instance.state_generation <= before.instance.state_generation,

  "a changed VMM raises its generation": ({ step, before, after }) =>
    vmmPairs(before, after).some(
      ([old, now]) =>
        (old.state !== now.state ||
          (old.time_started !== now.time_started && step.kind !== "guest_runs_for_long")) &&
        now.state_generation <= old.state_generation,
    ),

  "an unwinding saga never writes the instance": ({ step, before, after }) =>
    isUnwind(step) && before.instance.ctid !== after.instance.ctid,

  "an unwinding saga writes only its own VMM": ({ step, before, after }) =>
    isUnwind(step) &&
    vmmPairs(before, after).some(([old, now]) => old.ctid !== now.ctid && now.id !== step.part?.propolis),

  "only an unwinding saga sets saga_unwound": ({ step, before, after }) =>
    !isUnwind(step) &&
    step.kind !== "psql" &&
    after.vmms.some(
      ({ id, state }) => state === "saga_unwound" && vmmOf(before, id)?.state !== "saga_unwound",
    ),

  "an unwound VMM is saga_unwound": ({ step, after, outcomes }) =>
    isUnwind(step) &&
    outcomes.includes("applied") &&
    vmmOf(after, step.part?.propolis ?? null)?.state !== "saga_unwound",

  "a dead VMM stays dead": ({ before, after }) =>
    vmmPairs(before, after).some(
      ([old, now]) => dead(old.state) && old.state !== now.state && now.state !== "saga_unwound",
    ),

  "no row becomes creating": ({ before, after }) =>
    (after.instance.state === "creating" && before.instance.state !== "creating") ||
    vmmPairs(before, after).some(([old, now]) => now.state === "creating" && old.state !== "creating"),

  "an ended side of a migration stays as it is": ({ before, after }) =>
    migrationPairs(before, after).some(
      ([old, now]) =>
        (ended(old.source_state) && old.source_state !== now.source_state) ||
        (ended(old.destination_state) && old.destination_state !== now.destination_state),
    ),

  "only the update saga clears ids": ({ step, before, after }) =>
    LINKS.some((link) => before.instance[link] !== null && after.instance[link] === null) &&
    !["commit_update", "run_update", "settle", "delete_instance", "psql"].includes(step.kind),

  "a report that is stale or not terminal settles nothing": ({ step, answer, before, after }) =>
    step.kind === "settle" &&
    answer !== null &&
    !Array.isArray(answer) &&
    (answer.vmm_outcome === "stale" || step.sql.includes("'stopping'")) &&
    (answer.update_outcome !== null ||
      answer.delete_outcome !== null ||
      before.instance.ctid !== after.instance.ctid),

  "only NULL or saga_unwound is replaced": ({ step, before, after }) =>
    (step.kind === "begin_start" && replacesALiveOne(before, after, "active_propolis_id")) ||
    (step.kind === "begin_migration" && replacesALiveOne(before, after, "destination_propolis_id")),

  "a start and a migration leave the other ids alone": ({ step, before, after }) =>
    (step.kind === "begin_start" &&
      changed(before.instance, after.instance, ["destination_propolis_id", "migration_id"])) ||
    (step.kind === "begin_migration" && changed(before.instance, after.instance, ["active_propolis_id"])),

  "only sagas and deletion write the instance's links and state": ({ step, before, after }) =>
    changed(before.instance, after.instance, ["state", ...LINKS]) && !LINKING.has(step.kind),

  "only a deleted row is purged": ({ before, after }) =>
    before.vmms.some(({ id, time_deleted }) => time_deleted === null && vmmOf(after, id) === undefined) ||
    before.migrations.some(
      ({ id, time_deleted }) => time_deleted === null && migrationOf(after, id) === undefined,
    ),

  "a commit is recorded only when the lock is released": ({ before, after }) =>
    after.instance.committed_updater_generation !== before.instance.committed_updater_generation &&
    after.instance.updater_id !== null,

  "a new row is in its initial state": ({ before, after }) =>
    after.others > 0 ||
    after.vmms.some(
      (vmm) =>
        vmmOf(before, vmm.id) === undefined && !(vmm.state === "creating" && vmm.state_generation === 1),
    ) ||
    after.migrations.some(
      (migration) =>
        migrationOf(before, migration.id) === undefined &&
        !(migration.source_state === "pending" && migration.destination_state === "pending"),
    ),

  "no row changes its identity columns": (transition) =>
    pairs(transition).some(([before, after]) =>
      identityOf(before).some((column) => columns(before)[column] !== columns(after)[column]),
    ),

  "a deleted row stays deleted": (transition) =>
    transition.step.kind !== "a_day_goes_by" &&
    pairs(transition).some(
      ([before, after]) =>
        "time_deleted" in before &&
        before.time_deleted !== null &&
        "time_deleted" in after &&
        after.time_deleted !== before.time_deleted,
    ),

  "a linked VMM is not deleted": ({ after }) =>
    [after.instance.active_propolis_id, after.instance.destination_propolis_id].some(
      (id) => (vmmOf(after, id)?.time_deleted ?? null) !== null,
    ),

  "the fencing token rises when another saga gets the lock": ({ before, after }) =>
    after.instance.updater_id !== null &&
    after.instance.updater_id !== before.instance.updater_id &&
    after.instance.updater_generation <= before.instance.updater_generation,

  "only the plan that begin_update returned is committed": ({ step, outcomes, told, planToken }) =>
    step.kind === "commit_update" && outcomes.includes("applied") && told?.[1] !== planToken,

  "a commit, an unlock and a break need the current fencing token": ({ step, before, outcomes, told }) =>
    step.updater !== undefined &&
    outcomes.includes("applied") &&
    told?.[0] !== before.instance.updater_generation,

  "only the saga that created a VMM unwinds it": ({ step, outcomes }) =>
    isUnwind(step) && outcomes.includes("applied") && step.sql.includes(STRANGER),

  "a user's stop is undone only by the user": ({ step, before, after }) =>
    before.instance.intended_state === "stopped" &&
    after.instance.intended_state === "running" &&
    !["begin_start", "request_reboot"].includes(step.kind),

  "an unexpired lock is not taken over": ({ step, before, after }) =>
    before.instance.updater_id !== null &&
    ["begin_update", "run_update", "settle"].includes(step.kind) &&
    Date.parse(before.instance.updater_lease_until ?? "") > Date.now() &&
    after.instance.updater_id !== before.instance.updater_id &&
    !step.sql.includes(before.instance.updater_id),

  ...OPERATOR_RULES,
};

/** The names of the properties that the step broke. */
export function broken(transition: Transition): string[] {
  return Object.entries(PROPERTIES).flatMap(([name, isBroken]) => (isBroken(transition) ? [name] : []));
}

const LINKS = ["active_propolis_id", "destination_propolis_id", "migration_id"] as const;

const INSTANCE_IDENTITY = ["id", "project_id"];
const IDENTITY = ["id", "instance_id", "sled_id", "saga_id", "source_propolis_id", "destination_propolis_id"];

const LINKING = new Set([
  "finish_instance_creation",
  "begin_start",
  "begin_migration",
  "commit_update",
  "run_update",
  "settle",
  "delete_instance",
  "request_stop",
  "psql",
]);

const isUnwind = ({ kind }: Step): boolean => kind === "unwind_start" || kind === "unwind_migration";
const ended = (state: string): boolean => state === "failed" || state === "completed";

type Row = InstanceRow | VmmRow | MigrationRow;
const columns = (row: Row): Record<string, unknown> => ({ ...row });

function sameRows(before: Snapshot, after: Snapshot): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}

/** An updater that finds nothing to do keeps no lock, although its answer is `unchanged`. */
function lettingGoOfTheLock({ kind, sql }: Step, { instance }: Snapshot, after: Snapshot): Snapshot {
  const isHolder = instance.updater_id !== null && sql.includes(instance.updater_id);
  if (!(kind === "begin_update" || kind === "run_update") || !isHolder) return after;
  const { ctid, updater_id, updater_lease_until, updater_parent_id } = instance;
  const { released_updater_id, time_updater_released } = instance;
  const lock = { updater_id, updater_lease_until, updater_parent_id, released_updater_id };
  return { ...after, instance: { ...after.instance, ctid, ...lock, time_updater_released } };
}

function changed(before: InstanceRow, after: InstanceRow, columns: readonly (keyof InstanceRow)[]): boolean {
  return columns.some((column) => before[column] !== after[column]);
}

function replacesALiveOne(
  before: Snapshot,
  { instance }: Snapshot,
  column: "active_propolis_id" | "destination_propolis_id",
): boolean {
  const old = before.instance[column];
  return old !== null && old !== instance[column] && vmmOf(before, old)?.state !== "saga_unwound";
}

function vmmPairs(before: Snapshot, after: Snapshot): [VmmRow, VmmRow][] {
  return matched(before.vmms, after.vmms);
}

function migrationPairs(before: Snapshot, after: Snapshot): [MigrationRow, MigrationRow][] {
  return matched(before.migrations, after.migrations);
}

function pairs({ before, after }: Transition): [Row, Row][] {
  return [[before.instance, after.instance], ...vmmPairs(before, after), ...migrationPairs(before, after)];
}

function matched<R extends { id: string }>(before: R[], after: R[]): [R, R][] {
  return before.flatMap((old) => {
    const now = after.find(({ id }) => id === old.id);
    return now === undefined ? [] : [[old, now] satisfies [R, R]];
  });
}

const identityOf = (row: Row): string[] => ("updater_generation" in row ? INSTANCE_IDENTITY : IDENTITY);

function generationsOf(row: Row): number[] {
  if ("source_generation" in row) return [row.source_generation, row.destination_generation];
  if ("updater_generation" in row)
    return [row.state_generation, row.updater_generation, row.committed_updater_generation ?? 0];
  return [row.state_generation];
}
