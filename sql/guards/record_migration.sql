CREATE OR REPLACE FUNCTION vmstate.record_migration() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_context pg_catalog.text;
BEGIN
  IF TG_OP = 'UPDATE'
      AND (OLD.source_state, OLD.destination_state, OLD.time_deleted)
        IS NOT DISTINCT FROM (NEW.source_state, NEW.destination_state, NEW.time_deleted) THEN
    RETURN NULL;
  END IF;
  -- As record_new_vmm does.
  UNLISTEN vmstate_history;
  GET DIAGNOSTICS v_context = PG_CONTEXT;
  INSERT INTO vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, old_state, state, deleted,
      source_propolis_id, destination_propolis_id, old_destination_state, destination_state, role, verb, saga_id, cause)
    VALUES (clock_timestamp(), nextval('vmstate.history_id'::pg_catalog.regclass), pg_current_xact_id(),
      NEW.instance_id, 'migration', NEW.id, NEW.source_generation + NEW.destination_generation,
      OLD.source_state, NEW.source_state, NEW.time_deleted IS NOT NULL,
      NEW.source_propolis_id, NEW.destination_propolis_id, OLD.destination_state, NEW.destination_state, vmstate.session_role(),
      CASE WHEN split_part(v_context, 'vmstate.' || current_setting('vmstate.verb', true) || '(', 2) <> '' THEN current_setting('vmstate.verb', true) END,
      NEW.saga_id, nullif(left(current_setting('vmstate.cause', true), 500), ''));
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.record_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.record_migration IS 'Records in the history that a migration was inserted or changed.

A change is one of the state of a side, or a deletion. The columns old_state and state are those of the source side.';

CREATE OR REPLACE TRIGGER record_new AFTER INSERT ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.record_migration();

CREATE OR REPLACE TRIGGER record_change AFTER UPDATE OF source_state, destination_state, time_deleted ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.record_migration();
