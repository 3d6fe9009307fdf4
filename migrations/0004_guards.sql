LOCK TABLE vmstate.instance, vmstate.vmm, vmstate.migration IN EXCLUSIVE MODE;

-- 0004_guards: what becomes of types and tables, and what is dropped; copies from sql/ follow.

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
  FOREACH v_column IN ARRAY TG_ARGV LOOP
    IF v_old -> v_column IS DISTINCT FROM v_new -> v_column THEN
      RAISE EXCEPTION USING
        ERRCODE = 'VM103',
        MESSAGE = format('vmstate.%I.%I cannot be changed', TG_TABLE_NAME, v_column),
        DETAIL = format('It is %s; %s was attempted.', v_old -> v_column, v_new -> v_column),
        HINT = 'It says which row this is. Create another row with begin_start, begin_migration or create_instance.';
    END IF;
  END LOOP;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_identity FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_identity IS 'VM103: the columns that say which row this is never change.';

CREATE OR REPLACE TRIGGER guard_identity BEFORE UPDATE OF id, project_id ON vmstate.instance
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('id', 'project_id');

-- after, as the other guards of vmm: a trigger before each row locks it first, which is written to the WAL. In capitals, since
-- triggers fire in the order of their names, and the foreign keys' would say less.
CREATE OR REPLACE TRIGGER "GUARD_identity" AFTER UPDATE OF id, instance_id, sled_id, saga_id, propolis_ip, propolis_port ON vmstate.vmm
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('id', 'instance_id', 'sled_id', 'saga_id', 'propolis_ip', 'propolis_port');

CREATE OR REPLACE TRIGGER guard_identity BEFORE UPDATE OF id, instance_id, saga_id, source_propolis_id, destination_propolis_id ON vmstate.migration
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('id', 'instance_id', 'saga_id', 'source_propolis_id', 'destination_propolis_id');
-- end of sql/guards/guard_identity.sql

-- copy of sql/guards/guard_insert.sql
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
          NEW.updater_id, NEW.committed_updater_generation, NEW.time_deleted) = 0;
    WHEN 'vmm' THEN
      v_begins := NEW.state = 'creating' AND NEW.state_generation = 1 AND NEW.time_unlinked IS NOT NULL
        AND num_nonnulls(NEW.time_started, NEW.failure_reason, NEW.time_deleted) = 0;
    WHEN 'migration' THEN
      v_begins := NEW.source_state = 'pending' AND NEW.source_generation = 1
        AND NEW.destination_state = 'pending' AND NEW.destination_generation = 1 AND NEW.time_deleted IS NULL;
  END CASE;
  IF NOT v_begins THEN
    RAISE EXCEPTION USING
      ERRCODE = 'VM102',
      MESSAGE = format('vmstate.%I rows begin at the beginning', TG_TABLE_NAME),
      DETAIL = format('Attempted: %s.', to_jsonb(NEW)),
      HINT = format('It must be as %s leaves it: first state, generation 1, linked to nothing, held by nobody, not deleted.', TG_ARGV[0]);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_insert FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_insert IS 'VM102: rows are inserted in their first state, at generation 1, unlinked and not deleted.';

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('create_instance');

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('begin_start or begin_migration');

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('begin_migration');
-- end of sql/guards/guard_insert.sql

