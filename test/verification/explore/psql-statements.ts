import { INSTANCE, type Part, PROJECT, STRANGER } from "./actors.js";
import { type Snapshot, vmmOf } from "./snapshot.js";
import type { Step } from "./steps.js";

const NOW = "clock_timestamp()";

/**
 * Statements that the owner may type in psql, right or wrong: each statement is refused by a guard or a constraint, or keeps
 * every property that the verbs keep.
 */
export function psqlStatements(vmms: readonly Part[], migrations: readonly Required<Part>[]): Step[] {
  return [
    ...onInstance(vmms),
    ...vmms.flatMap(onVmm),
    ...migrations.flatMap(onMigration),
    ...insertions(),
    write(`TRUNCATE vmstate.instance, vmstate.vmm, vmstate.migration`),
  ];
}

function onInstance(vmms: readonly Part[]): Step[] {
  const newer = `state_generation = state_generation + 1, time_state_updated = ${NOW}`;
  const update = (columns: string): Step =>
    write(`UPDATE vmstate.instance SET ${columns} WHERE id = '${INSTANCE}'`);
  const links = "active_propolis_id = NULL, destination_propolis_id = NULL, migration_id = NULL";
  return [
    update(`state = 'no_vmm', ${links}, ${newer}`),
    update(`state = 'failed', ${links}, ${newer}`),
    update(`state = 'no_vmm', ${links}`),
    update(`destination_propolis_id = NULL, migration_id = NULL, ${newer}`),
    update(`active_propolis_id = destination_propolis_id, ${newer}`),
    ...vmms.map((part) => update(`state = 'vmm', active_propolis_id = '${part.propolis}', ${newer}`)),
    update(`state = 'creating', ${newer}`),
    update(`state = 'no_vmm', time_deleted = NULL, ${newer}`),
    update(`state = 'destroyed', time_deleted = ${NOW}, ${newer}`),
    update("state_generation = state_generation - 1"),
    update(`id = '${STRANGER}'`),
    update(`updater_id = '${STRANGER}', updater_lease_until = ${NOW} + interval '1 hour'`),
    update("updater_generation = updater_generation - 1"),
    update("committed_updater_generation = NULL"),
    update("committed_updater_generation = updater_generation"),
    write(`DELETE FROM vmstate.instance`),
  ];
}

function onVmm(part: Part): Step[] {
  const newer = `state_generation = state_generation + 1, time_state_updated = ${NOW}`;
  const exists = (state: Snapshot): boolean => vmmOf(state, part.propolis) !== undefined;
  const update = (columns: string): Step =>
    write(`UPDATE vmstate.vmm SET ${columns} WHERE id = '${part.propolis}'`, exists);
  return [
    update(`state = 'running', failure_reason = NULL, time_started = ${NOW}`),
    update(`state = 'running', failure_reason = NULL, ${newer}`),
    update(`state = 'saga_unwound', failure_reason = NULL, ${newer}`),
    update(`state = 'creating', failure_reason = NULL, ${newer}`),
    update("state_generation = state_generation - 1"),
    update(`sled_id = '${STRANGER}'`),
    update("time_unlinked = NULL"),
    update(`time_unlinked = ${NOW}`),
    update(`time_deleted = ${NOW}`),
    update("time_deleted = NULL"),
    write(`DELETE FROM vmstate.vmm WHERE id = '${part.propolis}'`, exists),
  ];
}

function onMigration(part: Required<Part>): Step[] {
  const exists = (state: Snapshot): boolean => vmmOf(state, part.propolis) !== undefined;
  const update = (columns: string): Step =>
    write(`UPDATE vmstate.migration SET ${columns} WHERE id = '${part.migration}'`, exists);
  return [
    ...["source", "destination"].flatMap((side) => [
      update(`${side}_state = 'pending', ${side}_generation = ${side}_generation + 1`),
      update(`${side}_state = 'completed'`),
      update(`${side}_generation = ${side}_generation - 1`),
    ]),
    update(`saga_id = '${STRANGER}'`),
    update(`time_deleted = ${NOW}`),
    update("time_deleted = NULL"),
    write(`DELETE FROM vmstate.migration WHERE id = '${part.migration}'`, exists),
  ];
}

function insertions(): Step[] {
  const vmm = `'${INSTANCE}', '${STRANGER}', '${STRANGER}', 'fd00::4', '${STRANGER}'`;
  return [
    write(
      `INSERT INTO vmstate.instance (id, project_id, name, state, state_generation, intended_state)
         VALUES ('${STRANGER}', '${PROJECT}', 'db', 'no_vmm', 2, 'running')`,
    ),
    write(
      `INSERT INTO vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, state, state_generation)
         VALUES (${vmm}, 'running', 2)`,
    ),
    write(
      `WITH new AS (INSERT INTO vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id) VALUES (${vmm}) RETURNING *)
       INSERT INTO vmstate.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id, source_state)
         SELECT v.instance_id, '${STRANGER}', '${STRANGER}', v.id, new.id, 'completed' FROM vmstate.vmm AS v, new LIMIT 1`,
      ({ vmms }) => vmms.length > 0,
    ),
    write(
      `INSERT INTO vmstate.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id)
         SELECT v.instance_id, '${STRANGER}', '${STRANGER}', v.id, o.id
           FROM vmstate.vmm AS v JOIN vmstate.vmm AS o ON o.id <> v.id
           ORDER BY o.state = 'saga_unwound' DESC, o.id, v.id LIMIT 1`,
      ({ vmms }) => vmms.length > 1,
    ),
  ];
}

function write(sql: string, enabled: (state: Snapshot) => boolean = () => true): Step {
  return { kind: "psql", sql, enabled };
}
