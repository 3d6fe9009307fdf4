import type { Mutant } from "./mutants.js";

const REPORT_SLED = "verbs/sled_agent/report_sled";

const scope = { starts: 1, migrations: 0, reports: ["running", "destroyed"], psql: false } as const;

/** Ways to get wrong what a sled has to agree on. */
export const SLED_MUTANTS: readonly Mutant[] = [
  {
    name: "report_sled ignores the number of VMMs",
    change: { file: REPORT_SLED, from: "p_vmm_count = v_count AND p_digest", to: "p_digest" },
    near: true,
    scope,
  },
  {
    name: "the digest of a sled is of ids alone",
    change: {
      file: REPORT_SLED,
      from: "WHEN 'running' THEN E' running\\n'",
      to: "WHEN 'running' THEN E'\\n'",
    },
    near: true,
    scope,
  },
  {
    name: "the digest of a sled has dead and deleted VMMs",
    change: {
      file: REPORT_SLED,
      from: "v.time_deleted IS NULL AND (v.state = 'running' OR vmstate.is_watched(v.state))",
      to: "v.state <> 'creating'",
    },
    near: true,
    scope,
  },
  {
    name: "the digest of a sled has VMMs that are creating",
    change: {
      file: REPORT_SLED,
      from: "vmstate.is_watched(v.state)",
      to: "NOT vmstate.is_absorbing(v.state)",
    },
    near: true,
    scope,
  },
  {
    name: "the digest of a sled has unwound VMMs",
    change: {
      file: REPORT_SLED,
      from: "vmstate.is_watched(v.state)",
      to: "v.state NOT IN ('creating', 'failed', 'destroyed')",
    },
    near: true,
    scope,
  },
  {
    name: "a sled agrees whatever it has",
    change: {
      file: REPORT_SLED,
      from: "IF v_agrees THEN\n    UPDATE",
      to: "v_agrees := true;\n  IF v_agrees THEN\n    UPDATE",
    },
    near: true,
    scope,
  },
  {
    name: "a sled that differs counts as one that agreed",
    change: { file: REPORT_SLED, from: "CASE WHEN v_agrees THEN v_now END", to: "v_now" },
    near: true,
    scope,
  },
];
