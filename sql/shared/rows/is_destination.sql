CREATE OR REPLACE FUNCTION vmstate.is_destination(p_instance_id uuid, p_propolis_id uuid) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- A VMM that came by logical replication from an older release has no migration_id; then its migration was not purged.
  RETURN EXISTS (SELECT FROM vmstate.vmm AS v
      WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND v.migration_id IS NOT NULL)
    OR EXISTS (SELECT FROM vmstate.migration AS m
      WHERE m.instance_id = p_instance_id AND m.destination_propolis_id = p_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_destination FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_destination IS 'Tells whether a VMM was made for a migration, even one that was purged.';
