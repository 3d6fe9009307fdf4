CREATE OR REPLACE FUNCTION vmstate.report_sled(p_sled_id uuid, p_vmm_count integer, p_digest text)
RETURNS vmstate.sled_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  -- Taken before the VMMs are read: what the digest does not show yet is later.
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_sleds pg_catalog.uuid[];
  v_count integer;
  v_digest pg_catalog.text;
  v_agrees boolean;
  v_time_agreed pg_catalog.timestamptz;
BEGIN
  -- PostgreSQL refuses UNLISTEN where it runs the functions of one role in the session of another: see reportable_sleds.
  UNLISTEN vmstate;
  IF NOT vmstate.reports_any_sled() THEN
    v_sleds := vmstate.reportable_sleds();
  END IF;
  SELECT count(*)::integer,
      -- Spells running out, here and below: nearly every VMM runs, and to look up the label of a state costs more than a line.
      encode(sha256(convert_to(coalesce(string_agg(v.id::pg_catalog.text || CASE v.state
        WHEN 'running' THEN E' running\n'
        ELSE ' ' || v.state::pg_catalog.text || E'\n'
      END, '' ORDER BY v.id), ''), 'UTF8')), 'hex')
    INTO v_count, v_digest
    FROM vmstate.vmm AS v
    WHERE v.sled_id = p_sled_id AND v.time_deleted IS NULL AND (v.state = 'running' OR vmstate.is_watched(v.state));
  v_agrees := p_vmm_count = v_count AND p_digest = v_digest;
  IF v_agrees IS NOT TRUE THEN
    -- A report that agrees is well-formed, because the digest of the database is.
    PERFORM vmstate.require_sled_report(p_sled_id, p_vmm_count, p_digest);
    v_agrees := p_vmm_count = v_count AND lower(p_digest) = v_digest;
  ELSIF p_sled_id IS NULL THEN
    PERFORM vmstate.require_sled_report(p_sled_id, p_vmm_count, p_digest);
  END IF;
  IF v_sleds IS NOT NULL AND p_sled_id <> ALL (v_sleds) THEN
    PERFORM vmstate.raise_foreign_sled('report_sled', p_sled_id, v_sleds);
  END IF;

  IF v_agrees THEN
    UPDATE vmstate.sled_report AS r SET time_reported = v_now, time_agreed = v_now, vmm_count = v_count
      WHERE r.sled_id = p_sled_id;
    IF FOUND THEN
      RETURN ROW('applied', NULL, p_sled_id, v_count, v_now, v_now)::vmstate.sled_result;
    END IF;
  END IF;
  -- The first report of the sled, or one that differs: the sled is alive, but its VMMs do not count as heard.
  INSERT INTO vmstate.sled_report AS r (sled_id, time_reported, time_agreed, vmm_count)
    VALUES (p_sled_id, v_now, CASE WHEN v_agrees THEN v_now END, p_vmm_count)
    ON CONFLICT (sled_id) DO UPDATE
      SET time_reported = excluded.time_reported, time_agreed = coalesce(excluded.time_agreed, r.time_agreed),
        vmm_count = excluded.vmm_count
    RETURNING r.time_agreed INTO v_time_agreed;
  RETURN ROW(CASE WHEN v_agrees THEN 'applied' ELSE 'conflict' END, CASE WHEN NOT v_agrees THEN 'differs' END,
    p_sled_id, v_count, v_now, v_time_agreed)::vmstate.sled_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_sled IS 'Records that a sled is alive, and compares which VMMs it has, in which states.

One call for all VMMs of a sled of which there is no news. p_vmm_count and p_digest are of the VMMs that live on the sled, by the word of its agent: every VMM but those in state failed or destroyed, and those of which a report was answered terminal or gone. p_digest is the SHA-256, in 64 hexadecimal digits, of one line for each of them, sorted by id: the id in lower case with its hyphens, a space, the state as report_vmm takes it, and a line feed. Without a VMM it is the SHA-256 of nothing. The database compares it with its own VMMs of the sled that are neither deleted, nor dead, nor still creating. If both are equal, every one of these VMMs counts as heard now. Writes the one row of the sled in any case, since the sled is alive, and no VMM: no generation rises. Says nothing of migrations: their parts go by report_vmm. The answer has the number of VMMs that the database has (vmm_count), the time of this report and that of the last one that agreed, by the clock of the database. Locks the row of the sled and no other; of a transaction that is not committed when the call reads the VMMs, the call sees nothing. A role that may call fail_vmm reports every sled; any other role the sled that bind_sled_agent bound the role to.

Outcomes:
- applied: the sled has the VMMs and the states that the database has.
- conflict/differs: the sled is recorded as alive, but the VMMs or their states differ: send them all by report_vmms.
Errors:
- VM001: an argument is null, p_vmm_count is negative, or p_digest is not 64 hexadecimal digits.
- 42501: the caller is bound to another sled, or to none.';
