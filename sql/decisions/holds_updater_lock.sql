CREATE OR REPLACE FUNCTION vmstate.holds_updater_lock(p_instance vmstate.instance, p_saga_id uuid, p_updater_generation bigint)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce((p_instance).updater_id = p_saga_id AND (p_instance).updater_generation = p_updater_generation, false);
REVOKE ALL ON FUNCTION vmstate.holds_updater_lock FROM PUBLIC;
COMMENT ON FUNCTION vmstate.holds_updater_lock IS 'Whether a saga still is the updater that the fencing token names. An expired lease that nobody took is still held.';
