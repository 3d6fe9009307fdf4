import type { Bound } from "../explore/actors.js";
import { GUARD_MUTANTS } from "./guard-mutants.js";
import { LEAN_VERB_MUTANTS } from "./lean-verb-mutants.js";
import { OPERATOR_MUTANTS } from "./operator-mutants.js";
import { READ_MUTANTS } from "./read-mutants.js";
import { REPORT_MUTANTS } from "./report-mutants.js";
import { SHORTCUT_MUTANTS } from "./shortcut-mutants.js";
import { SLED_MUTANTS } from "./sled-mutants.js";

/** A way to get the rules wrong. */
export interface Mutant {
  /** What is wrong with it. */
  name: string;
  /** Undefined for the rules as they are. */
  change?: Change;
  /** Whether a short search is enough. */
  near?: true;
  /** The actors that show the fault, if not two start sagas, one migrate saga and an owner in psql. */
  scope?: Partial<Bound>;
  /**
   * The file below `test/` that detects the fault, if not the exploration: which makes one call at a time, and whose
   * batches have few reports.
   */
  test?: string;
}

/** Another text in a file of `sql/`, which is named without its suffix; or a trigger that is dropped. */
export type Change =
  { file: string; from: string; to: string } | { trigger: string; on: "instance" | "vmm" | "migration" };

const withoutTrigger = (trigger: string, on: "instance" | "vmm" | "migration", near?: true): Mutant => ({
  name: `without ${trigger} on ${on}`,
  change: { trigger, on },
  ...(near && { near }),
});

/** The rules as they are: what a proof finds wrong with them, it would find in every mutant. */
export const CONTROL: Mutant = { name: "the rules as they are" };

