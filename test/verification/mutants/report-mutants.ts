import { detectedBy } from "./detected-by.js";
import type { Mutant } from "./mutants.js";

const STEPS = "verbs/sled_agent/steps";
const REPORT_VMM = "verbs/sled_agent/report_vmm";
/** Compares every way to report with the rules, in each combination of row and report. */
const EVERY_CASE = "sql/report-paths.test.ts";
const BATCH_VERB = "sql/verbs/report_vmm_batch.test.ts";
const SLED_AGENT = "sql/access/sled_agent.test.ts";
const PLAN = "sql/batch-plan.test.ts";
const LATE_INSERTS = "sql/late-inserts.test.ts";

const IS_APPLIED =
  "v.state_generation < r.generation AND NOT vmstate.is_absorbing(v.state) AND num_nonnulls(v.time_deleted) = 0";
const IS_VALID =
  "r.new_state IS NOT NULL AND vmstate.is_point_in_time(r.time) AND r.generation <= 9007199254740991";

/** Ways to get wrong which reports of a batch are written, and what is written. */
const WRITTEN: readonly Mutant[] = [
  ...detectedBy(EVERY_CASE, `${STEPS}/apply_plain_reports`, {
    "a batch writes a report with the same generation": [
      IS_APPLIED,
      IS_APPLIED.replace("< r.generation", "<= r.generation"),
    ],
    "a batch changes a dead VMM": [
      IS_APPLIED,
      IS_APPLIED.replace(" AND NOT vmstate.is_absorbing(v.state)", ""),
    ],
    "a batch changes a deleted VMM": [
      IS_APPLIED,
      IS_APPLIED.replace(" AND num_nonnulls(v.time_deleted) = 0", ""),
    ],
    "a batch: a destination that waits for its guest counts as started": [
      "(v.migration_id IS NULL AND r.runs)",
      "r.runs",
    ],
    "a batch: no destination counts as started": [" OR r.runs_as_destination", ""],
    "a batch: a report moves the time of the start": ["coalesce(v.time_started, v_now)", "v_now"],
    "a batch: time_started is the sled's time": [
      "coalesce(v.time_started, v_now)",
      "coalesce(v.time_started, r.time)",
    ],
    "a batch: a VMM that does not run has not started": ["ELSE v.time_started END", "END"],
    "a batch: time_state_updated is the database's time": [
      "time_state_updated = r.time",
      "time_state_updated = v_now",
    ],
    "a batch: time_reported is the sled's time": ["time_reported = v_now", "time_reported = r.time"],
    "a batch does not set time_reported": ["        time_reported = v_now,\n", ""],
    "a batch takes a failure for an operator's": ["'sled_agent_report'", "'operator'"],
    "a batch gives every VMM a failure_reason": [
      "CASE WHEN r.new_state = 'failed' THEN",
      "CASE WHEN true THEN",
    ],
    "a batch: the death of an unlinked VMM needs an update": [
      "v.time_unlinked IS NULL AND vmstate.is_absorbing(v.state) AS is_end",
      "vmstate.is_absorbing(v.state) AS is_end",
    ],
    "a batch: every report of a linked VMM needs an update": [
      "v.time_unlinked IS NULL AND vmstate.is_absorbing(v.state) AS is_end",
      "v.time_unlinked IS NULL AS is_end",
    ],
  }),
  ...detectedBy(BATCH_VERB, `${STEPS}/apply_plain_reports`, {
    "a batch writes a VMM of another instance": ["v.instance_id = ANY (ARRAY[r.instance_id]) AND ", ""],
    "a batch writes every VMM of the instance": [" AND v.id = ANY (ARRAY[r.propolis_id])", ""],
    "a batch writes a report without a state": [
      IS_VALID,
      IS_VALID.replace("r.new_state IS NOT NULL AND ", ""),
    ],
    "a batch writes a time that is no point in time": [
      IS_VALID,
      IS_VALID.replace(" AND vmstate.is_point_in_time(r.time)", ""),
    ],
    "a batch writes a generation that no client can read": [
      IS_VALID,
      IS_VALID.replace(" AND r.generation <= 9007199254740991", ""),
    ],
  }),
  ...detectedBy(SLED_AGENT, `${STEPS}/apply_plain_reports`, {
    "a batch of an agent writes a VMM of another sled": [
      "AND (p_sleds IS NULL OR v.sled_id = ANY (p_sleds))",
      "",
    ],
  }),
  ...detectedBy(PLAN, `${STEPS}/apply_plain_reports`, {
    "a batch locks its VMMs in the order of its reports": ["          ORDER BY u.propolis_id\n", ""],
    "a batch may scan the whole table": ["SET enable_seqscan = off\n", ""],
    "a batch may go through the index of all instances": [
      "v.instance_id = ANY (ARRAY[r.instance_id])",
      "v.instance_id = r.instance_id",
    ],
    "a batch may go through the index of all VMMs": [
      "v.id = ANY (ARRAY[r.propolis_id])",
      "v.id = r.propolis_id",
    ],
    "a batch may go through a work list": ["num_nonnulls(v.time_deleted) = 0", "v.time_deleted IS NULL"],
  }),
];

