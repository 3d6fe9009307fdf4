import { createHash } from "node:crypto";
import type { MigrationState, ReportedVmmState } from "../../../src/index.js";
import { plainArguments, PLAIN_FUNCTIONS, type PlainFunction } from "../../support/plain-calls.js";
import { snakeCase } from "../../support/verbs.js";
import { alive } from "../../sql/model.js";
import {
  type Bound,
  INSTANCE,
  migrations,
  type Part,
  PROJECT,
  sagaOf,
  starts,
  STRANGER,
  type Updater,
  UPDATERS,
} from "./actors.js";
import { ageing, COOLDOWN } from "./ages.js";
import { psqlStatements } from "./psql-statements.js";
import { type Memory, migrationOf, type Snapshot, vmmOf } from "./snapshot.js";

/** One thing that one actor may do. */
export interface Step {
  /** The name by which the properties know the step: the verb, or another name where no verb is called so. */
  kind: string;
  /**
   * A call of a verb, which answers a row; or a statement that the owner types in psql. `{updater1.generation}` and
   * `{updater1.token}` stand for the last answer to that updater.
   */
  sql: string;
  /** The VMM, with its saga, sled and migration, whose row may change. */
  part?: Part;
  /** The update saga that gets the plan as answer. */
  remembers?: Updater;
  /** The update saga whose fencing token and plan token the step passes. */
  updater?: Updater;
  /** The saga id that the step passes, where the verb checks who holds the lock. */
  saga?: string;
  /** The VMMs that `fail_sled_vmms` lists: the step may fail these and no others. */
  listed?: readonly string[];
  /** What `report_sled` says: the states of the VMM that is all that lives on the sled, or none; and a number of VMMs. */
  says?: { states: readonly ReportedVmmState[]; count: number };
  /** How many rows the step may delete. */
  limit?: number;
  /** Whether the step writes with all guards switched off. */
  unguarded?: true;
  enabled: (state: Snapshot, memory: Memory) => boolean;
}

const SIDES: readonly MigrationState[] = ["pending", "in_progress", "failed", "completed"];
/** A VMM and its side of the migration in one report. */
const TOGETHER: readonly (readonly [ReportedVmmState, MigrationState])[] = [
  ["migrating", "in_progress"],
  ["running", "completed"],
  ["running", "failed"],
  ["failed", "failed"],
  ["destroyed", "completed"],
  ["destroyed", "failed"],
];

const always = (): boolean => true;

/** The verbs that the exploration takes as steps, and not only as a misuse. */
export function exploredVerbs(bounds: readonly Bound[]): Set<string> {
  const steps = bounds.flatMap(allSteps).filter(({ kind }) => kind !== "misuse");
  return new Set(steps.flatMap(({ sql }) => /^vmstate\.(\w+)/.exec(sql)?.[1] ?? []));
}

/** Every step of every actor within the bound. */
export function allSteps(bound: Bound): Step[] {
  const allStarts = starts(bound);
  const allMigrations = migrations(bound);
  const vmms = [...allStarts, ...allMigrations];
  return [
    ...user(),
    ...allStarts.flatMap((part, i) => startSaga(part, allStarts[i - 1])),
    ...allMigrations.flatMap((part, i) => migrateSaga(part, vmms, allMigrations[i - 1])),
    ...vmms.flatMap((part) => bound.reports.map((state) => report(part, state, 1))),
    ...allMigrations.flatMap((part) => sides(part, vmms, bound)),
    ...[LATE_REPORTS, LATE_BATCH].map((sql) => ({
      ...{ kind: "late_reports", sql, enabled: ({ vmms: rows }: Snapshot) => rows.length > 0 },
    })),
    ...vmms.flatMap(operator),
    // No age changes what a sled has to agree on.
    ...(bound.ages ? [] : vmms.flatMap(sled)),
    ...UPDATERS.flatMap(updateSaga),
    ...[sagaOf("updater1"), STRANGER].map((parent) =>
      verb("inherit_update", [INSTANCE, parent], {
        rest: `{updater1.generation}, '${sagaOf("updater2")}', '1 hour'`,
        enabled: (_, memory) => memory.updater1 !== undefined,
        saga: parent,
        ...(parent !== STRANGER && { remembers: "updater2" }),
      }),
    ),
    ...MISUSES.map((sql) => ({ kind: "misuse", sql, enabled: isNew })),
    verb("run_update", [INSTANCE, STRANGER]),
    ...PLAIN_FUNCTIONS.map(plain),
    {
      kind: "lease_expires",
      sql: `UPDATE vmstate.instance SET updater_lease_until = clock_timestamp() - interval '1 hour' WHERE id = '${INSTANCE}'`,
      enabled: ({ instance }) => instance.updater_id !== null,
    },
    ...(bound.ages ? ageing(vmms) : []),
    ...(bound.psql ? psqlStatements(vmms, allMigrations) : []),
  ];
}

