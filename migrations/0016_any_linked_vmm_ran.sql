-- 0016_any_linked_vmm_ran: 10 minutes of running of the destination VMM end a row of automatic restarts, too.
-- Why: the update saga counted both VMMs of an instance; begin_start and restartable_instance counted the active one alone, and
-- made an instance wait whose guest had run for long.
-- Objects: function begin_start, view restartable_instance.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads go on); restartable_instance (ACCESS EXCLUSIVE).
-- Breaking: no.
-- With psql, in one transaction that ends at the first error: psql -1 -v ON_ERROR_STOP=1 -f 0016_any_linked_vmm_ran.sql

-- Names resolve in pg_catalog, whatever the session's search_path is (CVE-2018-1058); the end of the file sets it back.
DO $$
BEGIN
  PERFORM pg_catalog.set_config('vmstate.search_path', pg_catalog.current_setting('search_path'), false);
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
END;
$$;
-- Without a transaction block, the setting ended with the statement: then it is the session's until the end of the file.
DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)
    WHERE pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) 'pg_catalog, pg_temp';
END;
$$;

LOCK TABLE vmstate.instance, vmstate.vmm, vmstate.migration IN EXCLUSIVE MODE;

-- copy of sql/views/restartable_instance.sql
CREATE OR REPLACE VIEW vmstate.restartable_instance AS
SELECT
  c.instance_id,
  vmstate.effective_instance_state(c.state, c.active_state, false) AS api_state,
  c.state_generation,
  c.time_last_auto_restarted,
  greatest(c.time_state_updated, c.active_last_heard, c.updater_lease_until, c.time_updater_released,
    vmstate.auto_restart_time(c.time_last_auto_restarted, c.auto_restart_cooldown, c.auto_restart_attempts)) AS since,
  c.auto_restart_attempts,
  coalesce(vmstate.auto_restart_time(c.time_last_auto_restarted, c.auto_restart_cooldown, c.auto_restart_attempts),
    c.time_state_updated) AS time_next_auto_restart
FROM (
  SELECT i.id AS instance_id, i.state, NULL::vmstate.vmm_state AS active_state, NULL::timestamptz AS active_last_heard,
    i.state_generation, i.time_state_updated, i.intended_state, i.auto_restart_policy, i.auto_restart_cooldown,
    i.auto_restart_attempts, i.time_last_auto_restarted, i.updater_lease_until, i.time_updater_released
  FROM vmstate.instance AS i
  WHERE i.state IN ('no_vmm', 'failed') AND i.intended_state = 'running'
    AND i.auto_restart_policy IS DISTINCT FROM 'never'
    AND coalesce(i.time_deleted, 'infinity') = 'infinity' AND least(i.time_deleted, 'infinity') = 'infinity'
  UNION ALL
  SELECT i.id, i.state, v.state, vmstate.last_heard(v.time_reported, v.time_state_updated, statement_timestamp()),
    i.state_generation, i.time_state_updated, i.intended_state, i.auto_restart_policy, i.auto_restart_cooldown,
    CASE
      WHEN vmstate.ran_long(v.time_started, v.time_reported) OR vmstate.ran_long(d.time_started, d.time_reported) THEN 0
      ELSE i.auto_restart_attempts
    END,
    i.time_last_auto_restarted, i.updater_lease_until, i.time_updater_released
  FROM vmstate.vmm AS v
  JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.active_propolis_id = v.id
  LEFT JOIN LATERAL (
    SELECT w.time_started, w.time_reported
    FROM vmstate.vmm AS w
    WHERE w.instance_id = i.id AND w.id = i.destination_propolis_id
    OFFSET 0
  ) AS d ON true
  WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
    AND v.state = 'saga_unwound'
    AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
) AS c
WHERE vmstate.may_auto_restart(c.state, c.active_state, c.intended_state, c.auto_restart_policy,
  vmstate.auto_restart_wait(c.auto_restart_cooldown, c.auto_restart_attempts), c.time_last_auto_restarted, c.updater_lease_until, statement_timestamp())
ORDER BY since, instance_id;
COMMENT ON VIEW vmstate.restartable_instance IS 'Lists instances that should run, do not run, and may be restarted now.

A work list, oldest first: call begin_start with p_start_reason auto_restart, which checks once more. since is when the restart became possible, by the clock of the database. auto_restart_attempts is the number of automatic restarts in a row. time_next_auto_restart is from when on cooldown and back-off allow the next one.';
-- end of sql/views/restartable_instance.sql

