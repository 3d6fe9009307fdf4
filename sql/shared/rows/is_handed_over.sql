CREATE OR REPLACE FUNCTION vmstate.is_handed_over(p_vmm vmstate.vmm) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM vmstate.migration AS m
      LEFT JOIN vmstate.instance AS i ON i.id = m.instance_id AND i.migration_id = m.id
      WHERE m.instance_id = p_vmm.instance_id AND m.source_propolis_id = p_vmm.id
        AND 'completed' IN (m.source_state, m.destination_state)
        AND (i.id IS NOT NULL OR p_vmm.time_unlinked IS NOT NULL));
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_handed_over FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_handed_over IS 'Tells whether the guest of a VMM has left the VMM.

That is so if the VMM is the source of the linked migration and a side of that migration completed, or if such a hand-over unlinked the VMM.';
