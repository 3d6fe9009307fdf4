CREATE OR REPLACE FUNCTION vmstate.guard_updater() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- Accepts at once the commit of an update under a new fencing token, which no check below refuses.
  IF NEW.updater_generation > OLD.updater_generation AND NEW.updater_id IS NULL
      AND NEW.committed_updater_generation = NEW.updater_generation THEN
    RETURN NEW;
  END IF;
  IF coalesce(NEW.committed_updater_generation, 0) < coalesce(OLD.committed_updater_generation, 0) THEN
    PERFORM vmstate.raise_old_generation(format('the last commit of instance %s', OLD.id),
      OLD.committed_updater_generation, NEW.committed_updater_generation);
  END IF;
  IF NEW.committed_updater_generation IS NOT DISTINCT FROM OLD.committed_updater_generation
      AND (NEW.committed_updater_id, NEW.committed_plan_token)
        IS DISTINCT FROM (OLD.committed_updater_id, OLD.committed_plan_token) THEN
    PERFORM vmstate.raise_old_generation(format('the last commit of instance %s', OLD.id),
      OLD.committed_updater_generation, NEW.committed_updater_generation);
  END IF;
  IF NEW.updater_id IS NOT NULL AND NEW.committed_updater_generation IS DISTINCT FROM OLD.committed_updater_generation THEN
    PERFORM vmstate.raise_link_protected(
      format('the last commit of instance %s: a saga holds the updater lock', OLD.id),
      format('last commit %s', coalesce(OLD.committed_updater_generation::pg_catalog.text, 'none')),
      format('last commit %s', coalesce(NEW.committed_updater_generation::pg_catalog.text, 'none')),
      'commit_update and run_update record the commit and release the updater lock in one write.');
  END IF;
  IF NEW.updater_generation < OLD.updater_generation
      OR (NEW.updater_generation = OLD.updater_generation
        AND NEW.updater_id IS NOT NULL AND NEW.updater_id IS DISTINCT FROM OLD.updater_id) THEN
    PERFORM vmstate.raise_old_generation(format('the updater lock of instance %s', OLD.id), OLD.updater_generation, NEW.updater_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_updater FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_updater IS 'Refuses changes of the updater lock that break its fencing token.

Errors:
- VM101: the fencing token of the updater lock rises when another saga takes the lock, and never falls; nor does the fencing token of the last commit.
- VM104: a commit is recorded only by the write that releases the lock.';

CREATE OR REPLACE TRIGGER guard_updater BEFORE UPDATE OF
    updater_id, updater_generation, committed_updater_generation, committed_updater_id, committed_plan_token
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_updater();
