CREATE OR REPLACE FUNCTION vmstate.lock_reported_migrations(p_instance_id uuid, p_propolis_id uuid, p_migration_ids uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.id = ANY (p_migration_ids)
      AND p_propolis_id IN (m.source_propolis_id, m.destination_propolis_id)
    ORDER BY m.id FOR NO KEY UPDATE;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_reported_migrations FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_reported_migrations IS 'Locks those of the migrations that the VMM is a side of, by id.

The other migrations stay unlocked, so that a report never delays writers of other VMMs.';
