import { alive } from "../../sql/model.js";
import { STRANGER } from "./actors.js";
import { attempts, isOld, mayAutoRestart } from "./ages.js";
import type { InstanceRow, Snapshot, VmmRow } from "./snapshot.js";
import { isDestination, isLeftOver, migrationOf, vmmOf } from "./snapshot.js";
import type { Step } from "./steps.js";
import type { Transition } from "./transition.js";

/**
 * What must hold of locks that are replayed and broken, of restarts, of clocks, and of what operators do.
 *
 * By the name of the rule: whether a transition breaks it.
 */
export const OPERATOR_RULES: Record<string, (transition: Transition) => boolean> = {
  "only the saga that holds the lock commits, unlocks and lets a child inherit": ({
    step,
    before,
    outcomes,
  }) => step.saga !== undefined && outcomes.includes("applied") && step.saga !== before.instance.updater_id,

  "a commit stores its saga and its plan": ({ step, after: { instance }, outcomes, told, planToken }) =>
    outcomes.includes("applied") &&
    ((step.kind === "commit_update" && !isCommitOf(instance, step.saga, told)) ||
      (step.kind === "run_update" &&
        !isCommitOf(instance, STRANGER, [instance.updater_generation, planToken]))),

  "a commit is replayed only by its saga, for its plan": ({ step, before: { instance }, outcomes, told }) =>
    step.kind === "commit_update" &&
    outcomes.includes("unchanged") !==
      (instance.state !== "destroyed" && isCommitOf(instance, step.saga, told)),

  "no other plan is committed or recognised as a replay": ({ step, outcomes }) =>
    step.kind === "commit_another_plan" &&
    outcomes.some((outcome) => outcome === "applied" || outcome === "unchanged"),

  "an unlock is replayed only by the saga that held the lock": ({ step, before, outcomes, told }) =>
    step.kind === "unlock_update" &&
    outcomes.includes("unchanged") !==
      (before.instance.state !== "destroyed" &&
        before.instance.updater_id === null &&
        before.instance.updater_generation === told?.[0] &&
        before.instance.released_updater_id === step.saga),

  "a released lock stores the saga that held it": ({ before, after, step, outcomes, answer }) =>
    before.instance.updater_id !== null &&
    after.instance.updater_id === null &&
    after.instance.state !== "destroyed" &&
    outcomes.some((outcome) => outcome === "applied" || outcome === "unchanged") &&
    after.instance.released_updater_id !==
      (isRun(step.kind, outcomes, answer) ? after.instance.committed_updater_id : before.instance.updater_id),

  "an inheritance is replayed only from the same parent": ({ step, before, outcomes }) =>
    step.kind === "inherit_update" &&
    outcomes.includes("unchanged") &&
    step.saga !== before.instance.updater_parent_id,

  "break_update releases the lock and changes nothing else": ({ step, before, after, outcomes, told }) =>
    step.kind === "break_update" &&
    outcomes.includes("applied") &&
    !(
      before.instance.updater_id !== null &&
      told?.[0] === before.instance.updater_generation &&
      after.instance.updater_id === null &&
      after.instance.updater_generation === before.instance.updater_generation &&
      isSame(before, after, "committed_updater_generation", "state_generation")
    ),

  "a rename changes only the name, and no other call changes it": ({ step, before, after }) =>
    step.kind === "rename_instance"
      ? !isSame(before, after, "state_generation", "intended_state", "updater_id", "auto_restart_attempts")
      : step.kind !== "psql" && before.instance.name !== after.instance.name,

  "only configure_instance changes the policy, and it changes nothing else": ({ step, before, after }) =>
    step.kind === "configure_instance"
      ? !isSame(before, after, "state_generation", "intended_state", "updater_id", "auto_restart_attempts")
      : step.kind !== "psql" && !isSame(before, after, "auto_restart_policy"),

  "fail_sled_vmms fails listed, live VMMs on the sled, and no other VMM": ({ step, before, after }) =>
    step.kind === "fail_sled_vmms" &&
    before.vmms.some((vmm) => {
      const isMeant =
        vmm.sled_id === step.part?.sled && step.listed?.includes(vmm.id) === true && alive(vmm.state);
      return isMeant ? vmmOf(after, vmm.id)?.state !== "failed" : isWritten(vmm, after);
    }),

  "report_sled agrees if and only if the sled has just the VMMs that live": ({ step, before, outcomes }) =>
    step.kind === "report_sled" && outcomes.includes("applied") !== isTruth(step, before),

  "a sled that differs has not agreed": ({ step, outcomes, answer }) =>
    step.kind === "report_sled" &&
    answer !== null &&
    !Array.isArray(answer) &&
    outcomes.includes("applied") !== (typeof answer.time_agreed === "string"),

  "report_sled writes no instance, no VMM and no migration": ({ step, before, after }) =>
    step.kind === "report_sled" && JSON.stringify(before) !== JSON.stringify(after),

  "a malformed call is refused": ({ step }) => step.kind === "misuse",

  "time_started is set by the first report that proves the guest runs": ({ step, before, after, outcomes }) =>
    ["report_vmm", "late_reports"].includes(step.kind) &&
    outcomes.includes("applied") &&
    after.vmms.some((vmm) => {
      const old = vmmOf(before, vmm.id);
      const isHeard = old !== undefined && vmm.state_generation > old.state_generation;
      const proves = isHeard && isProofOfRunning(after, vmm);
      return (vmm.time_started !== null) !== ((old?.time_started ?? null) !== null || proves);
    }),

  "only a report sets time_started, and only once": ({ step, before, after }) =>
    !["psql", "guest_runs_for_long"].includes(step.kind) &&
    before.vmms.some((old) => {
      const now = vmmOf(after, old.id);
      const isChanged = now !== undefined && now.time_started !== old.time_started;
      return isChanged && (old.time_started !== null || step.kind !== "report_vmm");
    }),

  "time_reported is the database's time": ({ step, before, after }) =>
    step.kind !== "psql" &&
    [...after.vmms, ...after.migrations].some(({ id, time_reported: time }) => {
      const old = vmmOf(before, id) ?? migrationOf(before, id);
      return time !== (old?.time_reported ?? null) && !isNow(time);
    }),

  "time_started is the database's time": ({ step, before, after }) =>
    step.kind === "report_vmm" &&
    after.vmms.some(
      ({ id, time_started: time }) => time !== (vmmOf(before, id)?.time_started ?? null) && !isNow(time),
    ),

  "every change of a VMM's state sets time_reported": ({ step, before, after }) =>
    step.kind !== "psql" &&
    after.vmms.some((vmm) => {
      const old = vmmOf(before, vmm.id);
      const isNews = old !== undefined && vmm.state_generation > old.state_generation;
      return isNews && vmm.time_reported === old.time_reported;
    }),

  "an automatic restart raises auto_restart_attempts, a user's start resets it": ({
    step,
    before,
    after,
    outcomes,
  }) =>
    step.kind === "begin_start" &&
    outcomes.includes("applied") &&
    after.instance.auto_restart_attempts !== (isAutomatic(step.sql) ? attempts(before) + 1 : 0),

  "only an instance that may be restarted is restarted": ({ step, before, outcomes }) =>
    step.kind === "begin_start" &&
    isAutomatic(step.sql) &&
    outcomes.includes("applied") &&
    !mayAutoRestart(before),

  "only an update resets auto_restart_attempts, after a linked VMM ran long": ({
    step,
    before,
    after,
    outcomes,
    answer,
  }) => {
    if (
      ["begin_start", "boots_in_a_loop", "psql"].includes(step.kind) ||
      after.instance.state === "destroyed"
    )
      return false;
    const isUpdate =
      (step.kind === "commit_update" && outcomes.includes("applied")) || isRun(step.kind, outcomes, answer);
    const expected = isUpdate ? attempts(before) : before.instance.auto_restart_attempts;
    return after.instance.auto_restart_attempts !== expected;
  },

  "a migration is purged only when none of its VMMs is left without a link": ({ step, before, after }) =>
    step.kind !== "psql" &&
    before.migrations
      .filter(({ id }) => migrationOf(after, id) === undefined)
      .flatMap((m) => [m.source_propolis_id, m.destination_propolis_id])
      .some((id) => isLeftOver(before, id)),

  "a purge deletes only old rows": ({ step, before, after }) =>
    step.kind === "purge" &&
    [...pairsOf(before.vmms, after.vmms), ...pairsOf(before.migrations, after.migrations)].some(
      ([old, now]) => now === undefined && !isOld(old.time_deleted),
    ),

  "a purge counts what it deletes, keeps to p_limit, and answers left_over while rows remain": ({
    step,
    before,
    after,
    answer,
  }) => {
    if (step.kind !== "purge" || step.limit === undefined || Array.isArray(answer)) return false;
    const rows = (of: Snapshot): number => of.vmms.length + of.migrations.length;
    const purged = rows(before) - rows(after);
    const isCounted =
      purged === (answer?.vmms ?? NaN) + (answer?.migrations ?? NaN) && answer?.instances === 0;
    const isOver = !after.migrations.some((m) => canBePurged(after, m));
    return !isCounted || purged > step.limit || (answer.left_over === false && !isOver);
  },
};

