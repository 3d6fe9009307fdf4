\ir setup.sql
-- Rule 1: the next start replaces an unwound VMM
--
-- A start is legal when the instance names no VMM, or one in state
-- saga_unwound, which the new id replaces in the same write.
--
-- web is an instance, what the user sees; it is stopped. A start saga creates
-- VMM A on sled 1 and links it: web names A as its active VMM.
SELECT outcome, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A',
  p_sled_id => :'sled_1', p_propolis_ip => 'fd00::1');
TABLE api_and_rows;

-- Sled 1 refuses A, and the saga unwinds: it undoes what it did.
SELECT outcome, state FROM vmstate.unwind_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A');
TABLE api_and_rows;

-- web still names A, and the user may start web again at once. B takes the
-- place of A in the write that links B: web is never seen without a VMM id.
SELECT outcome, reason, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_2', p_propolis_id => :'B',
  p_sled_id => :'sled_2', p_propolis_ip => 'fd00::2');
TABLE api_and_rows;

-- A third saga is too late: B lives. The conflict is a row, not an error.
SELECT outcome, reason, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_3', p_propolis_id => :'C',
  p_sled_id => :'sled_3', p_propolis_ip => 'fd00::3');

-- B is destroyed on its sled. B is dead like A, but not unwound, so a start is
-- refused: the network of B has to be taken down first, by the update saga.
SELECT vmm_outcome, state, update_needed FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'B', p_state => 'destroyed',
  p_generation => 2, p_time => now());
SELECT outcome, reason, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_3', p_propolis_id => :'C',
  p_sled_id => :'sled_3', p_propolis_ip => 'fd00::3');
TABLE api_and_rows;

-- The update saga unlinks B. web names no VMM, and the start is legal again.
SELECT outcome, network, new_state FROM vmstate.run_update(
  p_instance_id => :'web', p_saga_id => :'update_1');
SELECT outcome, reason, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_3', p_propolis_id => :'C',
  p_sled_id => :'sled_3', p_propolis_ip => 'fd00::3');
TABLE api_and_rows;

ROLLBACK;
