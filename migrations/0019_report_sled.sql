-- 0019_report_sled: a sled says in one call, without a row per VMM, that it is alive and has the VMMs of the database.
-- Why: most reports of a sled say that nothing changed. A digest of ids and states says so for all its VMMs, and the sled that
-- reports it costs the database one narrow row.
-- Objects: function report_sled (new) with its steps; type sled_result and table sled_report (new); view silent_sled (new) and
-- its threshold silent_after; column time_heard at the end of watched_vmm; access_rights and grant_access. Every role that may
-- call report_vmms may call report_sled.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads go on); watched_vmm (ACCESS EXCLUSIVE), for a moment.
-- Breaking: no. Call grant_access again for each role that reads views, as after every schema migration that brings one.
-- With psql, in one transaction that ends at the first error: psql -1 -v ON_ERROR_STOP=1 -f 0019_report_sled.sql

-- Names resolve in pg_catalog, whatever the session's search_path is (CVE-2018-1058); the end of the file sets it back.
DO $$
BEGIN
  PERFORM pg_catalog.set_config('vmstate.search_path', pg_catalog.current_setting('search_path'), false);
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
END;
$$;
-- Without a transaction block, the setting ended with the statement: then it is the session's until the end of the file.
DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)
    WHERE pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) 'pg_catalog, pg_temp';
END;
$$;

LOCK TABLE vmstate.instance, vmstate.vmm, vmstate.migration IN EXCLUSIVE MODE;

CREATE TYPE vmstate.sled_result AS (
  outcome vmstate.outcome,
  reason text,
  sled_id uuid,
  vmm_count integer,
  time_reported timestamptz,
  time_agreed timestamptz
);
COMMENT ON TYPE vmstate.sled_result IS 'Answers report_sled: whether the sled has the VMMs that the database has.

vmm_count is how many the database has. time_reported is the time of this report, and time_agreed that of the last report that agreed; null: none did.';

-- Every sled updates its row at each report. No index has a changing column, and half of each page is free for new row versions,
-- so each update is HOT: PostgreSQL reuses the space in the page, without VACUUM.
CREATE TABLE vmstate.sled_report (
  sled_id uuid PRIMARY KEY,
  time_reported timestamptz NOT NULL,
  time_agreed timestamptz,
  vmm_count integer NOT NULL CONSTRAINT vmm_count_not_negative CHECK (vmm_count >= 0)
) WITH (fillfactor = 50);

COMMENT ON TABLE vmstate.sled_report IS 'Keeps the last report of each sled about itself; vmstate.report_sled writes it.

A sled without a row was never heard by report_sled; its VMMs may have been.';
COMMENT ON COLUMN vmstate.sled_report.time_reported IS 'When the sled last called report_sled, by the clock of the database.';
COMMENT ON COLUMN vmstate.sled_report.time_agreed IS 'When the sled last had the VMMs and the states of the database.

By the clock of the database; NULL if that never was so. Each VMM that was then alive counts as heard at this time.';
COMMENT ON COLUMN vmstate.sled_report.vmm_count IS 'How many VMMs the sled said it has, in its last report.';

-- by hand: TYPE vmstate.sled_result of sql/types/results.sql as of 48798c4d33cb3ab5f9723b8b1bac490121ca515cb80994352106f85b4a3afcd9
-- by hand: TABLE vmstate.sled_report of sql/tables/sled_report.sql as of 8c80a3fd0a7eb84ceb361c7a2e95db4a0ba004653bb6b8befb6a17612e3d41e7

-- copy of sql/rules/silent_after.sql
CREATE OR REPLACE FUNCTION vmstate.silent_after() RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN interval '1 minute';
REVOKE ALL ON FUNCTION vmstate.silent_after FROM PUBLIC;
COMMENT ON FUNCTION vmstate.silent_after IS 'Returns how long a sled with living VMMs may go unheard: 1 minute.

After that vmstate.silent_sled lists the sled.';
-- end of sql/rules/silent_after.sql

-- copy of sql/views/watched_vmm.sql
CREATE OR REPLACE VIEW vmstate.watched_vmm AS
SELECT
  v.instance_id,
  v.id AS propolis_id,
  v.sled_id,
  v.propolis_ip,
  v.propolis_port,
  v.state,
  v.state_generation,
  least(v.time_state_updated, statement_timestamp()) AS time_state_updated,
  v.time_unlinked IS NULL AS linked,
  v.time_reported,
  greatest(v.time_reported, r.time_agreed) AS time_heard
FROM vmstate.vmm AS v
LEFT JOIN vmstate.sled_report AS r ON r.sled_id = v.sled_id
WHERE v.time_deleted IS NULL AND vmstate.is_watched(v.state);
COMMENT ON VIEW vmstate.watched_vmm IS 'Lists every VMM that a sled should know of: ask the sled agents about them.

Linked VMMs and unlinked ones, those of deleted instances too: the whole fleet. time_reported is when the last report of the VMM was accepted, by the clock of the database, and null before the first one. time_heard is that time, or when report_sled last said that the sled has just the VMMs of the database, whichever is later: an old time_heard shows a silent sled, or a sled that counts its generations anew and whose reports are refused as stale.';
-- end of sql/views/watched_vmm.sql

