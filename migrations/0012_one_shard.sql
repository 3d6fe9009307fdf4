-- 0012_one_shard: what keeps an instance verb on one partition, or on one shard of a distributed PostgreSQL.
-- Why: a partition or shard has a name and a row type of its own, and a distributed PostgreSQL ships a statement that reads a
-- table to where the rows are. So guards get the name of their table as an argument and give functions a row of the table's own
-- type, a statement that reads a table calls no function that reads one, and no statement that writes calls a function that is
-- not immutable. What the verbs and guards answer stays.
-- Objects: the functions and triggers copied below.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads go on).
-- Breaking: no. ENABLE ALWAYS on a guard is reset; set it again.
-- With psql, in one transaction that ends at the first error: psql -1 -v ON_ERROR_STOP=1 -f 0012_one_shard.sql

-- Names resolve in pg_catalog, whatever the session's search_path is (CVE-2018-1058); the end of the file sets it back.
DO $$
BEGIN
  PERFORM pg_catalog.set_config('vmstate.search_path', pg_catalog.current_setting('search_path'), false);
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
END;
$$;
-- Without a transaction block, the setting ended with the statement: then it is the session's until the end of the file.
DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)
    WHERE pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) 'pg_catalog, pg_temp';
END;
$$;

LOCK TABLE vmstate.instance, vmstate.vmm, vmstate.migration IN EXCLUSIVE MODE;

