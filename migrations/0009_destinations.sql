-- 0009_destinations: a VMM keeps which migration it was made for, and a batch of reports locks its VMMs in one statement.
-- Why: (1) Whether a guest arrived in its VMM by a migration was read from the row of the migration, so vmstate.purge had to
-- keep that row for as long as the VMM lived and passed over it in every call. vmm.migration_id says it by itself. (2) A batch
-- of reports with migration parts locked its VMMs, then its migrations, then a VMM inserted meanwhile: a deadlock with
-- run_update was possible. (3) An update deletes the migration that it unlinks when delete_vmm left that to it.
-- How: migration_id of the destinations of present migrations is filled in here. lock_batch, apply_reports and
-- apply_reports_with_repeats stay until 0010_drop_batch_functions: a batch that waits for the lock of this file still calls them.
-- Objects: column vmm.migration_id and trigger guard_migration on vmm; the functions, triggers and views copied below.
-- Locks: instance, vmm and migration (ACCESS EXCLUSIVE), for as long as it takes to read migration once and to write each VMM
-- that is a destination; the views (ACCESS EXCLUSIVE).
-- Breaking: no. ENABLE ALWAYS on a guard is reset; set it again.

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

-- No verb is under way now. Views are locked before the tables, outer ones first, as whoever reads them does: a reader that
-- holds a view and waits for a table would else be in a deadlock with this file. RESET of what is not set locks, and no more.
ALTER VIEW vmstate.api_instance RESET (security_barrier);
ALTER VIEW vmstate.api_vmm RESET (security_barrier);
ALTER VIEW vmstate.pending_update RESET (security_barrier);
ALTER VIEW vmstate.abandoned_vmm RESET (security_barrier);
ALTER VIEW vmstate.orphaned_vmm RESET (security_barrier);
ALTER VIEW vmstate.restartable_instance RESET (security_barrier);
ALTER VIEW vmstate.watched_vmm RESET (security_barrier);
ALTER VIEW vmstate.stuck_instance RESET (security_barrier);
ALTER VIEW vmstate.invariant_violation RESET (security_barrier);
ALTER VIEW vmstate.instance_plan RESET (security_barrier);
ALTER VIEW vmstate.resolved_instance RESET (security_barrier);
LOCK TABLE vmstate.instance, vmstate.vmm, vmstate.migration IN ACCESS EXCLUSIVE MODE;

ALTER TABLE vmstate.vmm ADD COLUMN migration_id uuid;
COMMENT ON COLUMN vmstate.vmm.migration_id IS 'The migration that the VMM was made for, as its destination; NULL: a start made it, or it came by logical replication from a release without this column. Set by trigger guard_destination when the migration is inserted, and never changed; the migration itself may be purged.';
UPDATE vmstate.vmm AS v SET migration_id = m.id
  FROM vmstate.migration AS m
  WHERE m.instance_id = v.instance_id AND m.destination_propolis_id = v.id;

-- by hand: TABLE vmstate.vmm of sql/tables/vmm.sql as of 8d9438bd48019801cb9a99e07da35d623906e9ab492cf70e92e9194653032e0f
-- by hand: FUNCTION vmstate.lock_batch of sql/verbs/sled_agent/steps/lock_batch.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.apply_reports of sql/verbs/sled_agent/steps/apply_reports.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.apply_reports_with_repeats of sql/verbs/sled_agent/steps/apply_reports_with_repeats.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

-- copy of sql/views/resolved_instance.sql
CREATE OR REPLACE VIEW vmstate.resolved_instance AS
SELECT
  i.id AS instance_id,
  i.project_id,
  i.name,
  i.state,
  i.state_generation,
  i.time_state_updated,
  i.active_propolis_id,
  i.destination_propolis_id,
  i.migration_id,
  i.intended_state,
  i.auto_restart_policy,
  i.auto_restart_cooldown,
  i.time_last_auto_restarted,
  i.updater_id,
  i.updater_generation,
  i.updater_lease_until,
  i.committed_updater_generation,
  i.time_created,
  i.time_modified,
  i.time_deleted,
  a.state AS active_state,
  a.sled_id AS active_sled_id,
  a.time_state_updated AS active_time_updated,
  -- A VMM that was made for a migration is active only if the guest, which ran, went there, though no report said running.
  a.time_started IS NOT NULL OR CASE
    WHEN m.destination_propolis_id = a.id THEN 'completed' IN (m.source_state, m.destination_state)
    ELSE a.migration_id IS NOT NULL OR EXISTS (
      SELECT FROM vmstate.migration AS c WHERE c.instance_id = i.id AND c.destination_propolis_id = a.id
    )
  END AS active_was_running,
  d.state AS destination_vmm_state,
  d.time_state_updated AS destination_time_updated,
  d.time_started IS NOT NULL OR coalesce(m.destination_propolis_id = d.id AND 'completed' IN (m.source_state, m.destination_state), false)
    AS destination_was_running,
  i.active_propolis_id IN (m.source_propolis_id, m.destination_propolis_id) AS active_takes_part,
  m.source_state AS source_side,
  m.destination_state AS destination_side,
  m.time_source_updated,
  m.time_destination_updated,
  vmstate.effective_instance_state(
    i.state,
    a.state,
    vmstate.is_migrating(i.active_propolis_id, m.source_propolis_id, m.destination_propolis_id, d.state)
  ) AS api_state,
  vmstate.last_heard(a.time_reported, a.time_state_updated, statement_timestamp()) AS active_last_heard,
  vmstate.last_heard(d.time_reported, d.time_state_updated, statement_timestamp()) AS destination_last_heard,
  m.time_reported AS migration_last_heard,
  CASE
    WHEN vmstate.ran_long(a.time_started, a.time_reported) OR vmstate.ran_long(d.time_started, d.time_reported) THEN 0
    ELSE i.auto_restart_attempts
  END AS auto_restart_attempts,
  i.time_updater_released