/** Ways to get wrong what a batch answers. */
const ANSWERED: readonly Mutant[] = [
  ...detectedBy(EVERY_CASE, `${STEPS}/explain_plain_reports`, {
    "a batch does not say that an update is needed": [
      "coalesce(r.ordinal = ANY (p_update_needed), false)",
      "false",
    ],
    "a batch answers a report that ended its VMM as terminal": [
      "WHEN r.ordinal = ANY (p_applied) THEN 'applied'::vmstate.outcome",
      "WHEN false THEN 'applied'::vmstate.outcome",
    ],
    "a batch leaves out the report that ended its VMM": [" OR r.ordinal = ANY (p_update_needed)", ""],
  }),
  ...detectedBy(BATCH_VERB, `${STEPS}/explain_plain_reports`, {
    "a batch ignores an element that no agent could report": [
      "  PERFORM vmstate.require_batch_reports(p_function, v_reports);\n",
      "",
    ],
    "a batch of which nothing was applied answers nothing": ["coalesce(p_applied, '{}')", "p_applied"],
    "a batch shows a VMM of another instance": ["v.instance_id = r.instance_id AND ", ""],
  }),
  ...detectedBy(SLED_AGENT, `${STEPS}/explain_plain_reports`, {
    "a batch of an agent ignores a VMM of another sled": ["IF p_sleds IS NOT NULL THEN", "IF false THEN"],
  }),
  ...detectedBy(LATE_INSERTS, `${STEPS}/explain_plain_reports`, {
    "a batch answers applied for a VMM that was inserted after the write": [
      "= 'applied' THEN 'not_found'",
      "IS NULL THEN 'not_found'",
    ],
    "a batch shows the state of a VMM that was inserted after the write": [
      "CASE WHEN o.outcome <> 'not_found' THEN v.state END",
      "v.state",
    ],
    "a batch shows the generation of a VMM that was inserted after the write": [
      "CASE WHEN o.outcome <> 'not_found' THEN v.state_generation::bigint END",
      "v.state_generation::bigint",
    ],
  }),
  ...detectedBy(BATCH_VERB, `${STEPS}/report_plain_batch`, {
    "a batch of refused reports alone is not explained": [
      "coalesce(cardinality(v_applied), 0)",
      "cardinality(v_applied)",
    ],
    "a batch of applied reports alone does not say that an update is needed": [
      " OR v_update_needed IS NOT NULL",
      "",
    ],
  }),
  ...detectedBy(BATCH_VERB, "verbs/sled_agent/report_vmm_batch", {
    "a batch with fewer instances than VMMs is accepted": ["cardinality(p_instance_ids) = v_size AND ", ""],
    "a batch with fewer states than VMMs is accepted": [" AND cardinality(p_states) = v_size", ""],
    "a batch with fewer generations than VMMs is accepted": [" AND cardinality(p_generations) = v_size", ""],
    "a batch with fewer times than VMMs is accepted": ["\n      AND cardinality(p_times) = v_size", ""],
    "a batch without an array is accepted": [" IS NOT TRUE THEN", " IS FALSE THEN"],
    "a batch that names a VMM twice is written in one pass": [
      "count(DISTINCT u) < v_size",
      "count(DISTINCT u) < 0",
    ],
    "a batch with repeats ignores an element that no agent could report": [
      "    PERFORM vmstate.require_batch_reports('report_vmm_batch', v_reports);\n",
      "",
    ],
  }),
  ...detectedBy(SLED_AGENT, "verbs/sled_agent/report_vmm_batch", {
    "a batch with repeats ignores a VMM of another sled": ["IF v_sleds IS NOT NULL THEN", "IF false THEN"],
  }),
  ...detectedBy(EVERY_CASE, `${STEPS}/answer_plain_reports`, {
    "a JSON batch does not say that an update is needed": ["coalesce(e.update_needed, false)", "false"],
    "a JSON batch answers every report as applied": ["coalesce(e.vmm_outcome, 'applied')", "'applied'"],
    "a JSON batch shows the state that a refused report says": [
      "CASE WHEN e.ordinal IS NULL THEN vmstate.from_report(r.state) ELSE e.state END",
      "vmstate.from_report(r.state)",
    ],
    "a JSON batch shows the generation that a refused report says": [
      "CASE WHEN e.ordinal IS NULL THEN r.generation ELSE e.state_generation END",
      "r.generation",
    ],
  }),
];

