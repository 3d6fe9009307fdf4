\ir setup.sql
-- Rule 2: a failed start shows stopped at once
--
-- An instance whose active VMM is saga_unwound shows stopped.
--
-- A start saga creates VMM A and links it. The user sees web starting.
SELECT outcome, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A',
  p_sled_id => :'sled_1', p_propolis_ip => 'fd00::1');
TABLE api_and_rows;

-- The saga fails and unwinds. When the call returns, the user sees web stopped.
-- Only A was written: web has the same generation and still names A.
SELECT outcome, state, state_generation FROM vmstate.unwind_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A');
TABLE api_and_rows;

-- The next start fails in another way: its saga is slow, and sled 2 reports
-- that B is destroyed. A VMM that died by itself shows stopping until the
-- update saga has unlinked it.
SELECT outcome, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_2', p_propolis_id => :'B',
  p_sled_id => :'sled_2', p_propolis_ip => 'fd00::2');
SELECT vmm_outcome, state, update_needed FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'B', p_state => 'destroyed',
  p_generation => 2, p_time => now());
TABLE api_and_rows;

-- Now the saga notices and unwinds. It created B, and web still names B, so B
-- becomes saga_unwound, and web shows stopped at once.
SELECT outcome, state, state_generation FROM vmstate.unwind_start(
  p_instance_id => :'web', p_saga_id => :'saga_2', p_propolis_id => :'B');
TABLE api_and_rows;

ROLLBACK;
