CREATE OR REPLACE FUNCTION vmstate.guard_vmm_migration() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.migration_id IS DISTINCT FROM NEW.migration_id AND NOT (
      OLD.migration_id IS NULL AND EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = NEW.instance_id AND m.id = NEW.migration_id AND m.destination_propolis_id = NEW.id)) THEN
    PERFORM vmstate.raise_link_protected(
      format('migration_id of VMM %s: the value is not the migration that leads to the VMM', OLD.id),
      coalesce(OLD.migration_id::pg_catalog.text, 'null'),
      coalesce(NEW.migration_id::pg_catalog.text, 'null'),
      'Trigger guard_destination writes migration_id when begin_migration inserts the migration; afterwards the column never changes.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_migration IS 'Refuses a migration_id of a VMM that is not the migration which leads there.

A migration_id that is set never changes, also after the migration was purged.

Errors:
- VM104: migration_id changes to another value than the migration whose destination is the VMM.';

CREATE OR REPLACE TRIGGER guard_migration AFTER UPDATE OF migration_id ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_vmm_migration();
