CREATE OR REPLACE FUNCTION vmstate.replayed_begin(
  p_instance_id uuid,
  p_saga_id uuid,
  p_propolis_id uuid,
  p_migration_id uuid,
  p_source_propolis_id uuid
) RETURNS vmstate.outcome
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
  v_migration vmstate.migration;
BEGIN
  SELECT v.* INTO v_vmm FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND v.saga_id = p_saga_id;
  IF v_vmm.id IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT m.* INTO v_migration FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.destination_propolis_id = p_propolis_id;
  IF coalesce(v_migration.id, v_vmm.migration_id) IS DISTINCT FROM p_migration_id
      OR v_migration.source_propolis_id <> p_source_propolis_id THEN
    RETURN NULL;
  END IF;
  RETURN CASE
    WHEN v_vmm.time_deleted IS NOT NULL OR v_migration.time_deleted IS NOT NULL
      OR (p_migration_id IS NOT NULL AND v_migration.id IS NULL) THEN 'gone' -- soft-deleted, or the migration was purged
    WHEN v_vmm.state <> 'saga_unwound' THEN 'unchanged'
  END;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.replayed_begin FROM PUBLIC;
COMMENT ON FUNCTION vmstate.replayed_begin IS 'Tells whether this very begin_start or begin_migration was done before.

p_migration_id and p_source_propolis_id are null for begin_start. Answers unchanged if it was done, gone if its rows were deleted since, else NULL. NULL also after the same saga has unwound the VMM: a replay never resurrects.';
