import { errors, type ErrorCase, type Row } from "./error-case.js";

/** A call with an argument that the function does not take. */
const invalid = (call: string, argument: string, detail: string): Row => {
  const verb = /^\w+/.exec(call)?.[0] ?? "";
  return [
    `select * from vmstate.${call}`,
    `vmstate.${verb}: invalid argument ${argument}`,
    detail,
    `Nothing was changed. Arguments: \\df+ vmstate.${verb}, or docs/reference.md.`,
  ];
};

const ofNull = (call: string, argument: string): Row =>
  invalid(call, argument, `${argument} must not be null.`);

const NULLS: Row[] = [
  ofNull("create_instance(null, null, null, null)", "p_id"),
  ofNull("finish_instance_creation(null)", "p_id"),
  ofNull("configure_instance(null)", "p_instance_id"),
  ofNull("rename_instance(null, null)", "p_instance_id"),
  ofNull("begin_start(null, null, null, null, null)", "p_instance_id"),
  ofNull("unwind_start(null, null, null)", "p_instance_id"),
  ofNull("begin_migration(null, null, null, null, null, null, null)", "p_destination_propolis_id"),
  ofNull("unwind_migration(null, null, null)", "p_instance_id"),
  ofNull("request_stop(null)", "p_instance_id"),
  ofNull("request_reboot(null)", "p_instance_id"),
  ofNull("delete_instance(null)", "p_instance_id"),
  ofNull("delete_vmm(null, null)", "p_instance_id"),
  ofNull("settle(null, null, null, null, null, null)", "p_saga_id"),
  ofNull("begin_update(null, null, null)", "p_instance_id"),
  ofNull("inherit_update(null, null, null, null, null)", "p_instance_id"),
  ofNull("commit_update(null, null, null, null)", "p_instance_id"),
  ofNull("unlock_update(null, null, null)", "p_instance_id"),
  ofNull("run_update(null, null)", "p_instance_id"),
  ofNull("explain_update(null)", "p_instance_id"),
  ofNull("instances_in_state(null, null)", "p_project_id"),
  ofNull("report_sled(null, null, null)", "p_digest"),
  ofNull("fail_vmm(null, null, null)", "p_instance_id"),
  ofNull("fail_sled(null, null)", "p_reason"),
  ofNull("fail_sled_vmms(null, null, null)", "p_propolis_ids"),
  ofNull("break_update(null, null, null)", "p_instance_id"),
  ofNull("instance_at(null, null)", "p_instance_id"),
  ofNull("maintain_history(p_force => null)", "p_force"),
  ofNull("purge(null)", "p_before"),
  ofNull("grant_access('{role}', null)", "p_kind"),
  ofNull("revoke_access('{role}', null)", "p_kind"),
  ofNull("bind_sled_agent(null)", "p_role"),
];

const VALUES: Row[] = [
  invalid(
    "maintain_history('23 hours')",
    "p_keep",
    "p_keep must be at least 1 day and at most 1000 years, not 23:00:00.",
  ),
  invalid(
    "maintain_history('90 days', '1 month')",
    "p_width",
    "p_width must be at least 1 hour, at most p_keep, and without months, not 1 mon.",
  ),
  invalid(
    "maintain_history('90 days', '1 day')",
    "p_width",
    "p_width must be at least a 17th of p_keep, not 1 day: each read looks into every partition, so there are at most 20.",
  ),
  invalid(
    "create_instance('{vmm}', '{project}', '', 'running')",
    "p_name",
    "p_name must have 1 to 63 characters, not 0.",
  ),
  invalid(
    "create_instance('{vmm}', '{project}', 'db', 'guest_shutdown')",
    "p_intended_state",
    "p_intended_state must be running or stopped, not guest_shutdown.",
  ),
  invalid(
    "configure_instance('{instance}', null, '-1 s')",
    "p_auto_restart_cooldown",
    "p_auto_restart_cooldown must be at least 0 and finite, not -00:00:01.",
  ),
  invalid(
    "begin_start('{instance}', '{vmm}', '{vmm}', '{vmm}', 'fd00::1', 65536)",
    "p_propolis_port",
    "p_propolis_port must be from 0 to 65535, not 65536.",
  ),
  invalid(
    "begin_start('{instance}', '{vmm}', '{vmm}', '{vmm}', 'fd00::1', p_start_reason => 'boredom')",
    "p_start_reason",
    "p_start_reason must be 'user' or 'auto_restart', not 'boredom'.",
  ),
  invalid(
    "begin_update('{instance}', '{vmm}', '2 days')",
    "p_lease",
    "p_lease must be more than 0 and at most 1 day, not 2 days.",
  ),
  invalid(
    "fail_sled_vmms('{sled}', array[null]::uuid[], 'operator')",
    "p_propolis_ids",
    "p_propolis_ids must not contain null.",
  ),
  invalid("break_update('{instance}', 1, ' ')", "p_reason", "p_reason must not be empty."),
  invalid(
    "purge('2100-01-01Z')",
    "p_before",
    "p_before must be at least 1 hour ago, not 2100-01-01 00:00:00+00.",
  ),
  invalid(
    "instances_in_state('{project}', 'running', null, -1)",
    "p_limit",
    "p_limit must not be negative, not -1.",
  ),
  invalid("purge('2020-01-01Z', 0)", "p_limit", "p_limit must be from 1 to 100000, not 0."),
  invalid(
    "grant_access('vmstate_test_nobody', 'reader')",
    "p_role",
    'p_role must name a role; there is no role "vmstate_test_nobody".',
  ),
  invalid(
    "revoke_access('{role}', 'reader')",
    "p_role",
    'p_role must not be "{role}", the owner of schema vmstate: the functions of the schema run with the rights of the owner.',
  ),
];

