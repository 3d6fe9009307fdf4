CREATE OR REPLACE FUNCTION vmstate.mark_links() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  -- The commonest change alone, in a statement with few expressions: PostgreSQL prepares them anew at each execution.
  IF num_nonnulls(NEW.active_propolis_id, OLD.destination_propolis_id, NEW.destination_propolis_id) = 0 THEN
    UPDATE vmstate.vmm AS v SET time_unlinked = v_now
      WHERE v.instance_id = NEW.id AND v.id = OLD.active_propolis_id AND v.time_unlinked IS NULL;
    RETURN NULL;
  END IF;
  IF (OLD.active_propolis_id, OLD.destination_propolis_id)
      IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id) THEN
    RETURN NULL;
  END IF;
  UPDATE vmstate.vmm AS v
    SET time_unlinked = CASE WHEN v.id IN (NEW.active_propolis_id, NEW.destination_propolis_id) THEN NULL ELSE v_now END
    WHERE v.instance_id = NEW.id
      AND v.id IN (OLD.active_propolis_id, OLD.destination_propolis_id, NEW.active_propolis_id, NEW.destination_propolis_id)
      AND (v.time_unlinked IS NULL) <> coalesce(v.id IN (NEW.active_propolis_id, NEW.destination_propolis_id), false);
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.mark_links FROM PUBLIC;
COMMENT ON FUNCTION vmstate.mark_links IS 'Keeps vmm.time_unlinked equal to what the links of the instances say.';

CREATE OR REPLACE TRIGGER mark_links AFTER UPDATE OF active_propolis_id, destination_propolis_id
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.mark_links();