-- copy of sql/verbs/control_plane/begin_start.sql
CREATE OR REPLACE FUNCTION vmstate.begin_start(
  p_instance_id uuid,
  p_saga_id uuid,
  p_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer DEFAULT 12400,
  p_start_reason text DEFAULT 'user',
  p_expected_generation bigint DEFAULT NULL
) RETURNS vmstate.start_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_auto_restart boolean := coalesce(p_start_reason = 'auto_restart', false);
  v_instance vmstate.instance;
  v_active vmstate.vmm;
  v_destination vmstate.vmm;
  v_attempts integer;
  v_reason pg_catalog.text;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip) > 0 THEN
    PERFORM vmstate.raise_null_argument('begin_start', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_propolis_id', p_propolis_id,
      'p_sled_id', p_sled_id, 'p_propolis_ip', p_propolis_ip));
  END IF;
  PERFORM vmstate.require_port('begin_start', p_propolis_port);
  IF p_start_reason NOT IN ('user', 'auto_restart') THEN
    PERFORM vmstate.raise_invalid_argument('begin_start', 'p_start_reason',
      format('p_start_reason must be ''user'' or ''auto_restart'', not %L.', p_start_reason));
  END IF;

  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_start_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_start_result('gone', NULL, p_instance_id);
  END IF;
  CASE vmstate.replayed_begin(p_instance_id, p_saga_id, p_propolis_id, NULL, NULL)
    WHEN 'gone' THEN RETURN vmstate.to_start_result('gone', NULL, p_instance_id);
    WHEN 'unchanged' THEN RETURN vmstate.to_start_result('unchanged', NULL, p_instance_id);
    ELSE NULL;
  END CASE;

  SELECT v.* INTO v_active FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  IF v_instance.destination_propolis_id IS NOT NULL THEN
    SELECT v.* INTO v_destination FROM vmstate.vmm AS v
      WHERE v.instance_id = p_instance_id AND v.id = v_instance.destination_propolis_id;
  END IF;
  v_attempts := CASE
    WHEN vmstate.ran_long(v_active.time_started, v_active.time_reported) THEN 0
    WHEN vmstate.ran_long(v_destination.time_started, v_destination.time_reported) THEN 0
    ELSE v_instance.auto_restart_attempts
  END;
  v_now := clock_timestamp();
  v_reason := CASE
    WHEN v_instance.state = 'creating' THEN 'creating'
    WHEN v_active.state IN ('creating', 'starting', 'running', 'rebooting', 'migrating') THEN 'already_started'
    WHEN v_active.state <> 'saga_unwound' THEN 'not_stopped'
    WHEN v_instance.state_generation <> p_expected_generation THEN 'stale_generation'
    WHEN v_auto_restart AND NOT vmstate.may_auto_restart(
        v_instance.state, v_active.state, v_instance.intended_state, v_instance.auto_restart_policy,
        vmstate.auto_restart_wait(v_instance.auto_restart_cooldown, v_attempts),
        v_instance.time_last_auto_restarted, v_instance.updater_lease_until, v_now)
      THEN 'restart_not_permitted'
  END;
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_start_result('conflict', v_reason, p_instance_id);
  END IF;

  IF NOT vmstate.insert_vmm(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip, p_propolis_port, v_now) THEN
    RETURN vmstate.to_start_result('conflict', 'propolis_id_taken', p_instance_id);
  END IF;

  UPDATE vmstate.instance AS i
    SET state = 'vmm',
      state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      active_propolis_id = p_propolis_id,
      intended_state = 'running',
      auto_restart_attempts = CASE WHEN v_auto_restart THEN least(v_attempts, 2147483646) + 1 ELSE 0 END,
      time_last_auto_restarted = CASE WHEN v_auto_restart THEN v_now ELSE i.time_last_auto_restarted END,
      time_modified = v_now
    WHERE i.id = p_instance_id;
  RETURN vmstate.to_start_result('applied', NULL, p_instance_id, v_instance.active_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_start IS 'Starts an instance: inserts its VMM and links it as the active one.

First step of a start saga. The VMM is inserted in state creating, at generation 1; in the same write it replaces NULL or a saga_unwound VMM, which replaced_propolis_id then names. The intent becomes running. A migration that is still linked is left to the next update. p_propolis_port is 12400 if NULL. p_start_reason is user or auto_restart, and user if NULL: an automatic restart adds 1 to auto_restart_attempts, a user''s start resets auto_restart_attempts to 0. p_expected_generation is the generation of the instance; NULL means no check. The same instance, saga and VMM id make a replay.

Outcomes:
- applied: the VMM was inserted and linked.
- unchanged: the same saga and VMM id were given before; nothing was written.
- conflict/creating: the instance is still being created; finish_instance_creation comes first.
- conflict/already_started: the active VMM is creating, starting, running, rebooting or migrating.
- conflict/not_stopped: the active VMM is stopping, stopped, failed or destroyed, and the update saga has yet to unlink that VMM.
- conflict/stale_generation: the generation of the instance is not p_expected_generation.
- conflict/restart_not_permitted: the intent, the policy, vmstate.auto_restart_wait or the updater lock forbids the automatic restart; a user''s start never gets this reason.
- conflict/propolis_id_taken: a VMM with the id p_propolis_id exists, also when this saga inserted and has unwound that VMM.
- gone: the instance was deleted, or a replay names a VMM that was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument without a default is null, p_propolis_port is not 0 to 65535, or p_start_reason is neither user nor auto_restart.';
-- end of sql/verbs/control_plane/begin_start.sql

DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('vmstate.search_path'), true);
END;
$$;
DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('vmstate.search_path'), false)
    WHERE pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) pg_catalog.current_setting('vmstate.search_path');
END;
$$;

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (16, '0016_any_linked_vmm_ran', false);