-- copy of sql/guards/guard_instance_state.sql
CREATE OR REPLACE FUNCTION vmstate.guard_instance_state() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF NEW.state <> OLD.state AND (NEW.state = 'creating' OR OLD.state = 'destroyed') THEN
    PERFORM vmstate.reject_transition(format('instance %s', OLD.id), OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'A destroyed instance stays so, and none is created twice: use create_instance with another id.');
  ELSIF OLD.time_deleted <> NEW.time_deleted THEN
    PERFORM vmstate.reject_transition(format('instance %s', OLD.id), 'deleted', 'another time of deletion',
      'A destroyed instance stays as it is: use create_instance with another id.');
  ELSIF NEW.state_generation < OLD.state_generation
      OR (NEW.state_generation = OLD.state_generation
        AND (OLD.state, OLD.time_state_updated, OLD.active_propolis_id, OLD.destination_propolis_id, OLD.migration_id)
          IS DISTINCT FROM
          (NEW.state, NEW.time_state_updated, NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id)) THEN
    PERFORM vmstate.reject_generation(format('instance %s', OLD.id), OLD.state_generation, NEW.state_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_instance_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_instance_state IS 'VM101, VM102: a change of state or links raises the generation; nothing becomes creating again, and destroyed stays, with its time of deletion.';

CREATE OR REPLACE TRIGGER guard_state BEFORE UPDATE OF
    state, state_generation, time_state_updated, active_propolis_id, destination_propolis_id, migration_id, time_deleted
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_instance_state();
-- end of sql/guards/guard_instance_state.sql

-- copy of sql/guards/guard_instance_links.sql
CREATE OR REPLACE FUNCTION vmstate.guard_instance_links() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF (OLD.active_propolis_id, OLD.destination_propolis_id, OLD.migration_id)
      IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id) THEN
    RETURN NEW;
  END IF;
  -- the new ids too: they are judged below, and another session may be ending or deleting them
  PERFORM vmstate.lock_links(OLD.id,
    ARRAY[OLD.active_propolis_id, OLD.destination_propolis_id, NEW.active_propolis_id, NEW.destination_propolis_id],
    ARRAY[OLD.migration_id, NEW.migration_id]);
  IF vmstate.is_start(OLD, NEW) OR vmstate.is_migration(OLD, NEW) THEN
    RETURN NEW;
  END IF;
  IF EXISTS (SELECT FROM vmstate.instance_plan AS p
      WHERE p.instance_id = OLD.id
        AND (p.new_active_propolis_id, p.new_destination_propolis_id, p.new_migration_id)
          IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id)) THEN
    RETURN NEW;
  END IF;
  PERFORM vmstate.reject_needed(
    format('link of instance %s', OLD.id),
    format('active %s, destination %s, migration %s',
      coalesce(OLD.active_propolis_id::pg_catalog.text, 'none'),
      coalesce(OLD.destination_propolis_id::pg_catalog.text, 'none'),
      coalesce(OLD.migration_id::pg_catalog.text, 'none')),
    format('active %s, destination %s, migration %s',
      coalesce(NEW.active_propolis_id::pg_catalog.text, 'none'),
      coalesce(NEW.destination_propolis_id::pg_catalog.text, 'none'),
      coalesce(NEW.migration_id::pg_catalog.text, 'none')),
    'begin_start and begin_migration replace NULL or a saga_unwound VMM by a new one; run_update writes what explain_update answers. Nothing else changes a link.');
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_instance_links FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_instance_links IS 'VM104: links change only to the ids of the present update plan, or when a start or a migration replaces NULL or a saga_unwound VMM and leaves the other ids alone.';

CREATE OR REPLACE TRIGGER guard_links BEFORE UPDATE OF active_propolis_id, destination_propolis_id, migration_id
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_instance_links();
-- end of sql/guards/guard_instance_links.sql

-- copy of sql/guards/mark_links.sql
CREATE OR REPLACE FUNCTION vmstate.mark_links() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
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
COMMENT ON FUNCTION vmstate.mark_links IS 'Keeps vmm.time_unlinked true to the ids that instances name.';

CREATE OR REPLACE TRIGGER mark_links AFTER UPDATE OF active_propolis_id, destination_propolis_id
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.mark_links();
-- end of sql/guards/mark_links.sql

