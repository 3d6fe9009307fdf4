-- 0014_vmms_of_a_sled: an index lists the VMMs of a sled in order of their ids.
-- Why: a page of the VMMs of a sled reads the entries of that page, not of all VMMs of the sled.
-- Objects: index vmm_on_sled, by sled_id and id instead of by sled_id alone.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads go on) for as long as it takes to build the index, which reads vmm once;
-- then the views of vmm, and vmm (ACCESS EXCLUSIVE), for a moment.
-- Breaking: no.
-- With psql, in one transaction that ends at the first error: psql -1 -v ON_ERROR_STOP=1 -f 0014_vmms_of_a_sled.sql

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

CREATE INDEX vmm_on_sled_by_id ON vmstate.vmm (sled_id, id) WHERE time_deleted IS NULL;

-- DROP INDEX waits for the readers of vmm and keeps new ones out. The views are locked before the table, outer ones first, as
-- whoever reads the views does: a reader that holds a view and waits for the table would else be in a deadlock with this file.
ALTER VIEW vmstate.invariant_violation RESET (security_barrier);
ALTER VIEW vmstate.stuck_instance RESET (security_barrier);
ALTER VIEW vmstate.watched_vmm RESET (security_barrier);
ALTER VIEW vmstate.restartable_instance RESET (security_barrier);
ALTER VIEW vmstate.orphaned_vmm RESET (security_barrier);
ALTER VIEW vmstate.abandoned_vmm RESET (security_barrier);
ALTER VIEW vmstate.pending_update RESET (security_barrier);
ALTER VIEW vmstate.api_migration RESET (security_barrier);
ALTER VIEW vmstate.api_vmm RESET (security_barrier);
ALTER VIEW vmstate.api_instance RESET (security_barrier);
ALTER VIEW vmstate.instance_detail RESET (security_barrier);
ALTER VIEW vmstate.instance_plan RESET (security_barrier);
ALTER VIEW vmstate.resolved_instance RESET (security_barrier);
DROP INDEX vmstate.vmm_on_sled;
ALTER INDEX vmstate.vmm_on_sled_by_id RENAME TO vmm_on_sled;

-- by hand: TABLE vmstate.vmm of sql/tables/vmm.sql as of 83ef07d85f9a2c24f36a38bfd6a8d7584048e12a3d5739573d33a3dde5373d9d

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

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (14, '0014_vmms_of_a_sled', false);
