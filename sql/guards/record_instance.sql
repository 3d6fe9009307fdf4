CREATE OR REPLACE FUNCTION vmstate.record_instance() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_saga_id pg_catalog.uuid;
  v_context pg_catalog.text;
BEGIN
  -- In this order, because almost every change raises the generation or is one of the intent: then the rest is not compared.
  IF NEW.state_generation = OLD.state_generation THEN
    IF NEW.intended_state = OLD.intended_state THEN
      IF (OLD.state, OLD.active_propolis_id, OLD.destination_propolis_id, OLD.migration_id, OLD.time_deleted)
          IS NOT DISTINCT FROM
          (NEW.state, NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id, NEW.time_deleted) THEN
        RETURN NULL;
      END IF;
    END IF;
  END IF;
  -- The saga follows from the rows: a commit writes its saga, and a new link is that of the saga which inserted the VMM.
  IF NEW.committed_updater_generation IS DISTINCT FROM OLD.committed_updater_generation THEN
    v_saga_id := NEW.committed_updater_id;
  ELSIF NEW.active_propolis_id IS DISTINCT FROM OLD.active_propolis_id
      OR NEW.destination_propolis_id IS DISTINCT FROM OLD.destination_propolis_id THEN
    SELECT v.saga_id INTO v_saga_id FROM vmstate.vmm AS v
      WHERE v.instance_id = NEW.id
        AND v.id = CASE
          WHEN NEW.active_propolis_id IS DISTINCT FROM OLD.active_propolis_id THEN nullif(NEW.active_propolis_id, OLD.destination_propolis_id)
          ELSE NEW.destination_propolis_id
        END;
  END IF;

  -- As record_new_vmm does.
  UNLISTEN vmstate_history;
  GET DIAGNOSTICS v_context = PG_CONTEXT;
  INSERT INTO vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, old_state, state, deleted,
      old_active_propolis_id, active_propolis_id, old_destination_propolis_id, destination_propolis_id,
      old_migration_id, migration_id, old_intended_state, intended_state, role, verb, saga_id, cause)
    VALUES (clock_timestamp(), nextval('vmstate.history_id'::pg_catalog.regclass), pg_current_xact_id(),
      NEW.id, 'instance', NEW.id, NEW.state_generation, OLD.state, NEW.state, NEW.time_deleted IS NOT NULL,
      OLD.active_propolis_id, NEW.active_propolis_id, OLD.destination_propolis_id, NEW.destination_propolis_id,
      OLD.migration_id, NEW.migration_id, OLD.intended_state, NEW.intended_state, vmstate.session_role(),
      CASE WHEN split_part(v_context, 'vmstate.' || current_setting('vmstate.verb', true) || '(', 2) <> '' THEN current_setting('vmstate.verb', true) END,
      v_saga_id, nullif(left(current_setting('vmstate.cause', true), 500), ''));
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.record_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.record_instance IS 'Records in the history that an instance was inserted or changed.

A change is one of the state, the generation, a linked id, the intent, or a deletion: not of the updater lock, the name or the auto-restart configuration.';

CREATE OR REPLACE TRIGGER record_new AFTER INSERT ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.record_instance();

CREATE OR REPLACE TRIGGER record_change AFTER UPDATE OF
    state, state_generation, active_propolis_id, destination_propolis_id, migration_id, intended_state, time_deleted
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.record_instance();
