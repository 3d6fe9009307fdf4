CREATE OR REPLACE FUNCTION vmstate.fail_sled(p_sled_id uuid, p_reason vmstate.failure_reason)
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
  v_verb pg_catalog.text := set_config('vmstate.verb', 'fail_sled', true);
BEGIN
  IF num_nulls(p_sled_id, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('fail_sled', jsonb_build_object('p_sled_id', p_sled_id, 'p_reason', p_reason));
  END IF;
  RETURN QUERY SELECT f.* FROM vmstate.fail_vmms_of_sled(p_sled_id, NULL, p_reason) AS f;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_sled IS 'Fails every live VMM of a dead sled, those in state creating too.

Answers one row per VMM that the call failed, ordered by VMM id; a second call answers no row. update_needed is true where an instance names the VMM: then run the update saga. Locks VMMs by id and no instance; writes no migration side. A sled that only rebooted may run VMMs that started since: call fail_sled_vmms for such a sled.

Outcomes:
- applied: the VMM of this row became failed.
Errors:
- VM001: an argument is null.';
