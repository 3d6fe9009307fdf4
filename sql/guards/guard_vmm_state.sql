CREATE OR REPLACE FUNCTION vmstate.guard_vmm_state() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_row pg_catalog.text;
  v_old vmstate.vmm;
  v_may_run boolean := false;
  v_context pg_catalog.text;
BEGIN
  -- Accepts at once what no check refuses.
  IF NOT (NEW.state_generation > OLD.state_generation AND NEW.state NOT IN ('creating', 'saga_unwound')
      AND OLD.state NOT IN ('failed', 'destroyed', 'saga_unwound') AND (NEW.state = 'failed') = (NEW.failure_reason IS NOT NULL)) THEN
    v_row := format('VMM %s', OLD.id);
    IF NEW.state = 'saga_unwound' AND OLD.state <> 'saga_unwound' THEN
      -- OLD has the row type of its partition or shard.
      v_old := OLD;
      v_may_run := vmstate.is_handed_over(v_old);
      v_may_run := v_may_run OR EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = OLD.instance_id AND m.destination_propolis_id = OLD.id
          AND NOT (m.source_state = 'failed' AND m.destination_state = 'failed'));
      -- The migration to this VMM was purged, and the VMM outlived it: the guest has moved to this VMM.
      v_may_run := v_may_run OR (OLD.migration_id IS NOT NULL AND NOT EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = OLD.instance_id AND m.id = OLD.migration_id));
    END IF;
    IF NEW.state <> OLD.state AND (NEW.state = 'creating' OR vmstate.is_absorbing(OLD.state))
        AND NOT (OLD.state IN ('failed', 'destroyed') AND NEW.state = 'saga_unwound' AND NEW.time_unlinked IS NULL) THEN
      PERFORM vmstate.raise_invalid_transition(v_row, OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
        'No VMM becomes creating again, and a dead VMM stays dead: begin_start inserts a new VMM. Only unwind_start and unwind_migration mark a dead VMM saga_unwound, while an instance names the VMM.');
    ELSIF v_may_run THEN
      PERFORM vmstate.raise_invalid_transition(v_row, OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
        'The guest of a migration may run in the VMM. unwind_migration first fails both sides of a migration to the VMM; unwind_start refuses a VMM whose guest was handed over.');
    ELSIF NEW.state_generation < OLD.state_generation
        OR (NEW.state_generation = OLD.state_generation
          AND (OLD.state, OLD.time_state_updated, OLD.time_started, OLD.failure_reason)
            IS DISTINCT FROM (NEW.state, NEW.time_state_updated, NEW.time_started, NEW.failure_reason)
          AND NOT (NEW.state <> OLD.state AND vmstate.is_absorbing(NEW.state)
            AND NEW.state_generation = vmstate.next_generation(OLD.state_generation))) THEN
      PERFORM vmstate.raise_old_generation(v_row, OLD.state_generation, NEW.state_generation);
    ELSIF (NEW.state = 'failed') <> (NEW.failure_reason IS NOT NULL) THEN
      -- No CHECK of the table: a CHECK comes before this trigger, and would refuse a write to a dead VMM as 23514, not as VM102.
      RAISE EXCEPTION USING
        ERRCODE = 'check_violation',
        MESSAGE = format('%s cannot be %s with failure_reason %s', v_row, NEW.state, coalesce(NEW.failure_reason::pg_catalog.text, 'null')),
        DETAIL = format('Found: state %s. Attempted: state %s with failure_reason %s.',
          OLD.state, NEW.state, coalesce(NEW.failure_reason::pg_catalog.text, 'null')),
        HINT = 'A VMM has a failure_reason if and only if its state is failed; fail_vmm writes both columns.',
        SCHEMA = 'vmstate', TABLE = 'vmm', CONSTRAINT = 'failure_reason_iff_failed';
    END IF;
  END IF;
  -- Trigger guard_state alone has an argument: a write that both triggers judge is recorded once. As record_new_vmm does.
  IF TG_NARGS > 0 THEN
    UNLISTEN vmstate_history;
    GET DIAGNOSTICS v_context = PG_CONTEXT;
    INSERT INTO vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, old_state, state, deleted,
        sled_id, failure_reason, time_observed, role, verb, saga_id, cause)
      VALUES (clock_timestamp(), nextval('vmstate.history_id'::pg_catalog.regclass), pg_current_xact_id(),
        NEW.instance_id, 'vmm', NEW.id, NEW.state_generation, OLD.state, NEW.state, NEW.time_deleted IS NOT NULL,
        NEW.sled_id, NEW.failure_reason, NEW.time_state_updated, vmstate.session_role(),
        CASE WHEN split_part(v_context, 'vmstate.' || current_setting('vmstate.verb', true) || '(', 2) <> '' THEN current_setting('vmstate.verb', true) END,
        NEW.saga_id, nullif(left(current_setting('vmstate.cause', true), 500), ''));
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_state IS 'Refuses changes of a VMM that are backward or raise no generation.

Records every other change of the state or the failure_reason in the history, with the rights of the owner: a role that was granted UPDATE on the table may write no history itself.

Errors:
- 23514: a VMM has a failure_reason if and only if its state is failed.
- VM101: what a report changes raises the generation, which never falls.
- VM102: no VMM becomes creating again, and a dead VMM stays dead, but failed or destroyed may become saga_unwound while linked; the destination of a migration becomes saga_unwound only after both sides failed, and a VMM whose guest was handed over never does.';

-- The two triggers with WHEN conditions, of one function: a write is judged when its generation is not newer, or when it changes
-- the state or the failure_reason. A health report writes neither of these two, so its statement evaluates the first condition
-- alone. Each condition is short, because every statement copies the conditions of all triggers of its table as text, and parses
-- those that it evaluates.
CREATE OR REPLACE TRIGGER guard_generation AFTER UPDATE OF state, state_generation, time_state_updated, time_started, failure_reason
  ON vmstate.vmm
  FOR EACH ROW WHEN (NEW.state_generation <= OLD.state_generation)
  EXECUTE FUNCTION vmstate.guard_vmm_state();

CREATE OR REPLACE TRIGGER guard_state AFTER UPDATE OF state, failure_reason
  ON vmstate.vmm
  FOR EACH ROW WHEN (NEW.state <> OLD.state OR NEW.failure_reason IS DISTINCT FROM OLD.failure_reason)
  EXECUTE FUNCTION vmstate.guard_vmm_state('record');