-- copy of sql/guards/links_change_as_migration.sql
CREATE OR REPLACE FUNCTION vmstate.links_change_as_migration(p_old vmstate.instance, p_new vmstate.instance) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF p_old.active_propolis_id IS DISTINCT FROM p_new.active_propolis_id
      OR p_old.destination_propolis_id IS NOT DISTINCT FROM p_new.destination_propolis_id THEN
    RETURN false;
  END IF;
  IF NOT vmstate.is_replaceable(p_old.id, p_old.destination_propolis_id)
      OR NOT vmstate.is_new_vmm(p_new.id, p_new.destination_propolis_id) THEN
    RETURN false;
  END IF;
  RETURN EXISTS (SELECT FROM vmstate.migration AS m
      JOIN vmstate.vmm AS s ON s.instance_id = m.instance_id AND s.id = m.source_propolis_id
      JOIN vmstate.vmm AS d ON d.instance_id = m.instance_id AND d.id = m.destination_propolis_id
      WHERE m.instance_id = p_new.id AND m.id = p_new.migration_id AND m.time_deleted IS NULL
        AND m.source_state = 'pending' AND m.destination_state = 'pending' AND s.state IN ('running', 'rebooting')
        AND s.id = p_new.active_propolis_id AND d.id = p_new.destination_propolis_id AND s.sled_id <> d.sled_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.links_change_as_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.links_change_as_migration IS 'Tells whether a change of links is that of a migration.

The destination VMM, NULL or saga_unwound, is replaced by a new one, together with the migration that leads to the new VMM from the active VMM, which is on another sled.';
-- end of sql/guards/links_change_as_migration.sql

-- copy of sql/guards/guard_identity.sql
CREATE OR REPLACE FUNCTION vmstate.guard_identity() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_old pg_catalog.jsonb := to_jsonb(OLD);
  v_new pg_catalog.jsonb := to_jsonb(NEW);
  v_column pg_catalog.text;
BEGIN
  FOREACH v_column IN ARRAY TG_ARGV[1:] LOOP
    IF v_old -> v_column IS DISTINCT FROM v_new -> v_column THEN
      RAISE EXCEPTION USING
        ERRCODE = 'VM103',
        MESSAGE = format('vmstate.%I.%I cannot be changed', TG_ARGV[0], v_column),
        DETAIL = format('%s is %s; the attempted value is %s.', v_column, v_old -> v_column, v_new -> v_column),
        HINT = 'This column identifies the row and is immutable. Create a new row with begin_start, begin_migration or create_instance.';
    END IF;
  END LOOP;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_identity FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_identity IS 'Refuses changes of the columns that identify a row.

Errors:
- VM103: the columns that identify a row never change.';

CREATE OR REPLACE TRIGGER guard_identity BEFORE UPDATE OF id, project_id ON vmstate.instance
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('instance', 'id', 'project_id');

-- AFTER, like the other guards of vmm: PostgreSQL locks a row for a BEFORE trigger, and writes that lock to the WAL. The name
-- has capitals because triggers fire in the order of their names: the triggers of the foreign keys come later, as their errors
-- say less.
CREATE OR REPLACE TRIGGER "GUARD_identity" AFTER UPDATE OF id, instance_id, sled_id, saga_id, propolis_ip, propolis_port ON vmstate.vmm
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('vmm', 'id', 'instance_id', 'sled_id', 'saga_id', 'propolis_ip', 'propolis_port');

CREATE OR REPLACE TRIGGER guard_identity BEFORE UPDATE OF id, instance_id, saga_id, source_propolis_id, destination_propolis_id ON vmstate.migration
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('migration', 'id', 'instance_id', 'saga_id', 'source_propolis_id', 'destination_propolis_id');
-- end of sql/guards/guard_identity.sql

-- copy of sql/guards/guard_insert.sql
CREATE OR REPLACE FUNCTION vmstate.guard_insert() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_begins boolean;
BEGIN
  -- Not TG_TABLE_NAME: a partition, or a shard, has a name of its own.
  CASE TG_ARGV[0]
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
      MESSAGE = format('a new row in vmstate.%I must be in its initial state', TG_ARGV[0]),
      -- A text of any length may stand in the row.
      DETAIL = format('The attempted row is %s.', left(to_jsonb(NEW)::pg_catalog.text, 1500)),
      HINT = format('A new row has its first state, generation 1, no link, no updater lock and no time of deletion. Insert the row with %s.', TG_ARGV[1]);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_insert FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_insert IS 'Refuses new rows that are not in their initial state.

Errors:
- VM102: a row is inserted in its initial state, at generation 1, unlinked, held by no saga and not deleted.';

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('instance', 'create_instance');

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('vmm', 'begin_start or begin_migration');

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('migration', 'begin_migration');
-- end of sql/guards/guard_insert.sql

-- copy of sql/guards/guard_instance_links.sql
CREATE OR REPLACE FUNCTION vmstate.guard_instance_links() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  -- OLD and NEW have the row type of their partition or shard.
  v_old vmstate.instance := OLD;
  v_new vmstate.instance := NEW;
BEGIN
  IF (OLD.active_propolis_id, OLD.destination_propolis_id, OLD.migration_id)
      IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id) THEN
    RETURN NEW;
  END IF;
  -- Locks the rows of the new ids, too: the checks below read them, and another session may be ending or deleting them.
  PERFORM vmstate.lock_links(OLD.id,
    ARRAY[OLD.active_propolis_id, OLD.destination_propolis_id, NEW.active_propolis_id, NEW.destination_propolis_id],
    ARRAY[OLD.migration_id, NEW.migration_id]);
  IF vmstate.links_change_as_start(v_old, v_new) OR vmstate.links_change_as_migration(v_old, v_new) THEN
    RETURN NEW;
  END IF;
  IF EXISTS (SELECT FROM vmstate.instance_plan AS p
      WHERE p.instance_id = OLD.id
        AND (p.new_active_propolis_id, p.new_destination_propolis_id, p.new_migration_id)
          IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id)) THEN
    RETURN NEW;
  END IF;
  PERFORM vmstate.raise_link_protected(
    format('the links of instance %s: the current update plan does not allow it', OLD.id),
    format('active %s, destination %s, migration %s',
      coalesce(OLD.active_propolis_id::pg_catalog.text, 'none'),
      coalesce(OLD.destination_propolis_id::pg_catalog.text, 'none'),
      coalesce(OLD.migration_id::pg_catalog.text, 'none')),
    format('active %s, destination %s, migration %s',
      coalesce(NEW.active_propolis_id::pg_catalog.text, 'none'),
      coalesce(NEW.destination_propolis_id::pg_catalog.text, 'none'),
      coalesce(NEW.migration_id::pg_catalog.text, 'none')),
    'begin_start and begin_migration replace NULL or a saga_unwound VMM by a new VMM; run_update writes the plan that explain_update shows. Nothing else changes a link.');
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_instance_links FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_instance_links IS 'Refuses changes of the links of an instance that no rule allows.

