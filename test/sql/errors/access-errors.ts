import { migrating } from "../scenario.js";
import { errors, type ErrorCase } from "./error-case.js";

/** Another role calls, which exists as long as the transaction. */
const as = (...grants: string[]): string =>
  ["create role vmstate_test_errors", ...grants, "set local role vmstate_test_errors"].join("; ");

const AS_STRANGER = as(
  "grant usage on schema vmstate to vmstate_test_errors",
  "grant execute on all functions in schema vmstate to vmstate_test_errors",
);

const AS_AGENT = as(
  "select vmstate.grant_access('vmstate_test_errors', 'sled_agent')",
  "select vmstate.bind_sled_agent('vmstate_test_errors', '{instance}')",
);

const BINDS =
  "Nothing was changed. vmstate.bind_sled_agent binds a role to the sled whose VMMs the role may report.";

/** Fails GRANT as PostgreSQL does when an access list is full, which takes thousands of roles. */
const FULL = `
  create function full_list() returns event_trigger language plpgsql as
    $$ begin raise exception using errcode = 'program_limit_exceeded', message = 'row is too big'; end $$;
  create role vmstate_test_errors;
  create event trigger full_list on ddl_command_start when tag in ('GRANT') execute function full_list()`;

export const ACCESS_ERRORS: ErrorCase[] = [
  ...errors("42501", [
    [
      `${AS_STRANGER}; select vmstate.grant_access('{role}', 'reader')`,
      "vmstate.grant_access: only the owner of schema vmstate grants access",
      'Role "vmstate_test_errors" does not have the rights of the owner.',
      "Nothing was changed. Call vmstate.grant_access as the role that applied the schema migrations.",
    ],
    [
      `${AS_STRANGER}; select vmstate.revoke_access('{role}', 'reader')`,
      "vmstate.revoke_access: only the owner of schema vmstate revokes access",
      'Role "vmstate_test_errors" does not have the rights of the owner.',
      "Nothing was changed. Call vmstate.revoke_access as the role that applied the schema migrations.",
    ],
    [
      `${AS_AGENT}; select vmstate.report_vmm('{instance}', '{vmm}', 'running', 9, '2026-01-01Z')`,
      "vmstate.report_vmm: this role may not report VMM {vmm}",
      'Role "vmstate_test_errors" is bound to sled {instance}.',
      BINDS,
    ],
    [
      `${AS_AGENT}; select vmstate.report_vmms(jsonb_build_array(jsonb_build_object('instance_id', '{instance}',
        'propolis_id', '{vmm}', 'state', 'running', 'generation', 9, 'time', '2026-01-01Z')))`,
      "vmstate.report_vmms: this role may not report VMM {vmm}",
      'Element 1: Role "vmstate_test_errors" is bound to sled {instance}.',
      BINDS,
    ],
    [
      `${AS_AGENT}; select vmstate.report_sled('{sled}', 0, repeat('0', 64))`,
      "vmstate.report_sled: this role may not report sled {sled}",
      'Role "vmstate_test_errors" is bound to sled {instance}.',
      "Nothing was changed. vmstate.bind_sled_agent binds a role to the sled that the role may report.",
    ],
    [
      `${AS_AGENT}; select vmstate.report_vmm_batch(array['{instance}'::uuid], array['{vmm}'::uuid],
        array['running'::vmstate.reported_vmm_state], array[9::bigint], array['2026-01-01Z'::timestamptz])`,
      "vmstate.report_vmm_batch: this role may not report VMM {vmm}",
      'Element 1: Role "vmstate_test_errors" is bound to sled {instance}.',
      BINDS,
    ],
  ]),
  // the step alone, for a verb gets there only if the VMM is inserted while the verb runs
  ...errors(
    "42501",
    [
      [
        `select vmstate.apply_migration_parts('report_vmm', ('{instance}', '{vmm}', 'running', 9, '2026-01-01Z',
          null, null, null, null, null, null, null, null)::vmstate.vmm_report, '{}')`,
        "vmstate.report_vmm: this role may not report VMM {vmm}",
        'Role "{role}" is bound to no sled.',
        BINDS,
      ],
    ],
    migrating,
  ),
  ...errors("54000", [
    [
      `${FULL}; select vmstate.grant_access('vmstate_test_errors', 'sled_agent')`,
      'vmstate.grant_access: the access list of SCHEMA vmstate has no room for role "vmstate_test_errors"',
      "PostgreSQL keeps the list in one row of at most 8 kB: row is too big.",
      "Nothing was changed. Call grant_access once for a group role that cannot log in, and GRANT the group role to the other roles. revoke_access removes a role from the list.",
    ],
  ]),
];
