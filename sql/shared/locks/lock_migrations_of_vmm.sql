CREATE OR REPLACE FUNCTION vmstate.lock_migrations_of_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND p_propolis_id IN (m.source_propolis_id, m.destination_propolis_id)
    ORDER BY m.id FOR NO KEY UPDATE;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_migrations_of_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_migrations_of_vmm IS 'Locks every migration that names a VMM, by id.

The caller has locked the VMM already, so no new migration of the VMM can be inserted.';