Errors:
- VM104: links change only to the ids of the current update plan, or when a start or a migration replaces NULL or a saga_unwound VMM and leaves the other ids alone.';

CREATE OR REPLACE TRIGGER guard_links BEFORE UPDATE OF active_propolis_id, destination_propolis_id, migration_id
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_instance_links();
-- end of sql/guards/guard_instance_links.sql

-- copy of sql/guards/guard_vmm_state.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_state() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_row pg_catalog.text;
  v_old vmstate.vmm;
  v_may_run boolean := false;
BEGIN
  -- Accepts at once what no check below refuses. Calls no function, because a role that was granted UPDATE on the table may
  -- have no right to call the functions of this schema.
  IF NEW.state_generation > OLD.state_generation AND NEW.state NOT IN ('creating', 'saga_unwound')
      AND OLD.state NOT IN ('failed', 'destroyed', 'saga_unwound') AND (NEW.state = 'failed') = (NEW.failure_reason IS NOT NULL) THEN
    RETURN NULL;
  END IF;
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
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_state IS 'Refuses changes of a VMM that are backward or raise no generation.

Errors:
- 23514: a VMM has a failure_reason if and only if its state is failed.
- VM101: what a report changes raises the generation, which never falls.
- VM102: no VMM becomes creating again, and a dead VMM stays dead, but failed or destroyed may become saga_unwound while linked; the destination of a migration becomes saga_unwound only after both sides failed, and a VMM whose guest was handed over never does.';

-- The one trigger with a WHEN condition: health reports, which are almost all writes, do without the call. The condition is
-- short, because every statement copies the conditions of all triggers of its table as text, and parses those it evaluates.
CREATE OR REPLACE TRIGGER guard_state AFTER UPDATE OF state, state_generation, time_state_updated, time_started, failure_reason
  ON vmstate.vmm
  FOR EACH ROW WHEN (
    NEW.state_generation <= OLD.state_generation
    OR NEW.state <> OLD.state
    OR NEW.failure_reason IS DISTINCT FROM OLD.failure_reason
  )
  EXECUTE FUNCTION vmstate.guard_vmm_state();
-- end of sql/guards/guard_vmm_state.sql

-- copy of sql/guards/guard_delete.sql
CREATE OR REPLACE FUNCTION vmstate.guard_delete() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.time_deleted IS NULL THEN
    PERFORM vmstate.raise_link_protected(
      format('%s %s: the row is not marked as deleted', TG_ARGV[0], OLD.id), 'not deleted', 'DELETE',
      'delete_instance and delete_vmm mark rows as deleted, and purge then removes such rows.');
  END IF;
  RETURN OLD;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_delete FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_delete IS 'Refuses the DELETE of a row that is not marked as deleted.

Errors:
- VM104: only rows that are marked as deleted can be purged.';

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete('instance');

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete('vmm');

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete('migration');
-- end of sql/guards/guard_delete.sql

-- copy of sql/guards/guard_truncate.sql
CREATE OR REPLACE FUNCTION vmstate.guard_truncate() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.raise_link_protected(format('table vmstate.%I: no row is removed unless it is marked as deleted', TG_ARGV[0]), 'a table in use', 'TRUNCATE',
    'delete_instance and delete_vmm mark rows as deleted, and purge then removes such rows.');
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_truncate FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_truncate IS 'Refuses TRUNCATE.

Errors:
- VM104: no table is emptied without the verbs.';

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.instance
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate('instance');

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.vmm
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate('vmm');

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.migration
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate('migration');
-- end of sql/guards/guard_truncate.sql

