CREATE OR REPLACE FUNCTION vmstate.vmm_at(p_instance_id uuid, p_propolis_id uuid, p_time timestamptz)
RETURNS TABLE (state vmstate.vmm_state, sled_id uuid, changed timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = ''
AS $$
BEGIN
  IF p_propolis_id IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
    SELECT a.state::vmstate.vmm_state, a.sled_id, a.changed
      FROM (
        (SELECT 1, h.state, h.sled_id, h.time FROM vmstate.history AS h
          WHERE h.instance_id = p_instance_id AND h.row_id = p_propolis_id AND h.kind = 'vmm' AND h.time <= p_time
          ORDER BY h.id DESC LIMIT 1)
        UNION ALL
        (SELECT 2, h.old_state, h.sled_id, NULL FROM vmstate.history AS h
          WHERE h.instance_id = p_instance_id AND h.row_id = p_propolis_id AND h.kind = 'vmm' AND h.time > p_time
          ORDER BY h.id LIMIT 1)
        UNION ALL
        (SELECT 3, v.state::pg_catalog.text, v.sled_id, NULL FROM vmstate.vmm AS v
          WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id)
      ) AS a (place, state, sled_id, changed)
      ORDER BY a.place LIMIT 1;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.vmm_at FROM PUBLIC;
COMMENT ON FUNCTION vmstate.vmm_at IS 'Reads the state of a VMM as it was at a time, and when it had changed.

What the newest change before says, else the first change after, else the VMM itself. No row if p_propolis_id is null or unknown.';
