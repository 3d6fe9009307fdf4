CREATE OR REPLACE FUNCTION vmstate.is_destination(p_instance_id uuid, p_propolis_id uuid) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.destination_propolis_id = p_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_destination FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_destination IS 'Whether a migration was ever begun to this VMM. Fixed once the VMM has left creating: guard_migration_destination.';
