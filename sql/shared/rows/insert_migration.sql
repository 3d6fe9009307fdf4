CREATE OR REPLACE FUNCTION vmstate.insert_migration(
  p_instance_id uuid,
  p_saga_id uuid,
  p_migration_id uuid,
  p_source_propolis_id uuid,
  p_destination_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer,
  p_now timestamptz
) RETURNS text
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF NOT vmstate.insert_vmm(p_instance_id, p_saga_id, p_destination_propolis_id, p_sled_id, p_propolis_ip,
      p_propolis_port, p_now) THEN
    RETURN 'propolis_id_taken';
  END IF;
  INSERT INTO vmstate.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id,
      time_source_updated, time_destination_updated, time_created)
    VALUES (p_instance_id, p_migration_id, p_saga_id, p_source_propolis_id, p_destination_propolis_id,
      p_now, p_now, p_now)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'VM900', MESSAGE = 'the migration id is taken, so the inserted VMM is rolled back';
  END IF;
  RETURN NULL;
EXCEPTION
  WHEN SQLSTATE 'VM900' THEN -- the handler has rolled back the INSERT of the VMM
    RETURN 'migration_id_taken';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.insert_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.insert_migration IS 'Inserts the destination VMM and the migration, both or neither.

Answers NULL, or propolis_id_taken or migration_id_taken if neither was inserted.';
