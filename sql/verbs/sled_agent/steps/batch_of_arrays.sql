CREATE OR REPLACE FUNCTION vmstate.batch_of_arrays(
  p_instance_ids uuid[],
  p_propolis_ids uuid[],
  p_states vmstate.reported_vmm_state[],
  p_generations bigint[],
  p_times timestamptz[]
) RETURNS vmstate.batch_report[]
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RETURN array(
    SELECT ROW(u.ordinal, u.instance_id, u.propolis_id, u.state, u.generation, u.time, NULL)::vmstate.batch_report
      FROM unnest(p_instance_ids, p_propolis_ids, p_states, p_generations, p_times)
        WITH ORDINALITY AS u (instance_id, propolis_id, state, generation, "time", ordinal)
      ORDER BY u.ordinal);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.batch_of_arrays FROM PUBLIC;
COMMENT ON FUNCTION vmstate.batch_of_arrays IS 'Makes reports of the arrays that report_vmm_batch takes.';