/** What a report says, the VMM part and both migration parts, but for these arguments. */
const report = (argument: string, detail: string, changed: Record<string, string>): Row => {
  const all: Record<string, string> = {
    instance_id: "'{instance}'",
    propolis_id: "'{vmm}'",
    state: "'running'",
    generation: "9",
    time: "'2026-01-01Z'",
    migration_in_id: "'{migration}'",
    migration_in_state: "'completed'",
    migration_in_generation: "9",
    migration_in_time: "'2026-01-01Z'",
    migration_out_id: "'{destination}'",
    migration_out_state: "'completed'",
    migration_out_generation: "9",
    migration_out_time: "'2026-01-01Z'",
    ...changed,
  };
  const list = Object.entries(all).map(([name, value]) => `p_${name} => ${value}`);
  return invalid(`report_vmm(${list.join(", ")})`, argument, detail);
};

const reportOfNull = (name: string): Row =>
  report(`p_${name}`, `p_${name} must not be null.`, { [name]: "null" });

const REPORTS: Row[] = [
  ...["instance_id", "propolis_id", "state", "generation", "time"].map(reportOfNull),
  ...["generation", "migration_in_generation", "migration_out_generation"].map((name) =>
    report(`p_${name}`, `p_${name} must be from 1 to 2^53-1, not 0.`, { [name]: "0" }),
  ),
  ...["time", "migration_in_time", "migration_out_time"].map((name) =>
    report(`p_${name}`, `p_${name} must be within the years 1970 to 9999, not infinity.`, {
      [name]: "'infinity'",
    }),
  ),
  ...["migration_in", "migration_out"].map((side) =>
    report(`p_${side}_id`, `p_${side}_id must be given together with the three other ${side} arguments.`, {
      [`${side}_state`]: "null",
    }),
  ),
  report(
    "p_migration_out_id",
    "p_migration_out_id must not be {migration}, too, as migration_in_id is: no VMM is both sides of one migration.",
    { migration_out_id: "'{migration}'" },
  ),
];

const KEYS =
  "instance_id, propolis_id, state, generation, time, " +
  "migration_in_id, migration_in_state, migration_in_generation, migration_in_time, " +
  "migration_out_id, migration_out_state, migration_out_generation, migration_out_time";

const SLEDS: Row[] = [
  invalid(
    "report_sled('{sled}', -1, repeat('0', 64))",
    "p_vmm_count",
    "p_vmm_count must be at least 0, not -1.",
  ),
  invalid("report_sled('{sled}', 0, '0x')", "p_digest", 'p_digest must be 64 hexadecimal digits, not "0x".'),
];

const BATCHES: Row[] = [
  invalid(
    "report_vmm_batch(null, null, null, null, null)",
    "p_propolis_ids",
    "The five arrays must not be null, and must have as many elements as each other.",
  ),
  invalid("report_vmms(null)", "p_reports", "p_reports must be a JSON array, not null."),
  invalid("report_vmms('{}')", "p_reports", "p_reports must be a JSON array, not a JSON object."),
  invalid("report_vmms('[1]')", "p_reports", "Element 1 must be a JSON object, not a JSON number."),
  invalid(
    `report_vmms('[{"note": null}]')`,
    "p_reports",
    `Element 1 has the unknown key "note". Known keys: ${KEYS}.`,
  ),
  invalid(
    `report_vmms('[{"instance_id": "vm-1"}]')`,
    "p_reports",
    'Element 1: invalid input syntax for type uuid: "vm-1".',
  ),
  invalid(`report_vmms('[{}]')`, "p_instance_id", "Element 1: instance_id must not be null."),
];

export const ARGUMENT_ERRORS: ErrorCase[] = [
  ...errors("VM001", NULLS),
  ...errors("VM001", VALUES),
  ...errors("VM001", REPORTS),
  ...errors("VM001", BATCHES),
  ...errors("VM001", SLEDS),
];
