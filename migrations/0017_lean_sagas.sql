-- 0017_lean_sagas: the verbs of a life run fewer instructions, and settle ends a life in one call.
-- Why: a statement costs as many instructions as it has expressions, and the views of the plan have hundreds. run_update of a dead
-- VMM ran six times the instructions of one UPDATE.
-- Objects: functions begin_start, request_stop, delete_vmm, run_update, run_planned_update, apply_plan, guard_instance_links,
-- guard_instance_state, guard_updater, guard_vmm_link and mark_links; new are function settle and type settlement_result.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads go on).
-- Breaking: no. ENABLE ALWAYS on a guard is reset by this migration; set it again.
-- With psql, in one transaction that ends at the first error: psql -1 -v ON_ERROR_STOP=1 -f 0017_lean_sagas.sql

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

CREATE TYPE vmstate.settlement_result AS (
  vmm_outcome vmstate.outcome,
  vmm_state vmstate.vmm_state,
  vmm_state_generation bigint,
  update_outcome vmstate.outcome,
  update_reason text,
  delete_outcome vmstate.outcome,
  delete_reason text,
  instance_id uuid,
  api_state vmstate.api_instance_state,
  state vmstate.instance_state,
  state_generation bigint,
  active_propolis_id uuid,
  destination_propolis_id uuid,
  migration_id uuid,
  updater_generation bigint,
  updater_lease_until timestamptz,
  new_state vmstate.instance_state,
  new_active_propolis_id uuid,
  new_destination_propolis_id uuid,
  new_migration_id uuid,
  new_intended_state vmstate.intended_state,
  network text,
  network_propolis_id uuid,
  unlinked_propolis_ids uuid[],
  terminate_propolis_ids uuid[],
  plan_token text,
  updater_id uuid,
  network_vmm vmstate.vmm_address,
  unlinked_vmms vmstate.vmm_address[],
  terminate_vmms vmstate.vmm_address[]
);
COMMENT ON TYPE vmstate.settlement_result IS 'Answers settle: the outcomes of its three parts, the VMM, and the instance.

vmm_state and vmm_state_generation are those of the VMM after the report. The columns from instance_id on are those of vmstate.update_result. The columns of a part that was not done are null.';

-- by hand: TYPE vmstate.settlement_result of sql/types/results.sql as of 572e9287b06374d4db9539d0b06e4784992b3e8de3ab85c2e2d3cc850c2385e2

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
COMMENT ON FUNCTION vmstate.apply_plan IS 'Writes an update plan and releases the updater lock.

The code that sets VMM ids to NULL, as run_update does for a dead VMM without a migration. Soft-deletes the migration that it unlinks if one of the VMMs of the migration is deleted. The caller holds the instance and its links locked, has read the plan under these locks, and has set updater_id of the plan to the saga that commits.';
-- end of sql/shared/plan/apply_plan.sql

