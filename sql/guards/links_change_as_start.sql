CREATE OR REPLACE FUNCTION vmstate.links_change_as_start(p_old vmstate.instance, p_new vmstate.instance) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF (p_old.destination_propolis_id, p_old.migration_id) IS DISTINCT FROM (p_new.destination_propolis_id, p_new.migration_id)
      OR p_old.state = 'creating'
      OR p_old.active_propolis_id IS NOT DISTINCT FROM p_new.active_propolis_id
      OR NOT vmstate.is_replaceable(p_old.id, p_old.active_propolis_id)
      OR NOT vmstate.is_new_vmm(p_new.id, p_new.active_propolis_id) THEN
    RETURN false;
  END IF;
  -- A VMM that was made for a migration is active only with the guest of the migration.
  RETURN EXISTS (SELECT FROM vmstate.vmm AS v
    WHERE v.instance_id = p_new.id AND v.id = p_new.active_propolis_id AND v.migration_id IS NULL);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.links_change_as_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.links_change_as_start IS 'Tells whether a change of links is that of a start.

The active VMM, NULL or saga_unwound, is replaced by a new one, and no other link changes. An instance that is still being created has no start.';
