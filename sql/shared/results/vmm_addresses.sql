CREATE OR REPLACE FUNCTION vmstate.vmm_addresses(
  p_propolis_ids uuid[],
  p_active vmstate.vmm_address,
  p_destination vmstate.vmm_address
) RETURNS vmstate.vmm_address[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RETURN CASE WHEN p_propolis_ids IS NOT NULL THEN array_remove(ARRAY[
    CASE WHEN (p_active).propolis_id = ANY (p_propolis_ids) THEN p_active END,
    -- While a migration is handed over, one VMM is the active and the destination VMM.
    CASE WHEN (p_destination).propolis_id = ANY (p_propolis_ids)
      AND (p_destination).propolis_id IS DISTINCT FROM (p_active).propolis_id THEN p_destination END
  ], NULL) END;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.vmm_addresses FROM PUBLIC;
COMMENT ON FUNCTION vmstate.vmm_addresses IS 'Gives the sleds and addresses of VMMs of an instance, the active one first.

Null if p_propolis_ids is null.';
