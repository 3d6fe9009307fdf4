CREATE OR REPLACE FUNCTION vmstate.guard_migration_destination() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_actual pg_catalog.text;
BEGIN
  -- This write also makes another session fail with 40001 if that session unwinds the VMM, or inserts a second migration to
  -- the VMM, with a snapshot that is too old to see this migration.
  UPDATE vmstate.vmm AS v SET migration_id = coalesce(v.migration_id, NEW.id)
    WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id;
  IF NOT vmstate.is_new_vmm(NEW.instance_id, NEW.destination_propolis_id) THEN
    SELECT format('%s, %s', v.state, CASE WHEN v.time_unlinked IS NULL THEN 'linked' ELSE 'not linked' END) INTO v_actual
      FROM vmstate.vmm AS v WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id;
  ELSE
    SELECT format('the destination of migration %s', coalesce(m.id, v.migration_id)) INTO v_actual
      FROM vmstate.vmm AS v
      LEFT JOIN vmstate.migration AS m ON m.instance_id = v.instance_id AND m.destination_propolis_id = v.id AND m.id <> NEW.id
      WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id
        AND (m.id IS NOT NULL OR v.migration_id <> NEW.id);
  END IF;
  IF v_actual IS NOT NULL THEN
    PERFORM vmstate.raise_invalid_transition(format('VMM %s', NEW.destination_propolis_id), v_actual,
      format('the destination of migration %s', NEW.id), 'The destination of a migration is a new VMM: begin_migration inserts both the VMM and the migration.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_migration_destination FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_migration_destination IS 'Refuses a new migration whose destination VMM is not new.

Errors:
- VM102: the destination VMM of a new migration is still creating, and no link and no other migration names it.';

-- AFTER, so that the foreign keys have checked first that the VMM exists.
CREATE OR REPLACE TRIGGER guard_destination AFTER INSERT ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_migration_destination();
