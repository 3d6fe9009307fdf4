CREATE OR REPLACE FUNCTION vmstate.is_migrating(
  p_active_id uuid,
  p_source_id uuid,
  p_destination_id uuid,
  p_destination_state vmstate.vmm_state
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_active_id IN (p_source_id, p_destination_id) AND p_destination_state <> 'saga_unwound', false);
REVOKE ALL ON FUNCTION vmstate.is_migrating FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_migrating IS 'Whether the linked migration (its two VMM ids, null without one) shows: the active VMM takes part in it, and its destination is not saga_unwound.';
