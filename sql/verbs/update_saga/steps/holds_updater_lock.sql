CREATE OR REPLACE FUNCTION vmstate.holds_updater_lock(p_instance vmstate.instance, p_saga_id uuid, p_updater_generation bigint)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RETURN coalesce(p_instance.updater_id = p_saga_id AND p_instance.updater_generation = p_updater_generation, false);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.holds_updater_lock FROM PUBLIC;
COMMENT ON FUNCTION vmstate.holds_updater_lock IS 'Tells whether a saga holds the updater lock that the fencing token names.

A saga still holds an expired lease that no other saga took over.';
