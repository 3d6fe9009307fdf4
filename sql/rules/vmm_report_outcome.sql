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
COMMENT ON FUNCTION vmstate.vmm_report_outcome IS 'What becomes of the VMM part of a report with generation p_generation, given the VMM''s row (state null: no such row). A dead VMM is terminal whatever the generation.';
