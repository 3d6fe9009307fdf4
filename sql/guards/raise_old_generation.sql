CREATE OR REPLACE FUNCTION vmstate.raise_old_generation(p_row text, p_actual bigint, p_attempted bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM101',
    MESSAGE = format('the generation of %s must rise with this change', p_row),
    DETAIL = format('Found: generation %s. Attempted: generation %s.',
      coalesce(p_actual::pg_catalog.text, 'null'), coalesce(p_attempted::pg_catalog.text, 'null')),
    HINT = 'Use a verb, such as begin_start, report_vmm or commit_update: every verb compares and raises the generation.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_old_generation FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_old_generation IS 'Raises VM101 for a guarded change without a newer generation.';