const HEALTH =
  "v.state_generation < p_generation AND v.state = 'running' AND v.time_deleted IS NULL AND v.time_started IS NOT NULL\n";
const OF_ANY_SLED = `${HEALTH}        AND vmstate.is_point_in_time(p_time) AND p_generation <= 9007199254740991`;
const OF_ITS_SLED = `${HEALTH}        AND v.sled_id = ANY (v_sleds)\n        AND vmstate.is_point_in_time(p_time) AND p_generation <= 9007199254740991`;

/** Ways to get wrong both UPDATEs of a health report, for the control plane and for the agent of a sled. */
const HEALTHY: readonly Mutant[] = [
  ["the control plane", OF_ANY_SLED] as const,
  ["an agent", OF_ITS_SLED] as const,
].flatMap(([caller, text]) => {
  const without = (part: string): readonly [string, string] => [text, text.replace(part, "")];
  return [
    ...detectedBy(EVERY_CASE, REPORT_VMM, {
      [`a health report of ${caller} leaves the state of a VMM that does not run`]:
        without(" AND v.state = 'running'"),
      [`a health report of ${caller} changes a deleted VMM`]: without(" AND v.time_deleted IS NULL"),
      [`a health report of ${caller} does not say when the VMM started`]: without(
        " AND v.time_started IS NOT NULL",
      ),
      [`a health report of ${caller} writes a time that is no point in time`]: without(
        "vmstate.is_point_in_time(p_time) AND ",
      ),
      [`a health report of ${caller} writes a generation that no client can read`]: without(
        " AND p_generation <= 9007199254740991",
      ),
    }),
  ];
});

const ALONE =
  "num_nonnulls(p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,\n" +
  "      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time) = 0";

