CREATE OR REPLACE FUNCTION vmstate.record_new_vmm() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_context pg_catalog.text;
BEGIN
  -- PostgreSQL refuses UNLISTEN where it runs the functions of one role in the session of another, for example those of an
  -- index during ANALYZE: the history would name the wrong role there. Nobody listens to this channel.
  UNLISTEN vmstate_history;
  -- Anybody may set vmstate.verb. A verb sets its own name first, over what its caller has set, and stands in the call stack as
  -- long as it runs. The words around its name there are translated; its name and the parenthesis are not.
  GET DIAGNOSTICS v_context = PG_CONTEXT;
  INSERT INTO vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, state, deleted,
      sled_id, failure_reason, time_observed, role, verb, saga_id, cause)
    VALUES (clock_timestamp(), nextval('vmstate.history_id'::pg_catalog.regclass), pg_current_xact_id(),
      NEW.instance_id, 'vmm', NEW.id, NEW.state_generation, NEW.state, NEW.time_deleted IS NOT NULL,
      NEW.sled_id, NEW.failure_reason, NEW.time_state_updated, vmstate.session_role(),
      CASE WHEN split_part(v_context, 'vmstate.' || current_setting('vmstate.verb', true) || '(', 2) <> '' THEN current_setting('vmstate.verb', true) END,
      NEW.saga_id, nullif(left(current_setting('vmstate.cause', true), 500), ''));
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.record_new_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.record_new_vmm IS 'Records in the history that a VMM was inserted.

guard_vmm_state and guard_vmm_deletion record how it changes: a health report evaluates no trigger more than without the history.';

CREATE OR REPLACE TRIGGER record_new AFTER INSERT ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.record_new_vmm();