-- copy of sql/guards/guard_updater.sql
CREATE OR REPLACE FUNCTION vmstate.guard_updater() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF coalesce(NEW.committed_updater_generation, 0) < coalesce(OLD.committed_updater_generation, 0) THEN
    PERFORM vmstate.reject_generation(format('the last commit of instance %s', OLD.id),
      OLD.committed_updater_generation, NEW.committed_updater_generation);
  END IF;
  IF NEW.updater_id IS NOT NULL AND NEW.committed_updater_generation IS DISTINCT FROM OLD.committed_updater_generation THEN
    PERFORM vmstate.reject_needed(
      format('the updater lock of instance %s', OLD.id),
      format('last committed at %s', coalesce(OLD.committed_updater_generation::pg_catalog.text, 'no generation')),
      format('%s while the lock is held', NEW.committed_updater_generation),
      'commit_update and run_update record the commit and release the lock in one write.');
  END IF;
  IF NEW.updater_generation < OLD.updater_generation
      OR (NEW.updater_generation = OLD.updater_generation
        AND NEW.updater_id IS NOT NULL AND NEW.updater_id IS DISTINCT FROM OLD.updater_id) THEN
    PERFORM vmstate.reject_generation(format('the updater of instance %s', OLD.id), OLD.updater_generation, NEW.updater_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_updater FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_updater IS 'VM101, VM104: the fencing token of the updater lock rises when another saga takes the lock, and never falls, nor does that of the last commit, which is recorded only by the write that releases the lock.';

CREATE OR REPLACE TRIGGER guard_updater BEFORE UPDATE OF updater_id, updater_generation, committed_updater_generation
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_updater();
-- end of sql/guards/guard_updater.sql

-- copy of sql/guards/guard_vmm_state.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_state() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_row pg_catalog.text;
BEGIN
  -- what nothing below refuses; without functions, for a role that has rights on the table may have none on them
  IF NEW.state_generation > OLD.state_generation AND NEW.state NOT IN ('creating', 'saga_unwound')
      AND OLD.state NOT IN ('failed', 'destroyed', 'saga_unwound') AND (NEW.state = 'failed') = (NEW.failure_reason IS NOT NULL) THEN
    RETURN NULL;
  END IF;
  v_row := format('VMM %s', OLD.id);
  IF NEW.state <> OLD.state AND (NEW.state = 'creating' OR vmstate.is_absorbing(OLD.state))
      AND NOT (OLD.state IN ('failed', 'destroyed') AND NEW.state = 'saga_unwound' AND NEW.time_unlinked IS NULL) THEN
    PERFORM vmstate.reject_transition(v_row, OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'A dead VMM stays dead: start the instance again with begin_start. Only unwind_start and unwind_migration mark a linked one saga_unwound.');
  ELSIF NEW.state = 'saga_unwound' AND OLD.state <> 'saga_unwound' AND (
      vmstate.is_handed_over(OLD)
      OR EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = OLD.instance_id AND m.destination_propolis_id = OLD.id
          AND NOT (m.source_state = 'failed' AND m.destination_state = 'failed'))
    ) THEN
    PERFORM vmstate.reject_transition(v_row, OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'The guest of a migration may run there: unwind_migration fails both sides first, and unwind_start refuses a VMM that was handed over.');
  ELSIF NEW.state_generation < OLD.state_generation
      OR (NEW.state_generation = OLD.state_generation
        AND (OLD.state, OLD.time_state_updated, OLD.time_started, OLD.failure_reason)
          IS DISTINCT FROM (NEW.state, NEW.time_state_updated, NEW.time_started, NEW.failure_reason)
        AND NOT (NEW.state <> OLD.state AND vmstate.is_absorbing(NEW.state)
          AND NEW.state_generation = vmstate.next_generation(OLD.state_generation))) THEN
    PERFORM vmstate.reject_generation(v_row, OLD.state_generation, NEW.state_generation);
  ELSIF (NEW.state = 'failed') <> (NEW.failure_reason IS NOT NULL) THEN
    -- no constraint of the table, which would come before a dead VMM is refused as such
    RAISE EXCEPTION USING
      ERRCODE = 'check_violation',
      MESSAGE = format('%s cannot be %s with failure_reason %s', v_row, NEW.state, coalesce(NEW.failure_reason::pg_catalog.text, 'null')),
      HINT = 'A failed VMM has a failure_reason, and no other: fail_vmm writes both.',
      SCHEMA = 'vmstate', TABLE = 'vmm', CONSTRAINT = 'failure_reason_iff_failed';
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_state IS 'VM101, VM102: what a report changes raises the generation; nothing becomes creating, and a dead VMM stays dead, but failed or destroyed may become saga_unwound while linked; the destination of a migration becomes saga_unwound only after both sides failed, and a VMM whose guest was handed over never does. 23514: a VMM has a failure_reason if and only if it failed.';

