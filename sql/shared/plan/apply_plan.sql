CREATE OR REPLACE FUNCTION vmstate.apply_plan(p_plan vmstate.instance_plan, p_updater_generation bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  UPDATE vmstate.instance AS i
    SET state = p_plan.new_state,
      state_generation = CASE WHEN p_plan.needed THEN i.state_generation + 1 ELSE i.state_generation END,
      time_state_updated = CASE WHEN p_plan.needed THEN v_now ELSE i.time_state_updated END,
      active_propolis_id = p_plan.new_active_propolis_id,
      destination_propolis_id = p_plan.new_destination_propolis_id,
      migration_id = p_plan.new_migration_id,
      intended_state = p_plan.new_intended_state,
      updater_id = NULL,
      updater_generation = p_updater_generation,
      updater_lease_until = NULL,
      updater_parent_id = NULL,
      released_updater_id = p_plan.updater_id,
      committed_updater_generation = p_updater_generation,
      committed_updater_id = p_plan.updater_id,
      committed_plan_token = p_plan.plan_token,
      auto_restart_attempts = p_plan.auto_restart_attempts
    WHERE i.id = p_plan.instance_id;
  -- delete_vmm leaves a linked migration of the VMM to the update that unlinks it.
  IF p_plan.migration_id IS DISTINCT FROM p_plan.new_migration_id THEN
    UPDATE vmstate.migration AS m
      SET time_deleted = v_now
      WHERE m.instance_id = p_plan.instance_id AND m.id = p_plan.migration_id AND m.time_deleted IS NULL
        AND EXISTS (SELECT FROM vmstate.vmm AS v
          WHERE v.instance_id = m.instance_id AND v.id IN (m.source_propolis_id, m.destination_propolis_id)
            AND v.time_deleted IS NOT NULL);
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_plan IS 'Writes an update plan and releases the updater lock.

Only this function and run_update set VMM ids to NULL; run_update does so for a dead VMM without a migration. Soft-deletes the migration that it unlinks if one of the VMMs of the migration is deleted. The caller holds the instance and its links locked, has read the plan under these locks, and has set updater_id of the plan to the saga that commits.';
