CREATE OR REPLACE FUNCTION vmstate.guard_delete() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.time_deleted IS NULL THEN
    PERFORM vmstate.raise_link_protected(
      format('%s %s: the row is not marked as deleted', TG_ARGV[0], OLD.id), 'not deleted', 'DELETE',
      'delete_instance and delete_vmm mark rows as deleted, and purge then removes such rows.');
  END IF;
  RETURN OLD;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_delete FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_delete IS 'Refuses the DELETE of a row that is not marked as deleted.

Errors:
- VM104: only rows that are marked as deleted can be purged.';

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete('instance');

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete('vmm');

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete('migration');
