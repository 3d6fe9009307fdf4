CREATE OR REPLACE FUNCTION vmstate.guard_migration_sides() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_row pg_catalog.text;
BEGIN
  IF (OLD.source_state, OLD.source_generation, OLD.time_source_updated,
      OLD.destination_state, OLD.destination_generation, OLD.time_destination_updated)
      IS NOT DISTINCT FROM
      (NEW.source_state, NEW.source_generation, NEW.time_source_updated,
        NEW.destination_state, NEW.destination_generation, NEW.time_destination_updated) THEN
    RETURN NEW;
  END IF;
  v_row := format('the source side of migration %s', OLD.id);
  IF vmstate.is_terminal(OLD.source_state) AND NEW.source_state <> OLD.source_state THEN
    PERFORM vmstate.raise_invalid_transition(v_row, OLD.source_state::pg_catalog.text, NEW.source_state::pg_catalog.text,
      'A side that has ended never changes its state. Begin another migration with begin_migration.');
  ELSIF NEW.source_generation < OLD.source_generation
      OR (NEW.source_generation = OLD.source_generation
        AND (OLD.source_state, OLD.time_source_updated) IS DISTINCT FROM (NEW.source_state, NEW.time_source_updated)
        AND NOT (NEW.source_state <> OLD.source_state AND vmstate.is_terminal(NEW.source_state)
          AND NEW.source_generation = vmstate.next_generation(OLD.source_generation))) THEN
    PERFORM vmstate.raise_old_generation(v_row, OLD.source_generation, NEW.source_generation);
  END IF;

  v_row := format('the destination side of migration %s', OLD.id);
  IF vmstate.is_terminal(OLD.destination_state) AND NEW.destination_state <> OLD.destination_state THEN
    PERFORM vmstate.raise_invalid_transition(v_row, OLD.destination_state::pg_catalog.text, NEW.destination_state::pg_catalog.text,
      'A side that has ended never changes its state. Begin another migration with begin_migration.');
  ELSIF NEW.destination_generation < OLD.destination_generation
      OR (NEW.destination_generation = OLD.destination_generation
        AND (OLD.destination_state, OLD.time_destination_updated)
          IS DISTINCT FROM (NEW.destination_state, NEW.time_destination_updated)
        AND NOT (NEW.destination_state <> OLD.destination_state AND vmstate.is_terminal(NEW.destination_state)
          AND NEW.destination_generation = vmstate.next_generation(OLD.destination_generation))) THEN
    PERFORM vmstate.raise_old_generation(v_row, OLD.destination_generation, NEW.destination_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_migration_sides FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_migration_sides IS 'Refuses changes of a migration side that are backward or raise no generation.

Errors:
- VM101: a change of a side raises the generation of that side, which never falls.
- VM102: a side that has ended stays as it is.';

CREATE OR REPLACE TRIGGER guard_sides BEFORE UPDATE OF
    source_state, source_generation, time_source_updated,
    destination_state, destination_generation, time_destination_updated
  ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_migration_sides();
