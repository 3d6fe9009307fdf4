CREATE OR REPLACE FUNCTION vmstate.explain_refused_report(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_state vmstate.reported_vmm_state,
  p_generation bigint,
  p_time timestamptz,
  p_sleds uuid[]
) RETURNS vmstate.report_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
BEGIN
  PERFORM vmstate.require_report('report_vmm', ROW(p_instance_id, p_propolis_id, p_state, p_generation, p_time,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.vmm_report);
  SELECT v.* INTO v_vmm FROM vmstate.vmm AS v WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id;
  IF FOUND AND v_vmm.sled_id <> ALL (p_sleds) THEN
    PERFORM vmstate.raise_foreign_report('report_vmm', p_propolis_id, p_sleds);
  END IF;
  RETURN ROW(vmstate.vmm_report_outcome(v_vmm.state, v_vmm.state_generation, v_vmm.time_deleted, p_generation),
    NULL, NULL, false, v_vmm.state, v_vmm.state_generation)::vmstate.report_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.explain_refused_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.explain_refused_report IS 'Tells why the VMM part of a report was not written.

Reads in a snapshot that is newer than the attempt. Raises VM001 if the report says nothing that a sled agent could say, and 42501 if the VMM is on none of p_sleds (NULL: any sled).';