/** A migration is needed as long as a VMM of it is left without a link. */
function canBePurged(state: Snapshot, m: Snapshot["migrations"][number]): boolean {
  return (
    isOld(m.time_deleted) &&
    ![m.source_propolis_id, m.destination_propolis_id].some((id) => isLeftOver(state, id))
  );
}

function pairsOf<R extends { id: string }>(before: R[], after: R[]): [R, R | undefined][] {
  return before.map((old) => [old, after.find(({ id }) => id === old.id)]);
}

/** Whether the last commit was this saga's, by this token and of this plan. */
function isCommitOf(
  { committed_updater_id: id, committed_updater_generation: last, committed_plan_token: plan }: InstanceRow,
  saga: string | undefined,
  told: [updaterGeneration: number, planToken: string | null] | undefined,
): boolean {
  return id === saga && last === told?.[0] && plan === told[1];
}

/** In milliseconds; no pause of the exploring process is as long. */
const DAY = 86_400_000;
const isAutomatic = (sql: string): boolean => sql.includes("auto_restart");

/** A VMM that receives a guest is migrating before it runs. */
function isProofOfRunning(state: Snapshot, vmm: VmmRow): boolean {
  if (vmm.state === "migrating") return !isDestination(state, vmm);
  return vmm.state === "running" || vmm.state === "rebooting";
}

/** Tells whether a time is the database's: reports say that they are of another year. */
function isNow(time: string | null): boolean {
  return time !== null && Math.abs(Date.parse(time) - Date.now()) < DAY;
}

function isWritten(vmm: VmmRow, after: Snapshot): boolean {
  return vmmOf(after, vmm.id)?.ctid !== vmm.ctid;
}

function isSame(before: Snapshot, after: Snapshot, ...columns: (keyof Snapshot["instance"])[]): boolean {
  return columns.every((column) => before.instance[column] === after.instance[column]);
}

/** Whether an update was planned and committed in one call. */
function isRun(kind: string, outcomes: readonly string[], answer: Transition["answer"]): boolean {
  if (kind === "run_update") return outcomes.includes("applied");
  return kind === "settle" && !Array.isArray(answer) && answer?.update_outcome === "applied";
}

/** Whether the one VMM that may be on the sled lives there in the state that the sled says, and all else is so, too. */
function isTruth({ part, says }: Step, { vmms }: Snapshot): boolean {
  const living = vmms.filter(
    ({ sled_id, state }) => sled_id === part?.sled && state !== "creating" && alive(state),
  );
  const states = living.map(({ state }) => state);
  return states.length === says?.count && states.join() === says.states.join();
}
