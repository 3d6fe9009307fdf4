CREATE OR REPLACE FUNCTION vmstate.lock_and_read_plan(p_instance vmstate.instance) RETURNS vmstate.instance_plan
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.lock_links(
    p_instance.id,
    ARRAY[p_instance.active_propolis_id, p_instance.destination_propolis_id],
    ARRAY[p_instance.migration_id]
  );
  RETURN vmstate.read_plan(p_instance.id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_and_read_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_and_read_plan IS 'Locks what a locked instance links to, and reads the plan of the instance.';
