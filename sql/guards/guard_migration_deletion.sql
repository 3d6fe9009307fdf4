CREATE OR REPLACE FUNCTION vmstate.guard_migration_deletion() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.time_deleted IS NOT DISTINCT FROM NEW.time_deleted THEN
    RETURN NEW;
  ELSIF OLD.time_deleted IS NOT NULL THEN
    PERFORM vmstate.raise_invalid_transition(format('the time of deletion of migration %s', OLD.id),
      OLD.time_deleted::pg_catalog.text, coalesce(NEW.time_deleted::pg_catalog.text, 'null'),
      'A deletion is final. Begin another migration with begin_migration.');
  ELSIF EXISTS (SELECT FROM vmstate.instance AS i WHERE i.id = NEW.instance_id AND i.migration_id = NEW.id) THEN
    PERFORM vmstate.raise_link_protected(format('migration %s: an instance names the migration', OLD.id), 'linked', 'deletion',
      'run_update unlinks a migration that has ended, and delete_vmm or delete_instance then deletes the migration.');
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_migration_deletion FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_migration_deletion IS 'Refuses the deletion of a migration that its instance names.

Errors:
- VM102: the deletion of a migration is final.
- VM104: a migration that its instance names is not deleted.';

CREATE OR REPLACE TRIGGER guard_deletion BEFORE UPDATE OF time_deleted ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_migration_deletion();