-- copy of sql/verbs/control_plane/delete_instance.sql
CREATE OR REPLACE FUNCTION vmstate.delete_instance(p_instance_id uuid) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
  v_migration_ids pg_catalog.uuid[];
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('delete_instance', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  END IF;
  SELECT array_agg(m.id) INTO v_migration_ids FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.time_deleted IS NULL;
  PERFORM vmstate.lock_links(p_instance_id, ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id], v_migration_ids);
  v_plan := vmstate.lock_and_read_plan(v_instance);
  IF v_instance.state = 'vmm' AND v_plan.active_state <> 'saga_unwound' THEN
    RETURN vmstate.to_instance_result('conflict', 'not_stopped', p_instance_id);
  END IF;

  IF v_plan.needed THEN
    v_plan.updater_id := NULL;
    PERFORM vmstate.apply_plan(v_plan, v_instance.updater_generation + 1);
  END IF;
  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET state = 'destroyed',
      state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      intended_state = 'destroyed',
      updater_id = NULL,
      updater_lease_until = NULL,
      updater_parent_id = NULL,
      time_modified = v_now,
      time_deleted = v_now
    WHERE i.id = p_instance_id;
  PERFORM vmstate.delete_migrations(p_instance_id, NULL);
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_instance IS 'Soft-deletes an instance that shows creating, stopped or failed.

The migrations of the instance are soft-deleted, too, and a saga_unwound active VMM is unlinked on the way. Allowed under an updater lock: the update saga that holds the lock then gets gone.

Outcomes:
- applied: the instance was deleted.
- unchanged: the instance was deleted before.
- conflict/not_stopped: the instance has an active VMM that is not saga_unwound.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null.';
-- end of sql/verbs/control_plane/delete_instance.sql

-- copy of sql/verbs/sled_agent/report_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.report_vmm(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_state vmstate.reported_vmm_state,
  p_generation bigint,
  p_time timestamptz,
  p_migration_in_id uuid DEFAULT NULL,
  p_migration_in_state vmstate.migration_state DEFAULT NULL,
  p_migration_in_generation bigint DEFAULT NULL,
  p_migration_in_time timestamptz DEFAULT NULL,
  p_migration_out_id uuid DEFAULT NULL,
  p_migration_out_state vmstate.migration_state DEFAULT NULL,
  p_migration_out_generation bigint DEFAULT NULL,
  p_migration_out_time timestamptz DEFAULT NULL
) RETURNS vmstate.report_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_sleds pg_catalog.uuid[] := vmstate.reportable_sleds();
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_state vmstate.vmm_state := vmstate.from_report(p_state);
  v_runs boolean := vmstate.counts_as_running(p_state, false);
  v_runs_as_destination boolean := vmstate.counts_as_running(p_state, true);
  v_report vmstate.vmm_report;
  v_result vmstate.report_result;
  v_sides vmstate.report_result;
BEGIN
  IF num_nonnulls(p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time) > 0 THEN
    v_report := ROW(p_instance_id, p_propolis_id, p_state, p_generation, p_time,
      p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time);
    PERFORM vmstate.require_report('report_vmm', v_report);
  END IF;

  LOOP
    UPDATE vmstate.vmm AS v
      SET state = v_state,
        state_generation = p_generation,
        time_state_updated = p_time,
        time_reported = v_now,
        time_started = CASE WHEN (v.migration_id IS NULL AND v_runs) OR v_runs_as_destination
          THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
        failure_reason = CASE WHEN p_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
      WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
        -- The generation check: what vmm_report_outcome calls applied, spelled out in the statement that writes.
        AND v.state_generation < p_generation AND NOT vmstate.is_absorbing(v.state) AND v.time_deleted IS NULL
        AND (v_sleds IS NULL OR v.sled_id = ANY (v_sleds))
        AND p_state IS NOT NULL AND vmstate.is_point_in_time(p_time) AND p_generation <= 9007199254740991
      RETURNING 'applied'::vmstate.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        v.time_unlinked IS NULL AND vmstate.is_absorbing(v.state), v.state, v.state_generation::bigint
      INTO v_result;
    EXIT WHEN FOUND;
    v_result := vmstate.explain_refused_report(p_instance_id, p_propolis_id, p_state, p_generation, p_time, v_sleds);
    -- The outcome applied means that the VMM was inserted after the UPDATE: try again.
    EXIT WHEN v_result.vmm_outcome <> 'applied';
  END LOOP;

  IF num_nonnulls(p_migration_in_id, p_migration_out_id) > 0 THEN
    PERFORM vmstate.lock_reported_migrations(p_instance_id, p_propolis_id, ARRAY[p_migration_in_id, p_migration_out_id]);
    v_sides := vmstate.apply_migration_parts('report_vmm', v_report, v_sleds);
    v_result.migration_in_outcome := v_sides.migration_in_outcome;
    v_result.migration_out_outcome := v_sides.migration_out_outcome;
    v_result.update_needed := v_result.update_needed OR v_sides.update_needed;
  END IF;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_vmm IS 'Records what a sled agent reports of one VMM and of its migrations.