FROM vmstate.instance AS i
LEFT JOIN vmstate.vmm AS a ON a.instance_id = i.id AND a.id = i.active_propolis_id
LEFT JOIN vmstate.vmm AS d ON d.instance_id = i.id AND d.id = i.destination_propolis_id
LEFT JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id;
COMMENT ON VIEW vmstate.resolved_instance IS 'Every instance with its active VMM, destination VMM and linked migration side by side, and the state that follows from them. For the functions of this schema and for people; services read vmstate.api_instance.';
-- end of sql/views/resolved_instance.sql

-- copy of sql/views/invariant_violation.sql
CREATE OR REPLACE VIEW vmstate.invariant_violation AS
SELECT i.id AS instance_id, i.active_propolis_id AS propolis_id, 'active_vmm_is_its_own' AS invariant,
  'the active VMM does not exist or is another instance''s' AS detail
FROM vmstate.instance AS i
WHERE i.active_propolis_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM vmstate.vmm AS v WHERE v.instance_id = i.id AND v.id = i.active_propolis_id)
UNION ALL
SELECT i.id, i.destination_propolis_id, 'destination_vmm_is_its_own',
  'the destination VMM does not exist or is another instance''s'
FROM vmstate.instance AS i
WHERE i.destination_propolis_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM vmstate.vmm AS v WHERE v.instance_id = i.id AND v.id = i.destination_propolis_id)
UNION ALL
SELECT i.id, i.destination_propolis_id, 'migration_is_its_own',
  'the linked migration does not exist, is another instance''s or leads to another VMM'
FROM vmstate.instance AS i
WHERE i.migration_id IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM vmstate.migration AS m
    WHERE m.instance_id = i.id AND m.id = i.migration_id AND m.destination_propolis_id = i.destination_propolis_id
  )
UNION ALL
SELECT v.instance_id, v.id, 'vmm_has_an_instance', 'the instance of the VMM does not exist'
FROM vmstate.vmm AS v
WHERE NOT EXISTS (SELECT FROM vmstate.instance AS i WHERE i.id = v.instance_id)
UNION ALL
SELECT m.instance_id, m.destination_propolis_id, 'migration_has_its_vmms', 'a side of the migration names no VMM of the instance'
FROM vmstate.migration AS m
WHERE (
    SELECT count(*) FROM vmstate.vmm AS v
    WHERE v.instance_id = m.instance_id AND v.id IN (m.source_propolis_id, m.destination_propolis_id)
  ) <> 2
UNION ALL
SELECT v.instance_id, v.id, 'time_unlinked_iff_unlinked',
  CASE WHEN v.time_unlinked IS NULL THEN 'no instance names the VMM' ELSE 'an instance names the VMM' END
FROM vmstate.vmm AS v
LEFT JOIN vmstate.instance AS i ON i.id = v.instance_id
WHERE (v.time_unlinked IS NULL) <> coalesce(v.id IN (i.active_propolis_id, i.destination_propolis_id), false)
UNION ALL
SELECT v.instance_id, v.id, 'linked_vmm_is_not_deleted', 'an instance names the deleted VMM'
FROM vmstate.vmm AS v
JOIN vmstate.instance AS i ON i.id = v.instance_id AND v.id IN (i.active_propolis_id, i.destination_propolis_id)
WHERE v.time_deleted IS NOT NULL
UNION ALL
SELECT v.instance_id, v.id, 'deleted_vmm_is_dead', format('the deleted VMM is %s', v.state)
FROM vmstate.vmm AS v
WHERE v.time_deleted IS NOT NULL AND NOT vmstate.is_absorbing(v.state)
UNION ALL
SELECT v.instance_id, v.id, 'failure_reason_iff_failed',
  format('the VMM is %s, its reason %s', v.state, coalesce(v.failure_reason::text, 'null'))
