CREATE OR REPLACE FUNCTION vmstate.fail_sled_vmms(p_sled_id uuid, p_propolis_ids uuid[], p_reason vmstate.failure_reason)
RETURNS TABLE (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.vmm_state,
  state_generation bigint,
  update_needed boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'fail_sled_vmms', true);
BEGIN
  IF num_nulls(p_sled_id, p_propolis_ids, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('fail_sled_vmms', jsonb_build_object(
      'p_sled_id', p_sled_id, 'p_propolis_ids', p_propolis_ids, 'p_reason', p_reason));
  ELSIF num_nulls(VARIADIC p_propolis_ids) > 0 THEN
    PERFORM vmstate.raise_invalid_argument('fail_sled_vmms', 'p_propolis_ids', 'p_propolis_ids must not contain null.');
  END IF;
  RETURN QUERY SELECT f.* FROM vmstate.fail_vmms_of_sled(p_sled_id, p_propolis_ids, p_reason) AS f;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_sled_vmms FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_sled_vmms IS 'Fails those of the listed VMMs that are alive and on the sled.

For a sled that has lost these VMMs, as in a reboot: a VMM that started since is not listed and stays alive. Answers one row per VMM that the call failed, ordered by VMM id; a second call answers no row. update_needed is true where an instance names the VMM: then run the update saga. Locks VMMs by id and no instance; writes no migration side.

Outcomes:
- applied: the VMM of this row became failed.
Errors:
- VM001: an argument or an element of p_propolis_ids is null.';