-- the only condition outside of its function: health reports, which are almost all writes, do without the call. It is short,
-- for every statement copies the conditions of all triggers of its table, as text, and parses those it evaluates.
CREATE OR REPLACE TRIGGER guard_state AFTER UPDATE OF state, state_generation, time_state_updated, time_started, failure_reason
  ON vmstate.vmm
  FOR EACH ROW WHEN (
    NEW.state_generation <= OLD.state_generation
    OR NEW.state <> OLD.state
    OR NEW.failure_reason IS DISTINCT FROM OLD.failure_reason
  )
  EXECUTE FUNCTION vmstate.guard_vmm_state();
-- end of sql/guards/guard_vmm_state.sql

-- copy of sql/guards/guard_vmm_link.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_link() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_linked boolean;
BEGIN
  IF OLD.time_unlinked IS NOT DISTINCT FROM NEW.time_unlinked THEN
    RETURN NULL;
  END IF;
  v_linked := EXISTS (SELECT FROM vmstate.instance AS i
    WHERE i.id = NEW.instance_id AND NEW.id IN (i.active_propolis_id, i.destination_propolis_id));
  IF v_linked <> (NEW.time_unlinked IS NULL) OR num_nulls(OLD.time_unlinked, NEW.time_unlinked) <> 1 THEN
    PERFORM vmstate.reject_needed(
      format('time_unlinked of VMM %s', OLD.id),
      coalesce(OLD.time_unlinked::pg_catalog.text, 'null (linked)'),
      coalesce(NEW.time_unlinked::pg_catalog.text, 'null (linked)'),
      'It follows the instance''s ids by itself; they change by begin_start, begin_migration and run_update.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_link FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_link IS 'VM104: time_unlinked says whether an instance names the VMM, and since when none does.';

CREATE OR REPLACE TRIGGER guard_link AFTER UPDATE OF time_unlinked ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_vmm_link();
-- end of sql/guards/guard_vmm_link.sql

-- copy of sql/guards/guard_vmm_deletion.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_deletion() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.time_deleted IS NOT DISTINCT FROM NEW.time_deleted THEN
    RETURN NULL;
  ELSIF OLD.time_deleted IS NOT NULL THEN
    PERFORM vmstate.reject_transition(format('VMM %s', OLD.id), 'deleted', 'another time of deletion',
      'Start the instance again with begin_start.');
  ELSIF NEW.time_unlinked IS NULL OR NOT vmstate.is_absorbing(NEW.state) THEN
    PERFORM vmstate.reject_needed(
      format('VMM %s', OLD.id),
      format('%s, %s', NEW.state, CASE WHEN NEW.time_unlinked IS NULL THEN 'linked' ELSE 'not linked' END),
      'deletion',
      'run_update unlinks a dead VMM; fail_vmm declares one dead; delete_vmm then deletes it.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_deletion FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_deletion IS 'VM104: a VMM that an instance names, or that is alive, is not deleted. VM102: deletion is final.';

CREATE OR REPLACE TRIGGER guard_deletion AFTER UPDATE OF time_deleted ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_vmm_deletion();
-- end of sql/guards/guard_vmm_deletion.sql

-- copy of sql/guards/guard_migration_destination.sql
CREATE OR REPLACE FUNCTION vmstate.guard_migration_destination() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_actual pg_catalog.text;
BEGIN
  -- changes nothing, but fails whoever ends the VMM, or leads to it too, by a snapshot too old to see this migration
  UPDATE vmstate.vmm AS v SET time_created = v.time_created
    WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id;
  IF NOT vmstate.is_fresh(NEW.instance_id, NEW.destination_propolis_id) THEN
    SELECT format('%s, %s', v.state, CASE WHEN v.time_unlinked IS NULL THEN 'linked' ELSE 'not linked' END) INTO v_actual
      FROM vmstate.vmm AS v WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id;
  ELSE
    SELECT format('the destination of migration %s', m.id) INTO v_actual
      FROM vmstate.migration AS m
      WHERE m.instance_id = NEW.instance_id AND m.destination_propolis_id = NEW.destination_propolis_id AND m.id <> NEW.id;
  END IF;
  IF v_actual IS NOT NULL THEN
    PERFORM vmstate.reject_transition(format('VMM %s', NEW.destination_propolis_id), v_actual,
      format('the destination of migration %s', NEW.id), 'A migration leads to a new VMM: begin_migration inserts both.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_migration_destination FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_migration_destination IS 'VM102: a migration is inserted with a destination that is new: still creating, and no link and no other migration names it.';

-- after, when the foreign keys have said that there is such a VMM
CREATE OR REPLACE TRIGGER guard_destination AFTER INSERT ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_migration_destination();
-- end of sql/guards/guard_migration_destination.sql

-- copy of sql/guards/guard_migration_sides.sql
CREATE OR REPLACE FUNCTION vmstate.guard_migration_sides() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_row pg_catalog.text;
BEGIN
  IF (OLD.source_state, OLD.source_generation, OLD.time_source_updated,
      OLD.destination_state, OLD.destination_generation, OLD.time_destination_updated)
      IS NOT DISTINCT FROM
      (NEW.source_state, NEW.source_generation, NEW.time_source_updated,
        NEW.destination_state, NEW.destination_generation, NEW.time_destination_updated) THEN
    RETURN NEW;
  END IF;
  v_row := format('the source side of migration %s', OLD.id);
  IF vmstate.is_terminal(OLD.source_state) AND NEW.source_state <> OLD.source_state THEN
    PERFORM vmstate.reject_transition(v_row, OLD.source_state::pg_catalog.text, NEW.source_state::pg_catalog.text,
      'An ended side stays: begin_migration begins another migration.');
  ELSIF NEW.source_generation < OLD.source_generation
      OR (NEW.source_generation = OLD.source_generation
        AND (OLD.source_state, OLD.time_source_updated) IS DISTINCT FROM (NEW.source_state, NEW.time_source_updated)
        AND NOT (NEW.source_state <> OLD.source_state AND vmstate.is_terminal(NEW.source_state)
          AND NEW.source_generation = vmstate.next_generation(OLD.source_generation))) THEN
    PERFORM vmstate.reject_generation(v_row, OLD.source_generation, NEW.source_generation);
  END IF;

  v_row := format('the destination side of migration %s', OLD.id);
  IF vmstate.is_terminal(OLD.destination_state) AND NEW.destination_state <> OLD.destination_state THEN
    PERFORM vmstate.reject_transition(v_row, OLD.destination_state::pg_catalog.text, NEW.destination_state::pg_catalog.text,
      'An ended side stays: begin_migration begins another migration.');
  ELSIF NEW.destination_generation < OLD.destination_generation
      OR (NEW.destination_generation = OLD.destination_generation
        AND (OLD.destination_state, OLD.time_destination_updated)
          IS DISTINCT FROM (NEW.destination_state, NEW.time_destination_updated)
        AND NOT (NEW.destination_state <> OLD.destination_state AND vmstate.is_terminal(NEW.destination_state)
          AND NEW.destination_generation = vmstate.next_generation(OLD.destination_generation))) THEN
    PERFORM vmstate.reject_generation(v_row, OLD.destination_generation, NEW.destination_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_migration_sides FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_migration_sides IS 'VM101, VM102: a change of a side raises that side''s generation, and an ended side stays.';

CREATE OR REPLACE TRIGGER guard_sides BEFORE UPDATE OF
    source_state, source_generation, time_source_updated,
    destination_state, destination_generation, time_destination_updated
  ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_migration_sides();
-- end of sql/guards/guard_migration_sides.sql

-- copy of sql/guards/guard_migration_deletion.sql
CREATE OR REPLACE FUNCTION vmstate.guard_migration_deletion() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.time_deleted IS NOT DISTINCT FROM NEW.time_deleted THEN
    RETURN NEW;
  ELSIF OLD.time_deleted IS NOT NULL THEN
    PERFORM vmstate.reject_transition(format('migration %s', OLD.id), 'deleted', 'another time of deletion',
      'begin_migration begins another migration.');
  ELSIF EXISTS (SELECT FROM vmstate.instance AS i WHERE i.id = NEW.instance_id AND i.migration_id = NEW.id) THEN
    PERFORM vmstate.reject_needed(format('migration %s', OLD.id), 'linked', 'deletion',
      'run_update unlinks an ended migration; delete_vmm or delete_instance then deletes it.');
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_migration_deletion FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_migration_deletion IS 'VM104: a migration that its instance names is not deleted. VM102: deletion is final.';

CREATE OR REPLACE TRIGGER guard_deletion BEFORE UPDATE OF time_deleted ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_migration_deletion();
-- end of sql/guards/guard_migration_deletion.sql

-- copy of sql/guards/guard_delete.sql
CREATE OR REPLACE FUNCTION vmstate.guard_delete() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.time_deleted IS NULL THEN
    PERFORM vmstate.reject_needed(
      format('%s %s', TG_TABLE_NAME, OLD.id), 'not deleted', 'DELETE',
      'delete_instance and delete_vmm mark rows as deleted; only such rows can be purged.');
  END IF;
  RETURN OLD;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_delete FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_delete IS 'VM104: only rows that are marked as deleted can be purged.';

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete();

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete();

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete();
-- end of sql/guards/guard_delete.sql

-- copy of sql/control_plane/begin_migration.sql
CREATE OR REPLACE FUNCTION vmstate.begin_migration(
  p_instance_id uuid,
  p_saga_id uuid,
  p_migration_id uuid,
  p_source_propolis_id uuid,
  p_destination_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer DEFAULT 12400,
  p_expected_generation bigint DEFAULT NULL
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_active vmstate.vmm;
  v_destination_state vmstate.vmm_state;
  v_reason pg_catalog.text;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_migration_id, p_source_propolis_id, p_destination_propolis_id,
      p_sled_id, p_propolis_ip) > 0 THEN
    PERFORM vmstate.reject_nulls('begin_migration', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_migration_id', p_migration_id,
      'p_source_propolis_id', p_source_propolis_id, 'p_destination_propolis_id', p_destination_propolis_id,
      'p_sled_id', p_sled_id, 'p_propolis_ip', p_propolis_ip));
  END IF;
  PERFORM vmstate.require_port('begin_migration', p_propolis_port);

  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  END IF;
  CASE vmstate.replayed_begin(p_instance_id, p_saga_id, p_destination_propolis_id, p_migration_id, p_source_propolis_id)
    WHEN 'gone' THEN RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
    WHEN 'unchanged' THEN RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
    ELSE NULL;
  END CASE;

  PERFORM vmstate.lock_links(p_instance_id,
    ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id], ARRAY[v_instance.migration_id]);
  SELECT v.* INTO v_active FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  SELECT v.state INTO v_destination_state FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.destination_propolis_id;
  v_reason := CASE
    WHEN (v_active.state IN ('running', 'rebooting')) IS NOT TRUE THEN 'not_running'
    WHEN v_active.id <> p_source_propolis_id THEN 'wrong_source'
    WHEN v_destination_state <> 'saga_unwound' THEN 'migration_in_progress'
    WHEN v_active.sled_id = p_sled_id THEN 'same_sled'
    WHEN v_instance.state_generation <> p_expected_generation THEN 'stale_generation'
  END;
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_instance_result('conflict', v_reason, p_instance_id);
  END IF;

  v_now := clock_timestamp();
  v_reason := vmstate.insert_migration(p_instance_id, p_saga_id, p_migration_id, p_source_propolis_id,
    p_destination_propolis_id, p_sled_id, p_propolis_ip, p_propolis_port, v_now);
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_instance_result('conflict', v_reason, p_instance_id);
  END IF;

  -- changes nothing, but fails an unwind_start of the source whose snapshot is too old to see the migration
  UPDATE vmstate.vmm AS v SET time_created = v.time_created WHERE v.instance_id = p_instance_id AND v.id = p_source_propolis_id;
  UPDATE vmstate.instance AS i
    SET state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      destination_propolis_id = p_destination_propolis_id,
      migration_id = p_migration_id
    WHERE i.id = p_instance_id;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_migration IS 'First step of a migrate saga: inserts the destination VMM (creating) and the migration (both sides pending) and links both, replacing NULL or a saga_unwound destination in the same write. p_propolis_port NULL means 12400, p_expected_generation NULL means no check. The same saga, migration, source and destination make a replay. conflict: not_running (the active VMM is not running or rebooting), wrong_source (another VMM is active), migration_in_progress, same_sled, stale_generation, propolis_id_taken (also a replay after the saga''s own unwind), migration_id_taken.';
-- end of sql/control_plane/begin_migration.sql

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (4, '0004_guards', false);
