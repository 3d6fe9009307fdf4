CREATE OR REPLACE FUNCTION vmstate.migration_report_outcome(
  p_reporting_propolis_id uuid,
  p_side_propolis_id uuid,
  p_side_state vmstate.migration_state,
  p_side_generation bigint,
  p_time_deleted timestamptz,
  p_generation bigint
) RETURNS vmstate.outcome
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN p_side_propolis_id IS NULL THEN 'not_found'::vmstate.outcome
  WHEN p_time_deleted IS NOT NULL THEN 'gone'
  WHEN p_side_propolis_id <> p_reporting_propolis_id THEN 'wrong_side'
  WHEN p_generation <= p_side_generation THEN 'stale'
  WHEN vmstate.is_terminal(p_side_state) THEN 'terminal'
  ELSE 'applied'
END;
REVOKE ALL ON FUNCTION vmstate.migration_report_outcome FROM PUBLIC;
COMMENT ON FUNCTION vmstate.migration_report_outcome IS 'Judges the migration part of a report that has generation p_generation.

The other arguments are the row of that side of the migration; p_side_propolis_id is null if there is no such row.';