-- copy of sql/guards/guard_instance_state.sql
CREATE OR REPLACE FUNCTION vmstate.guard_instance_state() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- Accepts at once what no check below refuses: almost every change of an instance.
  IF NEW.state_generation > OLD.state_generation AND NEW.state <> 'creating' AND OLD.time_deleted IS NULL THEN
    RETURN NEW;
  END IF;
  IF NEW.state <> OLD.state AND (NEW.state = 'creating' OR OLD.state = 'destroyed') THEN
    PERFORM vmstate.raise_invalid_transition(format('instance %s', OLD.id), OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'A destroyed instance stays destroyed, and no instance becomes creating again. Create another instance with create_instance.');
  ELSIF OLD.time_deleted <> NEW.time_deleted THEN
    PERFORM vmstate.raise_invalid_transition(format('the time of deletion of instance %s', OLD.id),
      OLD.time_deleted::pg_catalog.text, NEW.time_deleted::pg_catalog.text,
      'A deletion is final. Create another instance with create_instance.');
  ELSIF NEW.state_generation < OLD.state_generation
      OR (NEW.state_generation = OLD.state_generation
        AND (OLD.state, OLD.time_state_updated, OLD.active_propolis_id, OLD.destination_propolis_id, OLD.migration_id)
          IS DISTINCT FROM
          (NEW.state, NEW.time_state_updated, NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id)) THEN
    PERFORM vmstate.raise_old_generation(format('instance %s', OLD.id), OLD.state_generation, NEW.state_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_instance_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_instance_state IS 'Refuses changes of an instance that are backward or raise no generation.

Errors:
- VM101: a change of the state or of a link raises the generation, which never falls.
- VM102: no instance becomes creating again, and destroyed stays, with its time of deletion.';

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
DECLARE
  v_old vmstate.instance;
  v_new vmstate.instance;
BEGIN
  -- Judges the two commonest changes on the row of the one VMM, because reading the plan costs as much as a whole start: an
  -- update unlinks a dead VMM, and a start links a new one. What these two refuse, the checks below judge.
  IF num_nonnulls(NEW.active_propolis_id, OLD.destination_propolis_id, NEW.destination_propolis_id, OLD.migration_id, NEW.migration_id) = 0 THEN
    PERFORM FROM vmstate.vmm AS v
      WHERE v.instance_id = OLD.id AND v.id = OLD.active_propolis_id AND vmstate.is_absorbing(v.state)
      FOR NO KEY UPDATE;
    IF FOUND THEN
      RETURN NEW;
    END IF;
  ELSIF num_nonnulls(OLD.active_propolis_id, OLD.destination_propolis_id, NEW.destination_propolis_id, OLD.migration_id, NEW.migration_id) = 0
      AND OLD.state <> 'creating' THEN
    PERFORM FROM vmstate.vmm AS v
      WHERE v.instance_id = OLD.id AND v.id = NEW.active_propolis_id
        AND v.state = 'creating' AND v.time_unlinked IS NOT NULL AND v.migration_id IS NULL
        AND NOT EXISTS (SELECT FROM vmstate.migration AS m
          WHERE m.instance_id = OLD.id AND m.destination_propolis_id = NEW.active_propolis_id)
      FOR NO KEY UPDATE;
    IF FOUND THEN
      RETURN NEW;
    END IF;
  END IF;
  IF (OLD.active_propolis_id, OLD.destination_propolis_id, OLD.migration_id)
      IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id) THEN
    RETURN NEW;
  END IF;
  -- OLD and NEW have the row type of their partition or shard.
  v_old := OLD;
  v_new := NEW;
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

-- copy of sql/guards/mark_links.sql
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
-- end of sql/guards/mark_links.sql

-- copy of sql/guards/guard_updater.sql
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
-- end of sql/guards/guard_updater.sql

-- copy of sql/guards/guard_vmm_link.sql
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
-- end of sql/guards/guard_vmm_link.sql

