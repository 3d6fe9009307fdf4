CREATE OR REPLACE FUNCTION vmstate.explain_plain_reports(
  p_instance_ids uuid[],
  p_propolis_ids uuid[],
  p_states vmstate.reported_vmm_state[],
  p_generations bigint[],
  p_times timestamptz[],
  p_sleds uuid[],
  p_function text,
  p_applied bigint[],
  p_update_needed bigint[]
) RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_reports vmstate.batch_report[];
BEGIN
  v_reports := vmstate.batch_of_arrays(p_instance_ids, p_propolis_ids, p_states, p_generations, p_times);
  PERFORM vmstate.require_batch_reports(p_function, v_reports);
  IF p_sleds IS NOT NULL THEN
    PERFORM vmstate.require_batch_sleds(p_function, v_reports, p_sleds);
  END IF;
  RETURN QUERY
    SELECT r.ordinal, r.instance_id, r.propolis_id, o.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        coalesce(r.ordinal = ANY (p_update_needed), false),
        CASE WHEN o.outcome <> 'not_found' THEN v.state END, CASE WHEN o.outcome <> 'not_found' THEN v.state_generation::bigint END
      FROM unnest(v_reports) AS r
      LEFT JOIN vmstate.vmm AS v ON v.instance_id = r.instance_id AND v.id = r.propolis_id
        AND (p_sleds IS NULL OR v.sled_id = ANY (p_sleds))
      CROSS JOIN LATERAL (
        SELECT CASE
          WHEN r.ordinal = ANY (p_applied) THEN 'applied'::vmstate.outcome
          -- A VMM that would take the report now was inserted after the batch had passed its place: it was not found.
          WHEN vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, r.generation) = 'applied' THEN 'not_found'
          ELSE vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, r.generation)
        END AS outcome
      ) AS o
      WHERE r.ordinal <> ALL (coalesce(p_applied, '{}')) OR r.ordinal = ANY (p_update_needed)
      ORDER BY r.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.explain_plain_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.explain_plain_reports IS 'Tells why reports of a batch were not written, and which linked VMMs died.

Reads in a snapshot that is newer than the write, and locks nothing: a refusal stays true, since generations only rise and no dead or deleted VMM lives again. Raises VM001 and 42501 as p_function, which is report_vmms or report_vmm_batch.';
