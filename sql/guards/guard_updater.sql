CREATE FUNCTION vmstate.guard_updater() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF coalesce(NEW.committed_updater_generation, 0) < coalesce(OLD.committed_updater_generation, 0) THEN
    PERFORM vmstate.reject_generation(format('the last commit of instance %s', OLD.id),
      OLD.committed_updater_generation, NEW.committed_updater_generation);
  END IF;
  PERFORM vmstate.reject_generation(format('the updater of instance %s', OLD.id), OLD.updater_generation, NEW.updater_generation);
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_updater FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_updater IS 'VM101: the fencing token of the updater lock rises when another saga takes the lock, and never falls, nor does that of the last commit.';

CREATE TRIGGER guard_updater BEFORE UPDATE OF updater_id, updater_generation, committed_updater_generation
  ON vmstate.instance
  FOR EACH ROW WHEN (
    NEW.updater_generation < OLD.updater_generation
    OR (NEW.updater_generation = OLD.updater_generation
      AND NEW.updater_id IS NOT NULL AND NEW.updater_id IS DISTINCT FROM OLD.updater_id)
    OR coalesce(NEW.committed_updater_generation, 0) < coalesce(OLD.committed_updater_generation, 0)
  )
  EXECUTE FUNCTION vmstate.guard_updater();