FROM vmstate.vmm AS v
WHERE (v.state = 'failed') <> (v.failure_reason IS NOT NULL)
UNION ALL
SELECT i.id, i.destination_propolis_id, 'linked_migration_is_not_deleted', 'the instance names the deleted migration'
FROM vmstate.instance AS i
JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id
WHERE m.time_deleted IS NOT NULL
UNION ALL
SELECT v.instance_id, v.id, 'migration_id_leads_to_the_vmm', format('migration %s leads to the VMM, not %s', m.id, v.migration_id)
FROM vmstate.migration AS m
JOIN vmstate.vmm AS v ON v.instance_id = m.instance_id AND v.id = m.destination_propolis_id
WHERE v.migration_id <> m.id
UNION ALL
SELECT v.instance_id, v.id, 'unwound_migration_failed', format('its sides are %s and %s', m.source_state, m.destination_state)
FROM vmstate.vmm AS v
JOIN vmstate.migration AS m ON m.instance_id = v.instance_id AND m.destination_propolis_id = v.id
WHERE v.state = 'saga_unwound' AND NOT (m.source_state = 'failed' AND m.destination_state = 'failed')
UNION ALL
SELECT v.instance_id, v.id, 'migration_changes_the_sled', 'both sides of the linked migration are on one sled'
FROM vmstate.instance AS i
JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id
JOIN vmstate.vmm AS v ON v.instance_id = m.instance_id AND v.id = m.destination_propolis_id
JOIN vmstate.vmm AS s ON s.instance_id = m.instance_id AND s.id = m.source_propolis_id
WHERE v.sled_id = s.sled_id;
COMMENT ON VIEW vmstate.invariant_violation IS 'What must never be, one row per breach: empty unless triggers or foreign keys were switched off. Reads whole tables.';
-- end of sql/views/invariant_violation.sql

