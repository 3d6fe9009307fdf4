CREATE OR REPLACE FUNCTION vmstate.fail_vmms_of_sled(p_sled_id uuid, p_propolis_ids uuid[], p_reason vmstate.failure_reason)
RETURNS TABLE (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.vmm_state,
  state_generation bigint,
  update_needed boolean
)
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_ids pg_catalog.uuid[];
  v_now pg_catalog.timestamptz;
BEGIN
  WITH live AS (
    SELECT v.id FROM vmstate.vmm AS v
      WHERE v.sled_id = p_sled_id AND v.time_deleted IS NULL AND NOT vmstate.is_absorbing(v.state)
        AND (p_propolis_ids IS NULL OR v.id = ANY (p_propolis_ids))
      ORDER BY v.id FOR NO KEY UPDATE
  )
  SELECT array_agg(l.id) INTO v_ids FROM live AS l;
  v_now := clock_timestamp();
  RETURN QUERY
    WITH failed AS (
      UPDATE vmstate.vmm AS v
        SET state = 'failed', state_generation = vmstate.next_generation(v.state_generation), time_state_updated = v_now,
          time_reported = v_now, failure_reason = p_reason
        WHERE v.sled_id = p_sled_id AND v.id = ANY (v_ids)
        RETURNING v.instance_id, v.id, v.state, v.state_generation::bigint, v.time_unlinked IS NULL AS linked
    )
    SELECT 'applied'::vmstate.outcome, NULL::pg_catalog.text, f.instance_id, f.id, f.state, f.state_generation, f.linked
      FROM failed AS f ORDER BY f.id;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_vmms_of_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_vmms_of_sled IS 'Fails the live VMMs of a sled, or those of p_propolis_ids among them.

p_propolis_ids NULL means all. Locks VMMs by id and no instance.';
