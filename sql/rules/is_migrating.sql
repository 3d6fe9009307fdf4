CREATE OR REPLACE FUNCTION vmstate.is_migrating(
  p_active_id uuid,
  p_source_id uuid,
  p_destination_id uuid,
  p_destination_state vmstate.vmm_state
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_active_id IN (p_source_id, p_destination_id) AND p_destination_state <> 'saga_unwound', false);
REVOKE ALL ON FUNCTION vmstate.is_migrating FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_migrating IS 'Tells whether an instance shows migrating.

True if the active VMM takes part in the linked migration (whose two VMM ids are null without one) and the destination VMM is not saga_unwound.';
