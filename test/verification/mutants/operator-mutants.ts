import type { Mutant } from "./mutants.js";

/** Ways to get wrong how locks are replayed and broken, what counts as running, clocks, restarts, and what operators do. */
export const OPERATOR_MUTANTS: readonly Mutant[] = [
  {
    name: "a commit is replayed by any saga with its token",
    change: {
      file: "verbs/update_saga/commit_update",
      from: "\n      AND v_instance.committed_updater_id = p_saga_id AND v_instance.committed_plan_token = p_plan_token",
      to: "",
    },
    scope: { migrations: 0, psql: false },
  },
  {
    name: "a commit is replayed for another plan",
    change: {
      file: "verbs/update_saga/commit_update",
      from: " AND v_instance.committed_plan_token = p_plan_token",
      to: "",
    },
    scope: { migrations: 0, psql: false },
  },
  {
    name: "an unlock is replayed by any saga with its token",
    change: {
      file: "verbs/update_saga/unlock_update",
      from: "\n      AND v_instance.released_updater_id = p_saga_id",
      to: "",
    },
    scope: { migrations: 0, psql: false },
  },
  {
    name: "an inheritance is replayed for another parent",
    change: {
      file: "verbs/update_saga/inherit_update",
      from: " AND v_instance.updater_parent_id = p_parent_saga_id",
      to: "",
    },
    scope: { migrations: 0, psql: false },
  },
  {
    name: "run_update does not store which saga committed",
    change: {
      file: "verbs/update_saga/steps/update_instance",
      from: "committed_updater_id = p_saga_id",
      to: "committed_updater_id = NULL",
    },
    scope: { migrations: 0, psql: false },
  },
  {
    name: "break_update ends a lock of any token",
    change: {
      file: "verbs/operator/break_update",
      from: "v_instance.updater_generation <> p_updater_generation",
      to: "false",
    },
    scope: { starts: 1, migrations: 0, psql: false },
  },
  {
    name: "a lease lasts for days",
    change: { file: "shared/arguments/require_lease", from: "interval '1 day'", to: "interval '2 days'" },
    near: true,
  },
  {
    name: "a rename raises the generation",
    change: {
      file: "verbs/control_plane/rename_instance",
      from: "SET name = p_name,",
      to: "SET name = p_name, state_generation = i.state_generation + 1,",
    },
    near: true,
  },
  {
    name: "fail_sled_vmms ignores its list",
    change: {
      file: "verbs/operator/steps/fail_vmms_of_sled",
      from: "(p_propolis_ids IS NULL OR v.id = ANY (p_propolis_ids))",
      to: "true",
    },
    near: true,
  },
  {
    name: "a batch accepts unknown keys",
    change: {
      file: "verbs/sled_agent/steps/parse_batch",
      from: "e.value - vmstate.report_keys() <> '{}'",
      to: "false",
    },
    near: true,
  },
  {
    name: "a VMM counts as started only when it is reported running",
    change: {
      file: "rules/counts_as_running",
      from: "WHEN 'rebooting' THEN true",
      to: "WHEN 'rebooting' THEN false",
    },
    scope: { starts: 1, migrations: 0, reports: ["rebooting"], psql: false },
  },
  {
    name: "a VMM that migrates away does not count as started",
    change: { file: "rules/counts_as_running", from: "NOT p_is_destination", to: "false" },
    scope: { starts: 1, migrations: 0, reports: ["migrating"], psql: false },
  },
  {
    name: "a destination that waits for its guest counts as started",
    change: { file: "rules/counts_as_running", from: "NOT p_is_destination", to: "true" },
    scope: { starts: 1, migrations: 1, reports: ["running", "migrating"], psql: false },
  },
  {
    name: "a migration that was unlinked does not prove that the active VMM ran",
    change: {
      file: "views/resolved_instance",
      from: "ELSE a.migration_id IS NOT NULL OR EXISTS",
      to: "ELSE false AND EXISTS",
    },
    scope: { starts: 1, migrations: 1, reports: ["running", "destroyed"], psql: false },
  },
  {
    name: "time_reported of a VMM is its sled's time",
    change: {
      file: "verbs/sled_agent/report_vmm",
      from: "time_reported = v_now,\n        time_started",
      to: "time_reported = p_time,\n        time_started",
    },
    near: true,
  },
  {
    name: "time_reported of a VMM is its sled's time after a health report",
    change: {
      file: "verbs/sled_agent/report_vmm",
      from: "time_state_updated = p_time, time_reported = v_now",
      to: "time_state_updated = p_time, time_reported = p_time",
    },
  },
  {
    name: "time_started of a VMM is its sled's time",
    change: {
      file: "verbs/sled_agent/report_vmm",
      from: "coalesce(v.time_started, v_now)",
      to: "coalesce(v.time_started, p_time)",
    },
    near: true,
  },
  {
    name: "time_reported of a migration is a sled's time",
    change: {
      file: "verbs/sled_agent/steps/report_source_side",
      from: "time_reported = v_now",
      to: "time_reported = p_time",
    },
    scope: { starts: 1, migrations: 1, reports: ["running"], psql: false },
  },
  {
    name: "the API shows a time in the future",
    change: { file: "views/instance_detail", from: ", statement_timestamp())", to: ")" },
    near: true,
  },
  {
    name: "fail_vmm does not set time_reported",
    change: { file: "verbs/operator/fail_vmm", from: "time_reported = v_now, ", to: "" },
    near: true,
  },
  {
    name: "an update never resets auto_restart_attempts",
    change: {
      file: "shared/plan/apply_plan",
      from: "auto_restart_attempts = p_plan.auto_restart_attempts",
      to: "auto_restart_attempts = i.auto_restart_attempts",
    },
    scope: { starts: 1, migrations: 0, psql: false, ages: true },
  },
  {
    name: "a user's start does not reset auto_restart_attempts",
    change: {
      file: "verbs/control_plane/begin_start",
      from: "least(v_attempts, 2147483646) + 1 ELSE 0 END",
      to: "v_attempts + 1 ELSE v_attempts END",
    },
    scope: { migrations: 0, psql: false, ages: true },
  },
  {
    name: "an automatic restart does not count",
    change: {
      file: "verbs/control_plane/begin_start",
      from: "least(v_attempts, 2147483646) + 1 ELSE 0 END",
      to: "v_attempts ELSE 0 END",
    },
    near: true,
  },
  {
    name: "the restart back-off has no upper limit",
    change: { file: "rules/auto_restart_wait", from: "3600,", to: "1e9," },
    scope: { migrations: 0, psql: false, ages: true },
  },
  {
    name: "the restart back-off does not grow",
    change: {
      file: "rules/auto_restart_wait",
      from: "power(2, least(greatest(p_attempts, 1) - 1, 32))",
      to: "1",
    },
    scope: { migrations: 0, psql: false, ages: true },
  },
  {
    name: "a migration is purged that a VMM still needs",
    change: { file: "verbs/operator/purge", from: "AND v.time_deleted IS NULL", to: "AND false" },
    scope: { starts: 1, reports: ["running"], psql: false },
  },
  {
    name: "a purge deletes rows that were just soft-deleted",
    change: {
      file: "verbs/operator/purge",
      from: "FROM vmstate.vmm AS d\n      WHERE d.time_deleted < p_before",
      to: "FROM vmstate.vmm AS d\n      WHERE d.time_deleted IS NOT NULL",
    },
    scope: { starts: 1, migrations: 0, reports: ["running"], psql: false, ages: true },
  },
  {
    name: "a purge leaves instances without VMMs",
    change: {
      file: "verbs/operator/purge",
      from: "FROM vmstate.instance AS d\n      WHERE d.time_deleted < p_before",
      to: "FROM vmstate.instance AS d\n      WHERE false",
    },
    near: true,
  },
];
