import { migrating, running, saying, stopped, unwound } from "../scenario.js";
import { type Given, handingOver, withAbandoned, withDeletedVmm, withOrphan } from "./givens.js";
import { id, type Refusal, refusals, values, generations, states } from "./refusal.js";
import { active, destination, freshInstance, insertVmm, OTHER, remove, type Write } from "./writes.js";

export const VMM_REFUSALS: Refusal[] = [
  ...refusals("GUARD_identity on vmm", "VM103", [
    ["another id", withAbandoned, active(`id = '${OTHER}'`), (s) => [s.propolisId, OTHER]],
    [
      "another instance",
      withAbandoned,
      async (sql, s) => {
        await active(`instance_id = '${await freshInstance(sql)}'`)(sql, s);
      },
      id("instanceId"),
    ],
    ["another sled", running, active(`sled_id = '${OTHER}'`), (s) => [s.start.sledId, OTHER]],
    ["another saga", running, active(`saga_id = '${OTHER}'`), (s) => [s.start.sagaId, OTHER]],
    ["another address", running, active("propolis_ip = 'fd00::99'"), values("fd00::1", "fd00::99")],
    [
      "another port",
      running,
      active("propolis_port = 1"),
      values("propolis_port is 12400; the attempted value is 1."),
    ],
  ]),
  ...refusals("guard_insert on vmm", "VM102", [
    ["a VMM that is alive already", stopped, insertVmm("state", "'starting'"), values('"state": "starting"')],
    ["a dead VMM", stopped, insertVmm("state", "'saga_unwound'"), values('"state": "saga_unwound"')],
    ["a later generation", stopped, insertVmm("state_generation", "2"), values('"state_generation": 2')],
    ["a VMM marked as linked", stopped, insertVmm("time_unlinked", "null"), values('"time_unlinked": null')],
    ["a VMM that ran", stopped, insertVmm("time_started", "'2030-01-01'"), values("2030-01-01")],
    [
      "a VMM that was reported",
      stopped,
      insertVmm("time_reported", "'2030-01-01'"),
      values('"time_reported": "2030-01-01'),
    ],
    [
      "a VMM with a migration",
      stopped,
      insertVmm("migration_id", `'${OTHER}'`),
      values(`"migration_id": "${OTHER}"`),
    ],
    ["a deleted VMM", stopped, insertVmm("time_deleted", "'2030-01-01'"), values("2030-01-01")],
  ]),
  ...refusals("guard_generation and guard_state on vmm", "VM101", [
    ["another state at the same generation", running, active("state = 'stopping'"), generations("2", "2")],
    [
      "another state at a lower generation",
      running,
      active("state = 'stopping', state_generation = 1"),
      generations("2", "1"),
    ],
    [
      "another failure",
      (sql) => saying(sql, "failed"),
      active("failure_reason = 'operator'"),
      generations("3", "3"),
    ],
  ]),
  ...refusals("guard_generation on vmm", "VM101", [
    ["a lower generation", running, active("state_generation = 1"), generations("2", "1")],
    ["another time of its state", running, active("time_state_updated = now()"), generations("2", "2")],
    ["another time of its start", running, active("time_started = null"), generations("2", "2")],
  ]),
  ...refusals("guard_state on vmm", "VM102", [
    ...(["starting", "running", "failed", "saga_unwound"] as const).map(
      (state): [string, Given, Write, Refusal["detail"]] => [
        `${state} to creating`,
        async (sql) => {
          if (state === "saga_unwound") return await unwound(sql);
          return await saying(sql, state);
        },
        active("state = 'creating', state_generation = 99, failure_reason = null"),
        states(state, "creating"),
      ],
    ),
    [
      "destroyed to running",
      (sql) => saying(sql, "destroyed"),
      active("state = 'running', state_generation = 99"),
      states("destroyed", "running"),
    ],
    [
      "failed to destroyed",
      (sql) => saying(sql, "failed"),
      active("state = 'destroyed', state_generation = 99, failure_reason = null"),
      states("failed", "destroyed"),
    ],
    [
      "saga_unwound to destroyed",
      unwound,
      active("state = 'destroyed', state_generation = 99"),
      states("saga_unwound", "destroyed"),
    ],
    [
      "destroyed to saga_unwound when no link names it",
      withAbandoned,
      active("state = 'saga_unwound', state_generation = 99"),
      states("destroyed", "saga_unwound"),
    ],
    [
      "running to saga_unwound when its guest has left",
      handingOver,
      active("state = 'saga_unwound', state_generation = 99"),
      states("running", "saga_unwound"),
    ],
    [
      "creating to saga_unwound while a migration leads there",
      migrating,
      destination("state = 'saga_unwound', state_generation = 99"),
      states("creating", "saga_unwound"),
    ],
  ]),
  ...refusals("guard_link on vmm", "VM104", [
    [
      "a linked VMM marked as unlinked",
      running,
      active("time_unlinked = '2030-01-01'"),
      values("null (linked)", "2030-01-01"),
    ],
    ["an unlinked VMM marked as linked", withOrphan, active("time_unlinked = null"), values("null (linked)")],
    ["another time of unlinking", withOrphan, active("time_unlinked = '2030-01-01'"), values("2030-01-01")],
  ]),
  ...refusals("guard_migration on vmm", "VM104", [
    ["a migration that does not exist", running, active(`migration_id = '${OTHER}'`), values("null", OTHER)],
    [
      "a migration that leads to another VMM",
      withOrphan,
      (sql, s) => active(`migration_id = '${s.migrationId}'`)(sql, s),
      (s) => ["null", s.migrationId],
    ],
    [
      "a migration's destination without its migration",
      withOrphan,
      destination("migration_id = null"),
      (s) => [s.migrationId, "null"],
    ],
  ]),
  ...refusals("guard_deletion on vmm", "VM104", [
    [
      "deletion of a linked VMM",
      (sql) => saying(sql, "destroyed"),
      active("time_deleted = now()"),
      values("destroyed, linked"),
    ],
    ["deletion of a live VMM", withOrphan, active("time_deleted = now()"), values("running, not linked")],
  ]),
  ...refusals("guard_deletion on vmm", "VM102", [
    [
      "another time of deletion",
      withDeletedVmm,
      active("time_deleted = '2030-01-01'"),
      values("Attempted: 2030-01-01"),
    ],
    [
      "a deleted VMM as not deleted",
      withDeletedVmm,
      active("time_deleted = null"),
      values("Attempted: null."),
    ],
  ]),
  ...refusals("guard_delete on vmm", "VM104", [
    [
      "DELETE of a dead VMM",
      withAbandoned,
      remove("vmm", (s) => s.propolisId),
      values("not deleted", "DELETE"),
    ],
  ]),
];
