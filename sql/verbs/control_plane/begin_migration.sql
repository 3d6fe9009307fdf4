CREATE OR REPLACE FUNCTION vmstate.begin_migration(
  p_instance_id uuid,
  p_saga_id uuid,
  p_migration_id uuid,
  p_source_propolis_id uuid,
  p_destination_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer DEFAULT 12400,
  p_expected_generation bigint DEFAULT NULL
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'begin_migration', true);
  v_instance vmstate.instance;
  v_active vmstate.vmm;
  v_destination_state vmstate.vmm_state;
  v_reason pg_catalog.text;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_migration_id, p_source_propolis_id, p_destination_propolis_id,
      p_sled_id, p_propolis_ip) > 0 THEN
    PERFORM vmstate.raise_null_argument('begin_migration', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_migration_id', p_migration_id,
      'p_source_propolis_id', p_source_propolis_id, 'p_destination_propolis_id', p_destination_propolis_id,
      'p_sled_id', p_sled_id, 'p_propolis_ip', p_propolis_ip));
  END IF;
  PERFORM vmstate.require_port('begin_migration', p_propolis_port);

  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  END IF;
  CASE vmstate.replayed_begin(p_instance_id, p_saga_id, p_destination_propolis_id, p_migration_id, p_source_propolis_id)
    WHEN 'gone' THEN RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
    WHEN 'unchanged' THEN RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
    ELSE NULL;
  END CASE;

  PERFORM vmstate.lock_links(p_instance_id,
    ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id], ARRAY[v_instance.migration_id]);
  SELECT v.* INTO v_active FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  SELECT v.state INTO v_destination_state FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.destination_propolis_id;
  v_reason := CASE
    WHEN (v_active.state IN ('running', 'rebooting')) IS NOT TRUE THEN 'not_running'
    WHEN v_active.id <> p_source_propolis_id THEN 'wrong_source'
    WHEN v_destination_state <> 'saga_unwound' THEN 'migration_in_progress'
    WHEN v_active.sled_id = p_sled_id THEN 'same_sled'
    WHEN v_instance.state_generation <> p_expected_generation THEN 'stale_generation'
  END;
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_instance_result('conflict', v_reason, p_instance_id);
  END IF;

  v_now := clock_timestamp();
  v_reason := vmstate.insert_migration(p_instance_id, p_saga_id, p_migration_id, p_source_propolis_id,
    p_destination_propolis_id, p_sled_id, p_propolis_ip, p_propolis_port, v_now);
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_instance_result('conflict', v_reason, p_instance_id);
  END IF;

  -- Changes no value. The write makes an unwind_start of the source fail if its snapshot is too old to see the migration.
  UPDATE vmstate.vmm AS v SET time_created = v.time_created WHERE v.instance_id = p_instance_id AND v.id = p_source_propolis_id;
  UPDATE vmstate.instance AS i
    SET state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      destination_propolis_id = p_destination_propolis_id,
      migration_id = p_migration_id
    WHERE i.id = p_instance_id;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_migration IS 'Begins a migration: inserts the destination VMM and the migration, links both.

First step of a migrate saga. The destination VMM is inserted in state creating, at generation 1, and the migration with both sides pending; in the same write they replace NULL or a saga_unwound destination VMM. p_propolis_port is 12400 if NULL. p_expected_generation is the generation of the instance; NULL means no check. The same instance, saga, migration, source and destination make a replay.

Outcomes:
- applied: the destination VMM and the migration were inserted and linked.
- unchanged: this saga began this migration between these two VMMs before; nothing was written.
- conflict/not_running: the instance has no active VMM that is running or rebooting.
- conflict/wrong_source: the active VMM is another than p_source_propolis_id.
- conflict/migration_in_progress: a migration is linked whose destination VMM is not saga_unwound.
- conflict/same_sled: the active VMM is on p_sled_id already.
- conflict/stale_generation: the generation of the instance is not p_expected_generation.
- conflict/propolis_id_taken: a VMM with the id p_destination_propolis_id exists, also when this saga inserted and has unwound that VMM.
- conflict/migration_id_taken: a migration with the id p_migration_id exists.
- gone: the instance was deleted, or a replay names a VMM or a migration that was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument without a default is null, or p_propolis_port is not 0 to 65535.';