-- copy of sql/views/silent_sled.sql
CREATE OR REPLACE VIEW vmstate.silent_sled AS
-- Goes from one sled to the next in index vmm_on_sled, past the VMMs of each: a DISTINCT would read every VMM.
WITH RECURSIVE sled AS (
  SELECT (SELECT v.sled_id FROM vmstate.vmm AS v WHERE v.time_deleted IS NULL ORDER BY v.sled_id LIMIT 1) AS id
  UNION ALL
  SELECT (
    SELECT v.sled_id FROM vmstate.vmm AS v
    WHERE v.time_deleted IS NULL AND v.sled_id > s.id
    ORDER BY v.sled_id LIMIT 1
  )
  FROM sled AS s
  WHERE s.id IS NOT NULL
)
SELECT c.sled_id, v.vmm_count, v.time_last_heard, v.time_last_heard + vmstate.silent_after() AS since
FROM (
  SELECT h.sled_id, h.time_reported
  FROM (
    SELECT s.id AS sled_id, (SELECT r.time_reported FROM vmstate.sled_report AS r WHERE r.sled_id = s.id) AS time_reported
    FROM sled AS s
    WHERE s.id IS NOT NULL
    OFFSET 0
  ) AS h
  WHERE coalesce(h.time_reported < statement_timestamp() - vmstate.silent_after(), true)
    -- Looks for one VMM that was heard: all VMMs of the sled are read only if there is none. Written as a subquery that is null,
    -- because the planner may answer NOT EXISTS by a scan of all VMMs.
    AND (
      SELECT true FROM vmstate.vmm AS v
      WHERE v.sled_id = h.sled_id AND v.time_deleted IS NULL AND vmstate.is_watched(v.state)
        AND v.time_reported >= statement_timestamp() - vmstate.silent_after()
      LIMIT 1
    ) IS NULL
  OFFSET 0
) AS c
CROSS JOIN LATERAL (
  SELECT count(*)::integer AS vmm_count,
    greatest(c.time_reported, max(vmstate.last_heard(w.time_reported, w.time_state_updated, statement_timestamp()))) AS time_last_heard
  FROM vmstate.vmm AS w
  WHERE w.sled_id = c.sled_id AND w.time_deleted IS NULL AND vmstate.is_watched(w.state)
  OFFSET 0
) AS v
WHERE v.vmm_count > 0
ORDER BY since, c.sled_id;
COMMENT ON VIEW vmstate.silent_sled IS 'Lists sleds that should have VMMs and have not been heard for 1 minute.

Longest silent first; vmstate.silent_after() is the threshold. A sled is heard when report_sled answers it, also with differs, and when a report of one of its VMMs is accepted. vmm_count is the number of VMMs that the database has on the sled, alive and known to the sled; a sled without one is not listed. time_last_heard is by the clock of the database, and so is since, from when on the sled counts as silent. If the host is dead, call fail_sled. Costs in proportion to the sleds that have VMMs, and to the VMMs of the silent ones.';
-- end of sql/views/silent_sled.sql

-- copy of sql/verbs/sled_agent/steps/require_sled_report.sql
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
-- end of sql/verbs/sled_agent/steps/require_sled_report.sql

