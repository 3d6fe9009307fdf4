\ir setup.sql
-- Rule 6: an unwind disturbs no running update
--
-- Only the update saga sets an instance's VMM ids to NULL. An unwinding saga
-- never writes the instance row, so it never invalidates a running update.
--
-- A start saga creates VMM A. The saga is slow, and sled 1 reports A failed.
SELECT outcome, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A',
  p_sled_id => :'sled_1', p_propolis_ip => 'fd00::1');
SELECT vmm_outcome, state, update_needed FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'A', p_state => 'failed',
  p_generation => 2, p_time => now());

-- An update saga takes the updater lock of web for 30 seconds and gets a plan:
-- unlink A. It remembers the lock's fencing token and the token of the plan,
-- and takes down the network of A.
SELECT outcome, network, updater_generation AS fencing, plan_token
FROM vmstate.begin_update(
  p_instance_id => :'web', p_saga_id => :'update_1',
  p_lease => '30 seconds') \gset update_
\echo :update_outcome, fencing token :update_fencing, network: :update_network
TABLE api_and_rows;

-- In the middle of that, the start saga notices that it failed, and unwinds.
-- web shows stopped, and its generation is the same.
SELECT outcome, state FROM vmstate.unwind_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A');
TABLE api_and_rows;

-- So the plan still holds, and the update saga commits it. web stays stopped:
-- the commit sees that A is unwound, and does not make web failed.
SELECT outcome, reason, api_state FROM vmstate.commit_update(
  p_instance_id => :'web', p_saga_id => :'update_1',
  p_updater_generation => :update_fencing,
  p_plan_token => :'update_plan_token');
TABLE api_and_rows;

-- The rule binds every writer, the owner of the tables in psql as well. B runs,
-- and somebody takes a short cut, with the generation raised and the state to
-- match. A trigger refuses it.
SELECT outcome, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_2', p_propolis_id => :'B',
  p_sled_id => :'sled_2', p_propolis_ip => 'fd00::2');
SELECT vmm_outcome, state FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'B', p_state => 'running',
  p_generation => 2, p_time => now());
SAVEPOINT refused;
UPDATE vmstate.instance
  SET state = 'no_vmm', active_propolis_id = NULL,
    state_generation = state_generation + 1
  WHERE id = :'web';
ROLLBACK TO refused;

-- The right way: ask for a stop, wait until the sled reports that B is gone,
-- and let the update saga unlink B.
SELECT outcome, api_state FROM vmstate.request_stop(p_instance_id => :'web');
SELECT vmm_outcome, state, update_needed FROM vmstate.report_vmm(
  p_instance_id => :'web', p_propolis_id => :'B', p_state => 'destroyed',
  p_generation => 3, p_time => now());
SELECT outcome, network, new_state FROM vmstate.run_update(
  p_instance_id => :'web', p_saga_id => :'update_2');
TABLE api_and_rows;

ROLLBACK;
