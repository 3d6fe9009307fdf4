CREATE OR REPLACE FUNCTION vmstate.vmm_report_outcome(
  p_state vmstate.vmm_state,
  p_state_generation bigint,
  p_time_deleted timestamptz,
  p_generation bigint
) RETURNS vmstate.outcome
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN p_state IS NULL THEN 'not_found'::vmstate.outcome
  WHEN p_time_deleted IS NOT NULL THEN 'gone'
  WHEN vmstate.is_absorbing(p_state) THEN 'terminal'
  WHEN p_generation <= p_state_generation THEN 'stale'
  ELSE 'applied'
END;
REVOKE ALL ON FUNCTION vmstate.vmm_report_outcome FROM PUBLIC;
COMMENT ON FUNCTION vmstate.vmm_report_outcome IS 'Judges the VMM part of a report that has generation p_generation.

The other arguments are the row of the VMM; p_state is null if there is no such row. A dead VMM is terminal whatever the generation.';