-- copy of sql/shared/plan/apply_plan.sql
CREATE OR REPLACE FUNCTION vmstate.apply_plan(p_plan vmstate.instance_plan, p_updater_generation bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  UPDATE vmstate.instance AS i
    SET state = p_plan.new_state,
      state_generation = CASE WHEN p_plan.needed THEN i.state_generation + 1 ELSE i.state_generation END,
      time_state_updated = CASE WHEN p_plan.needed THEN v_now ELSE i.time_state_updated END,
      active_propolis_id = p_plan.new_active_propolis_id,
      destination_propolis_id = p_plan.new_destination_propolis_id,
      migration_id = p_plan.new_migration_id,
      intended_state = p_plan.new_intended_state,
      updater_id = NULL,
      updater_generation = p_updater_generation,
      updater_lease_until = NULL,
      updater_parent_id = NULL,
      released_updater_id = p_plan.updater_id,
      committed_updater_generation = p_updater_generation,
      committed_updater_id = p_plan.updater_id,
      committed_plan_token = p_plan.plan_token,
      auto_restart_attempts = p_plan.auto_restart_attempts
    WHERE i.id = p_plan.instance_id;
  -- delete_vmm leaves a linked migration of the VMM to the update that unlinks it.
  IF p_plan.migration_id IS DISTINCT FROM p_plan.new_migration_id THEN
    UPDATE vmstate.migration AS m
      SET time_deleted = v_now
      WHERE m.instance_id = p_plan.instance_id AND m.id = p_plan.migration_id AND m.time_deleted IS NULL
        AND EXISTS (SELECT FROM vmstate.vmm AS v
          WHERE v.instance_id = m.instance_id AND v.id IN (m.source_propolis_id, m.destination_propolis_id)
            AND v.time_deleted IS NOT NULL);
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_plan IS 'Writes an update plan and releases the updater lock: the only code that sets VMM ids to NULL. Soft-deletes the migration that it unlinks if one of its VMMs is deleted. The caller holds the instance and its links locked, has read the plan under these locks, and has set its updater_id to the saga that commits.';
-- end of sql/shared/plan/apply_plan.sql

-- copy of sql/shared/rows/replayed_begin.sql
CREATE OR REPLACE FUNCTION vmstate.replayed_begin(
  p_instance_id uuid,
  p_saga_id uuid,
  p_propolis_id uuid,
  p_migration_id uuid,
  p_source_propolis_id uuid
) RETURNS vmstate.outcome
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
  v_migration vmstate.migration;
BEGIN
  SELECT v.* INTO v_vmm FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND v.saga_id = p_saga_id;
  IF v_vmm.id IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT m.* INTO v_migration FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.destination_propolis_id = p_propolis_id;
  IF coalesce(v_migration.id, v_vmm.migration_id) IS DISTINCT FROM p_migration_id
      OR v_migration.source_propolis_id <> p_source_propolis_id THEN
    RETURN NULL;
  END IF;
  RETURN CASE
    WHEN v_vmm.time_deleted IS NOT NULL OR v_migration.time_deleted IS NOT NULL
      OR (p_migration_id IS NOT NULL AND v_migration.id IS NULL) THEN 'gone' -- deleted, or purged by now
    WHEN v_vmm.state <> 'saga_unwound' THEN 'unchanged'
  END;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.replayed_begin FROM PUBLIC;
COMMENT ON FUNCTION vmstate.replayed_begin IS 'Whether this very begin_start (the last two null) or begin_migration was done before: unchanged, or gone when its rows are deleted. NULL otherwise, also after the saga''s own unwind: a replay never resurrects.';
-- end of sql/shared/rows/replayed_begin.sql

-- copy of sql/shared/rows/delete_migrations.sql
CREATE OR REPLACE FUNCTION vmstate.delete_migrations(p_instance_id uuid, p_propolis_id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_ids pg_catalog.uuid[] := array(
    SELECT m.id FROM vmstate.migration AS m
      WHERE m.instance_id = p_instance_id AND m.time_deleted IS NULL
        AND (p_propolis_id IS NULL OR p_propolis_id IN (m.source_propolis_id, m.destination_propolis_id)));
BEGIN
  IF v_ids = '{}' THEN
    RETURN;
  END IF;
  PERFORM vmstate.lock_links(p_instance_id, NULL, v_ids);
  -- Judged under the lock that an update saga holds until it has unlinked the migration.
  UPDATE vmstate.migration AS m
    SET time_deleted = v_now
    WHERE m.instance_id = p_instance_id AND m.id = ANY (v_ids) AND m.time_deleted IS NULL
      AND NOT EXISTS (SELECT FROM vmstate.instance AS i WHERE i.id = p_instance_id AND i.migration_id = m.id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_migrations FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_migrations IS 'Soft-deletes the migrations of an instance, or those that name one of its VMMs, that no link needs. The instance needs no lock: an unlinked migration is never linked again, and apply_plan deletes a linked one when it unlinks it.';
-- end of sql/shared/rows/delete_migrations.sql

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
    PERFORM vmstate.raise_invalid_transition(v_row, OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'A dead VMM stays dead: start the instance again with begin_start. Only unwind_start and unwind_migration mark a linked one saga_unwound.');
  ELSIF NEW.state = 'saga_unwound' AND OLD.state <> 'saga_unwound' AND (
      vmstate.is_handed_over(OLD)
      OR EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = OLD.instance_id AND m.destination_propolis_id = OLD.id
          AND NOT (m.source_state = 'failed' AND m.destination_state = 'failed'))
      -- Its migration was purged: the guest went there.
      OR (OLD.migration_id IS NOT NULL AND NOT EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = OLD.instance_id AND m.id = OLD.migration_id))
    ) THEN
    PERFORM vmstate.raise_invalid_transition(v_row, OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'The guest of a migration may run there: unwind_migration fails both sides first, and unwind_start refuses a VMM that was handed over.');
  ELSIF NEW.state_generation < OLD.state_generation
      OR (NEW.state_generation = OLD.state_generation
        AND (OLD.state, OLD.time_state_updated, OLD.time_started, OLD.failure_reason)
          IS DISTINCT FROM (NEW.state, NEW.time_state_updated, NEW.time_started, NEW.failure_reason)
        AND NOT (NEW.state <> OLD.state AND vmstate.is_absorbing(NEW.state)
          AND NEW.state_generation = vmstate.next_generation(OLD.state_generation))) THEN
    PERFORM vmstate.raise_old_generation(v_row, OLD.state_generation, NEW.state_generation);
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

-- copy of sql/guards/guard_vmm_migration.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_migration() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.migration_id IS DISTINCT FROM NEW.migration_id AND NOT (
      OLD.migration_id IS NULL AND EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = NEW.instance_id AND m.id = NEW.migration_id AND m.destination_propolis_id = NEW.id)) THEN
    PERFORM vmstate.raise_link_protected(
      format('migration_id of VMM %s', OLD.id),
      coalesce(OLD.migration_id::pg_catalog.text, 'null'),
      coalesce(NEW.migration_id::pg_catalog.text, 'null'),
      'It is set when a migration to the VMM is inserted, and never changes: begin_migration inserts both.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_migration IS 'VM104: migration_id of a VMM names the migration that leads there, also after that was purged.';

CREATE OR REPLACE TRIGGER guard_migration AFTER UPDATE OF migration_id ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_vmm_migration();
-- end of sql/guards/guard_vmm_migration.sql

-- copy of sql/guards/guard_migration_destination.sql
CREATE OR REPLACE FUNCTION vmstate.guard_migration_destination() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_actual pg_catalog.text;
BEGIN
  -- It also fails a session that ends the VMM, or leads to it, with a snapshot too old to see this migration.
  UPDATE vmstate.vmm AS v SET migration_id = coalesce(v.migration_id, NEW.id)
    WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id;
  IF NOT vmstate.is_new_vmm(NEW.instance_id, NEW.destination_propolis_id) THEN
    SELECT format('%s, %s', v.state, CASE WHEN v.time_unlinked IS NULL THEN 'linked' ELSE 'not linked' END) INTO v_actual
      FROM vmstate.vmm AS v WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id;
  ELSE
    SELECT format('the destination of migration %s', v.migration_id) INTO v_actual
      FROM vmstate.vmm AS v
      WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id AND v.migration_id <> NEW.id;
  END IF;
  IF v_actual IS NOT NULL THEN
    PERFORM vmstate.raise_invalid_transition(format('VMM %s', NEW.destination_propolis_id), v_actual,
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

-- copy of sql/verbs/control_plane/unwind_start.sql
CREATE OR REPLACE FUNCTION vmstate.unwind_start(p_instance_id uuid, p_saga_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_vmm vmstate.vmm;
  v_reason pg_catalog.text;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_propolis_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('unwind_start', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_propolis_id', p_propolis_id));
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, p_propolis_id);
  IF v_vmm.id IS NULL THEN
    RETURN vmstate.to_vmm_result('not_found', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('gone', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.saga_id <> p_saga_id THEN
    RETURN vmstate.to_vmm_result('conflict', 'wrong_saga', p_instance_id, p_propolis_id);
  END IF;

  PERFORM vmstate.lock_migrations_of_vmm(p_instance_id, p_propolis_id);
  IF v_vmm.migration_id IS NOT NULL OR EXISTS (SELECT FROM vmstate.migration AS m
      WHERE m.instance_id = p_instance_id AND m.destination_propolis_id = p_propolis_id) THEN
    v_reason := 'migration_destination';
  ELSIF NOT vmstate.can_unwind(v_vmm) THEN
    RETURN vmstate.to_vmm_result('unchanged', NULL, p_instance_id, p_propolis_id);
  ELSIF vmstate.is_handed_over(v_vmm) THEN
    v_reason := 'handed_over';
  END IF;
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('conflict', v_reason, p_instance_id, p_propolis_id);
  END IF;

  PERFORM vmstate.unwind_vmm(p_instance_id, p_propolis_id);
  RETURN vmstate.to_vmm_result('applied', NULL, p_instance_id, p_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unwind_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unwind_start IS 'Undo of a start saga: marks its VMM saga_unwound, from any live state, and from failed or destroyed while an instance still names it (unchanged when unlinked already). Never writes the instance, so a running update keeps its generation; the instance shows stopped from then on. Call it first and only then unregister the VMM from its sled. conflict: wrong_saga (another saga created the VMM), migration_destination (use unwind_migration), handed_over (its guest has moved to another VMM).';
-- end of sql/verbs/control_plane/unwind_start.sql

-- copy of sql/verbs/sled_agent/steps/apply_vmm_parts.sql
CREATE OR REPLACE FUNCTION vmstate.apply_vmm_parts(p_reports vmstate.batch_report[], p_sleds uuid[])
RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY
    WITH judged AS MATERIALIZED (
      SELECT r.ordinal, r.instance_id, r.propolis_id, vmstate.from_report(r.state) AS new_state,
          vmstate.counts_as_running(r.state, v.migration_id IS NOT NULL) AS counts_as_running,
          r.generation, r.time,
          v.state AS old_state, v.state_generation, v.time_unlinked IS NULL AS linked,
          vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, r.generation) AS outcome
        FROM (SELECT u.* FROM unnest(p_reports) AS u ORDER BY u.propolis_id) AS r
        -- Locks in that order; of a row it had to wait for, it reads what the others left.
        LEFT JOIN LATERAL (
          SELECT w.state, w.state_generation, w.time_deleted, w.time_unlinked, w.migration_id
            FROM vmstate.vmm AS w
            WHERE w.instance_id = r.instance_id AND w.id = r.propolis_id
              -- A VMM that was inserted after the sleds of the batch were checked is not there yet.
              AND (p_sleds IS NULL OR w.sled_id = ANY (p_sleds))
            FOR NO KEY UPDATE
        ) AS v ON true
    ),
    apply_reports AS (
      UPDATE vmstate.vmm AS v
        SET state = j.new_state,
          state_generation = j.generation,
          time_state_updated = j.time,
          time_reported = v_now,
          time_started = CASE WHEN j.counts_as_running THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
          failure_reason = CASE WHEN j.new_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
        FROM judged AS j
        WHERE v.instance_id = j.instance_id AND v.id = j.propolis_id
          -- The generation check: what vmm_report_outcome calls applied, spelled out in the statement that writes.
          AND v.state_generation < j.generation AND NOT vmstate.is_absorbing(v.state) AND v.time_deleted IS NULL
          AND j.outcome = 'applied'
    )
    SELECT j.ordinal, j.instance_id, j.propolis_id, j.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        j.outcome = 'applied' AND j.linked AND vmstate.is_absorbing(j.new_state),
        CASE WHEN j.outcome = 'applied' THEN j.new_state ELSE j.old_state END,
        CASE WHEN j.outcome = 'applied' THEN j.generation ELSE j.state_generation END
      FROM judged AS j
      ORDER BY j.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_vmm_parts FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_vmm_parts IS 'Judges and writes the VMM parts of a batch, no two of one VMM. Locks the VMMs by id, in the one statement that judges them: a VMM that is inserted meanwhile is not_found. The caller has refused VMMs that are on none of these sleds (NULL: any).';
-- end of sql/verbs/sled_agent/steps/apply_vmm_parts.sql

-- copy of sql/verbs/sled_agent/steps/apply_vmm_parts_with_repeats.sql
CREATE OR REPLACE FUNCTION vmstate.apply_vmm_parts_with_repeats(p_reports vmstate.batch_report[], p_sleds uuid[])
RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
SET plan_cache_mode = 'force_generic_plan'
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY
    -- newest: the generation that a report has to beat, the row's or that of a report before it.
    WITH ranked AS (
      SELECT r.*, vmstate.from_report(r.state) AS new_state,
          v.state AS old_state, v.state_generation, v.time_deleted, v.time_unlinked IS NULL AS linked,
          vmstate.counts_as_running(r.state, v.migration_id IS NOT NULL) AS counts_as_running,
          greatest(v.state_generation, max(r.generation) OVER earlier) AS newest
        FROM (SELECT u.* FROM unnest(p_reports) AS u ORDER BY u.propolis_id) AS r
        -- Locks in that order; of a row it had to wait for, it reads what the others left.
        LEFT JOIN LATERAL (
          SELECT w.state, w.state_generation, w.time_deleted, w.time_unlinked, w.migration_id
            FROM vmstate.vmm AS w
            WHERE w.instance_id = r.instance_id AND w.id = r.propolis_id
              -- A VMM that was inserted after the sleds of the batch were checked is not there yet.
              AND (p_sleds IS NULL OR w.sled_id = ANY (p_sleds))
            FOR NO KEY UPDATE
        ) AS v ON true
        WINDOW earlier AS (PARTITION BY r.propolis_id, r.instance_id ORDER BY r.ordinal
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ),
    judged AS (
      SELECT r.*,
          CASE
            WHEN r.old_state IS NOT NULL AND r.time_deleted IS NULL
              AND bool_or(vmstate.is_absorbing(r.new_state) AND r.generation > r.newest) OVER earlier THEN 'terminal'
            ELSE vmstate.vmm_report_outcome(r.old_state, r.newest, r.time_deleted, r.generation)
          END AS outcome
        FROM ranked AS r
        WINDOW earlier AS (PARTITION BY r.propolis_id, r.instance_id ORDER BY r.ordinal
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ),
    -- change: how many reports of the VMM were applied up to this one; 0 where it stands as the row had it.
    numbered AS MATERIALIZED (
      SELECT j.*, count(*) FILTER (WHERE j.outcome = 'applied')
            OVER (PARTITION BY j.propolis_id, j.instance_id ORDER BY j.ordinal) AS change
        FROM judged AS j
    ),
    apply_reports AS (
      UPDATE vmstate.vmm AS v
        SET state = c.state,
          state_generation = c.generation,
          time_state_updated = c.time,
          time_reported = v_now,
          time_started = CASE WHEN c.counts_as_running THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
          failure_reason = CASE WHEN c.state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
        FROM (
          SELECT n.instance_id, n.propolis_id, max(n.generation) AS generation,
              (array_agg(n.new_state ORDER BY n.ordinal DESC))[1] AS state,
              (array_agg(n.time ORDER BY n.ordinal DESC))[1] AS time,
              bool_or(n.counts_as_running) AS counts_as_running
            FROM numbered AS n
            WHERE n.outcome = 'applied'
            GROUP BY n.instance_id, n.propolis_id
        ) AS c
        WHERE v.instance_id = c.instance_id AND v.id = c.propolis_id
    )
    SELECT n.ordinal, n.instance_id, n.propolis_id, n.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        n.outcome = 'applied' AND n.linked AND vmstate.is_absorbing(n.new_state),
        CASE WHEN n.change > 0 THEN first_value(n.new_state) OVER latest ELSE n.old_state END,
        CASE WHEN n.change > 0 THEN first_value(n.generation) OVER latest ELSE n.state_generation::bigint END
      FROM numbered AS n
      WINDOW latest AS (PARTITION BY n.propolis_id, n.instance_id, n.change ORDER BY n.ordinal)
      ORDER BY n.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_vmm_parts_with_repeats FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_vmm_parts_with_repeats IS 'What apply_vmm_parts does, for a batch with several reports of one VMM: later ones are judged after earlier ones, and each VMM is written once.';
-- end of sql/verbs/sled_agent/steps/apply_vmm_parts_with_repeats.sql

-- copy of sql/verbs/sled_agent/steps/explain_refused_parts.sql
CREATE OR REPLACE FUNCTION vmstate.explain_refused_parts(p_report vmstate.vmm_report) RETURNS vmstate.report_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_outcomes vmstate.outcome[];
BEGIN
  v_outcomes := array(
    SELECT CASE WHEN p.migration_id IS NOT NULL THEN
        coalesce(
          CASE WHEN p_report.propolis_id NOT IN (m.source_propolis_id, m.destination_propolis_id) THEN
            vmstate.migration_report_outcome(p_report.propolis_id, m.source_propolis_id, m.source_state, m.source_generation,
              m.time_deleted, NULL)
          END,
          'not_found')
      END
      FROM unnest(ARRAY[p_report.migration_in_id, p_report.migration_out_id]) WITH ORDINALITY AS p (migration_id, place)
      LEFT JOIN vmstate.migration AS m ON m.instance_id = p_report.instance_id AND m.id = p.migration_id
      ORDER BY p.place);
  RETURN ROW(NULL, v_outcomes[1], v_outcomes[2], false, NULL, NULL)::vmstate.report_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.explain_refused_parts FROM PUBLIC;
COMMENT ON FUNCTION vmstate.explain_refused_parts IS 'Why the migration parts of a report are refused whose VMM was not found when it was judged. A migration that names the VMM was inserted since, so it is not_found as well.';
-- end of sql/verbs/sled_agent/steps/explain_refused_parts.sql

-- copy of sql/verbs/sled_agent/steps/apply_batch_migration_parts.sql
CREATE OR REPLACE FUNCTION vmstate.apply_batch_migration_parts(
  p_reports vmstate.batch_report[],
  p_results vmstate.batch_result[],
  p_sleds uuid[]
) RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM unnest(p_results) AS s
    JOIN unnest(p_reports) AS r ON r.ordinal = s.ordinal AND r.report IS DISTINCT FROM NULL
    JOIN vmstate.migration AS m ON m.instance_id = r.instance_id
      AND m.id IN ((r.report).migration_in_id, (r.report).migration_out_id)
      AND r.propolis_id IN (m.source_propolis_id, m.destination_propolis_id)
    -- A migration of a VMM that was not found was inserted since. Another batch may have locked it, after greater ids.
    WHERE s.vmm_outcome <> 'not_found'
    ORDER BY m.id FOR NO KEY UPDATE OF m;
  RETURN QUERY
    SELECT b.ordinal, b.instance_id, b.propolis_id, b.vmm_outcome,
        (b.parts).migration_in_outcome, (b.parts).migration_out_outcome,
        b.update_needed OR coalesce((b.parts).update_needed, false), b.state, b.state_generation
      FROM (
        SELECT s.*,
            CASE
              WHEN s.report IS NOT DISTINCT FROM NULL THEN NULL::vmstate.report_result
              WHEN s.vmm_outcome = 'not_found' THEN vmstate.explain_refused_parts(s.report)
              ELSE vmstate.apply_migration_parts('report_vmms', s.report, p_sleds)
            END AS parts
          FROM (
            SELECT o.*, r.report FROM unnest(p_results) AS o JOIN unnest(p_reports) AS r ON r.ordinal = o.ordinal
              ORDER BY o.ordinal OFFSET 0
          ) AS s
          OFFSET 0
      ) AS b
      ORDER BY b.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_batch_migration_parts FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_batch_migration_parts IS 'Completes the results of a batch by its migration parts, judged and written in the order of the batch. Locks by id the migrations of which the reporting VMM is a side; the caller has locked the VMMs.';
-- end of sql/verbs/sled_agent/steps/apply_batch_migration_parts.sql

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
      SET state = vmstate.from_report(p_state),
        state_generation = p_generation,
        time_state_updated = p_time,
        time_reported = v_now,
        time_started = CASE WHEN vmstate.counts_as_running(p_state, v.migration_id IS NOT NULL)
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
    -- applied here: the VMM was inserted between the two statements
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
COMMENT ON FUNCTION vmstate.report_vmm IS 'A sled agent reports one VMM: its state, and optionally the side of a migration into it and of a migration out of it. Each part is judged by its own generation (1 to 2^53-1) and has its own outcome: applied, stale (not newer), terminal (a dead VMM or an ended side; a dead VMM whatever the generation), gone, wrong_side, not_found. A migration part that is refused never discards the VMM part. p_time and its like: when the sled saw the state. update_needed: this very report made a linked VMM or a side of the linked migration terminal, so run the update saga. VM001: nulls, a part given in pieces, the same migration in and out. 42501: the VMM is on another sled than the one the caller is bound to by bind_sled_agent; who may call fail_vmm reports for every sled.';
-- end of sql/verbs/sled_agent/report_vmm.sql

-- copy of sql/verbs/sled_agent/report_vmms.sql
CREATE OR REPLACE FUNCTION vmstate.report_vmms(p_reports jsonb)
RETURNS TABLE (
  ordinal integer,
  instance_id uuid,
  propolis_id uuid,
  vmm_outcome vmstate.outcome,
  migration_in_outcome vmstate.outcome,
  migration_out_outcome vmstate.outcome,
  update_needed boolean,
  state vmstate.vmm_state,
  state_generation bigint
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_reports vmstate.batch_report[];
  v_with_repeats boolean;
  v_with_migrations boolean;
  v_results vmstate.batch_result[];
  v_sleds pg_catalog.uuid[] := vmstate.reportable_sleds();
BEGIN
  IF jsonb_typeof(p_reports) IS DISTINCT FROM 'array' THEN
    PERFORM vmstate.raise_invalid_argument('report_vmms', 'p_reports',
      format('It is %s, not a JSON array.', coalesce('a JSON ' || jsonb_typeof(p_reports), 'null')));
  END IF;
  v_reports := vmstate.parse_batch(p_reports);
  PERFORM vmstate.require_batch(v_reports);
  IF v_sleds IS NOT NULL THEN
    PERFORM vmstate.require_reportable(v_reports, v_sleds);
  END IF;

  SELECT count(DISTINCT r.propolis_id) < count(*), bool_or(r.report IS DISTINCT FROM NULL)
    INTO v_with_repeats, v_with_migrations
    FROM unnest(v_reports) AS r;
  IF NOT v_with_repeats AND NOT v_with_migrations THEN
    RETURN QUERY SELECT p.* FROM vmstate.apply_vmm_parts(v_reports, v_sleds) AS p;
    RETURN;
  END IF;
  v_results := CASE
    WHEN v_with_repeats THEN array(SELECT p FROM vmstate.apply_vmm_parts_with_repeats(v_reports, v_sleds) AS p)
    ELSE array(SELECT p FROM vmstate.apply_vmm_parts(v_reports, v_sleds) AS p)
  END;
  RETURN QUERY SELECT p.* FROM vmstate.apply_batch_migration_parts(v_reports, v_results, v_sleds) AS p;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_vmms FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_vmms IS 'Many reports in one call: an array of objects whose keys are the arguments of report_vmm without p_ (absent or null where that allows it); an unknown key is refused, whatever its value. One row per element, in order, with its place from 1 and the columns of report_vmm; of several reports of one VMM, later ones are judged after earlier ones. Locks all VMMs by id, then all migrations by id. VM001 names the element that is malformed, 42501 the one whose VMM is on another sled than the caller''s; nothing is written then.';
-- end of sql/verbs/sled_agent/report_vmms.sql

-- copy of sql/verbs/operator/purge.sql
CREATE OR REPLACE FUNCTION vmstate.purge(
  p_before timestamptz,
  p_limit integer DEFAULT 1000
) RETURNS TABLE (
  migrations integer,
  vmms integer,
  instances integer,
  left_over boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_room integer := p_limit;
  v_due integer;
BEGIN
  IF num_nulls(p_before, p_limit) > 0 THEN
    PERFORM vmstate.raise_null_argument('purge', jsonb_build_object('p_before', p_before, 'p_limit', p_limit));
  ELSIF p_before > clock_timestamp() - interval '1 hour' THEN
    PERFORM vmstate.raise_invalid_argument('purge', 'p_before', format('It is %s, not at least 1 hour ago.', p_before));
  ELSIF p_limit NOT BETWEEN 1 AND 100000 THEN
    PERFORM vmstate.raise_invalid_argument('purge', 'p_limit', format('It is %s, not 1 to 100000.', p_limit));
  END IF;

  -- What another session has locked is passed over, so that purge never waits and cannot deadlock, although foreign keys
  -- make it delete in the opposite of the lock order. Each part finds one row more than it may delete: left_over.
  -- OFFSET 0: row by row by index, however many rows are expected to be due.
  WITH due AS MATERIALIZED (
    SELECT d.instance_id, d.id FROM vmstate.migration AS d
      WHERE d.time_deleted < p_before
        AND NOT EXISTS (SELECT FROM vmstate.vmm AS v
          WHERE v.instance_id = d.instance_id AND v.id IN (d.source_propolis_id, d.destination_propolis_id)
            AND v.time_deleted IS NULL
            -- A destination that came by logical replication from an older release does not know its migration.
            AND (v.time_unlinked IS NOT NULL OR (v.id = d.destination_propolis_id AND v.migration_id IS NULL))
          OFFSET 0)
      ORDER BY d.time_deleted LIMIT v_room + 1 FOR UPDATE SKIP LOCKED
  ),
  purged AS (
    DELETE FROM vmstate.migration AS m USING (SELECT d.* FROM due AS d LIMIT v_room) AS c
      WHERE m.instance_id = c.instance_id AND m.id = c.id RETURNING m.id
  )
  SELECT (SELECT count(*) FROM purged), (SELECT count(*) FROM due) INTO migrations, v_due;
  left_over := v_due > v_room;
  v_room := v_room - migrations;

  WITH due AS MATERIALIZED (
    SELECT d.instance_id, d.id FROM vmstate.vmm AS d
      WHERE d.time_deleted < p_before
        AND NOT EXISTS (SELECT FROM vmstate.migration AS m
          WHERE m.instance_id = d.instance_id AND d.id IN (m.source_propolis_id, m.destination_propolis_id)
          OFFSET 0)
      ORDER BY d.time_deleted LIMIT v_room + 1 FOR UPDATE SKIP LOCKED
  ),
  purged AS (
    DELETE FROM vmstate.vmm AS v USING (SELECT d.* FROM due AS d LIMIT v_room) AS c
      WHERE v.instance_id = c.instance_id AND v.id = c.id RETURNING v.id
  )
  SELECT (SELECT count(*) FROM purged), (SELECT count(*) FROM due) INTO vmms, v_due;
  left_over := left_over OR v_due > v_room;
  v_room := v_room - vmms;

  WITH due AS MATERIALIZED (
    SELECT d.id FROM vmstate.instance AS d
      WHERE d.time_deleted < p_before
        AND NOT EXISTS (SELECT FROM vmstate.vmm AS v WHERE v.instance_id = d.id OFFSET 0)
        AND NOT EXISTS (SELECT FROM vmstate.migration AS m WHERE m.instance_id = d.id OFFSET 0)
      ORDER BY d.time_deleted LIMIT v_room + 1 FOR UPDATE SKIP LOCKED
  ),
  purged AS (
    DELETE FROM vmstate.instance AS i USING (SELECT d.* FROM due AS d LIMIT v_room) AS c
      WHERE i.id = c.id RETURNING i.id
  )
  SELECT (SELECT count(*) FROM purged), (SELECT count(*) FROM due) INTO instances, v_due;
  left_over := left_over OR v_due > v_room;
  RETURN NEXT;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.purge FROM PUBLIC;
COMMENT ON FUNCTION vmstate.purge IS 'Hard-deletes what was soft-deleted before p_before: migrations of which no VMM waits in orphaned_vmm or abandoned_vmm, VMMs that no migration names, instances that have neither; at most p_limit rows (1 to 100000) of all three. One row: how many of each. left_over: more than p_limit rows were due, so call it again. Passes over rows that other sessions have locked, and waits for nobody. Afterwards a late replay of create_instance or a begin begins anew, and a late report is not_found: let p_before lie further back than any saga or partition lasts. VM001: nulls, p_before less than 1 hour ago.';
-- end of sql/verbs/operator/purge.sql

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

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (9, '0009_destinations', false);
