\ir setup.sql
-- Generations: reports count by their number
--
-- A report is applied only if its generation is greater than that of the row.
--
-- web runs on A and is to move to B on sled 2.
SELECT outcome, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A',
  p_sled_id => :'sled_1', p_propolis_ip => 'fd00::1');
SELECT vmm_outcome, state FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'A', p_state => 'running',
  p_generation => 2, p_time => now());
SELECT outcome, api_state FROM vmstate.begin_migration(
  p_instance_id => :'web', p_saga_id => :'saga_2',
  p_migration_id => :'move_1', p_source_propolis_id => :'A',
  p_destination_propolis_id => :'B',
  p_sled_id => :'sled_2', p_propolis_ip => 'fd00::2');

-- The destination is done before the source has said a word: the guest runs on
-- B. The VMM and its side of the migration have a generation and an outcome
-- each.
SELECT vmm_outcome, migration_in_outcome, state, update_needed
FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'B', p_state => 'running',
  p_generation => 3, p_time => now(),
  p_migration_in_id => :'move_1', p_migration_in_state => 'completed',
  p_migration_in_generation => 3, p_migration_in_time => now());

-- Then an older report of sled 2 arrives, which was delayed on its way.
SELECT vmm_outcome, migration_in_outcome, state, update_needed
FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'B', p_state => 'migrating',
  p_generation => 2, p_time => now(),
  p_migration_in_id => :'move_1', p_migration_in_state => 'in_progress',
  p_migration_in_generation => 2, p_migration_in_time => now());
TABLE api_and_rows;

-- It was stale and wrote nothing. The update saga can act already: the guest is
-- on B, so web gets B as its active VMM, and the network moves there.
SELECT outcome, network, new_state FROM vmstate.run_update(
  p_instance_id => :'web', p_saga_id => :'update_1');
TABLE api_and_rows;

-- The source reports last, and there is nothing left to decide.
SELECT vmm_outcome, migration_out_outcome, state, update_needed
FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'A', p_state => 'destroyed',
  p_generation => 3, p_time => now(),
  p_migration_out_id => :'move_1', p_migration_out_state => 'completed',
  p_migration_out_generation => 2, p_migration_out_time => now());
TABLE api_and_rows;

ROLLBACK;