type Extra = Partial<Omit<Step, "kind" | "sql">> & {
  kind?: string;
  rest?: string;
};

function verb(
  name: string,
  ids: readonly string[],
  { rest, kind = name, enabled = always, ...extra }: Extra = {},
): Step {
  const list = [...ids.map((id) => `'${id}'`), ...(rest === undefined ? [] : [rest])].join(", ");
  return { kind, sql: `vmstate.${name}(${list})`, enabled, ...extra };
}

function plain(name: PlainFunction): Step {
  const given = Object.entries(plainArguments(name, INSTANCE)).map(([key, value]) => `${key} => '${value}'`);
  return verb(snakeCase(name), [], { rest: given.join(", ") });
}

function user(): Step[] {
  return [
    verb("create_instance", [INSTANCE, PROJECT, "web", "running"], { rest: `NULL, '${COOLDOWN}'` }),
    verb("finish_instance_creation", [INSTANCE]),
    verb("request_stop", [INSTANCE]),
    verb("delete_instance", [INSTANCE]),
  ];
}

/** Sagas of one kind differ by name only: the second one starts after the first. */
function startSaga(part: Part, previous: Part | undefined): Step[] {
  const ids = [INSTANCE, part.saga, part.propolis, part.sled];
  const enabled = ({ vmms }: Snapshot): boolean => previous === undefined || has(vmms, previous);
  const exists = ({ vmms }: Snapshot): boolean => has(vmms, part);
  return [
    verb("begin_start", ids, { rest: "'fd00::1'", part, enabled }),
    verb("begin_start", ids, { rest: "'fd00::1', p_start_reason => 'auto_restart'", part, enabled }),
    verb("begin_start", ids, {
      rest: `'fd00::1', p_expected_generation => ${INSTANCE_GENERATION} - 1`,
      part,
      enabled,
    }),
    verb("unwind_start", [INSTANCE, part.saga, part.propolis], { part, enabled: exists }),
    verb("unwind_start", [INSTANCE, STRANGER, part.propolis], { part, enabled: exists }),
  ];
}

function migrateSaga(part: Required<Part>, vmms: Part[], previous: Part | undefined): Step[] {
  const enabled = ({ vmms: rows }: Snapshot): boolean => previous === undefined || has(rows, previous);
  const exists = ({ vmms: rows }: Snapshot): boolean => has(rows, part);
  const sources = vmms.filter(({ name }) => name !== part.name);
  return [
    ...sources.map((source) =>
      verb(
        "begin_migration",
        [INSTANCE, part.saga, part.migration, source.propolis, part.propolis, part.sled],
        {
          rest: "'fd00::2'",
          part,
          enabled: (state: Snapshot) => enabled(state) && has(state.vmms, source),
        },
      ),
    ),
    ...sources.map((source) =>
      verb(
        "begin_migration",
        [INSTANCE, part.saga, part.migration, source.propolis, part.propolis, source.sled],
        {
          rest: "'fd00::2'",
          part,
          enabled: (state: Snapshot) => enabled(state) && has(state.vmms, source) && !exists(state),
        },
      ),
    ),
    verb("unwind_migration", [INSTANCE, part.saga, part.migration], { part, enabled: exists }),
    verb("unwind_migration", [INSTANCE, STRANGER, part.migration], { part, enabled: exists }),
    verb("unwind_start", [INSTANCE, part.saga, part.propolis], { part, enabled: exists }),
  ];
}

/** Each side of each migration, alone and together with the VMM's state; also of migrations long over. */
function sides(part: Required<Part>, vmms: Part[], { reports }: Bound): Step[] {
  const exists = ({ vmms: rows }: Snapshot): boolean => has(rows, part);
  const halves = vmms.flatMap((vmm) => [
    ...SIDES.map((side) => ({ vmm, state: "running" as const, newer: 0, side })),
    ...TOGETHER.filter(([state]) => reports.includes(state)).map(([state, side]) => ({
      vmm,
      state,
      newer: 1,
      side,
    })),
  ]);
  return halves.map(({ vmm, state, newer, side }) => {
    const way = vmm.name === part.name ? "in" : "out";
    const column = way === "in" ? "destination" : "source";
    return {
      ...report(
        vmm,
        state,
        newer,
        `p_migration_${way}_id => '${part.migration}', p_migration_${way}_state => '${side}', ` +
          `p_migration_${way}_generation => (SELECT m.${column}_generation + 1 FROM vmstate.migration AS m WHERE m.id = '${part.migration}'), ` +
          `p_migration_${way}_time => ${SLED_TIME}`,
      ),
      enabled: (snapshot: Snapshot) =>
        exists(snapshot) && takesPart(snapshot, part, vmm, way) && (newer === 0 || isAlive(snapshot, vmm)),
    };
  });
}

