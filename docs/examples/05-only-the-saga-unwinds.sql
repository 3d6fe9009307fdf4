\ir setup.sql
-- Rule 5: only the saga of a VMM unwinds it
--
-- saga_unwound is internal: no sled agent can report it, the API shows
-- destroyed, only an unwinding start or migrate saga sets it.
--
-- A start fails: VMM A is unwound, and the API shows A as destroyed. The next
-- start links B, which runs.
SELECT outcome, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A',
  p_sled_id => :'sled_1', p_propolis_ip => 'fd00::1');
SELECT outcome, state FROM vmstate.unwind_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A');
SELECT outcome, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_2', p_propolis_id => :'B',
  p_sled_id => :'sled_2', p_propolis_ip => 'fd00::2');
SELECT vmm_outcome, state FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'B', p_state => 'running',
  p_generation => 2, p_time => now());
TABLE api_and_rows;

-- A late report of sled 1 says that A runs. A is dead for good, so no
-- generation is new enough, and the agent learns that it has to end A.
SELECT vmm_outcome, state, state_generation FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'A', p_state => 'running',
  p_generation => 9, p_time => now());

-- The agent of sled 2 says that B is unwound. The type of its argument has no
-- such value, so PostgreSQL refuses the call before the function runs.
SAVEPOINT refused;
SELECT vmm_outcome, state FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'B', p_generation => 3,
  p_state => 'saga_unwound', p_time => now());
ROLLBACK TO refused;

-- Another saga than the one that created B cannot unwind B either.
SELECT outcome, reason, state FROM vmstate.unwind_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'B');
TABLE api_and_rows;

ROLLBACK;