A report has a VMM part, and may have a part on a migration into the VMM (migration_in) and a part on a migration out of the VMM (migration_out); the four arguments of a migration part are given together. Each part is judged by its own generation (1 to 2^53-1) and has its own outcome; a migration part that is refused never discards the VMM part. vmm_outcome is never wrong_side; the outcome of a migration part that was not given is null. p_time, p_migration_in_time and p_migration_out_time say when the sled saw the state, within the years 1970 to 9999. update_needed is true if this very report made a linked VMM, or a side of the linked migration, terminal: then run the update saga. A role that may call fail_vmm reports for every sled; any other role reports for the sled that bind_sled_agent bound the role to.

Outcomes:
- applied: the part was written.
- stale: the generation of the part is not newer than the recorded one.
- terminal: the VMM is dead, whatever the generation, or the side of the migration has ended.
- wrong_side: the VMM is not that side of the migration.
- gone: the VMM or the migration was deleted.
- not_found: the instance has no such VMM or no such migration.
Errors:
- VM001: an argument without a default is null, a generation is not 1 to 2^53-1, a time is not within the years 1970 to 9999, some but not all arguments of a migration part are given, or both migration parts name one migration.
- 42501: the VMM is on another sled than the one the caller is bound to, or the caller is bound to none.';
-- end of sql/verbs/sled_agent/report_vmm.sql

-- copy of sql/verbs/update_saga/begin_update.sql
CREATE OR REPLACE FUNCTION vmstate.begin_update(p_instance_id uuid, p_saga_id uuid, p_lease interval) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
  v_is_holder boolean;
  v_now pg_catalog.timestamptz;
  v_until pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_lease) > 0 THEN
    PERFORM vmstate.raise_null_argument('begin_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_lease', p_lease));
  END IF;
  PERFORM vmstate.require_lease('begin_update', p_lease);
  v_instance := vmstate.lock_instance(p_instance_id);
  v_plan := vmstate.read_plan(p_instance_id);
  v_now := clock_timestamp();
  v_until := v_now + p_lease;
  v_is_holder := v_instance.updater_id IS NOT DISTINCT FROM p_saga_id;
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_update_result('not_found', NULL, NULL);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_update_result('gone', NULL, v_plan);
  ELSIF NOT v_is_holder AND v_instance.updater_lease_until > v_now THEN
    RETURN vmstate.to_update_result('conflict', 'locked', v_plan);
  END IF;

  IF NOT v_plan.needed THEN
    IF v_is_holder THEN
      PERFORM vmstate.release_updater(p_instance_id);
      v_plan.updater_id := NULL;
      v_plan.updater_lease_until := NULL;
    END IF;
    RETURN vmstate.to_update_result('unchanged', NULL, v_plan);
  END IF;

  UPDATE vmstate.instance AS i
    SET updater_id = p_saga_id,
      updater_generation = CASE WHEN v_is_holder THEN i.updater_generation ELSE i.updater_generation + 1 END,
      updater_parent_id = CASE WHEN v_is_holder THEN i.updater_parent_id END,
      updater_lease_until = CASE WHEN v_is_holder THEN greatest(i.updater_lease_until, v_until) ELSE v_until END
    WHERE i.id = p_instance_id
    RETURNING i.updater_id, i.updater_generation, i.updater_lease_until
      INTO v_plan.updater_id, v_plan.updater_generation, v_plan.updater_lease_until;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_update IS 'Takes the updater lock of an instance and answers the update plan.

