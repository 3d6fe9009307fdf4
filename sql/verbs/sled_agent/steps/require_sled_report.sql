CREATE OR REPLACE FUNCTION vmstate.require_sled_report(p_sled_id uuid, p_vmm_count integer, p_digest text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF num_nulls(p_sled_id, p_vmm_count, p_digest) > 0 THEN
    PERFORM vmstate.raise_null_argument('report_sled', jsonb_build_object(
      'p_sled_id', p_sled_id, 'p_vmm_count', p_vmm_count, 'p_digest', p_digest));
  ELSIF p_vmm_count < 0 THEN
    PERFORM vmstate.raise_invalid_argument('report_sled', 'p_vmm_count',
      format('p_vmm_count must be at least 0, not %s.', p_vmm_count));
  ELSIF p_digest !~ '^[0-9A-Fa-f]{64}$' THEN
    PERFORM vmstate.raise_invalid_argument('report_sled', 'p_digest',
      format('p_digest must be 64 hexadecimal digits, not "%s".', p_digest));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_sled_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_sled_report IS 'Raises VM001 for what no sled could report of itself.';
