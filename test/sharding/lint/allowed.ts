import type { Rule } from "./lint.js";

/** A breach that stands, and why. */
export interface Allowance {
  rule: Rule;
  object: string;
  /** A part of what the finding says. */
  what: string;
  because: string;
}

const BATCH =
  "report_vmms and report_vmm_batch take reports of many instances; each row is found by the instance id of its report";
const SLED = "fail_sled and fail_sled_vmms take the VMMs of a host, wherever their instances are";
const PURGE = "purge removes old rows of the whole fleet; rows that stand together have one instance id";

/** Functions that are meant for many instances, each with why: only their joins have to go by the instance id. */
export const LISTS: ReadonlyMap<string, string> = new Map([
  ["require_batch_sleds", BATCH],
  ["apply_plain_reports", BATCH],
  ["explain_plain_reports", BATCH],
  ["apply_vmm_parts", BATCH],
  ["apply_vmm_parts_with_repeats", BATCH],
  ["apply_batch_migration_parts", BATCH],
  ["fail_vmms_of_sled", SLED],
  ["report_sled", "report_sled compares the VMMs of a host, wherever their instances are"],
  ["purge", PURGE],
  ["instances_in_state", "instances_in_state lists instances of a project, which are on many shards"],
]);

const SILENT = "silent_sled lists hosts, whose VMMs are of many instances";
const UNIQUE_ID =
  "an id is a UUID: on one machine the constraint refuses a reused one, and a sharded layout drops the constraint";
const ACCESS = "the statement is GRANT or REVOKE of an object of the schema, and reads no row of an instance";

const PARTITION = "the statement makes or drops a partition of the history, on each node its own";
const EXTENT =
  "the history of each node has its own extent, kept in sequences; a row is read only in a copy of the schema without them";

export const ALLOWED: readonly Allowance[] = [
  {
    rule: "L2",
    object: "instance",
    what: "instance_name_in_project (project_id, name)",
    because:
      "a name is unique in its project, whose instances are on many shards: a sharded layout claims names in a table of its own",
  },
  { rule: "L2", object: "vmm", what: "UNIQUE (id)", because: UNIQUE_ID },
  { rule: "L2", object: "migration", what: "UNIQUE (id)", because: UNIQUE_ID },
  {
    rule: "L1",
    object: "rename_instance",
    what: "vmstate.instance AS i",
    because:
      "looks for the name in the whole project, as the unique index does: a sharded layout asks the table of claimed names",
  },
  { rule: "L1", object: "silent_sled", what: "vmstate.vmm AS v", because: SILENT },
  { rule: "L1", object: "silent_sled", what: "vmstate.vmm AS w", because: SILENT },
  { rule: "L6", object: "fail_vmms_of_sled", what: "vmstate.vmm AS v", because: SLED },
  { rule: "L6", object: "purge", what: "vmstate.migration AS d", because: PURGE },
  { rule: "L6", object: "purge", what: "vmstate.vmm AS d", because: PURGE },
  { rule: "L6", object: "purge", what: "vmstate.instance AS d", because: PURGE },
  { rule: "L1", object: "add_history_partition", what: "EXECUTE", because: PARTITION },
  { rule: "L1", object: "drop_history_partition", what: "EXECUTE", because: PARTITION },
  { rule: "L1", object: "history_extent", what: "vmstate.history AS h", because: EXTENT },
  { rule: "L1", object: "instance_at", what: "vmstate.history_extent AS e", because: EXTENT },
  { rule: "L1", object: "grant_access", what: "EXECUTE", because: ACCESS },
  { rule: "L1", object: "revoke_access", what: "EXECUTE", because: ACCESS },
];
