CREATE OR REPLACE FUNCTION vmstate.guard_vmm_deletion() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_context pg_catalog.text;
BEGIN
  IF OLD.time_deleted IS NOT DISTINCT FROM NEW.time_deleted THEN
    RETURN NULL;
  ELSIF OLD.time_deleted IS NOT NULL THEN
    PERFORM vmstate.raise_invalid_transition(format('the time of deletion of VMM %s', OLD.id),
      OLD.time_deleted::pg_catalog.text, coalesce(NEW.time_deleted::pg_catalog.text, 'null'),
      'A deletion is final. Start the instance with begin_start, which inserts a new VMM.');
  ELSIF NEW.time_unlinked IS NULL OR NOT vmstate.is_absorbing(NEW.state) THEN
    PERFORM vmstate.raise_link_protected(
      format('VMM %s: %s', OLD.id, CASE WHEN NEW.time_unlinked IS NULL THEN 'an instance names the VMM' ELSE 'the VMM is alive' END),
      format('%s, %s', NEW.state, CASE WHEN NEW.time_unlinked IS NULL THEN 'linked' ELSE 'not linked' END),
      'deletion',
      'fail_vmm declares a VMM dead, run_update unlinks a dead VMM, and delete_vmm then deletes the VMM.');
  END IF;
  -- Trigger guard_state records a write that changes the state as well.
  IF NEW.state = OLD.state AND NEW.failure_reason IS NOT DISTINCT FROM OLD.failure_reason THEN
    -- As record_new_vmm does.
    UNLISTEN vmstate_history;
    GET DIAGNOSTICS v_context = PG_CONTEXT;
    INSERT INTO vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, old_state, state, deleted,
        sled_id, failure_reason, time_observed, role, verb, saga_id, cause)
      VALUES (clock_timestamp(), nextval('vmstate.history_id'::pg_catalog.regclass), pg_current_xact_id(),
        NEW.instance_id, 'vmm', NEW.id, NEW.state_generation, OLD.state, NEW.state, true,
        NEW.sled_id, NEW.failure_reason, NEW.time_state_updated, vmstate.session_role(),
        CASE WHEN split_part(v_context, 'vmstate.' || current_setting('vmstate.verb', true) || '(', 2) <> '' THEN current_setting('vmstate.verb', true) END,
        NEW.saga_id, nullif(left(current_setting('vmstate.cause', true), 500), ''));
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_deletion FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_deletion IS 'Refuses the deletion of a VMM that an instance names or that is alive.

Records every other deletion in the history, with the rights of the owner.

Errors:
- VM102: the deletion of a VMM is final.
- VM104: a VMM that an instance names, or that is alive, is not deleted.';

CREATE OR REPLACE TRIGGER guard_deletion AFTER UPDATE OF time_deleted ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_vmm_deletion();
