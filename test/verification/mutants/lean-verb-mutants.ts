import { detectedBy } from "./detected-by.js";
import type { Mutant } from "./mutants.js";

/** Compares each lean verb with the general way, on every kind of instance. */
const SHORTCUTS = "sql/shortcuts/verbs.test.ts";

const RUN_UPDATE = "verbs/update_saga/steps/update_instance";
const BEGIN_START = "verbs/control_plane/begin_start";
const REQUEST_STOP = "verbs/control_plane/request_stop";
const DELETE_VMM = "verbs/control_plane/steps/delete_dead_vmm";
const SETTLE = "verbs/control_plane/settle";

const UPDATES: readonly Mutant[] = [
  {
    name: "run_update unlinks the active VMM because another VMM of the instance is dead",
    change: { file: RUN_UPDATE, from: " AND v.id = v_instance.active_id", to: "" },
    scope: { migrations: 0, psql: false },
  },
  ...detectedBy(SHORTCUTS, RUN_UPDATE, {
    "run_update leaves no instance failed": [
      "CASE WHEN v.state = 'failed' THEN 'failed'::vmstate.instance_state ELSE",
      "CASE WHEN false THEN 'failed'::vmstate.instance_state ELSE",
    ],
    "run_update answers stopped for a failed instance": [
      "CASE WHEN v.state = 'failed' THEN vmstate.effective_instance_state('failed', NULL, false)",
      "CASE WHEN false THEN vmstate.effective_instance_state('failed', NULL, false)",
    ],
    "run_update takes every end of a VMM for a shutdown of the guest": [
      "WHEN v.state = 'destroyed' AND v_instance.intended_state",
      "WHEN v_instance.intended_state",
    ],
    "run_update leaves the parent saga of a lock": ["      updater_parent_id = NULL,\n", ""],
    "run_update does not store who released the lock": ["      released_updater_id = p_saga_id,\n", ""],
    "run_update does not store the token of the commit": [
      "      committed_updater_generation = v_instance.updater_generation,\n",
      "",
    ],
    "run_update does not store the committed plan": [
      "      committed_plan_token = v_instance.plan_token,\n",
      "      committed_plan_token = NULL,\n",
    ],
    "run_update leaves the fencing token": [
      "      updater_generation = v_instance.updater_generation,\n",
      "",
    ],
    "run_update leaves the time of the state": ["      time_state_updated = v_now,\n", ""],
    "run_update makes the token of another plan": [
      "ARRAY[i.active_propolis_id], '{}') AS plan_token",
      "'{}', '{}') AS plan_token",
    ],
    "run_update answers the generation from before": [
      "v_vmm.new_state, v_instance.generation,\n",
      "v_vmm.new_state, (v_instance.generation - 1)::vmstate.generation,\n",
    ],
    "run_update answers that the network stays": ["'delete', NULL,", "'keep', NULL,"],
    "run_update does not answer which VMM it unlinked": [
      "ARRAY[v_instance.active_id], '{}', v_instance.plan_token",
      "'{}', '{}', v_instance.plan_token",
    ],
    "run_update does not answer where the unlinked VMM is": [
      "ARRAY[ROW(v_instance.active_id, v_vmm.sled_id, v_vmm.propolis_ip, v_vmm.propolis_port)::vmstate.vmm_address]",
      "'{}'",
    ],
  }),
];

