-- 0008_drop_old_names: the functions and types that 0007_names replaced are dropped.
-- Why: 0007_names kept them for verbs that had begun before it and waited for its lock.
-- How: while the tables are locked, no verb is under way that has locked a row. A verb that began before 0007_names committed
-- and has not yet touched a table when this file locks it fails with 42883 and changes nothing; the caller retries. The
-- functions are dropped before the types that they take and return.
-- Objects: the functions and types below.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads go on).
-- Breaking: no. No service may call what is dropped.

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

DROP FUNCTION vmstate.judge_repeated_reports(vmstate.numbered_report[], uuid[]);
DROP FUNCTION vmstate.judge_reports(vmstate.numbered_report[], uuid[]);
DROP FUNCTION vmstate.lock_reported(vmstate.numbered_report[]);
DROP FUNCTION vmstate.require_own_sled(vmstate.numbered_report[], uuid[]);
DROP FUNCTION vmstate.require_reports(vmstate.numbered_report[]);
DROP FUNCTION vmstate.parse_reports(jsonb);
DROP FUNCTION vmstate.refused_report(uuid, uuid, vmstate.reported_vmm_state, bigint, timestamptz, uuid[]);
DROP FUNCTION vmstate.report_sides(text, vmstate.vmm_report, uuid[]);
DROP FUNCTION vmstate.lock_own_migrations(uuid, uuid, uuid[]);
DROP FUNCTION vmstate.reject_foreign_report(text, uuid, uuid[], text);
DROP FUNCTION vmstate.current_plan(vmstate.instance);
DROP FUNCTION vmstate.is_start(vmstate.instance, vmstate.instance);
DROP FUNCTION vmstate.is_migration(vmstate.instance, vmstate.instance);
DROP FUNCTION vmstate.is_fresh(uuid, uuid);
DROP FUNCTION vmstate.reject_needed(text, text, text, text);
DROP FUNCTION vmstate.reject_generation(text, bigint, bigint);
DROP FUNCTION vmstate.reject_transition(text, text, text, text);
DROP FUNCTION vmstate.reject_nulls(text, jsonb);
DROP FUNCTION vmstate.reject_argument(text, text, text);
-- These types were never public. A function or operator that somebody made for one must not stop the migration (that would be
-- a way to keep it from being applied), so it is dropped as well; a column is data, and stops it.
DO $$
DECLARE
  v_column pg_catalog.text;
BEGIN
  SELECT pg_catalog.format('%s.%I', c.oid::pg_catalog.regclass, a.attname) INTO v_column
    FROM pg_catalog.pg_type AS t
    JOIN pg_catalog.pg_attribute AS a ON a.atttypid IN (t.oid, t.typarray) AND NOT a.attisdropped
    JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    WHERE t.oid IN ('vmstate.numbered_verdict'::pg_catalog.regtype, 'vmstate.numbered_report'::pg_catalog.regtype)
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING
      ERRCODE = 'dependent_objects_still_exist',
      MESSAGE = pg_catalog.format('column %s has an internal type of vmstate that this migration drops', v_column),
      HINT = 'Nothing was changed. Give the column another type, then migrate again.';
  END IF;
  DROP TYPE vmstate.numbered_verdict CASCADE;
  DROP TYPE vmstate.numbered_report CASCADE;
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

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (8, '0008_drop_old_names', false);
