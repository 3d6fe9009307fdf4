CREATE OR REPLACE FUNCTION vmstate.guard_instance_state() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- Accepts at once what no check below refuses: almost every change of an instance.
  IF NEW.state_generation > OLD.state_generation AND NEW.state <> 'creating' AND OLD.time_deleted IS NULL THEN
    RETURN NEW;
  END IF;
  IF NEW.state <> OLD.state AND (NEW.state = 'creating' OR OLD.state = 'destroyed') THEN
    PERFORM vmstate.raise_invalid_transition(format('instance %s', OLD.id), OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'A destroyed instance stays destroyed, and no instance becomes creating again. Create another instance with create_instance.');
  ELSIF OLD.time_deleted <> NEW.time_deleted THEN
    PERFORM vmstate.raise_invalid_transition(format('the time of deletion of instance %s', OLD.id),
      OLD.time_deleted::pg_catalog.text, NEW.time_deleted::pg_catalog.text,
      'A deletion is final. Create another instance with create_instance.');
  ELSIF NEW.state_generation < OLD.state_generation
      OR (NEW.state_generation = OLD.state_generation
        AND (OLD.state, OLD.time_state_updated, OLD.active_propolis_id, OLD.destination_propolis_id, OLD.migration_id)
          IS DISTINCT FROM
          (NEW.state, NEW.time_state_updated, NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id)) THEN
    PERFORM vmstate.raise_old_generation(format('instance %s', OLD.id), OLD.state_generation, NEW.state_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_instance_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_instance_state IS 'Refuses changes of an instance that are backward or raise no generation.

Errors:
- VM101: a change of the state or of a link raises the generation, which never falls.
- VM102: no instance becomes creating again, and destroyed stays, with its time of deletion.';

CREATE OR REPLACE TRIGGER guard_state BEFORE UPDATE OF
    state, state_generation, time_state_updated, active_propolis_id, destination_propolis_id, migration_id, time_deleted
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_instance_state();
