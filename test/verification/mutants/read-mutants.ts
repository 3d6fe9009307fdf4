import type { Mutant } from "./mutants.js";

const RESTARTABLE = "views/restartable_instance";
const IN_STATE = "verbs/control_plane/instances_in_state";
const RESTARTS = "sql/auto-restart.test.ts";
const READS = "sql/reads.test.ts";

/** Ways to get wrong what restarts count as a boot loop, and what a page of instances in one state shows. */
export const READ_MUTANTS: readonly Mutant[] = [
  {
    name: "restartable_instance ignores that the destination ran for long",
    change: {
      file: RESTARTABLE,
      from: " OR vmstate.ran_long(d.time_started, d.time_reported)",
      to: "",
    },
    test: RESTARTS,
  },
  {
    name: "restartable_instance ignores that the active VMM ran for long",
    change: {
      file: RESTARTABLE,
      from: "vmstate.ran_long(v.time_started, v.time_reported) OR ",
      to: "",
    },
    test: RESTARTS,
  },
  {
    name: "begin_start ignores that the destination ran for long",
    change: {
      file: "verbs/control_plane/begin_start",
      from: "    WHEN vmstate.ran_long(v_destination.time_started, v_destination.time_reported) THEN 0\n",
      to: "",
    },
    test: RESTARTS,
  },
  {
    name: "begin_start ignores that the active VMM ran for long",
    change: {
      file: "verbs/control_plane/begin_start",
      from: "    WHEN vmstate.ran_long(v_active.time_started, v_active.time_reported) THEN 0\n",
      to: "",
    },
    test: RESTARTS,
  },
  {
    name: "a page in one state begins with the name that it comes after",
    change: {
      file: IN_STATE,
      from: "i.state = v_stored AND i.name > v_after",
      to: "i.state = v_stored AND i.name >= v_after",
    },
    test: READS,
  },
  {
    name: "a page of running instances begins with the name that it comes after",
    change: {
      file: IN_STATE,
      from: "i.state = 'vmm' AND i.name > v_after",
      to: "i.state = 'vmm' AND i.name >= v_after",
    },
    test: READS,
  },
  {
    name: "a page of running instances has those that migrate as well",
    change: { file: IN_STATE, from: "\n        AND i.migration_id IS NULL", to: "" },
    test: READS,
  },
  {
    name: "a page in one state has deleted instances",
    change: {
      file: IN_STATE,
      from: "i.state = v_stored AND i.name > v_after AND i.time_deleted IS NULL",
      to: "i.state = v_stored AND i.name > v_after",
    },
    test: READS,
  },
  {
    name: "a page in one state has instances of other projects whose VMM does not run",
    change: {
      file: IN_STATE,
      from: "        AND d.project_id = p_project_id AND d.api_state = p_state AND d.name > v_after\n    UNION ALL",
      to: "        AND d.api_state = p_state AND d.name > v_after\n    UNION ALL",
    },
    test: READS,
  },
  {
    name: "a page of running instances leaves out those that migrate",
    change: {
      file: IN_STATE,
      from: "WHERE 'running' = ANY (v_vmm_states) AND d.migration_id IS NOT NULL",
      to: "WHERE false",
    },
    test: READS,
  },
  {
    name: "a page has more instances than its limit",
    change: { file: IN_STATE, from: "  ORDER BY c.name LIMIT p_limit;", to: "  ORDER BY c.name;" },
    test: READS,
  },
];
