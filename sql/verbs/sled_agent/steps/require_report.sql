CREATE OR REPLACE FUNCTION vmstate.require_report(p_function text, p_report vmstate.vmm_report, p_where text DEFAULT '')
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
DECLARE
  v_argument pg_catalog.text;
  v_problem pg_catalog.text;
BEGIN
  SELECT c.argument, c.problem
    INTO v_argument, v_problem
    FROM (VALUES
      ('instance_id', p_report.instance_id IS NULL, 'must not be null.'),
      ('propolis_id', p_report.propolis_id IS NULL, 'must not be null.'),
      ('state', p_report.state IS NULL, 'must not be null.'),
      ('generation', p_report.generation IS NULL, 'must not be null.'),
      ('time', p_report.time IS NULL, 'must not be null.'),
      ('generation', NOT p_report.generation BETWEEN 1 AND 9007199254740991,
        format('must be from 1 to 2^53-1, not %s.', p_report.generation)),
      ('time', NOT vmstate.is_point_in_time(p_report.time),
        format('must be within the years 1970 to 9999, not %s.', p_report.time)),
      ('migration_in_id', num_nulls(p_report.migration_in_id, p_report.migration_in_state,
          p_report.migration_in_generation, p_report.migration_in_time) NOT IN (0, 4),
        'must be given together with the three other migration_in arguments.'),
      ('migration_in_generation', NOT p_report.migration_in_generation BETWEEN 1 AND 9007199254740991,
        format('must be from 1 to 2^53-1, not %s.', p_report.migration_in_generation)),
      ('migration_in_time', NOT vmstate.is_point_in_time(p_report.migration_in_time),
        format('must be within the years 1970 to 9999, not %s.', p_report.migration_in_time)),
      ('migration_out_id', num_nulls(p_report.migration_out_id, p_report.migration_out_state,
          p_report.migration_out_generation, p_report.migration_out_time) NOT IN (0, 4),
        'must be given together with the three other migration_out arguments.'),
      ('migration_out_generation', NOT p_report.migration_out_generation BETWEEN 1 AND 9007199254740991,
        format('must be from 1 to 2^53-1, not %s.', p_report.migration_out_generation)),
      ('migration_out_time', NOT vmstate.is_point_in_time(p_report.migration_out_time),
        format('must be within the years 1970 to 9999, not %s.', p_report.migration_out_time)),
      ('migration_out_id', p_report.migration_out_id = p_report.migration_in_id,
        format('must not be %s, too, as migration_in_id is: no VMM is both sides of one migration.', p_report.migration_out_id))
    ) AS c (argument, is_violated, problem)
    WHERE c.is_violated
    LIMIT 1;
  IF FOUND THEN
    -- report_vmm_batch takes an array of each. In a batch (p_where is not empty) the names are keys of JSON, which have no p_.
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_' || v_argument || CASE p_function WHEN 'report_vmm_batch' THEN 's' ELSE '' END,
      format('%s%s%s %s', p_where, CASE p_where WHEN '' THEN 'p_' END, v_argument, v_problem));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_report IS 'Raises VM001 if a report says nothing that a sled agent could say.';
