CREATE OR REPLACE FUNCTION vmstate.guard_vmm_link() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.time_unlinked IS NOT DISTINCT FROM NEW.time_unlinked THEN
    RETURN NULL;
  END IF;
  PERFORM FROM vmstate.instance AS i
    WHERE i.id = NEW.instance_id AND NEW.id IN (i.active_propolis_id, i.destination_propolis_id);
  IF FOUND <> (NEW.time_unlinked IS NULL) OR FOUND = (OLD.time_unlinked IS NULL) THEN
    PERFORM vmstate.raise_link_protected(
      format('time_unlinked of VMM %s: the value contradicts the links of the instance', OLD.id),
      coalesce(OLD.time_unlinked::pg_catalog.text, 'null (linked)'),
      coalesce(NEW.time_unlinked::pg_catalog.text, 'null (linked)'),
      'Trigger mark_links writes time_unlinked when begin_start, begin_migration or run_update changes the links of the instance.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_link FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_link IS 'Refuses a time_unlinked that contradicts the links of the instances.

Errors:
- VM104: time_unlinked is NULL while an instance names the VMM, and else says since when no instance does.';

CREATE OR REPLACE TRIGGER guard_link AFTER UPDATE OF time_unlinked ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_vmm_link();
