CREATE OR REPLACE FUNCTION vmstate.release_updater(p_instance_id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  UPDATE vmstate.instance AS i
    SET updater_id = NULL,
      updater_lease_until = NULL,
      updater_parent_id = NULL,
      released_updater_id = i.updater_id,
      time_updater_released = v_now
    WHERE i.id = p_instance_id;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.release_updater FROM PUBLIC;
COMMENT ON FUNCTION vmstate.release_updater IS 'Ends the updater lock without a commit.

The caller holds the instance locked and has found the lock held. The fencing token stays, so that the next lock has a higher one.';
