CREATE OR REPLACE FUNCTION vmstate.delete_migrations(p_instance_id uuid, p_propolis_id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_ids pg_catalog.uuid[] := array(
    SELECT m.id FROM vmstate.migration AS m
      WHERE m.instance_id = p_instance_id AND m.time_deleted IS NULL
        AND (p_propolis_id IS NULL OR p_propolis_id IN (m.source_propolis_id, m.destination_propolis_id)));
BEGIN
  IF v_ids = '{}' THEN
    RETURN;
  END IF;
  PERFORM vmstate.lock_links(p_instance_id, NULL, v_ids);
  -- Looks for the link once more, now that the migrations are locked: an update saga that was unlinking one of them held its lock.
  UPDATE vmstate.migration AS m
    SET time_deleted = v_now
    WHERE m.instance_id = p_instance_id AND m.id = ANY (v_ids) AND m.time_deleted IS NULL
      AND NOT EXISTS (SELECT FROM vmstate.instance AS i WHERE i.id = p_instance_id AND i.migration_id = m.id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_migrations FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_migrations IS 'Soft-deletes the migrations of an instance that no link needs.

All of them if p_propolis_id is NULL, else those that name this VMM. The instance needs no lock: an unlinked migration is never linked again, and apply_plan deletes a linked one when it unlinks it.';
