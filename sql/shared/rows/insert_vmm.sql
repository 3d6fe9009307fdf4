CREATE OR REPLACE FUNCTION vmstate.insert_vmm(
  p_instance_id uuid,
  p_saga_id uuid,
  p_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer,
  p_now timestamptz
) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  INSERT INTO vmstate.vmm (instance_id, id, sled_id, propolis_ip, propolis_port, saga_id,
      time_state_updated, time_unlinked, time_created)
    VALUES (p_instance_id, p_propolis_id, p_sled_id, p_propolis_ip, coalesce(p_propolis_port, 12400), p_saga_id,
      p_now, p_now, p_now)
    ON CONFLICT DO NOTHING;
  RETURN FOUND;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.insert_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.insert_vmm IS 'Inserts a VMM in state creating, at generation 1, not yet linked.

Answers false if a VMM with this id exists, whichever instance owns that VMM.';