/** Ways to take another report for a health report. */
const NOT_HEALTHY: readonly Mutant[] = [
  ...detectedBy(EVERY_CASE, REPORT_VMM, {
    "every report of a running VMM is a health report": [
      "IF p_state = 'running' AND num_nonnulls",
      "IF num_nonnulls",
    ],
    "every report of an agent of a running VMM is a health report": [
      "IF p_state = 'running' AND v_sleds",
      "IF v_sleds",
    ],
  }),
  ...detectedBy("sql/verbs/report_vmm.test.ts", REPORT_VMM, {
    "a health report discards its migration part": [
      `${ALONE} AND vmstate.reports_any_sled()`,
      "vmstate.reports_any_sled()",
    ],
  }),
  ...detectedBy(SLED_AGENT, REPORT_VMM, {
    "a health report of an agent discards its migration part": [
      `v_sleds IS NOT NULL AND ${ALONE}`,
      "v_sleds IS NOT NULL",
    ],
    "a health report of an agent writes a VMM of another sled": [
      "\n        AND v.sled_id = ANY (v_sleds)",
      "",
    ],
    "a health report of any role is that of the control plane": [
      " AND vmstate.reports_any_sled() THEN",
      " THEN",
    ],
  }),
];

const IS_VALID_REPORT =
  "AND p_state IS NOT NULL AND vmstate.is_point_in_time(p_time) AND p_generation <= 9007199254740991\n";
const IS_NEEDED = "v.time_unlinked IS NULL AND vmstate.is_absorbing(v.state), v.state,";

/** Ways to get wrong the UPDATE for any report of one VMM, beside those that the exploration detects. */
const ANY: readonly Mutant[] = [
  ...detectedBy(EVERY_CASE, REPORT_VMM, {
    "a report changes a deleted VMM": [
      "NOT vmstate.is_absorbing(v.state) AND v.time_deleted IS NULL",
      "NOT vmstate.is_absorbing(v.state)",
    ],
    "a report: a destination that waits for its guest counts as started": [
      "(v.migration_id IS NULL AND v_runs)",
      "v_runs",
    ],
    "a report: no destination counts as started": [" OR v_runs_as_destination", ""],
    "a report gives every VMM a failure_reason": [
      "CASE WHEN p_state = 'failed' THEN 'sled_agent_report'",
      "CASE WHEN true THEN 'sled_agent_report'",
    ],
    "a report: the death of an unlinked VMM needs an update": [
      IS_NEEDED,
      "vmstate.is_absorbing(v.state), v.state,",
    ],
    "a report: every report of a linked VMM needs an update": [
      IS_NEEDED,
      "v.time_unlinked IS NULL, v.state,",
    ],
    "a report writes a time that is no point in time": [
      IS_VALID_REPORT,
      IS_VALID_REPORT.replace(" AND vmstate.is_point_in_time(p_time)", ""),
    ],
    "a report writes a generation that no client can read": [
      IS_VALID_REPORT,
      IS_VALID_REPORT.replace(" AND p_generation <= 9007199254740991", ""),
    ],
  }),
  ...detectedBy("sql/verbs/report_vmm-misuse.test.ts", REPORT_VMM, {
    "a report without a state is written": [
      IS_VALID_REPORT,
      IS_VALID_REPORT.replace("p_state IS NOT NULL AND ", ""),
    ],
  }),
  ...detectedBy("sql/verbs/report_vmm.test.ts", REPORT_VMM, {
    "a report writes a VMM of another instance": [
      "WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id\n        AND v.state_generation < p_generation AND NOT",
      "WHERE v.id = p_propolis_id\n        AND v.state_generation < p_generation AND NOT",
    ],
  }),
  ...detectedBy(SLED_AGENT, REPORT_VMM, {
    "a report of an agent writes a VMM of another sled": [
      "        AND (v_sleds IS NULL OR v.sled_id = ANY (v_sleds))\n",
      "",
    ],
  }),
  ...detectedBy(LATE_INSERTS, REPORT_VMM, {
    "a report does not try again when its VMM was inserted meanwhile": [
      "EXIT WHEN v_result.vmm_outcome <> 'applied';",
      "EXIT;",
    ],
  }),
];

/** Ways to get wrong what the fast paths of a report do; the exploration and the tests of every case find the others. */
export const REPORT_MUTANTS: readonly Mutant[] = [
  ...WRITTEN,
  ...ANSWERED,
  ...HEALTHY,
  ...NOT_HEALTHY,
  ...ANY,
];
