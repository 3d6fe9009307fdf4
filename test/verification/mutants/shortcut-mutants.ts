import type { Mutant } from "./mutants.js";

/**
 * Ways to get wrong what is decided without the update plan: run_update of a dead VMM, and what guards accept at once.
 *
 * Those that no verb and no statement of the exploration reaches are broken in `test/sql/shortcuts/`.
 */
export const SHORTCUT_MUTANTS: readonly Mutant[] = [
  {
    name: "run_update unlinks a live VMM",
    change: {
      file: "verbs/update_saga/steps/update_instance",
      from: "AND vmstate.is_absorbing(v.state)\n",
      to: "\n",
    },
    near: true,
  },
  {
    name: "run_update ignores a linked migration",
    change: { file: "verbs/update_saga/steps/update_instance", from: "i.migration_id IS NULL", to: "true" },
    scope: { starts: 1, migrations: 1, psql: false },
  },
  {
    name: "run_update ignores an unexpired lease",
    change: { file: "verbs/update_saga/steps/update_instance", from: " AND i.updater_id IS NULL", to: "" },
    scope: { starts: 1, migrations: 0, psql: false },
  },
  {
    name: "run_update takes every destroyed VMM for a shutdown of the guest",
    change: {
      file: "verbs/update_saga/steps/update_instance",
      from: "AND (v.state <> 'destroyed' OR v.time_started IS NOT NULL)",
      to: "",
    },
    scope: { starts: 1, migrations: 0, reports: ["destroyed"], psql: false },
  },
  {
    name: "run_update overwrites a user's stop",
    change: {
      file: "verbs/update_saga/steps/update_instance",
      from: "v.state = 'destroyed' AND v_instance.intended_state = 'running'",
      to: "v.state = 'destroyed'",
    },
    scope: { starts: 1, migrations: 0, psql: false },
  },
  {
    name: "run_update never resets auto_restart_attempts",
    change: {
      file: "verbs/update_saga/steps/update_instance",
      from: "CASE WHEN vmstate.ran_long(v.time_started, v.time_reported) THEN 0 ELSE v_instance.auto_restart_attempts END",
      to: "v_instance.auto_restart_attempts",
    },
    scope: { starts: 1, migrations: 0, psql: false, ages: true },
  },
  {
    name: "guard_links accepts that a dead VMM is linked",
    change: { file: "guards/guard_instance_links", from: "v.state = 'creating' AND ", to: "" },
  },
  {
    name: "guard_state accepts a change without a newer generation",
    change: {
      file: "guards/guard_instance_state",
      from: "NEW.state_generation > OLD.state_generation AND",
      to: "NEW.state_generation >= OLD.state_generation AND",
    },
    near: true,
  },
  {
    name: "guard_state accepts that a deleted instance comes back",
    change: { file: "guards/guard_instance_state", from: " AND OLD.time_deleted IS NULL", to: "" },
  },
  {
    name: "settle updates after a stale report",
    change: {
      file: "verbs/control_plane/settle",
      from: "IN ('applied', 'terminal', 'gone') THEN",
      to: "<> 'not_found' THEN",
    },
    scope: { starts: 1, migrations: 0, psql: false },
  },
  {
    name: "settle updates after a report that is not terminal",
    change: {
      file: "verbs/control_plane/settle",
      from: "p_state IN ('failed', 'destroyed') AND ",
      to: "",
    },
    scope: { starts: 1, migrations: 0, psql: false },
  },
  {
    name: "mark_links does not mark a VMM that is unlinked",
    change: { file: "guards/mark_links", from: "SET time_unlinked = v_now", to: "SET time_unlinked = NULL" },
    near: true,
  },
];