const STARTS: readonly Mutant[] = [
  ...detectedBy(SHORTCUTS, BEGIN_START, {
    "begin_start answers the generation from before": [
      "v_instance.state_generation + 1, p_propolis_id,",
      "v_instance.state_generation, p_propolis_id,",
    ],
    "begin_start answers that no migration is linked": [
      "v_instance.destination_propolis_id, v_instance.migration_id,\n    v_instance",
      "NULL, NULL,\n    v_instance",
    ],
    "begin_start answers running": [
      "vmstate.effective_instance_state('vmm', 'creating', false)",
      "vmstate.effective_instance_state('vmm', 'running', false)",
    ],
  }),
  ...detectedBy("sql/verbs/begin_start.test.ts", BEGIN_START, {
    "begin_start starts an instance that is in creation": [
      "WHEN v_instance.state = 'creating' THEN",
      "WHEN false THEN",
    ],
    "begin_start tells no running VMM from a stopping one": [
      "WHEN v_active.state IN ('creating', 'starting', 'running', 'rebooting', 'migrating') THEN",
      "WHEN false THEN",
    ],
    "begin_start replaces a dead VMM that is not unwound": [
      "WHEN v_active.state <> 'saga_unwound' THEN",
      "WHEN v_active.state IN ('stopping', 'stopped') THEN",
    ],
    "begin_start ignores the expected generation": [
      "WHEN v_instance.state_generation <> p_expected_generation THEN",
      "WHEN false THEN",
    ],
    "begin_start finds no replay": ["WHEN 'unchanged' THEN", "WHEN 'stale' THEN"],
    "begin_start of a deleted VMM is a conflict": ["WHEN 'gone' THEN", "WHEN 'stale' THEN"],
    "begin_start starts a deleted instance": [
      "ELSIF v_instance.time_deleted IS NOT NULL THEN",
      "ELSIF false THEN",
    ],
    "begin_start does not answer which VMM it replaced": [
      "    v_instance.active_propolis_id)::vmstate.start_result",
      "    NULL)::vmstate.start_result",
    ],
    "begin_start restarts whatever the policy": [
      "IF v_auto_restart AND v_reason IS NULL AND",
      "IF false AND",
    ],
    "begin_start limits a user's start like an automatic restart": [
      "IF v_auto_restart AND v_reason",
      "IF v_reason",
    ],
    "begin_start takes every start for one by a user": ["p_start_reason = 'auto_restart'", "false"],
    "begin_start leaves the intent": ["      intended_state = 'running',\n", ""],
  }),
  ...detectedBy("sql/auto-restart.test.ts", BEGIN_START, {
    "begin_start counts more automatic restarts than the column holds": [
      "least(v_attempts, 2147483646)",
      "v_attempts",
    ],
    "begin_start does not reset the attempts after a long run": [
      "WHEN vmstate.ran_long(v_active.time_started, v_active.time_reported) THEN 0\n",
      "",
    ],
    "begin_start does not reset the attempts after a long run of the destination": [
      "WHEN vmstate.ran_long(v_destination.time_started, v_destination.time_reported) THEN 0\n",
      "",
    ],
    "begin_start sets the time of the last automatic restart at every start": [
      "time_last_auto_restarted = CASE WHEN v_auto_restart THEN",
      "time_last_auto_restarted = CASE WHEN true THEN",
    ],
  }),
];

const STOPS: readonly Mutant[] = [
  ...detectedBy(SHORTCUTS, REQUEST_STOP, {
    "request_stop answers of an instance without a VMM as if it had one": [
      "v_instance.active_propolis_id IS NULL OR v_instance.migration_id IS NOT NULL",
      "v_instance.migration_id IS NOT NULL",
    ],
    "request_stop does not command the destination": [
      "v_instance.active_propolis_id IS NULL OR v_instance.migration_id IS NOT NULL",
      "v_instance.active_propolis_id IS NULL",
    ],
    "request_stop commands a dead VMM": [
      "v_is_alive := NOT vmstate.is_absorbing(v_vmm.state)",
      "v_is_alive := true",
    ],
    "request_stop does not answer where the VMM is": [
      "CASE WHEN v_is_alive THEN\n",
      "CASE WHEN false THEN\n",
    ],
    "request_stop answers the state of the row": [
      "vmstate.effective_instance_state(v_instance.state, v_vmm.state, false)",
      "vmstate.effective_instance_state(v_instance.state, 'running', false)",
    ],
  }),
  ...detectedBy("sql/verbs/request_stop.test.ts", REQUEST_STOP, {
    "request_stop stops an instance that is in creation": [
      "ELSIF v_instance.state = 'creating' THEN",
      "ELSIF false THEN",
    ],
    "request_stop stops a deleted instance": [
      "ELSIF v_instance.time_deleted IS NOT NULL THEN",
      "ELSIF false THEN",
    ],
    "request_stop leaves an instance failed": ["IF v_instance.state = 'failed' THEN", "IF false THEN"],
    "request_stop writes a stopped instance again": [
      "ELSIF v_instance.intended_state <> 'stopped' THEN",
      "ELSIF true THEN",
    ],
    "request_stop changes no intent": [
      "ELSIF v_instance.intended_state <> 'stopped' THEN",
      "ELSIF false THEN",
    ],
    "request_stop takes the end of a failure for a change by the user": [
      "CASE WHEN i.intended_state <> 'stopped' THEN v_now ELSE i.time_modified END",
      "v_now",
    ],
  }),
];

const DELETIONS: readonly Mutant[] = detectedBy("sql/verbs/delete_vmm.test.ts", DELETE_VMM, {
  "delete_vmm deletes a VMM again": ["ELSIF v_vmm.time_deleted IS NOT NULL THEN", "ELSIF false THEN"],
  "delete_vmm deletes a live VMM": ["ELSIF NOT vmstate.is_absorbing(v_vmm.state) THEN", "ELSIF false THEN"],
  "delete_vmm deletes a VMM of another instance": [
    "WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id FOR",
    "WHERE v.id = p_propolis_id FOR",
  ],
  "delete_vmm leaves the migrations of the VMM": [
    "  PERFORM vmstate.delete_migrations(p_instance_id, p_propolis_id);\n",
    "",
  ],
  "delete_vmm answers another state": ["'applied', NULL, v_vmm.state,", "'applied', NULL, 'running',"],
});

