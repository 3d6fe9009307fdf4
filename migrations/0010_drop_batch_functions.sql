-- 0010_drop_batch_functions: the functions of a batch that 0009_destinations replaced are dropped.
-- Why: 0009_destinations kept them for batches that had begun before it and waited for its lock.
-- How: while the tables are locked, no batch is under way that has locked a row. A batch that began before 0009_destinations
-- committed and has not yet touched a table when this file locks it fails with 42883 and changes nothing; the caller retries.
-- Objects: the functions below.
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

DROP FUNCTION vmstate.lock_batch(vmstate.batch_report[]);
DROP FUNCTION vmstate.apply_reports(vmstate.batch_report[], uuid[]);
DROP FUNCTION vmstate.apply_reports_with_repeats(vmstate.batch_report[], uuid[]);

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

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (10, '0010_drop_batch_functions', false);
