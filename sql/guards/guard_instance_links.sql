CREATE OR REPLACE FUNCTION vmstate.guard_instance_links() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_old vmstate.instance;
  v_new vmstate.instance;
BEGIN
  -- Judges the two commonest changes on the row of the one VMM, because reading the plan costs as much as a whole start: an
  -- update unlinks a dead VMM, and a start links a new one. What these two refuse, the checks below judge.
  IF num_nonnulls(NEW.active_propolis_id, OLD.destination_propolis_id, NEW.destination_propolis_id, OLD.migration_id, NEW.migration_id) = 0 THEN
    PERFORM FROM vmstate.vmm AS v
      WHERE v.instance_id = OLD.id AND v.id = OLD.active_propolis_id AND vmstate.is_absorbing(v.state)
      FOR NO KEY UPDATE;
    IF FOUND THEN
      RETURN NEW;
    END IF;
  ELSIF num_nonnulls(OLD.active_propolis_id, OLD.destination_propolis_id, NEW.destination_propolis_id, OLD.migration_id, NEW.migration_id) = 0
      AND OLD.state <> 'creating' THEN
    PERFORM FROM vmstate.vmm AS v
      WHERE v.instance_id = OLD.id AND v.id = NEW.active_propolis_id
        AND v.state = 'creating' AND v.time_unlinked IS NOT NULL AND v.migration_id IS NULL
        AND NOT EXISTS (SELECT FROM vmstate.migration AS m
          WHERE m.instance_id = OLD.id AND m.destination_propolis_id = NEW.active_propolis_id)
      FOR NO KEY UPDATE;
    IF FOUND THEN
      RETURN NEW;
    END IF;
  END IF;
  IF (OLD.active_propolis_id, OLD.destination_propolis_id, OLD.migration_id)
      IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id) THEN
    RETURN NEW;
  END IF;
  -- OLD and NEW have the row type of their partition or shard.
  v_old := OLD;
  v_new := NEW;
  -- Locks the rows of the new ids, too: the checks below read them, and another session may be ending or deleting them.
  PERFORM vmstate.lock_links(OLD.id,
    ARRAY[OLD.active_propolis_id, OLD.destination_propolis_id, NEW.active_propolis_id, NEW.destination_propolis_id],
    ARRAY[OLD.migration_id, NEW.migration_id]);
  IF vmstate.links_change_as_start(v_old, v_new) OR vmstate.links_change_as_migration(v_old, v_new) THEN
    RETURN NEW;
  END IF;
  IF EXISTS (SELECT FROM vmstate.instance_plan AS p
      WHERE p.instance_id = OLD.id
        AND (p.new_active_propolis_id, p.new_destination_propolis_id, p.new_migration_id)
          IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id)) THEN
    RETURN NEW;
  END IF;
  PERFORM vmstate.raise_link_protected(
    format('the links of instance %s: the current update plan does not allow it', OLD.id),
    format('active %s, destination %s, migration %s',
      coalesce(OLD.active_propolis_id::pg_catalog.text, 'none'),
      coalesce(OLD.destination_propolis_id::pg_catalog.text, 'none'),
      coalesce(OLD.migration_id::pg_catalog.text, 'none')),
    format('active %s, destination %s, migration %s',
      coalesce(NEW.active_propolis_id::pg_catalog.text, 'none'),
      coalesce(NEW.destination_propolis_id::pg_catalog.text, 'none'),
      coalesce(NEW.migration_id::pg_catalog.text, 'none')),
    'begin_start and begin_migration replace NULL or a saga_unwound VMM by a new VMM; run_update writes the plan that explain_update shows. Nothing else changes a link.');
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_instance_links FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_instance_links IS 'Refuses changes of the links of an instance that no rule allows.

Errors:
- VM104: links change only to the ids of the current update plan, or when a start or a migration replaces NULL or a saga_unwound VMM and leaves the other ids alone.';

CREATE OR REPLACE TRIGGER guard_links BEFORE UPDATE OF active_propolis_id, destination_propolis_id, migration_id
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_instance_links();