-- copy of sql/verbs/control_plane/begin_start.sql
CREATE OR REPLACE FUNCTION vmstate.begin_start(
  p_instance_id uuid,
  p_saga_id uuid,
  p_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer DEFAULT 12400,
  p_start_reason text DEFAULT 'user',
  p_expected_generation bigint DEFAULT NULL
) RETURNS vmstate.start_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_auto_restart boolean := coalesce(p_start_reason = 'auto_restart', false);
  v_instance pg_catalog.record;
  v_active vmstate.vmm;
  v_destination vmstate.vmm;
  v_attempts integer;
  v_reason pg_catalog.text;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip) > 0 THEN
    PERFORM vmstate.raise_null_argument('begin_start', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_propolis_id', p_propolis_id,
      'p_sled_id', p_sled_id, 'p_propolis_ip', p_propolis_ip));
  END IF;
  IF p_propolis_port NOT BETWEEN 0 AND 65535 THEN
    PERFORM vmstate.require_port('begin_start', p_propolis_port);
  END IF;
  IF p_start_reason NOT IN ('user', 'auto_restart') THEN
    PERFORM vmstate.raise_invalid_argument('begin_start', 'p_start_reason',
      format('p_start_reason must be ''user'' or ''auto_restart'', not %L.', p_start_reason));
  END IF;

  SELECT i.state, i.state_generation, i.active_propolis_id, i.destination_propolis_id, i.migration_id, i.intended_state,
      i.auto_restart_policy, i.auto_restart_cooldown, i.auto_restart_attempts, i.time_last_auto_restarted,
      i.updater_lease_until, i.time_deleted
    INTO v_instance FROM vmstate.instance AS i WHERE i.id = p_instance_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.to_start_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_start_result('gone', NULL, p_instance_id);
  END IF;
  IF v_instance.active_propolis_id IS NOT NULL THEN
    SELECT v.* INTO v_active FROM vmstate.vmm AS v
      WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  END IF;

  IF v_instance.destination_propolis_id IS NOT NULL THEN
    SELECT v.* INTO v_destination FROM vmstate.vmm AS v
      WHERE v.instance_id = p_instance_id AND v.id = v_instance.destination_propolis_id;
  END IF;
  v_attempts := CASE
    WHEN vmstate.ran_long(v_active.time_started, v_active.time_reported) THEN 0
    WHEN vmstate.ran_long(v_destination.time_started, v_destination.time_reported) THEN 0
    ELSE v_instance.auto_restart_attempts
  END;
  v_now := clock_timestamp();
  v_reason := CASE
    WHEN v_instance.state = 'creating' THEN 'creating'
    WHEN v_active.state IN ('creating', 'starting', 'running', 'rebooting', 'migrating') THEN 'already_started'
    WHEN v_active.state <> 'saga_unwound' THEN 'not_stopped'
    WHEN v_instance.state_generation <> p_expected_generation THEN 'stale_generation'
  END;
  IF v_auto_restart AND v_reason IS NULL AND NOT vmstate.may_auto_restart(
      v_instance.state, v_active.state, v_instance.intended_state, v_instance.auto_restart_policy,
      vmstate.auto_restart_wait(v_instance.auto_restart_cooldown, v_attempts),
      v_instance.time_last_auto_restarted, v_instance.updater_lease_until, v_now) THEN
    v_reason := 'restart_not_permitted';
  END IF;
  IF v_reason IS NULL
      AND NOT vmstate.insert_vmm(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip, p_propolis_port, v_now) THEN
    v_reason := 'propolis_id_taken';
  END IF;
  IF v_reason IS NOT NULL THEN
    -- Looks for a replay last: no VMM that was just inserted was there before.
    RETURN CASE vmstate.replayed_begin(p_instance_id, p_saga_id, p_propolis_id, NULL, NULL)
      WHEN 'gone' THEN vmstate.to_start_result('gone', NULL, p_instance_id)
      WHEN 'unchanged' THEN vmstate.to_start_result('unchanged', NULL, p_instance_id)
      ELSE vmstate.to_start_result('conflict', v_reason, p_instance_id)
    END;
  END IF;

  UPDATE vmstate.instance AS i
    SET state = 'vmm',
      state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      active_propolis_id = p_propolis_id,
      intended_state = 'running',
      auto_restart_attempts = CASE WHEN v_auto_restart THEN least(v_attempts, 2147483646) + 1 ELSE 0 END,
      time_last_auto_restarted = CASE WHEN v_auto_restart THEN v_now ELSE i.time_last_auto_restarted END,
      time_modified = v_now
    WHERE i.id = p_instance_id;
  -- The answer is what was written: nothing is read again. A migration that is still linked does not name the new VMM.
  RETURN ROW('applied', NULL, p_instance_id, vmstate.effective_instance_state('vmm', 'creating', false), 'vmm',
    v_instance.state_generation + 1, p_propolis_id, v_instance.destination_propolis_id, v_instance.migration_id,
    v_instance.active_propolis_id)::vmstate.start_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_start IS 'Starts an instance: inserts its VMM and links it as the active one.

First step of a start saga. The VMM is inserted in state creating, at generation 1; in the same write it replaces NULL or a saga_unwound VMM, which replaced_propolis_id then names. The intent becomes running. A migration that is still linked is left to the next update. p_propolis_port is 12400 if NULL. p_start_reason is user or auto_restart, and user if NULL: an automatic restart adds 1 to auto_restart_attempts, a user''s start resets auto_restart_attempts to 0. p_expected_generation is the generation of the instance; NULL means no check. The same instance, saga and VMM id make a replay.

