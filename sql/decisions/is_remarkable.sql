CREATE FUNCTION vmstate.is_remarkable(p_report vmstate.vmm_report) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    (p_report).instance_id IS NOT NULL AND (p_report).propolis_id IS NOT NULL AND (p_report).state IS NOT NULL
    AND (p_report).generation BETWEEN 1 AND 9007199254740991 AND isfinite((p_report).time)
    AND num_nonnulls((p_report).migration_in_id, (p_report).migration_in_state, (p_report).migration_in_generation,
      (p_report).migration_in_time, (p_report).migration_out_id, (p_report).migration_out_state,
      (p_report).migration_out_generation, (p_report).migration_out_time) = 0
  ) IS NOT TRUE;
REVOKE ALL ON FUNCTION vmstate.is_remarkable FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_remarkable IS 'Whether a report is anything but a plain, valid one of a VMM alone, and so has to be looked at by require_report.';
