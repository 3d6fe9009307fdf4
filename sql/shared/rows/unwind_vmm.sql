CREATE OR REPLACE FUNCTION vmstate.unwind_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  UPDATE vmstate.vmm AS v
    SET state = 'saga_unwound', state_generation = vmstate.next_generation(v.state_generation), time_state_updated = v_now,
      time_reported = v_now, failure_reason = NULL
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unwind_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unwind_vmm IS 'Marks a VMM that the caller has locked and judged as saga_unwound.';