-- copy of sql/verbs/sled_agent/steps/raise_foreign_sled.sql
CREATE OR REPLACE FUNCTION vmstate.raise_foreign_sled(p_function text, p_sled_id uuid, p_sleds uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'insufficient_privilege',
    MESSAGE = format('vmstate.%s: this role may not report sled %s', p_function, p_sled_id),
    DETAIL = format('Role "%s" is bound to %s.', vmstate.session_role(), coalesce('sled ' || p_sleds[1], 'no sled')),
    HINT = 'Nothing was changed. vmstate.bind_sled_agent binds a role to the sled that the role may report.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_foreign_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_foreign_sled IS 'Raises 42501 for a report of a sled that the caller may not report.

Errors:
- 42501: the caller is bound to another sled, or to none. Nothing was changed.';
-- end of sql/verbs/sled_agent/steps/raise_foreign_sled.sql

-- copy of sql/verbs/sled_agent/report_sled.sql
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
-- end of sql/verbs/sled_agent/report_sled.sql

-- copy of sql/verbs/access/steps/access_rights.sql
CREATE OR REPLACE FUNCTION vmstate.access_rights(p_kind vmstate.access_kind)
RETURNS TABLE (privilege text, object text, acl aclitem[])
LANGUAGE sql STABLE
BEGIN ATOMIC
  -- PostgreSQL runs the functions that a view calls, and the functions that those call, with the rights of the role that reads
  -- the view: each such role needs EXECUTE on them.
  WITH RECURSIVE called (id) AS (
    SELECT d.refobjid
      FROM pg_rewrite AS r
      JOIN pg_class AS c ON c.oid = r.ev_class
      JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_proc'::regclass
      WHERE c.relnamespace = 'vmstate'::regnamespace
    UNION
    SELECT d.refobjid
      FROM called AS c
      JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = c.id AND d.refclassid = 'pg_proc'::regclass
  )
  SELECT 'USAGE', 'SCHEMA vmstate', n.nspacl
    FROM pg_namespace AS n
    WHERE n.oid = 'vmstate'::regnamespace
  UNION ALL
  SELECT 'EXECUTE', format('FUNCTION %s', p.oid::regprocedure), p.proacl
    FROM pg_proc AS p
    WHERE p.pronamespace = 'vmstate'::regnamespace
      AND CASE p_kind
        WHEN 'control_plane' THEN p.prosecdef OR p.oid IN (SELECT c.id FROM called AS c)
        WHEN 'reader' THEN p.proname IN ('explain_update', 'instances_in_state') OR p.oid IN (SELECT c.id FROM called AS c)
        WHEN 'sled_agent' THEN p.proname IN ('report_vmm', 'report_vmms', 'report_vmm_batch', 'report_sled')
      END
  UNION ALL
  SELECT 'SELECT', format('TABLE %s', c.oid::regclass), c.relacl
    FROM pg_class AS c
    WHERE c.relnamespace = 'vmstate'::regnamespace AND c.relkind = 'v'
      AND c.relname NOT IN ('resolved_instance', 'instance_plan')
      AND (p_kind <> 'sled_agent' OR c.relname = 'schema_version');
END;
REVOKE ALL ON FUNCTION vmstate.access_rights FROM PUBLIC;
COMMENT ON FUNCTION vmstate.access_rights IS 'Lists what a kind of role needs, and which roles have been granted that.

The one place that says what is public. Verbs are the functions that run with the rights of their owner; views are public but for those that other views are made of.';
-- end of sql/verbs/access/steps/access_rights.sql

-- copy of sql/verbs/access/grant_access.sql
CREATE OR REPLACE FUNCTION vmstate.grant_access(p_role name, p_kind vmstate.access_kind, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_privilege pg_catalog.text;
  v_object pg_catalog.text;
BEGIN
  IF p_kind IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('grant_access', 'p_kind', 'p_kind must not be null.');
  END IF;
  PERFORM vmstate.require_role('grant_access', p_role);
  PERFORM vmstate.require_owner('grant_access', 'grants');
  -- One session at a time: when two sessions grant on one object at once, PostgreSQL fails the later one.
  PERFORM pg_advisory_xact_lock('vmstate.grant_access'::pg_catalog.regproc::bigint);
  outcome := 'unchanged';
  FOR v_privilege, v_object IN
    SELECT r.privilege, r.object FROM vmstate.role_access(p_role, p_kind) AS r WHERE NOT r.is_held
  LOOP
    EXECUTE format('GRANT %s ON %s TO %I', v_privilege, v_object, p_role);
    outcome := 'applied';
  END LOOP;
EXCEPTION
  WHEN program_limit_exceeded THEN
    RAISE EXCEPTION USING
      ERRCODE = 'program_limit_exceeded',
      MESSAGE = format('vmstate.grant_access: the access list of %s has no room for role "%s"', v_object, p_role),
      DETAIL = format('PostgreSQL keeps the list in one row of at most 8 kB: %s.', SQLERRM),
      HINT = 'Nothing was changed. Call grant_access once for a group role that cannot log in, and GRANT the group role to the other roles. revoke_access removes a role from the list.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.grant_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.grant_access IS 'Grants a role all that one kind of role needs.

control_plane: every verb and every public view. sled_agent: report_vmm, report_vmms and report_vmm_batch, of the VMMs of the sled that bind_sled_agent names, report_sled of that sled, and the view schema_version. reader: every public view, explain_update and instances_in_state. No kind may touch a table. A role may have several kinds. Members of the role have its access, too: for many sleds, grant once to a group role, since PostgreSQL has room for about 2,400 roles on one object. Call grant_access again after a migration of the schema, which may bring new functions and views. revoke_access takes the access away. For the owner of the schema only, with whose rights grant_access runs.

Outcomes:
- applied: the role was granted what it lacked.
- unchanged: the role had all of the kind already.
Errors:
- VM001: an argument is null, or no such role exists.
- 42501: the caller is not the owner of the schema.
- 54000: PostgreSQL has no room for one more role on an object.';
-- end of sql/verbs/access/grant_access.sql

-- The same agents report: every role that may report a batch of VMMs may report its sled.
DO $$
DECLARE
  v_role pg_catalog.name;
BEGIN
  FOR v_role IN
    SELECT r.rolname
      FROM pg_catalog.pg_proc AS p
      CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) AS a
      JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
      WHERE p.oid = 'vmstate.report_vmms'::pg_catalog.regproc AND a.grantee <> p.proowner
  LOOP
    EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION vmstate.report_sled TO %I', v_role);
  END LOOP;
END;
$$;

DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('vmstate.search_path'), true);
END;
$$;
DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('vmstate.search_path'), false)
    WHERE pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) pg_catalog.current_setting('vmstate.search_path');
END;
$$;

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (19, '0019_report_sled', false);
