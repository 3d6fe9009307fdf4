CREATE OR REPLACE FUNCTION vmstate.guard_history() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF TG_OP = 'DELETE' AND extract(epoch FROM OLD.time) * 1000000 <= (SELECT d.last_value FROM vmstate.history_dropped_time AS d) THEN
    RETURN OLD;
  END IF;
  PERFORM vmstate.raise_link_protected('vmstate.history: what happened stays recorded', 'a recorded change', TG_OP,
    'vmstate.maintain_history removes what is older than its p_keep. Nothing else removes or changes a row.');
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_history FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_history IS 'Refuses to change or remove a recorded change.

Lets through a DELETE of what maintain_history has given up before: see vmstate.history_extent.

Errors:
- VM104: a row of the history is never changed, and none within its extent is removed.';

CREATE OR REPLACE TRIGGER guard_history BEFORE UPDATE OR DELETE ON vmstate.history
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_history();

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.history
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_history();

-- PostgreSQL gives each partition the trigger for rows, but not the one for statements.
CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.history_default
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_history();
