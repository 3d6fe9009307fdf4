CREATE OR REPLACE FUNCTION vmstate.fail_vmm(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_reason vmstate.failure_reason,
  p_expected_generation bigint DEFAULT NULL
) RETURNS vmstate.fail_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'fail_vmm', true);
  v_vmm vmstate.vmm;
  v_generation bigint;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_propolis_id, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('fail_vmm', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_propolis_id', p_propolis_id, 'p_reason', p_reason));
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, p_propolis_id);
  IF v_vmm.id IS NULL THEN
    RETURN ROW('not_found', NULL, NULL, NULL, false)::vmstate.fail_result;
  ELSIF v_vmm.time_deleted IS NOT NULL THEN
    RETURN ROW('gone', NULL, v_vmm.state, v_vmm.state_generation, false)::vmstate.fail_result;
  ELSIF vmstate.is_absorbing(v_vmm.state) THEN
    RETURN ROW('terminal', NULL, v_vmm.state, v_vmm.state_generation, false)::vmstate.fail_result;
  ELSIF v_vmm.state_generation <> p_expected_generation THEN
    RETURN ROW('conflict', 'stale_generation', v_vmm.state, v_vmm.state_generation, false)::vmstate.fail_result;
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.vmm AS v
    SET state = 'failed', state_generation = vmstate.next_generation(v.state_generation), time_state_updated = v_now,
      time_reported = v_now, failure_reason = p_reason
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
    RETURNING v.state_generation INTO v_generation;
  RETURN ROW('applied', NULL, 'failed', v_generation, v_vmm.time_unlinked IS NULL)::vmstate.fail_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_vmm IS 'Declares a VMM dead, for a watcher or an operator: the VMM becomes failed.

Never writes a migration side: a dead destination is enough for the plan, and a dead source must not decide the plan, since the guest may run on the destination already. p_expected_generation is the generation of the VMM; NULL means no check. update_needed is true if an instance names the VMM: then run the update saga.

Outcomes:
- applied: the VMM became failed.
- terminal: the VMM was dead already, also on a replay.
- conflict/stale_generation: the generation of the VMM is not p_expected_generation.
- gone: the VMM was deleted.
- not_found: the instance has no VMM with this id.
Errors:
- VM001: an argument without a default is null.';