function takesPart(state: Snapshot, part: Required<Part>, vmm: Part, way: "in" | "out"): boolean {
  const migration = migrationOf(state, part.migration);
  if (migration?.time_deleted !== null) return false;
  return (way === "in" ? migration.destination_propolis_id : migration.source_propolis_id) === vmm.propolis;
}

/** The clocks of the sleds are far ahead. */
const SLED_TIME = "'2090-01-01 00:00:00+00'";

function report(part: Part, state: ReportedVmmState, newer: number, rest?: string): Step {
  const generation = `(SELECT v.state_generation + ${newer} FROM vmstate.vmm AS v WHERE v.id = '${part.propolis}')`;
  return verb("report_vmm", [INSTANCE, part.propolis, state], {
    rest: `${generation}, ${SLED_TIME}${rest === undefined ? "" : `, ${rest}`}`,
    part,
    enabled: (snapshot) => isAlive(snapshot, part),
  });
}

function settling(part: Part, state: string, newer: number, enabled: (snapshot: Snapshot) => boolean): Step {
  const generation = `(SELECT v.state_generation + ${newer} FROM vmstate.vmm AS v WHERE v.id = '${part.propolis}')`;
  const rest = `${generation}, ${SLED_TIME}`;
  return verb("settle", [INSTANCE, part.propolis, STRANGER, state], { rest, part, enabled });
}

function operator(part: Part, _: number, vmms: readonly Part[]): Step[] {
  const others = vmms.map(({ propolis }) => propolis).filter((propolis) => propolis !== part.propolis);
  const exists = ({ vmms }: Snapshot): boolean => has(vmms, part);
  return [
    verb("fail_vmm", [INSTANCE, part.propolis, "no_such_vmm"], { part, enabled: exists }),
    verb("fail_vmm", [INSTANCE, part.propolis, "operator"], {
      rest: `(SELECT v.state_generation - 1 FROM vmstate.vmm AS v WHERE v.id = '${part.propolis}')`,
      part,
      enabled: exists,
    }),
    verb("fail_sled", [part.sled, "sled_off"], { part, enabled: exists }),
    ...[[...others, part.propolis], others].map((listed) =>
      verb("fail_sled_vmms", [part.sled, `{${listed.join()}}`, "sled_off"], {
        part,
        listed,
        enabled: exists,
      }),
    ),
    verb("delete_vmm", [INSTANCE, part.propolis], { part, enabled: exists }),
    settling(part, "destroyed", 1, exists),
    settling(part, "destroyed", 0, exists),
    settling(part, "stopping", 1, exists),
  ];
}

/** Reports of the sled of a VMM: that the VMM runs, that there are two VMMs with the digest of one, and that there is none. */
function sled(part: Part): Step[] {
  const all: NonNullable<Step["says"]>[] = [
    { states: ["running"], count: 1 },
    { states: ["running"], count: 2 },
    { states: [], count: 0 },
  ];
  return all.map((says) => {
    const lines = says.states.map((state) => `${part.propolis} ${state}\n`);
    const digest = createHash("sha256").update(lines.join("")).digest("hex");
    const enabled: Step["enabled"] = ({ vmms }) => has(vmms, part);
    return verb("report_sled", [part.sled], { rest: `${says.count}, '${digest}'`, part, says, enabled });
  });
}

function updateSaga(updater: Updater): Step[] {
  const saga = sagaOf(updater);
  const enabled = (_: Snapshot, memory: Memory): boolean => memory[updater] !== undefined;
  return [
    verb("begin_update", [INSTANCE, saga], { rest: "'1 hour'", remembers: updater }),
    ...[saga, STRANGER].flatMap((saga) => [
      verb("commit_update", [INSTANCE, saga], {
        ...{ rest: `{${updater}.generation}, {${updater}.token}`, updater, saga, enabled },
      }),
      verb("unlock_update", [INSTANCE, saga], {
        ...{ rest: `{${updater}.generation}`, updater, saga, enabled },
      }),
    ]),
    verb("commit_update", [INSTANCE, saga], {
      ...{ kind: "commit_another_plan", rest: `{${updater}.generation}, {${updater}.token} || '0'`, updater },
      ...{ saga, enabled },
    }),
    verb("break_update", [INSTANCE], { rest: `{${updater}.generation}, 'it hangs'`, updater, enabled }),
  ];
}

