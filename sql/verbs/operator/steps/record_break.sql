CREATE OR REPLACE FUNCTION vmstate.record_break(p_instance vmstate.instance, p_cause text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_context pg_catalog.text;
BEGIN
  -- As record_new_vmm does.
  UNLISTEN vmstate_history;
  GET DIAGNOSTICS v_context = PG_CONTEXT;
  INSERT INTO vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, old_state, state, deleted,
      old_active_propolis_id, active_propolis_id, old_destination_propolis_id, destination_propolis_id,
      old_migration_id, migration_id, old_intended_state, intended_state, role, verb, cause)
    VALUES (clock_timestamp(), nextval('vmstate.history_id'::pg_catalog.regclass), pg_current_xact_id(),
      p_instance.id, 'instance', p_instance.id, p_instance.state_generation, p_instance.state, p_instance.state, false,
      p_instance.active_propolis_id, p_instance.active_propolis_id, p_instance.destination_propolis_id, p_instance.destination_propolis_id,
      p_instance.migration_id, p_instance.migration_id, p_instance.intended_state, p_instance.intended_state, vmstate.session_role(),
      CASE WHEN split_part(v_context, 'vmstate.' || current_setting('vmstate.verb', true) || '(', 2) <> '' THEN current_setting('vmstate.verb', true) END,
      left(p_cause, 500));
END;
$$;
REVOKE ALL ON FUNCTION vmstate.record_break FROM PUBLIC;
COMMENT ON FUNCTION vmstate.record_break IS 'Records in the history that an operator ended an updater lock.

The one row that is no change of the state: it says who did that, and why.';