const SETTLEMENTS: readonly Mutant[] = [
  ...detectedBy("sql/verbs/settle.test.ts", SETTLE, {
    "settle takes no saga": ["IF p_saga_id IS NULL THEN", "IF false THEN"],
    "settle ignores that an argument is null": [
      "num_nulls(p_instance_id, p_propolis_id, p_state) > 0 OR ",
      "",
    ],
    "settle takes any time": ["vmstate.is_point_in_time(p_time) IS NOT TRUE", "false"],
    "settle takes any generation": ["p_generation BETWEEN 1 AND 9007199254740991 IS NOT TRUE", "false"],
    "settle leaves a VMM that ended before": ["('applied', 'terminal', 'gone')", "('applied', 'gone')"],
    "settle leaves the instance of a deleted VMM": [
      "('applied', 'terminal', 'gone')",
      "('applied', 'terminal')",
    ],
    "settle reports only": ["('applied', 'terminal', 'gone')", "('terminal', 'gone')"],
    "settle always deletes the VMM": ["IF coalesce(p_delete, true) THEN", "IF true THEN"],
    "settle deletes the VMM only when told to": ["IF coalesce(p_delete, true) THEN", "IF p_delete THEN"],
    "settle answers another outcome of the update": [
      "v_update.outcome, v_update.reason, v_deletion",
      "v_report.vmm_outcome, v_update.reason, v_deletion",
    ],
  }),
  ...detectedBy("sql/interleavings/settle.test.ts", SETTLE, {
    "settle reports before it locks the instance": [
      "    FROM vmstate.instance AS i WHERE i.id = p_instance_id FOR NO KEY UPDATE;\n",
      "    FROM vmstate.instance AS i WHERE i.id = p_instance_id;\n",
    ],
    "settle locks only the VMM that it reports": [
      "ELSIF v_instance.migration_id IS NULL AND coalesce(v_instance.active_propolis_id, p_propolis_id) = p_propolis_id THEN",
      "ELSIF true THEN",
    ],
    "settle locks the VMMs of a migration as it comes to them": [
      "    PERFORM vmstate.lock_links(p_instance_id,\n" +
        "      ARRAY[p_propolis_id, v_instance.active_propolis_id, v_instance.destination_propolis_id], v_migration_ids);\n",
      "",
    ],
  }),
];

/** Verbs that take a missing argument, or a row that is not there. */
const MISUSES: readonly Mutant[] = [
  ...detectedBy("sql/verbs/run_update.test.ts", "verbs/update_saga/run_update", {
    "run_update takes no instance and no saga": [
      "IF p_instance_id IS NULL OR p_saga_id IS NULL THEN",
      "IF false THEN",
    ],
  }),
  ...detectedBy("sql/verbs/begin_start.test.ts", BEGIN_START, {
    "begin_start takes arguments that are null": [
      "> 0 THEN\n    PERFORM vmstate.raise_null_argument",
      "< 0 THEN\n    PERFORM vmstate.raise_null_argument",
    ],
    "begin_start takes any port": ["IF p_propolis_port NOT BETWEEN 0 AND 65535 THEN", "IF false THEN"],
    "begin_start takes any reason": [
      "IF p_start_reason NOT IN ('user', 'auto_restart') THEN",
      "IF false THEN",
    ],
    "begin_start goes on without an instance": ["  IF NOT FOUND THEN\n", "  IF false THEN\n"],
    "begin_start answers that it started although the VMM id is taken": [
      "    v_reason := 'propolis_id_taken';\n",
      "    v_reason := NULL;\n",
    ],
  }),
  ...detectedBy("sql/verbs/request_stop.test.ts", REQUEST_STOP, {
    "request_stop takes no instance": ["IF p_instance_id IS NULL THEN", "IF false THEN"],
    "request_stop goes on without an instance": ["  IF NOT FOUND THEN\n", "  IF false THEN\n"],
  }),
  ...detectedBy("sql/verbs/delete_vmm.test.ts", "verbs/control_plane/delete_vmm", {
    "delete_vmm takes arguments that are null": [
      "IF num_nulls(p_instance_id, p_propolis_id) > 0 THEN",
      "IF false THEN",
    ],
  }),
  ...detectedBy("sql/verbs/delete_vmm.test.ts", DELETE_VMM, {
    "delete_vmm goes on without a VMM": ["  IF NOT FOUND THEN\n", "  IF false THEN\n"],
  }),
];

/** Ways to get wrong what the lean verbs decide, write and answer by themselves. */
export const LEAN_VERB_MUTANTS: readonly Mutant[] = [
  ...UPDATES,
  ...STARTS,
  ...STOPS,
  ...DELETIONS,
  ...SETTLEMENTS,
  ...MISUSES,
];