export const MUTANTS: readonly Mutant[] = [
  withoutTrigger("guard_identity", "instance", true),
  withoutTrigger("guard_state", "instance", true),
  withoutTrigger("guard_links", "instance"),
  withoutTrigger("guard_updater", "instance", true),
  withoutTrigger("guard_insert", "instance", true),
  withoutTrigger("guard_delete", "instance", true),
  withoutTrigger("mark_links", "instance", true),
  withoutTrigger("record_change", "instance", true),
  withoutTrigger("record_change", "migration"),
  withoutTrigger("GUARD_identity", "vmm", true),
  withoutTrigger("guard_generation", "vmm"),
  withoutTrigger("guard_state", "vmm", true),
  withoutTrigger("guard_link", "vmm", true),
  withoutTrigger("guard_deletion", "vmm", true),
  withoutTrigger("guard_insert", "vmm", true),
  withoutTrigger("guard_delete", "vmm"),
  withoutTrigger("guard_identity", "migration"),
  withoutTrigger("guard_destination", "migration"),
  withoutTrigger("guard_sides", "migration"),
  withoutTrigger("guard_deletion", "migration"),
  withoutTrigger("guard_insert", "migration"),
  withoutTrigger("guard_delete", "migration"),
  {
    name: "a start replaces a live VMM",
    change: {
      file: "verbs/control_plane/begin_start",
      from: "v_active.state IN ('creating', 'starting', 'running', 'rebooting', 'migrating') THEN 'already_started'\n    WHEN v_active.state <> 'saga_unwound'",
      to: "false",
    },
    near: true,
  },
  {
    name: "a migration begins from a VMM that does not run",
    change: {
      file: "verbs/control_plane/begin_migration",
      from: "THEN 'not_running'",
      to: "AND false THEN ''",
    },
  },
  {
    name: "a migration replaces a live destination",
    change: {
      file: "verbs/control_plane/begin_migration",
      from: "THEN 'migration_in_progress'",
      to: "AND false THEN ''",
    },
    scope: { starts: 1, migrations: 2 },
  },
  {
    name: "an unwinding saga writes the instance",
    change: {
      file: "shared/rows/unwind_vmm",
      from: "BEGIN\n",
      to: "BEGIN UPDATE vmstate.instance AS i SET time_modified = v_now WHERE i.id = p_instance_id;",
    },
    near: true,
  },
  {
    name: "any saga unwinds a start",
    change: {
      file: "verbs/control_plane/unwind_start",
      from: "THEN\n    RETURN vmstate.to_vmm_result('conflict', 'wrong_saga'",
      to: "AND false THEN\n    RETURN vmstate.to_vmm_result('conflict', 'wrong_saga'",
    },
    near: true,
  },
  {
    name: "a start unwinds the destination of a migration",
    change: {
      file: "verbs/control_plane/unwind_start",
      from: "v_reason := 'migration_destination'",
      to: "NULL",
    },
  },
  {
    name: "a migration that was handed over is unwound",
    change: {
      file: "verbs/control_plane/unwind_migration",
      from: "ELSIF 'completed' IN (v_migration.source_state, v_migration.destination_state) THEN",
      to: "ELSIF false THEN",
    },
  },
  {
    name: "unwinding leaves the sides of the migration as they are",
    change: { file: "verbs/control_plane/unwind_migration", from: "m.source_state <> 'failed'", to: "false" },
  },
  {
    name: "saga_unwound counts as alive",
    change: { file: "rules/is_absorbing", from: "'saga_unwound'", to: "'failed'" },
  },
  {
    name: "an unwound start leaves the instance stopping",
    change: {
      file: "rules/effective_instance_state",
      from: "WHEN p_active_state = 'saga_unwound' THEN 'stopped'",
      to: "WHEN p_active_state = 'saga_unwound' THEN 'stopping'",
    },
    near: true,
  },
  {
    name: "an unwound destination still shows migrating",
    change: { file: "rules/is_migrating", from: "'saga_unwound'", to: "'failed'" },
  },
  {
    name: "the API shows an unwound VMM as failed",
    change: {
      file: "rules/to_api_vmm_state",
      from: "WHEN 'saga_unwound' THEN 'destroyed'",
      to: "WHEN 'saga_unwound' THEN 'failed'",
    },
    near: true,
  },
  {
    name: "the verdicts completed and failed are swapped",
    change: {
      file: "rules/migration_verdict",
      from: "THEN 'completed'",
      to: "THEN 'failed'",
    },
  },
  {
    name: "a dead source decides a migration",
    change: {
      file: "rules/migration_verdict",
      from: "vmstate.is_absorbing(p_destination_vmm_state)",
      to: "vmstate.is_absorbing(p_active_state)",
    },
  },
  {
    name: "the source of a completed migration is terminated",
    change: {
      file: "rules/update_plan",
      from: "fate.verdict NOT IN ('completed', 'handed_over')",
      to: "fate.verdict <> 'handed_over'",
    },
  },
  {
    name: "a report with the same generation is newer",
    change: {
      file: "verbs/sled_agent/report_vmm",
      from: "v.state_generation < p_generation AND NOT",
      to: "v.state_generation <= p_generation AND NOT",
    },
    near: true,
  },
  {
    name: "a health report with the same generation is newer",
    change: {
      file: "verbs/sled_agent/report_vmm",
      from: "v.state_generation < p_generation AND v.state = 'running'",
      to: "v.state_generation <= p_generation AND v.state = 'running'",
    },
  },
  {
    name: "a newer report changes a dead VMM",
    change: {
      file: "verbs/sled_agent/report_vmm",
      from: "NOT vmstate.is_absorbing(v.state)",
      to: "true",
    },
  },
  {
    name: "a newer report changes an ended side",
    change: {
      file: "rules/migration_report_outcome",
      from: "vmstate.is_terminal(p_side_state)",
      to: "false",
    },
  },
  {
    name: "an unexpired lease is taken over",
    change: {
      file: "verbs/update_saga/begin_update",
      from: "v_instance.updater_lease_until > v_now",
      to: "false",
    },
  },
  {
    name: "a fenced updater commits",
    change: {
      file: "verbs/update_saga/commit_update",
      from: "NOT vmstate.holds_updater_lock(v_instance, p_saga_id, p_updater_generation)",
      to: "false",
    },
  },
  {
    name: "another plan is committed than the one that begin_update returned",
    change: {
      file: "verbs/update_saga/commit_update",
      from: "v_plan.plan_token <> p_plan_token",
      to: "false",
    },
  },
  {
    name: "an update overwrites a user's stop",
    change: { file: "shared/plan/apply_plan", from: "p_plan.new_intended_state", to: "'running'" },
  },
  {
    name: "a linked VMM is deleted",
    change: {
      file: "verbs/control_plane/steps/delete_dead_vmm",
      from: "v_vmm.time_unlinked IS NULL",
      to: "false",
    },
    near: true,
  },
  {
    name: "an instance that runs is deleted",
    change: {
      file: "verbs/control_plane/delete_instance",
      from: "v_instance.state = 'vmm' AND v_plan.active_state <> 'saga_unwound'",
      to: "false",
    },
    near: true,
  },
  {
    name: "fail_vmm fails a dead VMM",
    change: { file: "verbs/operator/fail_vmm", from: "vmstate.is_absorbing(v_vmm.state)", to: "false" },
  },
  {
    name: "fail_sled fails a dead VMM",
    change: {
      file: "verbs/operator/steps/fail_vmms_of_sled",
      from: "AND NOT vmstate.is_absorbing(v.state)",
      to: "",
    },
  },
  {
    name: "an unlinked live VMM is on no work list",
    change: { file: "views/orphaned_vmm", from: "w.time_unlinked IS NOT NULL AND", to: "false AND" },
  },
  {
    name: "a stop changes the state without raising the generation",
    change: {
      file: "verbs/control_plane/request_stop",
      from: "        state_generation = i.state_generation + 1,\n",
      to: "",
    },
  },
  ...OPERATOR_MUTANTS,
  ...SHORTCUT_MUTANTS,
  ...SLED_MUTANTS,
  ...REPORT_MUTANTS,
  ...LEAN_VERB_MUTANTS,
  ...GUARD_MUTANTS,
  ...READ_MUTANTS,
];
