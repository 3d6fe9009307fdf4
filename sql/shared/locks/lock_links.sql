CREATE OR REPLACE FUNCTION vmstate.lock_links(p_instance_id uuid, p_propolis_ids uuid[], p_migration_ids uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF num_nonnulls(VARIADIC p_propolis_ids) > 0 THEN
    PERFORM FROM vmstate.vmm AS v
      WHERE v.instance_id = p_instance_id AND v.id = ANY (p_propolis_ids)
      ORDER BY v.id FOR NO KEY UPDATE;
  END IF;
  IF num_nonnulls(VARIADIC p_migration_ids) > 0 THEN
    PERFORM FROM vmstate.migration AS m
      WHERE m.instance_id = p_instance_id AND m.id = ANY (p_migration_ids)
      ORDER BY m.id FOR NO KEY UPDATE;
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_links FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_links IS 'Locks VMMs, then migrations, of one instance, each by id.

Decide in a later statement: the snapshot of this one is older than its locks.';
