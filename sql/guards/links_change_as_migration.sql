CREATE OR REPLACE FUNCTION vmstate.links_change_as_migration(p_old vmstate.instance, p_new vmstate.instance) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF p_old.active_propolis_id IS DISTINCT FROM p_new.active_propolis_id
      OR p_old.destination_propolis_id IS NOT DISTINCT FROM p_new.destination_propolis_id THEN
    RETURN false;
  END IF;
  IF NOT vmstate.is_replaceable(p_old.id, p_old.destination_propolis_id)
      OR NOT vmstate.is_new_vmm(p_new.id, p_new.destination_propolis_id) THEN
    RETURN false;
  END IF;
  RETURN EXISTS (SELECT FROM vmstate.migration AS m
      JOIN vmstate.vmm AS s ON s.instance_id = m.instance_id AND s.id = m.source_propolis_id
      JOIN vmstate.vmm AS d ON d.instance_id = m.instance_id AND d.id = m.destination_propolis_id
      WHERE m.instance_id = p_new.id AND m.id = p_new.migration_id AND m.time_deleted IS NULL
        AND m.source_state = 'pending' AND m.destination_state = 'pending' AND s.state IN ('running', 'rebooting')
        AND s.id = p_new.active_propolis_id AND d.id = p_new.destination_propolis_id AND s.sled_id <> d.sled_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.links_change_as_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.links_change_as_migration IS 'Tells whether a change of links is that of a migration.

The destination VMM, NULL or saga_unwound, is replaced by a new one, together with the migration that leads to the new VMM from the active VMM, which is on another sled.';
