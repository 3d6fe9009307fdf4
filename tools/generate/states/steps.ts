import type postgres from "postgres";

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** A call, made for each instance `i` that has what the call needs. The saga of each row has the id of the instance. */
export interface Step {
  verb: string;
  /** What the call does, as the diagram of a migration says it. */
  says: string;
  needs: keyof typeof NEEDS;
  call: (sql: postgres.ISql) => Fragment;
}

const NEEDS = {
  nothing: (sql: postgres.ISql) => sql``,
  "a VMM": (sql: postgres.ISql) => sql`where i.active_propolis_id is not null`,
  "a VMM alone": (sql: postgres.ISql) =>
    sql`where i.active_propolis_id is not null and i.migration_id is null`,
  "a migration": (sql: postgres.ISql) => sql`where i.migration_id is not null`,
};

/** Makes the call of a step for each instance that has what the call needs. */
export async function take(sql: postgres.ISql, { call, needs }: Step): Promise<void> {
  await sql`select count(r) from vmstate.instance as i, lateral ${call(sql)} as r ${NEEDS[needs](sql)}`;
}

/**
 * Lists all that actors may do, whether or not it is the time for it.
 *
 * The actors are control plane, sled agents, watchers and users.
 */
export function allSteps(vmmStates: readonly string[], sideStates: readonly string[]): Step[] {
  return [...verbs(), ...vmmStates.map(reportOfVmm), ...sideStates.flatMap(reportsOfSides)];
}

function verbs(): Step[] {
  return [
    step(
      "create_instance",
      "nothing",
      (sql) => sql`vmstate.create_instance(gen_random_uuid(), gen_random_uuid(), 'new', 'running')`,
    ),
    step("finish_instance_creation", "nothing", (sql) => sql`vmstate.finish_instance_creation(i.id)`),
    step(
      "begin_start",
      "nothing",
      (sql) => sql`
        vmstate.begin_start(i.id, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'fd00::2')`,
    ),
    step("request_stop", "nothing", (sql) => sql`vmstate.request_stop(i.id)`),
    step("request_reboot", "nothing", (sql) => sql`vmstate.request_reboot(i.id)`),
    step("delete_instance", "nothing", (sql) => sql`vmstate.delete_instance(i.id)`),
    step("run_update", "nothing", (sql) => sql`vmstate.run_update(i.id, gen_random_uuid())`),
    step(
      "begin_migration",
      "a VMM",
      (sql) => sql`
        vmstate.begin_migration(i.id, gen_random_uuid(), gen_random_uuid(), i.active_propolis_id, gen_random_uuid(),
          gen_random_uuid(), 'fd00::3')`,
    ),
    step("unwind_start", "a VMM", (sql) => sql`vmstate.unwind_start(i.id, i.id, i.active_propolis_id)`),
    step(
      "unwind_migration",
      "a migration",
      (sql) => sql`vmstate.unwind_migration(i.id, i.id, i.migration_id)`,
    ),
    step(
      "fail_vmm",
      "a VMM",
      (sql) => sql`vmstate.fail_vmm(i.id, i.active_propolis_id, 'operator')`,
      "the active VMM is dead",
    ),
    step(
      "fail_vmm",
      "a migration",
      (sql) => sql`vmstate.fail_vmm(i.id, i.destination_propolis_id, 'operator')`,
      "the destination VMM is dead",
    ),
  ];
}

function reportOfVmm(state: string): Step {
  return step(
    "report_vmm",
    "a VMM alone",
    (sql) => sql`vmstate.report_vmm(i.id, i.active_propolis_id, ${state}, 2, now())`,
  );
}

function reportsOfSides(state: string): Step[] {
  return [
    step(
      "report_vmm",
      "a migration",
      (sql) => sql`
        vmstate.report_vmm(i.id, i.active_propolis_id, 'running', 2, now(), p_migration_out_id => i.migration_id,
          p_migration_out_state => ${state}, p_migration_out_generation => 2, p_migration_out_time => now())`,
      `the source is ${state}`,
    ),
    step(
      "report_vmm",
      "a migration",
      (sql) => sql`
        vmstate.report_vmm(i.id, i.destination_propolis_id, 'running', 2, now(), p_migration_in_id => i.migration_id,
          p_migration_in_state => ${state}, p_migration_in_generation => 2, p_migration_in_time => now())`,
      `the destination is ${state}`,
    ),
  ];
}

function step(verb: string, needs: Step["needs"], call: Step["call"], says = verb): Step {
  return { verb, says, needs, call };
}