First step of an update saga. The lock is a lease of p_lease (more than 0, at most 1 day); an expired lease may be taken over by another saga. updater_generation is the fencing token that commit_update, inherit_update and unlock_update ask for. The saga that holds the lock may call again and gets applied, with the same updater_generation and a lease that never gets shorter.

Outcomes:
- applied: the saga holds the lock, and the plan is to be carried out.
- unchanged: there is nothing to update, and the saga holds no lock.
- conflict/locked: another saga holds an unexpired lease.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null, or p_lease is not more than 0 and at most 1 day.';
-- end of sql/verbs/update_saga/begin_update.sql

-- copy of sql/verbs/update_saga/inherit_update.sql
CREATE OR REPLACE FUNCTION vmstate.inherit_update(
  p_instance_id uuid,
  p_parent_saga_id uuid,
  p_updater_generation bigint,
  p_saga_id uuid,
  p_lease interval
) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
  v_now pg_catalog.timestamptz;
  v_until pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_parent_saga_id, p_updater_generation, p_saga_id, p_lease) > 0 THEN
    PERFORM vmstate.raise_null_argument('inherit_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_parent_saga_id', p_parent_saga_id,
      'p_updater_generation', p_updater_generation, 'p_saga_id', p_saga_id, 'p_lease', p_lease));
  END IF;
  PERFORM vmstate.require_lease('inherit_update', p_lease);
  v_instance := vmstate.lock_instance(p_instance_id);
  v_plan := vmstate.read_plan(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_update_result('not_found', NULL, NULL);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_update_result('gone', NULL, v_plan);
  ELSIF v_instance.updater_id = p_saga_id AND v_instance.updater_parent_id = p_parent_saga_id
      AND v_instance.updater_generation - 1 = p_updater_generation THEN
    RETURN vmstate.to_update_result('unchanged', NULL, v_plan);
  ELSIF NOT vmstate.holds_updater_lock(v_instance, p_parent_saga_id, p_updater_generation) THEN
    RETURN vmstate.to_update_result('conflict', 'lock_lost', v_plan);
  END IF;

  v_now := clock_timestamp();
  v_until := v_now + p_lease;
  UPDATE vmstate.instance AS i
    SET updater_id = p_saga_id,
      updater_parent_id = p_parent_saga_id,
      updater_generation = i.updater_generation + 1,
      updater_lease_until = greatest(i.updater_lease_until, v_until)
    WHERE i.id = p_instance_id
    RETURNING i.updater_id, i.updater_generation, i.updater_lease_until
      INTO v_plan.updater_id, v_plan.updater_generation, v_plan.updater_lease_until;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.inherit_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.inherit_update IS 'Hands the updater lock of a parent saga over to a child saga.

p_updater_generation proves that the parent holds the lock; the answer has a new updater_generation for the child, and the plan. The lock is kept even when there is nothing to update any more. The lease (p_lease: more than 0, at most 1 day) never gets shorter.

Outcomes:
- applied: p_saga_id holds the lock.
- unchanged: this parent handed the lock to this saga before.
- conflict/lock_lost: p_parent_saga_id does not hold the lock that p_updater_generation names.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null, or p_lease is not more than 0 and at most 1 day.';
-- end of sql/verbs/update_saga/inherit_update.sql

DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('vmstate.search_path'), true);
END;
$$;
DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('vmstate.search_path'), false)
    WHERE pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) pg_catalog.current_setting('vmstate.search_path');
END;
$$;

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (12, '0012_one_shard', false);
