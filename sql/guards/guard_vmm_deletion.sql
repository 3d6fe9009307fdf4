CREATE OR REPLACE FUNCTION vmstate.guard_vmm_deletion() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
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
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_deletion FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_deletion IS 'Refuses the deletion of a VMM that an instance names or that is alive.

Errors:
- VM102: the deletion of a VMM is final.
- VM104: a VMM that an instance names, or that is alive, is not deleted.';

CREATE OR REPLACE TRIGGER guard_deletion AFTER UPDATE OF time_deleted ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_vmm_deletion();
