\ir setup.sql
-- Rule 3: a failed migration changes nothing
--
-- A destination VMM in saga_unwound changes nothing: the instance's state still
-- derives from its active VMM.
--
-- web runs: a start saga linked VMM A, and the agent of sled 1 reports A
-- running. The report has a newer generation than the row, so it is applied.
SELECT outcome, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A',
  p_sled_id => :'sled_1', p_propolis_ip => 'fd00::1');
SELECT vmm_outcome, state FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'A', p_state => 'running',
  p_generation => 2, p_time => now());

-- A migrate saga creates the destination VMM B on sled 2 and the migration
-- move_1, and links both. The user sees web migrating.
SELECT outcome, api_state FROM vmstate.begin_migration(
  p_instance_id => :'web', p_saga_id => :'saga_2',
  p_migration_id => :'move_1', p_source_propolis_id => :'A',
  p_destination_propolis_id => :'B',
  p_sled_id => :'sled_2', p_propolis_ip => 'fd00::2');
TABLE api_and_rows;

-- Sled 2 refuses B, and the saga unwinds. web still names B and move_1, and
-- shows running all the same: the guest runs on A as before.
SELECT outcome, state FROM vmstate.unwind_migration(
  p_instance_id => :'web', p_saga_id => :'saga_2',
  p_migration_id => :'move_1');
TABLE api_and_rows;

-- Rule 1 holds for a destination, too: the next migration replaces B and move_1
-- by C and move_2 in one write.
SELECT outcome, api_state FROM vmstate.begin_migration(
  p_instance_id => :'web', p_saga_id => :'saga_3',
  p_migration_id => :'move_2', p_source_propolis_id => :'A',
  p_destination_propolis_id => :'C',
  p_sled_id => :'sled_3', p_propolis_ip => 'fd00::3');
TABLE api_and_rows;

ROLLBACK;
