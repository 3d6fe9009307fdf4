import type { Call, Verb } from "./calls.js";
import type { Answer } from "./model/step.js";

const ON_INSTANCE = ["applied", "unchanged", "gone", "not_found"];
const ON_REPORTED_VMM = ["applied", "stale", "terminal", "gone", "not_found"].map(
  (outcome) => `vmm ${outcome}`,
);
const ON_REPORTED_SIDES = ["in", "out"].flatMap((side) =>
  ["applied", "stale", "terminal", "wrong_side", "gone", "not_found"].map((outcome) => `${side} ${outcome}`),
);
const conflicts = (...reasons: string[]): string[] => reasons.map((reason) => `conflict ${reason}`);

/** Every outcome and reason that a verb may answer. */
const DOCUMENTED: Record<Verb, readonly string[]> = {
  create_instance: ["applied", "unchanged", "gone", ...conflicts("name_taken", "instance_id_taken")],
  finish_instance_creation: ON_INSTANCE,
  configure_instance: ON_INSTANCE,
  rename_instance: [...ON_INSTANCE, ...conflicts("name_taken"), "VM001 p_name"],
  begin_start: [
    ...ON_INSTANCE,
    ...conflicts("creating", "already_started", "not_stopped", "stale_generation"),
    ...conflicts("restart_not_permitted", "propolis_id_taken"),
  ],
  unwind_start: [...ON_INSTANCE, ...conflicts("wrong_saga", "migration_destination", "handed_over")],
  begin_migration: [
    ...ON_INSTANCE,
    ...conflicts("not_running", "wrong_source", "migration_in_progress", "same_sled", "stale_generation"),
    ...conflicts("propolis_id_taken", "migration_id_taken"),
  ],
  unwind_migration: [...ON_INSTANCE, ...conflicts("wrong_saga", "handed_over")],
  request_stop: [...ON_INSTANCE, ...conflicts("creating")],
  request_reboot: [...ON_INSTANCE, ...conflicts("not_running")],
  delete_instance: ["applied", "unchanged", "not_found", ...conflicts("not_stopped")],
  delete_vmm: ["applied", "unchanged", "not_found", ...conflicts("linked", "not_destroyable")],
  fail_vmm: ["applied", "terminal", "gone", "not_found", ...conflicts("stale_generation")],
  fail_sled: ["applied", "nothing"],
  fail_sled_vmms: ["applied", "nothing"],
  report_vmm: [...ON_REPORTED_VMM, ...ON_REPORTED_SIDES, "update needed"],
  report_vmms: [...ON_REPORTED_VMM, ...ON_REPORTED_SIDES, "update needed"],
  begin_update: [...ON_INSTANCE, ...conflicts("locked"), "VM001 p_lease"],
  inherit_update: [...ON_INSTANCE, ...conflicts("lock_lost"), "VM001 p_lease"],
  commit_update: [...ON_INSTANCE, ...conflicts("lock_lost", "stale_generation", "plan_changed")],
  unlock_update: [...ON_INSTANCE, ...conflicts("lock_lost")],
  break_update: [...ON_INSTANCE, ...conflicts("lock_lost"), "VM001 p_reason"],
  run_update: [...ON_INSTANCE, ...conflicts("locked")],
  explain_update: ON_INSTANCE,
  purge: ["migrations", "vmms", "instances", "nothing", "VM001 p_before", "VM001 p_limit"],
  lease_expires: [],
  cooldown_elapses: [],
  guest_runs_for_long: [],
  boots_in_a_loop: [],
  a_day_goes_by: [],
};

/** How often each verb gave each of its answers. */
export class OutcomeCoverage {
  readonly counts = new Map<string, number>(
    Object.entries(DOCUMENTED).flatMap(([verb, kinds]) => kinds.map((kind) => [`${verb} ${kind}`, 0])),
  );
  calls = 0;

  count(call: Call, answer: Answer): void {
    this.calls++;
    for (const kind of kindsOf(call, answer)) {
      const name = `${call.verb} ${kind}`;
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    }
  }

  /** What was answered at least once. */
  get reached(): string[] {
    return [...this.counts].filter(([, count]) => count > 0).map(([name]) => name);
  }

  /** What no call was answered. */
  get missing(): string[] {
    return [...this.counts].filter(([, count]) => count === 0).map(([name]) => name);
  }
}

function kindsOf({ verb }: Call, answer: Answer): string[] {
  const rows = (answer["rows"] ?? [answer]) as Answer[];
  const { code, argument } = answer;
  if (typeof argument === "string") return [`${String(code)} ${argument}`];
  if (verb === "purge") return kindsOfPurge(answer);
  if (verb.startsWith("fail_sled") && rows.length === 0) return ["nothing"];
  return rows.flatMap((row) => ("vmmOutcome" in row ? kindsOfReport(row) : kindsOfVerb(row)));
}

function kindsOfPurge(answer: Answer): string[] {
  const purged = ["migrations", "vmms", "instances"].filter((table) => Number(answer[table]) > 0);
  return purged.length > 0 ? purged : ["nothing"];
}

function kindsOfVerb({ outcome, reason }: Answer): string[] {
  if (typeof outcome !== "string") return [];
  return [typeof reason === "string" ? `${outcome} ${reason}` : outcome];
}

function kindsOfReport(row: Answer): string[] {
  const { vmmOutcome, migrationInOutcome, migrationOutOutcome, updateNeeded } = row;
  return [
    `vmm ${String(vmmOutcome)}`,
    ...(typeof migrationInOutcome === "string" ? [`in ${migrationInOutcome}`] : []),
    ...(typeof migrationOutOutcome === "string" ? [`out ${migrationOutOutcome}`] : []),
    ...(updateNeeded === true ? ["update needed"] : []),
  ];
}
