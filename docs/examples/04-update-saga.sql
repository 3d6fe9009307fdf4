\ir setup.sql
-- Rule 4: an unwound VMM is unlinked like a destroyed one
--
-- The update saga treats saga_unwound exactly like destroyed when it decides
-- whether to remove a VMM id from an instance.
--
-- web has VMM A, whose guest ran and then shut down: A is destroyed.
SELECT outcome, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A',
  p_sled_id => :'sled_1', p_propolis_ip => 'fd00::1');
SELECT vmm_outcome, state FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'A', p_state => 'running',
  p_generation => 2, p_time => now());
SELECT vmm_outcome, state FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'A', p_state => 'destroyed',
  p_generation => 3, p_time => now());

-- db is a second instance. Its start failed: VMM B is unwound.
SELECT outcome, api_state FROM vmstate.create_instance(
  p_id => :'db', p_project_id => :'project', p_name => 'db',
  p_intended_state => 'running');
SELECT outcome, api_state FROM vmstate.finish_instance_creation(
  p_id => :'db');
SELECT outcome, api_state FROM vmstate.begin_start(
  p_instance_id => :'db', p_saga_id => :'saga_2', p_propolis_id => :'B',
  p_sled_id => :'sled_2', p_propolis_ip => 'fd00::2');
SELECT outcome, state FROM vmstate.unwind_start(
  p_instance_id => :'db', p_saga_id => :'saga_2', p_propolis_id => :'B');
TABLE api_and_rows;

-- The plans are the same: unlink the VMM, delete its network configuration.
-- The intents differ, because only the guest of A had been running: it ended
-- its VM itself, and must not be restarted automatically.
SELECT known.name, unlinked.name AS unlinks, new_state, network,
  new_intended_state
FROM known
  CROSS JOIN LATERAL vmstate.explain_update(p_instance_id => known.id)
  JOIN known AS unlinked ON unlinked.id = ANY (unlinked_propolis_ids)
ORDER BY known.place;

-- run_update makes the plan and writes it.
SELECT outcome, api_state FROM vmstate.run_update(
  p_instance_id => :'web', p_saga_id => :'update_1');
SELECT outcome, api_state FROM vmstate.run_update(
  p_instance_id => :'db', p_saga_id => :'update_2');
TABLE api_and_rows;

-- A VMM that is dead and that no instance names can be deleted.
SELECT outcome, state FROM vmstate.delete_vmm(
  p_instance_id => :'web', p_propolis_id => :'A');
SELECT outcome, state FROM vmstate.delete_vmm(
  p_instance_id => :'db', p_propolis_id => :'B');
TABLE api_and_rows;

ROLLBACK;
