CREATE OR REPLACE FUNCTION vmstate.guard_insert() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_begins boolean;
BEGIN
  CASE TG_TABLE_NAME
    WHEN 'instance' THEN
      v_begins := NEW.state = 'creating' AND NEW.state_generation = 1
        AND num_nonnulls(NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id, NEW.time_last_auto_restarted,
          NEW.updater_id, NEW.updater_parent_id, NEW.released_updater_id, NEW.time_updater_released,
          NEW.committed_updater_generation, NEW.committed_updater_id, NEW.committed_plan_token, NEW.time_deleted) = 0
        AND NEW.auto_restart_attempts = 0;
    WHEN 'vmm' THEN
      v_begins := NEW.state = 'creating' AND NEW.state_generation = 1 AND NEW.time_unlinked IS NOT NULL
        AND num_nonnulls(NEW.time_started, NEW.time_reported, NEW.failure_reason, NEW.migration_id, NEW.time_deleted) = 0;
    WHEN 'migration' THEN
      v_begins := NEW.source_state = 'pending' AND NEW.source_generation = 1
        AND NEW.destination_state = 'pending' AND NEW.destination_generation = 1
        AND num_nonnulls(NEW.time_reported, NEW.time_deleted) = 0;
  END CASE;
  IF NOT v_begins THEN
    RAISE EXCEPTION USING
      ERRCODE = 'VM102',
      MESSAGE = format('a new row in vmstate.%I must be in its initial state', TG_TABLE_NAME),
      -- A text of any length may stand in the row.
      DETAIL = format('The attempted row is %s.', left(to_jsonb(NEW)::pg_catalog.text, 1500)),
      HINT = format('A new row has its first state, generation 1, no link, no updater lock and no time of deletion. Insert the row with %s.', TG_ARGV[0]);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_insert FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_insert IS 'Refuses new rows that are not in their initial state.

Errors:
- VM102: a row is inserted in its initial state, at generation 1, unlinked, held by no saga and not deleted.';

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('create_instance');

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('begin_start or begin_migration');

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('begin_migration');