Outcomes:
- applied: the VMM was inserted and linked.
- unchanged: the same saga and VMM id were given before; nothing was written.
- conflict/creating: the instance is still being created; finish_instance_creation comes first.
- conflict/already_started: the active VMM is creating, starting, running, rebooting or migrating.
- conflict/not_stopped: the active VMM is stopping, stopped, failed or destroyed, and the update saga has yet to unlink that VMM.
- conflict/stale_generation: the generation of the instance is not p_expected_generation.
- conflict/restart_not_permitted: the intent, the policy, vmstate.auto_restart_wait or the updater lock forbids the automatic restart; a user''s start never gets this reason.
- conflict/propolis_id_taken: a VMM with the id p_propolis_id exists, also when this saga inserted and has unwound that VMM.
- gone: the instance was deleted, or a replay names a VMM that was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument without a default is null, p_propolis_port is not 0 to 65535, or p_start_reason is neither user nor auto_restart.';
-- end of sql/verbs/control_plane/begin_start.sql

-- copy of sql/verbs/control_plane/delete_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.delete_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_vmm pg_catalog.record;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_propolis_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('delete_vmm', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_propolis_id', p_propolis_id));
  END IF;
  SELECT v.state, v.state_generation, v.time_unlinked, v.time_deleted INTO v_vmm
    FROM vmstate.vmm AS v WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.to_vmm_result('not_found', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('unchanged', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.time_unlinked IS NULL THEN
    RETURN vmstate.to_vmm_result('conflict', 'linked', p_instance_id, p_propolis_id);
  ELSIF NOT vmstate.is_absorbing(v_vmm.state) THEN
    RETURN vmstate.to_vmm_result('conflict', 'not_destroyable', p_instance_id, p_propolis_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.vmm AS v SET time_deleted = v_now WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id;
  PERFORM vmstate.delete_migrations(p_instance_id, p_propolis_id);
  RETURN ROW('applied', NULL, v_vmm.state, v_vmm.state_generation)::vmstate.vmm_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_vmm IS 'Soft-deletes a dead VMM that no instance names.

The work list of such VMMs is vmstate.abandoned_vmm. The migrations that name the VMM and that no instance links are soft-deleted, too.

Outcomes:
- applied: the VMM was deleted.
- unchanged: the VMM was deleted before.
- conflict/linked: an instance still names the VMM.
- conflict/not_destroyable: the VMM is alive: neither failed nor destroyed nor saga_unwound.
- not_found: the instance has no VMM with this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/control_plane/delete_vmm.sql

-- copy of sql/verbs/control_plane/request_stop.sql
CREATE OR REPLACE FUNCTION vmstate.request_stop(p_instance_id uuid) RETURNS vmstate.command_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance pg_catalog.record;
  v_outcome vmstate.outcome := 'unchanged';
  v_vmm pg_catalog.record;
  v_is_alive boolean;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('request_stop', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  SELECT i.state, i.state_generation, i.active_propolis_id, i.destination_propolis_id, i.migration_id, i.intended_state, i.time_deleted
    INTO v_instance FROM vmstate.instance AS i WHERE i.id = p_instance_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.to_command_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_command_result('gone', NULL, p_instance_id);
  ELSIF v_instance.state = 'creating' THEN
    RETURN vmstate.to_command_result('conflict', 'creating', p_instance_id);
  END IF;

  v_now := clock_timestamp();
  IF v_instance.state = 'failed' THEN
    UPDATE vmstate.instance AS i
      SET state = 'no_vmm',
        state_generation = i.state_generation + 1,
        time_state_updated = v_now,
        intended_state = 'stopped',
        time_modified = CASE WHEN i.intended_state <> 'stopped' THEN v_now ELSE i.time_modified END
      WHERE i.id = p_instance_id;
    v_outcome := 'applied';
  ELSIF v_instance.intended_state <> 'stopped' THEN
    -- Names no column that a guard watches, so that no guard is called.
    UPDATE vmstate.instance AS i SET intended_state = 'stopped', time_modified = v_now WHERE i.id = p_instance_id;
    v_outcome := 'applied';
  END IF;
  IF v_instance.active_propolis_id IS NULL OR v_instance.migration_id IS NOT NULL THEN
    RETURN vmstate.to_command_result(v_outcome, NULL, p_instance_id,
      ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id]);
  END IF;

  -- Answers from the locked instance and its one VMM, as to_command_result would.
  SELECT v.state, v.sled_id, v.propolis_ip, v.propolis_port INTO v_vmm
    FROM vmstate.vmm AS v WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  v_is_alive := NOT vmstate.is_absorbing(v_vmm.state);
  RETURN ROW(v_outcome, NULL, p_instance_id, vmstate.effective_instance_state(v_instance.state, v_vmm.state, false),
    v_instance.state, v_instance.state_generation, v_instance.active_propolis_id, NULL, NULL,
    CASE WHEN v_is_alive THEN ARRAY[v_instance.active_propolis_id] ELSE '{}' END,
    CASE WHEN v_is_alive THEN
      ARRAY[ROW(v_instance.active_propolis_id, v_vmm.sled_id, v_vmm.propolis_ip, v_vmm.propolis_port)::vmstate.vmm_address]
    ELSE '{}' END)::vmstate.command_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.request_stop FROM PUBLIC;
COMMENT ON FUNCTION vmstate.request_stop IS 'Records that the user wants the instance stopped: the intent becomes stopped.

Allowed in every state but creating. An instance in state failed becomes no_vmm, which raises its generation. command_propolis_ids names the live VMMs, the active one first and during a migration both: tell their sled agents to stop the guest, also when the outcome is unchanged.

Outcomes:
- applied: the intent became stopped, or the state failed became no_vmm.
- unchanged: the intent was stopped already; command the VMMs all the same.
- conflict/creating: the instance is still being created; nothing was written.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null.';
-- end of sql/verbs/control_plane/request_stop.sql

-- copy of sql/verbs/control_plane/settle.sql
CREATE OR REPLACE FUNCTION vmstate.settle(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_saga_id uuid,
  p_state vmstate.reported_vmm_state,
  p_generation bigint,
  p_time timestamptz,
  p_delete boolean DEFAULT true
) RETURNS vmstate.settlement_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance pg_catalog.record;
  v_migration_ids pg_catalog.uuid[];
  v_report vmstate.report_result;
  v_update vmstate.update_result;
  v_deletion vmstate.vmm_result;
  v_settlement vmstate.settlement_result;
BEGIN
  IF p_saga_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('settle', 'p_saga_id', 'p_saga_id must not be null.');
  END IF;
  IF num_nulls(p_instance_id, p_propolis_id, p_state) > 0 OR vmstate.is_point_in_time(p_time) IS NOT TRUE
      OR p_generation BETWEEN 1 AND 9007199254740991 IS NOT TRUE THEN
    PERFORM vmstate.require_report('settle', ROW(p_instance_id, p_propolis_id, p_state, p_generation, p_time,
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.vmm_report);
  END IF;

  -- Locks first, and in the lock order, all that the three parts lock: report_vmm would lock the VMM before the instance.
  SELECT i.active_propolis_id, i.destination_propolis_id, i.migration_id INTO v_instance
    FROM vmstate.instance AS i WHERE i.id = p_instance_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    v_settlement.vmm_outcome := 'not_found';
    RETURN v_settlement;
  ELSIF v_instance.migration_id IS NULL AND coalesce(v_instance.active_propolis_id, p_propolis_id) = p_propolis_id THEN
    PERFORM FROM vmstate.vmm AS v WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id FOR NO KEY UPDATE;
  ELSE
    v_migration_ids := array(SELECT m.id FROM vmstate.migration AS m
      WHERE m.instance_id = p_instance_id AND m.time_deleted IS NULL
        AND (m.id = v_instance.migration_id OR p_propolis_id IN (m.source_propolis_id, m.destination_propolis_id)));
    PERFORM vmstate.lock_links(p_instance_id,
      ARRAY[p_propolis_id, v_instance.active_propolis_id, v_instance.destination_propolis_id], v_migration_ids);
  END IF;

  v_report := vmstate.report_vmm(p_instance_id, p_propolis_id, p_state, p_generation, p_time);
  IF p_state IN ('failed', 'destroyed') AND v_report.vmm_outcome IN ('applied', 'terminal', 'gone') THEN
    v_update := vmstate.run_update(p_instance_id, p_saga_id);
    IF coalesce(p_delete, true) THEN
      v_deletion := vmstate.delete_vmm(p_instance_id, p_propolis_id);
    END IF;
  END IF;
  RETURN ROW(
    v_report.vmm_outcome, v_report.state, v_report.state_generation,
    v_update.outcome, v_update.reason, v_deletion.outcome, v_deletion.reason,
    v_update.instance_id, v_update.api_state, v_update.state, v_update.state_generation,
    v_update.active_propolis_id, v_update.destination_propolis_id, v_update.migration_id,
    v_update.updater_generation, v_update.updater_lease_until, v_update.new_state,
    v_update.new_active_propolis_id, v_update.new_destination_propolis_id, v_update.new_migration_id,
    v_update.new_intended_state, v_update.network, v_update.network_propolis_id, v_update.unlinked_propolis_ids,
    v_update.terminate_propolis_ids, v_update.plan_token, v_update.updater_id, v_update.network_vmm,
    v_update.unlinked_vmms, v_update.terminate_vmms
  )::vmstate.settlement_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.settle FROM PUBLIC;
COMMENT ON FUNCTION vmstate.settle IS 'Records that a VMM has ended, updates its instance and deletes the VMM.

One call for what a control plane does after a VMM failed or was destroyed, if it has no network to move and nothing else to do in between. The three parts are report_vmm (vmm_outcome), run_update (update_outcome, update_reason) and delete_vmm (delete_outcome, delete_reason), each by its own rules, in one transaction. A report that is stale, or whose p_state is neither failed nor destroyed, is no more than a report: the other two outcomes are null. So is delete_outcome if p_delete is false; p_delete is true if NULL. If a migration still needs the VMM, or another saga holds the updater lock, the report is recorded all the same, and the update and the deletion are left to a later call. Terminate the VMMs in terminate_propolis_ids afterwards. A replay finds the VMM terminal or gone, and answers unchanged for the update and the deletion. p_generation is 1 to 2^53-1; p_time is within the years 1970 to 9999.

Outcomes:
- applied: the part was written.
- unchanged: there is nothing to update, or the VMM was deleted before.
- stale: the generation of the report is not newer than the recorded one; nothing else was done.
- terminal: the VMM was dead before; the update and the deletion follow.
- conflict/locked: another saga holds an unexpired lease of the updater lock.
- conflict/linked: the instance still names the VMM, so the VMM was not deleted.
- gone: the VMM or the instance was deleted.
- not_found: the instance has no VMM with this id.
Errors:
- VM001: an argument without a default is null, p_generation is not 1 to 2^53-1, or p_time is not within the years 1970 to 9999.
- 42501: the caller was granted settle, but neither fail_vmm nor the sled that the VMM is on.';
-- end of sql/verbs/control_plane/settle.sql

-- copy of sql/verbs/update_saga/steps/run_planned_update.sql
CREATE OR REPLACE FUNCTION vmstate.run_planned_update(p_instance_id uuid, p_saga_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
BEGIN
  v_instance := vmstate.lock_instance(p_instance_id);
  v_plan := vmstate.lock_and_read_plan(v_instance);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_update_result('not_found', NULL, NULL);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_update_result('gone', NULL, v_plan);
  ELSIF v_instance.updater_id <> p_saga_id AND v_instance.updater_lease_until > clock_timestamp() THEN
    RETURN vmstate.to_update_result('conflict', 'locked', v_plan);
  END IF;

  IF NOT v_plan.needed THEN
    IF v_instance.updater_id = p_saga_id THEN
      PERFORM vmstate.release_updater(p_instance_id);
      v_plan.updater_id := NULL;
      v_plan.updater_lease_until := NULL;
    END IF;
    RETURN vmstate.to_update_result('unchanged', NULL, v_plan);
  END IF;

  v_plan.updater_id := p_saga_id;
  PERFORM vmstate.apply_plan(v_plan, v_instance.updater_generation + 1);
  SELECT r.api_state, r.state, r.state_generation, r.active_propolis_id, r.destination_propolis_id, r.migration_id,
      r.updater_id, r.updater_generation, r.updater_lease_until
    INTO v_plan.api_state, v_plan.state, v_plan.state_generation, v_plan.active_propolis_id,
      v_plan.destination_propolis_id, v_plan.migration_id, v_plan.updater_id, v_plan.updater_generation, v_plan.updater_lease_until
    FROM vmstate.resolved_instance AS r
    WHERE r.instance_id = p_instance_id;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.run_planned_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.run_planned_update IS 'Plans and commits an update of an instance, whatever its links.

The general way of run_update, which decides the commonest case on two rows.';
-- end of sql/verbs/update_saga/steps/run_planned_update.sql

-- copy of sql/verbs/update_saga/run_update.sql
CREATE OR REPLACE FUNCTION vmstate.run_update(p_instance_id uuid, p_saga_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance pg_catalog.record;
  v_vmm pg_catalog.record;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL OR p_saga_id IS NULL THEN
    PERFORM vmstate.raise_null_argument('run_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id));
  END IF;

  -- Decides the commonest update on two rows, because reading the plan costs more than the update does: no migration is linked,
  -- no saga holds the updater lock, and the active VMM is dead. run_planned_update decides all others.
  SELECT i.active_propolis_id AS active_id, i.intended_state, i.auto_restart_attempts,
      (i.state_generation + 1)::vmstate.generation AS generation,
      (i.updater_generation + 1)::vmstate.generation AS updater_generation,
      vmstate.plan_token(i.state_generation, NULL, NULL, NULL, ARRAY[i.active_propolis_id], '{}') AS plan_token
    INTO v_instance
    FROM vmstate.instance AS i
    WHERE i.id = p_instance_id AND i.active_propolis_id IS NOT NULL AND i.migration_id IS NULL AND i.updater_id IS NULL
    FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.run_planned_update(p_instance_id, p_saga_id);
  END IF;
  -- Says for a dead VMM without a migration what update_plan decides; a test compares both for every input.
  SELECT v.sled_id, v.propolis_ip, v.propolis_port,
      CASE WHEN v.state = 'failed' THEN 'failed'::vmstate.instance_state ELSE 'no_vmm'::vmstate.instance_state END AS new_state,
      CASE WHEN v.state = 'failed' THEN vmstate.effective_instance_state('failed', NULL, false)
        ELSE vmstate.effective_instance_state('no_vmm', NULL, false) END AS api_state,
      CASE WHEN v.state = 'destroyed' AND v_instance.intended_state = 'running' THEN 'guest_shutdown'::vmstate.intended_state
        ELSE v_instance.intended_state END AS intended_state,
      CASE WHEN vmstate.ran_long(v.time_started, v.time_reported) THEN 0 ELSE v_instance.auto_restart_attempts END AS attempts
    INTO v_vmm
    FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_id AND vmstate.is_absorbing(v.state)
      -- Whether the guest of any other destroyed VMM ran depends on the migrations that led to that VMM.
      AND (v.state <> 'destroyed' OR v.time_started IS NOT NULL)
    FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.run_planned_update(p_instance_id, p_saga_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET state = v_vmm.new_state,
      state_generation = v_instance.generation,
      time_state_updated = v_now,
      active_propolis_id = NULL,
      intended_state = v_vmm.intended_state,
      updater_generation = v_instance.updater_generation,
      updater_parent_id = NULL,
      released_updater_id = p_saga_id,
      committed_updater_generation = v_instance.updater_generation,
      committed_updater_id = p_saga_id,
      committed_plan_token = v_instance.plan_token,
      auto_restart_attempts = v_vmm.attempts
    WHERE i.id = p_instance_id;
  -- The answer is what the UPDATE has written: nothing is read again.
  RETURN ROW(
    'applied', NULL, p_instance_id, v_vmm.api_state, v_vmm.new_state, v_instance.generation,
    NULL, NULL, NULL,
    v_instance.updater_generation, NULL,
    v_vmm.new_state, NULL, NULL, NULL, v_vmm.intended_state,
    'delete', NULL,
    ARRAY[v_instance.active_id], '{}', v_instance.plan_token, NULL,
    NULL, ARRAY[ROW(v_instance.active_id, v_vmm.sled_id, v_vmm.propolis_ip, v_vmm.propolis_port)::vmstate.vmm_address], '{}'
  )::vmstate.update_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.run_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.run_update IS 'Plans and commits an update of an instance in one call.

For callers that have nothing to do between plan and commit. Answers the columns of begin_update, with the plan that was applied. Terminate the VMMs in terminate_propolis_ids afterwards; until then vmstate.orphaned_vmm lists them.

Outcomes:
- applied: the plan was written.
- unchanged: there is nothing to update, and the saga holds no lock.
- conflict/locked: another saga holds an unexpired lease.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/update_saga/run_update.sql

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

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (17, '0017_lean_sagas', false);
