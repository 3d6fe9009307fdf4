CREATE OR REPLACE FUNCTION vmstate.guard_truncate() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.raise_link_protected(format('table vmstate.%I: no row is removed unless it is marked as deleted', TG_ARGV[0]), 'a table whose rows only purge removes', 'TRUNCATE',
    'delete_instance and delete_vmm mark rows as deleted, and purge then removes such rows.');
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_truncate FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_truncate IS 'Refuses TRUNCATE.

Errors:
- VM104: no table is emptied without the verbs.';

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.instance
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate('instance');

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.vmm
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate('vmm');

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.migration
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate('migration');