const isNew = ({ instance, vmms }: Snapshot): boolean => instance.state === "creating" && vmms.length === 0;

/** Calls with invalid arguments, which are refused whatever the rows are. */
const MISUSES = [
  `vmstate.begin_update('${INSTANCE}', '${STRANGER}', '25 hours')`,
  `vmstate.inherit_update('${INSTANCE}', '${STRANGER}', 1, '${STRANGER}', '25 hours')`,
  `vmstate.break_update('${INSTANCE}', 1, '')`,
  `vmstate.rename_instance('${INSTANCE}', '')`,
  `vmstate.rename_instance('${INSTANCE}', repeat('é', 64))`,
  `vmstate.fail_sled_vmms('${STRANGER}', ARRAY[NULL]::uuid[], 'sled_off')`,
  "vmstate.purge(clock_timestamp() - interval '59 minutes', 1)",
  "vmstate.purge(clock_timestamp() - interval '2 hours', 0)",
  "vmstate.purge(clock_timestamp() - interval '2 hours', 100001)",
  ...["extra", "p_state", "State", ""].flatMap((key) =>
    ["null", "1"].map(
      (value) =>
        `vmstate.report_vmms(jsonb_build_array(jsonb_build_object('instance_id', '${INSTANCE}', 'propolis_id', '${STRANGER}', ` +
        `'state', 'running', 'generation', 2, 'time', '2024-01-01T00:00:00Z') || '{"${key}": ${value}}'))`,
    ),
  ),
];

const has = (rows: Snapshot["vmms"], part: Part): boolean => rows.some(({ id }) => id === part.propolis);

function isAlive(state: Snapshot, part: Part): boolean {
  const vmm = vmmOf(state, part.propolis);
  return alive(vmm?.state ?? null);
}

const INSTANCE_GENERATION = `(SELECT i.state_generation FROM vmstate.instance AS i WHERE i.id = '${INSTANCE}')`;

/**
 * Late reports of every VMM and side in each state, with the present generation and an older one; of a dead VMM with a
 * newer one, too.
 */
const LATE_REPORTS = `vmstate.report_vmms((
  SELECT jsonb_agg(jsonb_build_object('instance_id', v.instance_id, 'propolis_id', v.id, 'state', s, 'generation', greatest(v.state_generation + late, 1), 'time', ${SLED_TIME})
    || CASE WHEN m.id IS NULL THEN '{}' WHEN m.destination_propolis_id = v.id
      THEN jsonb_build_object('migration_in_id', m.id, 'migration_in_state', side, 'migration_in_generation', greatest(m.destination_generation + least(late, 0), 1), 'migration_in_time', clock_timestamp())
      ELSE jsonb_build_object('migration_out_id', m.id, 'migration_out_state', side, 'migration_out_generation', greatest(m.source_generation + least(late, 0), 1), 'migration_out_time', clock_timestamp())
    END)
  FROM vmstate.vmm AS v
  CROSS JOIN (VALUES ('starting', 'pending'), ('running', 'completed'), ('stopping', 'in_progress'), ('stopped', 'pending'),
    ('rebooting', 'in_progress'), ('migrating', 'completed'), ('failed', 'failed'), ('destroyed', 'failed')) AS said (s, side)
  CROSS JOIN generate_series(-1, CASE WHEN vmstate.is_absorbing(v.state) THEN 1 ELSE 0 END) AS late
  LEFT JOIN vmstate.migration AS m ON v.id IN (m.source_propolis_id, m.destination_propolis_id)))`;

/** A late report of every VMM in one batch of arrays: of a living VMM with its present generation, of a dead one with a newer. */
const LATE_BATCH = `vmstate.report_vmm_batch(${[
  "v.instance_id",
  "v.id",
  "CASE WHEN vmstate.is_absorbing(v.state) THEN 'running' ELSE 'destroyed' END::vmstate.reported_vmm_state",
  "v.state_generation + CASE WHEN vmstate.is_absorbing(v.state) THEN 1 ELSE 0 END",
  `${SLED_TIME}::timestamptz`,
]
  .map((value) => `(SELECT array_agg(${value} ORDER BY v.id) FROM vmstate.vmm AS v)`)
  .join(", ")})`;
