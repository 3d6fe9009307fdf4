CREATE OR REPLACE FUNCTION vmstate.require_history_width(p_keep interval, p_width interval) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_keep pg_catalog.numeric := extract(epoch FROM p_keep);
  v_width pg_catalog.numeric := extract(epoch FROM p_width);
BEGIN
  IF v_keep < 86400 OR v_keep > 31557600000 THEN
    PERFORM vmstate.raise_invalid_argument('maintain_history', 'p_keep',
      format('p_keep must be at least 1 day and at most 1000 years, not %s.', p_keep));
  ELSIF v_width < 3600 OR v_width > v_keep OR extract(year FROM p_width) <> 0 OR extract(month FROM p_width) <> 0 THEN
    PERFORM vmstate.raise_invalid_argument('maintain_history', 'p_width',
      format('p_width must be at least 1 hour, at most p_keep, and without months, not %s.', p_width));
  -- Those that are kept whole, one that is partly older, and two to come.
  ELSIF ceil(v_keep / v_width) + 3 > 20 THEN
    PERFORM vmstate.raise_invalid_argument('maintain_history', 'p_width',
      format('p_width must be at least a 17th of p_keep, not %s: each read looks into every partition, so there are at most 20.', p_width));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_history_width FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_history_width IS 'Raises VM001 unless the history may be kept so long in partitions so wide.';
