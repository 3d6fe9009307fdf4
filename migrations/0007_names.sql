-- 0007_names: functions and types that no service calls get the names that say what they do.
-- Why: judge_reports writes, numbered_report is an element of a batch, and reject_argument raises an error. A reader of a
-- verb takes a name for what the function does.
-- How: this file makes the new functions and types beside the old ones, then makes the verbs and guards again so that they
-- call the new ones. A verb that waits for the lock of this file continues with its old body, which calls the old functions,
-- so the old functions stay until 0008_drop_old_names. No new function is an overload of an old one: the functions that take
-- or return a batch (parse_reports, require_reports, require_own_sled) have new names, too.
-- Objects: types batch_report and batch_result; the functions copied below; the triggers of the guards that call them.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads go on).
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

CREATE TYPE vmstate.batch_report AS (
  ordinal integer,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.reported_vmm_state,
  generation bigint,
  "time" timestamptz,
  report vmstate.vmm_report
);
COMMENT ON TYPE vmstate.batch_report IS 'A report with its place in a batch, from 1; report is null when it says nothing of a migration.';

CREATE TYPE vmstate.batch_result AS (
  ordinal integer,
  instance_id uuid,
  propolis_id uuid,
  vmm_outcome vmstate.outcome,
  migration_in_outcome vmstate.outcome,
  migration_out_outcome vmstate.outcome,
  update_needed boolean,
  state vmstate.vmm_state,
  state_generation bigint
);
COMMENT ON TYPE vmstate.batch_result IS 'What became of a report of a batch, with its place there, from 1: a row of vmstate.report_vmms.';

-- by hand: TYPE vmstate.batch_report of sql/types/results.sql as of ea8673986687462699ed45b65d60c8a55158f9ebe08df93e05e13ac340b5b2e4
-- by hand: TYPE vmstate.batch_result of sql/types/results.sql as of ca119838f434eefac5592af8108e2d0f51b9f7a3b7ecf2ebcc3d5515e6aaed0c
-- by hand: TYPE vmstate.numbered_report of sql/types/numbered_report.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: TYPE vmstate.numbered_verdict of sql/types/numbered_verdict.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.reject_argument of sql/internal/reject_argument.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.reject_nulls of sql/internal/reject_nulls.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.reject_generation of sql/internal/reject_generation.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.reject_transition of sql/internal/reject_transition.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.reject_needed of sql/internal/reject_needed.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.lock_own_migrations of sql/internal/lock_own_migrations.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.current_plan of sql/internal/current_plan.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.is_fresh of sql/internal/is_fresh.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.is_start of sql/internal/is_start.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.is_migration of sql/internal/is_migration.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.reject_foreign_report of sql/internal/reject_foreign_report.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.require_own_sled of sql/internal/require_own_sled.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.refused_report of sql/internal/refused_report.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.report_sides of sql/internal/report_sides.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.parse_reports of sql/internal/parse_reports.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.require_reports of sql/internal/require_reports.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.lock_reported of sql/internal/lock_reported.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.judge_reports of sql/internal/judge_reports.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: FUNCTION vmstate.judge_repeated_reports of sql/internal/judge_repeated_reports.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

-- copy of sql/shared/arguments/raise_invalid_argument.sql
CREATE OR REPLACE FUNCTION vmstate.raise_invalid_argument(p_function text, p_argument text, p_problem text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM001',
    MESSAGE = format('vmstate.%s: invalid argument %s', p_function, p_argument),
    DETAIL = CASE WHEN length(p_problem) > 500 THEN left(p_problem, 500) || '...' ELSE p_problem END,
    HINT = format('Nothing was changed. The comment on function vmstate.%s says what it takes.', p_function);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_invalid_argument FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_invalid_argument IS 'VM001: the caller passed an argument that the function does not take. Nothing was changed.';
-- end of sql/shared/arguments/raise_invalid_argument.sql

-- copy of sql/shared/arguments/raise_null_argument.sql
CREATE OR REPLACE FUNCTION vmstate.raise_null_argument(p_function text, p_arguments jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
DECLARE
  v_argument pg_catalog.text;
BEGIN
  FOR v_argument IN SELECT a.key FROM jsonb_each(p_arguments) AS a WHERE a.value = 'null' ORDER BY a.key LOOP
    PERFORM vmstate.raise_invalid_argument(p_function, v_argument, 'It is null.');
  END LOOP;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_null_argument FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_null_argument IS 'Raises VM001 for the first of the named arguments that is null.';
-- end of sql/shared/arguments/raise_null_argument.sql

-- copy of sql/shared/arguments/require_name.sql
CREATE OR REPLACE FUNCTION vmstate.require_name(p_function text, p_name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF char_length(p_name) NOT BETWEEN 1 AND 63 THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_name', format('It has %s characters, not 1 to 63.', char_length(p_name)));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_name FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_name IS 'Raises VM001 for a name of an instance that is empty or too long.';
-- end of sql/shared/arguments/require_name.sql

-- copy of sql/shared/arguments/require_port.sql
CREATE OR REPLACE FUNCTION vmstate.require_port(p_function text, p_port integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_port NOT BETWEEN 0 AND 65535 THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_propolis_port', format('It is %s, not 0 to 65535.', p_port));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_port FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_port IS 'Raises VM001 for a number that is no port.';
-- end of sql/shared/arguments/require_port.sql

-- copy of sql/shared/arguments/require_cooldown.sql
CREATE OR REPLACE FUNCTION vmstate.require_cooldown(p_function text, p_cooldown interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_cooldown < interval '0' OR NOT isfinite(p_cooldown) THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_auto_restart_cooldown', format('It is %s, not 0 or more.', p_cooldown));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_cooldown FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_cooldown IS 'Raises VM001 for a negative or infinite cooldown.';
-- end of sql/shared/arguments/require_cooldown.sql

-- copy of sql/shared/arguments/require_lease.sql
CREATE OR REPLACE FUNCTION vmstate.require_lease(p_function text, p_lease interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_lease <= interval '0' OR p_lease > interval '1 day'
      -- A month less 29 days compares as 1 day, and may be none or two.
      OR extract(year FROM p_lease) <> 0 OR extract(month FROM p_lease) <> 0 THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_lease', format('It is %s, not more than 0 and at most 1 day.', p_lease));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_lease FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_lease IS 'Raises VM001 for a lease that is not positive or longer than 1 day.';
-- end of sql/shared/arguments/require_lease.sql

-- copy of sql/shared/arguments/require_role.sql
CREATE OR REPLACE FUNCTION vmstate.require_role(p_function text, p_role name) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF p_role IS NULL THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_role', 'It is null.');
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = p_role) THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_role', format('There is no role "%s".', p_role));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_role FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_role IS 'Raises VM001 for a role that is null or does not exist.';
-- end of sql/shared/arguments/require_role.sql

-- copy of sql/shared/plan/lock_and_read_plan.sql
CREATE OR REPLACE FUNCTION vmstate.lock_and_read_plan(p_instance vmstate.instance) RETURNS vmstate.instance_plan
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.lock_links(
    p_instance.id,
    ARRAY[p_instance.active_propolis_id, p_instance.destination_propolis_id],
    ARRAY[p_instance.migration_id]
  );
  RETURN vmstate.read_plan(p_instance.id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_and_read_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_and_read_plan IS 'Locks what a locked instance links to, and returns the plan that these rows give.';
-- end of sql/shared/plan/lock_and_read_plan.sql

-- copy of sql/guards/raise_old_generation.sql
CREATE OR REPLACE FUNCTION vmstate.raise_old_generation(p_row text, p_actual bigint, p_attempted bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM101',
    MESSAGE = format('the generation of %s must rise with this change', p_row),
    DETAIL = format('It is %s; %s was attempted.',
      coalesce(p_actual::pg_catalog.text, 'null'), coalesce(p_attempted::pg_catalog.text, 'null')),
    HINT = 'Use the verbs (begin_start, report_vmm, commit_update, ...): they compare and raise generations.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_old_generation FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_old_generation IS 'Raises VM101: a guarded change without a newer generation.';
-- end of sql/guards/raise_old_generation.sql

-- copy of sql/guards/raise_invalid_transition.sql
CREATE OR REPLACE FUNCTION vmstate.raise_invalid_transition(p_row text, p_actual text, p_attempted text, p_hint text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM102',
    MESSAGE = format('%s cannot go from %s to %s', p_row, p_actual, p_attempted),
    DETAIL = format('It is %s; %s was attempted.', p_actual, p_attempted),
    HINT = p_hint;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_invalid_transition FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_invalid_transition IS 'Raises VM102: a state that this one cannot become.';
-- end of sql/guards/raise_invalid_transition.sql

-- copy of sql/guards/raise_link_protected.sql
CREATE OR REPLACE FUNCTION vmstate.raise_link_protected(p_row text, p_actual text, p_attempted text, p_hint text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM104',
    MESSAGE = format('%s is still needed as it is', p_row),
    DETAIL = format('It is %s; %s was attempted.', p_actual, p_attempted),
    HINT = p_hint;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_link_protected FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_link_protected IS 'Raises VM104: a link that still counts.';
-- end of sql/guards/raise_link_protected.sql

-- copy of sql/guards/is_new_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.is_new_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND v.state = 'creating' AND v.time_unlinked IS NOT NULL);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_new_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_new_vmm IS 'Whether a VMM is new: it belongs to the instance, is still creating, and no link names it.';
-- end of sql/guards/is_new_vmm.sql

-- copy of sql/guards/links_change_as_start.sql
CREATE OR REPLACE FUNCTION vmstate.links_change_as_start(p_old vmstate.instance, p_new vmstate.instance) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RETURN (p_old.destination_propolis_id, p_old.migration_id)
      IS NOT DISTINCT FROM (p_new.destination_propolis_id, p_new.migration_id)
    AND p_old.state <> 'creating'
    AND p_old.active_propolis_id IS DISTINCT FROM p_new.active_propolis_id
    AND vmstate.is_replaceable(p_old.id, p_old.active_propolis_id)
    AND vmstate.is_new_vmm(p_new.id, p_new.active_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.links_change_as_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.links_change_as_start IS 'Whether a change of links is that of a start: the active VMM, NULL or saga_unwound, is replaced by a new one.';
-- end of sql/guards/links_change_as_start.sql

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
  RETURN vmstate.is_replaceable(p_old.id, p_old.destination_propolis_id)
    AND vmstate.is_new_vmm(p_new.id, p_new.destination_propolis_id)
    AND EXISTS (SELECT FROM vmstate.migration AS m
      JOIN vmstate.vmm AS s ON s.instance_id = m.instance_id AND s.id = m.source_propolis_id
      JOIN vmstate.vmm AS d ON d.instance_id = m.instance_id AND d.id = m.destination_propolis_id
      WHERE m.instance_id = p_new.id AND m.id = p_new.migration_id AND m.time_deleted IS NULL
        AND m.source_state = 'pending' AND m.destination_state = 'pending' AND s.state IN ('running', 'rebooting')
        AND s.id = p_new.active_propolis_id AND d.id = p_new.destination_propolis_id AND s.sled_id <> d.sled_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.links_change_as_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.links_change_as_migration IS 'Whether a change of links is that of a migration: the destination VMM, NULL or saga_unwound, is replaced by a new one, with the migration that leads there from the active VMM on another sled.';
-- end of sql/guards/links_change_as_migration.sql

-- copy of sql/guards/guard_instance_state.sql
CREATE OR REPLACE FUNCTION vmstate.guard_instance_state() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF NEW.state <> OLD.state AND (NEW.state = 'creating' OR OLD.state = 'destroyed') THEN
    PERFORM vmstate.raise_invalid_transition(format('instance %s', OLD.id), OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'A destroyed instance stays so, and none is created twice: use create_instance with another id.');
  ELSIF OLD.time_deleted <> NEW.time_deleted THEN
    PERFORM vmstate.raise_invalid_transition(format('instance %s', OLD.id), 'deleted', 'another time of deletion',
      'A destroyed instance stays as it is: use create_instance with another id.');
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
  IF vmstate.links_change_as_start(OLD, NEW) OR vmstate.links_change_as_migration(OLD, NEW) THEN
    RETURN NEW;
  END IF;
  IF EXISTS (SELECT FROM vmstate.instance_plan AS p
      WHERE p.instance_id = OLD.id
        AND (p.new_active_propolis_id, p.new_destination_propolis_id, p.new_migration_id)
          IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id)) THEN
    RETURN NEW;
  END IF;
  PERFORM vmstate.raise_link_protected(
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

-- copy of sql/guards/guard_updater.sql
CREATE OR REPLACE FUNCTION vmstate.guard_updater() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
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
      format('the updater lock of instance %s', OLD.id),
      format('last committed at %s', coalesce(OLD.committed_updater_generation::pg_catalog.text, 'no generation')),
      format('%s while the lock is held', NEW.committed_updater_generation),
      'commit_update and run_update record the commit and release the lock in one write.');
  END IF;
  IF NEW.updater_generation < OLD.updater_generation
      OR (NEW.updater_generation = OLD.updater_generation
        AND NEW.updater_id IS NOT NULL AND NEW.updater_id IS DISTINCT FROM OLD.updater_id) THEN
    PERFORM vmstate.raise_old_generation(format('the updater of instance %s', OLD.id), OLD.updater_generation, NEW.updater_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_updater FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_updater IS 'VM101, VM104: the fencing token of the updater lock rises when another saga takes the lock, and never falls, nor does that of the last commit, which is recorded only by the write that releases the lock.';

CREATE OR REPLACE TRIGGER guard_updater BEFORE UPDATE OF
    updater_id, updater_generation, committed_updater_generation, committed_updater_id, committed_plan_token
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
    PERFORM vmstate.raise_invalid_transition(v_row, OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'A dead VMM stays dead: start the instance again with begin_start. Only unwind_start and unwind_migration mark a linked one saga_unwound.');
  ELSIF NEW.state = 'saga_unwound' AND OLD.state <> 'saga_unwound' AND (
      vmstate.is_handed_over(OLD)
      OR EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = OLD.instance_id AND m.destination_propolis_id = OLD.id
          AND NOT (m.source_state = 'failed' AND m.destination_state = 'failed'))
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
    PERFORM vmstate.raise_link_protected(
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
    PERFORM vmstate.raise_invalid_transition(format('VMM %s', OLD.id), 'deleted', 'another time of deletion',
      'Start the instance again with begin_start.');
  ELSIF NEW.time_unlinked IS NULL OR NOT vmstate.is_absorbing(NEW.state) THEN
    PERFORM vmstate.raise_link_protected(
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
  IF NOT vmstate.is_new_vmm(NEW.instance_id, NEW.destination_propolis_id) THEN
    SELECT format('%s, %s', v.state, CASE WHEN v.time_unlinked IS NULL THEN 'linked' ELSE 'not linked' END) INTO v_actual
      FROM vmstate.vmm AS v WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id;
  ELSE
    SELECT format('the destination of migration %s', m.id) INTO v_actual
      FROM vmstate.migration AS m
      WHERE m.instance_id = NEW.instance_id AND m.destination_propolis_id = NEW.destination_propolis_id AND m.id <> NEW.id;
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
    PERFORM vmstate.raise_invalid_transition(v_row, OLD.source_state::pg_catalog.text, NEW.source_state::pg_catalog.text,
      'An ended side stays: begin_migration begins another migration.');
  ELSIF NEW.source_generation < OLD.source_generation
      OR (NEW.source_generation = OLD.source_generation
        AND (OLD.source_state, OLD.time_source_updated) IS DISTINCT FROM (NEW.source_state, NEW.time_source_updated)
        AND NOT (NEW.source_state <> OLD.source_state AND vmstate.is_terminal(NEW.source_state)
          AND NEW.source_generation = vmstate.next_generation(OLD.source_generation))) THEN
    PERFORM vmstate.raise_old_generation(v_row, OLD.source_generation, NEW.source_generation);
  END IF;

  v_row := format('the destination side of migration %s', OLD.id);
  IF vmstate.is_terminal(OLD.destination_state) AND NEW.destination_state <> OLD.destination_state THEN
    PERFORM vmstate.raise_invalid_transition(v_row, OLD.destination_state::pg_catalog.text, NEW.destination_state::pg_catalog.text,
      'An ended side stays: begin_migration begins another migration.');
  ELSIF NEW.destination_generation < OLD.destination_generation
      OR (NEW.destination_generation = OLD.destination_generation
        AND (OLD.destination_state, OLD.time_destination_updated)
          IS DISTINCT FROM (NEW.destination_state, NEW.time_destination_updated)
        AND NOT (NEW.destination_state <> OLD.destination_state AND vmstate.is_terminal(NEW.destination_state)
          AND NEW.destination_generation = vmstate.next_generation(OLD.destination_generation))) THEN
    PERFORM vmstate.raise_old_generation(v_row, OLD.destination_generation, NEW.destination_generation);
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
    PERFORM vmstate.raise_invalid_transition(format('migration %s', OLD.id), 'deleted', 'another time of deletion',
      'begin_migration begins another migration.');
  ELSIF EXISTS (SELECT FROM vmstate.instance AS i WHERE i.id = NEW.instance_id AND i.migration_id = NEW.id) THEN
    PERFORM vmstate.raise_link_protected(format('migration %s', OLD.id), 'linked', 'deletion',
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
    PERFORM vmstate.raise_link_protected(
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

-- copy of sql/guards/guard_truncate.sql
CREATE OR REPLACE FUNCTION vmstate.guard_truncate() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.raise_link_protected(format('table vmstate.%I', TG_TABLE_NAME), 'in use', 'TRUNCATE',
    'delete_instance and delete_vmm mark rows as deleted; DELETE can then purge them.');
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_truncate FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_truncate IS 'VM104: no table is emptied behind the verbs'' back.';

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.instance
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate();

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.vmm
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate();

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.migration
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate();
-- end of sql/guards/guard_truncate.sql

-- copy of sql/verbs/control_plane/create_instance.sql
CREATE OR REPLACE FUNCTION vmstate.create_instance(
  p_id uuid,
  p_project_id uuid,
  p_name text,
  p_intended_state vmstate.intended_state,
  p_auto_restart_policy vmstate.auto_restart_policy DEFAULT NULL,
  p_auto_restart_cooldown interval DEFAULT NULL
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_project_id pg_catalog.uuid;
  v_time_deleted pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_id, p_project_id, p_name, p_intended_state) > 0 THEN
    PERFORM vmstate.raise_null_argument('create_instance', jsonb_build_object(
      'p_id', p_id, 'p_project_id', p_project_id, 'p_name', p_name, 'p_intended_state', p_intended_state));
  END IF;
  PERFORM vmstate.require_name('create_instance', p_name);
  IF p_intended_state NOT IN ('running', 'stopped') THEN
    PERFORM vmstate.raise_invalid_argument('create_instance', 'p_intended_state',
      format('It is %s, not running or stopped.', p_intended_state));
  END IF;
  PERFORM vmstate.require_cooldown('create_instance', p_auto_restart_cooldown);

  INSERT INTO vmstate.instance (id, project_id, name, intended_state, auto_restart_policy, auto_restart_cooldown,
      time_state_updated, time_created, time_modified)
    VALUES (p_id, p_project_id, p_name, p_intended_state, p_auto_restart_policy, p_auto_restart_cooldown,
      v_now, v_now, v_now)
    ON CONFLICT DO NOTHING;
  IF FOUND THEN
    RETURN vmstate.to_instance_result('applied', NULL, p_id);
  END IF;

  SELECT i.project_id, i.time_deleted INTO v_project_id, v_time_deleted FROM vmstate.instance AS i WHERE i.id = p_id;
  IF v_project_id IS NULL THEN
    RETURN vmstate.to_instance_result('conflict', 'name_taken', NULL);
  ELSIF v_project_id <> p_project_id THEN
    RETURN vmstate.to_instance_result('conflict', 'instance_id_taken', NULL);
  ELSIF v_time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_id);
  END IF;
  RETURN vmstate.to_instance_result('unchanged', NULL, p_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.create_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.create_instance IS 'Creates an instance in state creating. The same id in the same project is a replay (unchanged); conflict: name_taken (another instance of the project that is not deleted has the name), instance_id_taken (another project has the id). p_name: 1 to 63 characters. p_intended_state: running or stopped. p_auto_restart_policy NULL means best_effort, p_auto_restart_cooldown NULL means 5 minutes.';
-- end of sql/verbs/control_plane/create_instance.sql

-- copy of sql/verbs/control_plane/finish_instance_creation.sql
CREATE OR REPLACE FUNCTION vmstate.finish_instance_creation(p_id uuid) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('finish_instance_creation', 'p_id', 'It is null.');
  END IF;
  v_instance := vmstate.lock_instance(p_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_id);
  ELSIF v_instance.state <> 'creating' THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET state = 'no_vmm', state_generation = i.state_generation + 1, time_state_updated = v_now
    WHERE i.id = p_id;
  RETURN vmstate.to_instance_result('applied', NULL, p_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.finish_instance_creation FROM PUBLIC;
COMMENT ON FUNCTION vmstate.finish_instance_creation IS 'Ends the creation of an instance: creating becomes no_vmm. unchanged when that is past.';
-- end of sql/verbs/control_plane/finish_instance_creation.sql

-- copy of sql/verbs/control_plane/configure_instance.sql
CREATE OR REPLACE FUNCTION vmstate.configure_instance(
  p_instance_id uuid,
  p_auto_restart_policy vmstate.auto_restart_policy DEFAULT NULL,
  p_auto_restart_cooldown interval DEFAULT NULL
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('configure_instance', 'p_instance_id', 'It is null.');
  END IF;
  PERFORM vmstate.require_cooldown('configure_instance', p_auto_restart_cooldown);
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF (v_instance.auto_restart_policy, v_instance.auto_restart_cooldown)
      IS NOT DISTINCT FROM (p_auto_restart_policy, p_auto_restart_cooldown) THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET auto_restart_policy = p_auto_restart_policy, auto_restart_cooldown = p_auto_restart_cooldown, time_modified = v_now
    WHERE i.id = p_instance_id;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.configure_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.configure_instance IS 'Sets both parts of the auto-restart configuration, at any time; NULL restores the default (best_effort, 5 minutes). Does not raise the generation.';
-- end of sql/verbs/control_plane/configure_instance.sql

-- copy of sql/verbs/control_plane/rename_instance.sql
CREATE OR REPLACE FUNCTION vmstate.rename_instance(p_instance_id uuid, p_name text) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_name) > 0 THEN
    PERFORM vmstate.raise_null_argument('rename_instance', jsonb_build_object('p_instance_id', p_instance_id, 'p_name', p_name));
  END IF;
  PERFORM vmstate.require_name('rename_instance', p_name);
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.name = p_name THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  -- Looked at before the write, so that two instances that swap their names do not wait for each other in the index.
  ELSIF EXISTS (SELECT FROM vmstate.instance AS i
      WHERE i.project_id = v_instance.project_id AND i.name = p_name AND i.time_deleted IS NULL) THEN
    RETURN vmstate.to_instance_result('conflict', 'name_taken', p_instance_id);
  END IF;

  v_now := clock_timestamp();
  BEGIN
    UPDATE vmstate.instance AS i SET name = p_name, time_modified = v_now WHERE i.id = p_instance_id;
  EXCEPTION
    WHEN unique_violation THEN -- another session took the name meanwhile
      RETURN vmstate.to_instance_result('conflict', 'name_taken', p_instance_id);
  END;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.rename_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.rename_instance IS 'Gives an instance another name (1 to 63 characters), in any state; does not raise the generation. unchanged: it has that name. conflict: name_taken (another instance of the project that is not deleted has the name).';
-- end of sql/verbs/control_plane/rename_instance.sql

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
  v_instance vmstate.instance;
  v_active vmstate.vmm;
  v_attempts integer;
  v_reason pg_catalog.text;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip) > 0 THEN
    PERFORM vmstate.raise_null_argument('begin_start', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_propolis_id', p_propolis_id,
      'p_sled_id', p_sled_id, 'p_propolis_ip', p_propolis_ip));
  END IF;
  PERFORM vmstate.require_port('begin_start', p_propolis_port);
  IF p_start_reason NOT IN ('user', 'auto_restart') THEN
    PERFORM vmstate.raise_invalid_argument('begin_start', 'p_start_reason',
      format('It is %L, not ''user'' or ''auto_restart''.', p_start_reason));
  END IF;

  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_start_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_start_result('gone', NULL, p_instance_id);
  END IF;
  CASE vmstate.replayed_begin(p_instance_id, p_saga_id, p_propolis_id, NULL, NULL)
    WHEN 'gone' THEN RETURN vmstate.to_start_result('gone', NULL, p_instance_id);
    WHEN 'unchanged' THEN RETURN vmstate.to_start_result('unchanged', NULL, p_instance_id);
    ELSE NULL;
  END CASE;

  SELECT v.* INTO v_active FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  v_attempts := CASE WHEN vmstate.ran_long(v_active.time_started, v_active.time_reported) THEN 0 ELSE v_instance.auto_restart_attempts END;
  v_now := clock_timestamp();
  v_reason := CASE
    WHEN v_instance.state = 'creating' THEN 'creating'
    WHEN v_active.state IN ('creating', 'starting', 'running', 'rebooting', 'migrating') THEN 'already_started'
    WHEN v_active.state <> 'saga_unwound' THEN 'not_stopped'
    WHEN v_instance.state_generation <> p_expected_generation THEN 'stale_generation'
    WHEN v_auto_restart AND NOT vmstate.may_auto_restart(
        v_instance.state, v_active.state, v_instance.intended_state, v_instance.auto_restart_policy,
        vmstate.auto_restart_wait(v_instance.auto_restart_cooldown, v_attempts),
        v_instance.time_last_auto_restarted, v_instance.updater_lease_until, v_now)
      THEN 'restart_not_permitted'
  END;
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_start_result('conflict', v_reason, p_instance_id);
  END IF;

  IF NOT vmstate.insert_vmm(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip, p_propolis_port, v_now) THEN
    RETURN vmstate.to_start_result('conflict', 'propolis_id_taken', p_instance_id);
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
  RETURN vmstate.to_start_result('applied', NULL, p_instance_id, v_instance.active_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_start IS 'First step of a start saga: inserts the VMM (creating, generation 1) and links it as the active one, replacing NULL or a saga_unwound VMM (replaced_propolis_id) in the same write; the intent becomes running. An automatic restart counts in auto_restart_attempts, a user''s start resets it. p_propolis_port NULL means 12400, p_start_reason (user or auto_restart) NULL means user, p_expected_generation NULL means no check. The same saga and VMM id make a replay. conflict: creating, already_started, not_stopped (a dead or stopping VMM that the update saga has yet to unlink), stale_generation, restart_not_permitted (auto_restart only: intent, policy, vmstate.auto_restart_wait or the updater lock forbid it), propolis_id_taken (also a replay after the saga''s own unwind).';
-- end of sql/verbs/control_plane/begin_start.sql

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
  IF EXISTS (SELECT FROM vmstate.migration AS m
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

-- copy of sql/verbs/control_plane/begin_migration.sql
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
    PERFORM vmstate.raise_null_argument('begin_migration', jsonb_build_object(
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
-- end of sql/verbs/control_plane/begin_migration.sql

-- copy of sql/verbs/control_plane/unwind_migration.sql
CREATE OR REPLACE FUNCTION vmstate.unwind_migration(p_instance_id uuid, p_saga_id uuid, p_migration_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_propolis_id pg_catalog.uuid;
  v_vmm vmstate.vmm;
  v_migration vmstate.migration;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_migration_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('unwind_migration', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_migration_id', p_migration_id));
  END IF;
  SELECT m.destination_propolis_id INTO v_propolis_id FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  IF v_propolis_id IS NULL THEN
    RETURN vmstate.to_vmm_result('not_found', NULL, p_instance_id, NULL);
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, v_propolis_id);
  PERFORM vmstate.lock_links(p_instance_id, NULL, ARRAY[p_migration_id]);
  SELECT m.* INTO v_migration FROM vmstate.migration AS m WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;

  IF v_migration.time_deleted IS NOT NULL OR v_vmm.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('gone', NULL, p_instance_id, v_propolis_id);
  ELSIF v_migration.saga_id <> p_saga_id THEN
    RETURN vmstate.to_vmm_result('conflict', 'wrong_saga', p_instance_id, v_propolis_id);
  ELSIF NOT vmstate.can_unwind(v_vmm) THEN
    RETURN vmstate.to_vmm_result('unchanged', NULL, p_instance_id, v_propolis_id);
  ELSIF 'completed' IN (v_migration.source_state, v_migration.destination_state) THEN
    RETURN vmstate.to_vmm_result('conflict', 'handed_over', p_instance_id, v_propolis_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.migration AS m
    SET source_state = 'failed', source_generation = vmstate.next_generation(m.source_generation), time_source_updated = v_now,
      time_reported = v_now
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id AND m.source_state <> 'failed';
  UPDATE vmstate.migration AS m
    SET destination_state = 'failed', destination_generation = vmstate.next_generation(m.destination_generation), time_destination_updated = v_now,
      time_reported = v_now
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id AND m.destination_state <> 'failed';
  PERFORM vmstate.unwind_vmm(p_instance_id, v_propolis_id);
  RETURN vmstate.to_vmm_result('applied', NULL, p_instance_id, v_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unwind_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unwind_migration IS 'Undo of a migrate saga: marks the destination VMM saga_unwound and both sides of the migration failed. Never writes the instance; its state goes on deriving from the active VMM. Columns state and state_generation are the destination VMM''s. Call it first and only then unregister the VMM from its sled. unchanged: already unwound, or dead and unlinked. conflict: wrong_saga, handed_over (a side completed: the guest may run on the destination).';
-- end of sql/verbs/control_plane/unwind_migration.sql

-- copy of sql/verbs/control_plane/request_stop.sql
CREATE OR REPLACE FUNCTION vmstate.request_stop(p_instance_id uuid) RETURNS vmstate.command_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_outcome vmstate.outcome := 'unchanged';
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('request_stop', 'p_instance_id', 'It is null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_command_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_command_result('gone', NULL, p_instance_id);
  ELSIF v_instance.state = 'creating' THEN
    RETURN vmstate.to_command_result('conflict', 'creating', p_instance_id);
  END IF;

  v_now := clock_timestamp();
  IF v_instance.intended_state <> 'stopped' THEN
    v_instance.intended_state := 'stopped';
    v_instance.time_modified := v_now;
    v_outcome := 'applied';
  END IF;
  IF v_instance.state = 'failed' THEN
    v_instance.state := 'no_vmm';
    v_instance.state_generation := v_instance.state_generation + 1;
    v_instance.time_state_updated := v_now;
    v_outcome := 'applied';
  END IF;
  IF v_outcome = 'applied' THEN
    UPDATE vmstate.instance AS i
      SET state = v_instance.state,
        state_generation = v_instance.state_generation,
        time_state_updated = v_instance.time_state_updated,
        intended_state = v_instance.intended_state,
        time_modified = v_instance.time_modified
      WHERE i.id = p_instance_id;
  END IF;
  RETURN vmstate.to_command_result(v_outcome, NULL, p_instance_id,
    ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id]);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.request_stop FROM PUBLIC;
COMMENT ON FUNCTION vmstate.request_stop IS 'The user wants the instance stopped: sets the intent, makes failed no_vmm, and names the live VMMs to command (both during a migration). Legal in every state but creating. unchanged when the intent was stopped already: command the VMMs all the same. conflict: creating.';
-- end of sql/verbs/control_plane/request_stop.sql

-- copy of sql/verbs/control_plane/request_reboot.sql
CREATE OR REPLACE FUNCTION vmstate.request_reboot(p_instance_id uuid) RETURNS vmstate.command_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_api_state vmstate.api_instance_state;
  v_outcome vmstate.outcome := 'unchanged';
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('request_reboot', 'p_instance_id', 'It is null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_command_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_command_result('gone', NULL, p_instance_id);
  END IF;
  SELECT r.api_state INTO v_api_state FROM vmstate.resolved_instance AS r WHERE r.instance_id = p_instance_id;
  IF v_api_state NOT IN ('starting', 'running', 'rebooting', 'migrating') THEN
    RETURN vmstate.to_command_result('conflict', 'not_running', p_instance_id);
  END IF;

  IF v_instance.intended_state <> 'running' THEN
    v_now := clock_timestamp();
    UPDATE vmstate.instance AS i SET intended_state = 'running', time_modified = v_now WHERE i.id = p_instance_id;
    v_outcome := 'applied';
  END IF;
  RETURN vmstate.to_command_result(v_outcome, NULL, p_instance_id, ARRAY[v_instance.active_propolis_id]);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.request_reboot FROM PUBLIC;
COMMENT ON FUNCTION vmstate.request_reboot IS 'The user wants the guest rebooted: the intent becomes running, and the active VMM, if alive, is to be commanded. Legal while the instance shows starting, running, rebooting or migrating. unchanged when the intent was running already: command the VMM all the same. conflict: not_running.';
-- end of sql/verbs/control_plane/request_reboot.sql

-- copy of sql/verbs/control_plane/delete_instance.sql
CREATE OR REPLACE FUNCTION vmstate.delete_instance(p_instance_id uuid) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('delete_instance', 'p_instance_id', 'It is null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  END IF;
  PERFORM vmstate.lock_links(
    p_instance_id,
    ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id],
    array(SELECT m.id FROM vmstate.migration AS m WHERE m.instance_id = p_instance_id AND m.time_deleted IS NULL)
  );
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
COMMENT ON FUNCTION vmstate.delete_instance IS 'Soft-deletes an instance that shows creating, stopped or failed (a saga_unwound active VMM is unlinked on the way), and its migrations. An update saga that holds the lock then gets gone. A second delete: unchanged. conflict: not_stopped.';
-- end of sql/verbs/control_plane/delete_instance.sql

-- copy of sql/verbs/control_plane/delete_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.delete_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_vmm vmstate.vmm;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_propolis_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('delete_vmm', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_propolis_id', p_propolis_id));
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, p_propolis_id);
  IF v_vmm.id IS NULL THEN
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
  RETURN vmstate.to_vmm_result('applied', NULL, p_instance_id, p_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_vmm IS 'Soft-deletes a dead VMM that no instance names (work list vmstate.abandoned_vmm), and the migrations that name it and that no instance needs. A second delete: unchanged. conflict: linked, not_destroyable.';
-- end of sql/verbs/control_plane/delete_vmm.sql

-- copy of sql/verbs/sled_agent/steps/require_report.sql
CREATE OR REPLACE FUNCTION vmstate.require_report(p_function text, p_report vmstate.vmm_report, p_where text DEFAULT '')
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
DECLARE
  v_argument pg_catalog.text;
  v_problem pg_catalog.text;
BEGIN
  SELECT c.argument, c.problem
    INTO v_argument, v_problem
    FROM (VALUES
      ('instance_id', p_report.instance_id IS NULL, 'It is null.'),
      ('propolis_id', p_report.propolis_id IS NULL, 'It is null.'),
      ('state', p_report.state IS NULL, 'It is null.'),
      ('generation', p_report.generation IS NULL, 'It is null.'),
      ('time', p_report.time IS NULL, 'It is null.'),
      ('generation', NOT p_report.generation BETWEEN 1 AND 9007199254740991,
        format('It is %s, not 1 to 2^53-1.', p_report.generation)),
      ('time', NOT vmstate.is_point_in_time(p_report.time), 'It is not within the years 1970 to 9999.'),
      ('migration_in_id', num_nulls(p_report.migration_in_id, p_report.migration_in_state,
          p_report.migration_in_generation, p_report.migration_in_time) NOT IN (0, 4),
        'The four migration_in arguments go together.'),
      ('migration_in_generation', NOT p_report.migration_in_generation BETWEEN 1 AND 9007199254740991,
        format('It is %s, not 1 to 2^53-1.', p_report.migration_in_generation)),
      ('migration_in_time', NOT vmstate.is_point_in_time(p_report.migration_in_time), 'It is not within the years 1970 to 9999.'),
      ('migration_out_id', num_nulls(p_report.migration_out_id, p_report.migration_out_state,
          p_report.migration_out_generation, p_report.migration_out_time) NOT IN (0, 4),
        'The four migration_out arguments go together.'),
      ('migration_out_generation', NOT p_report.migration_out_generation BETWEEN 1 AND 9007199254740991,
        format('It is %s, not 1 to 2^53-1.', p_report.migration_out_generation)),
      ('migration_out_time', NOT vmstate.is_point_in_time(p_report.migration_out_time), 'It is not within the years 1970 to 9999.'),
      ('migration_out_id', p_report.migration_out_id = p_report.migration_in_id,
        'A VMM cannot be both sides of a migration: it equals migration_in_id.')
    ) AS c (argument, is_violated, problem)
    WHERE c.is_violated
    LIMIT 1;
  IF FOUND THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_' || v_argument, p_where || v_problem);
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_report IS 'Raises VM001 for a report that says nothing a sled agent could say.';
-- end of sql/verbs/sled_agent/steps/require_report.sql

-- copy of sql/verbs/sled_agent/steps/lock_reported_migrations.sql
CREATE OR REPLACE FUNCTION vmstate.lock_reported_migrations(p_instance_id uuid, p_propolis_id uuid, p_migration_ids uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.id = ANY (p_migration_ids)
      AND p_propolis_id IN (m.source_propolis_id, m.destination_propolis_id)
    ORDER BY m.id FOR NO KEY UPDATE;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_reported_migrations FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_reported_migrations IS 'Locks migrations, by id, that the VMM is a side of: a report holds up nobody else''s.';
-- end of sql/verbs/sled_agent/steps/lock_reported_migrations.sql

-- copy of sql/verbs/sled_agent/steps/raise_foreign_report.sql
CREATE OR REPLACE FUNCTION vmstate.raise_foreign_report(
  p_function text,
  p_propolis_id uuid,
  p_sleds uuid[],
  p_where text DEFAULT ''
) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'insufficient_privilege',
    MESSAGE = format('vmstate.%s: VMM %s is not for this role to report', p_function, p_propolis_id),
    DETAIL = format('%sRole "%s" is bound to %s.', p_where, vmstate.session_role(), coalesce('sled ' || p_sleds[1], 'no sled')),
    HINT = 'Nothing was changed. vmstate.bind_sled_agent binds a role to the sled whose VMMs it may report.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_foreign_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_foreign_report IS 'Raises 42501: the VMM is on another sled than the caller reports for. Does not say on which.';
-- end of sql/verbs/sled_agent/steps/raise_foreign_report.sql

-- copy of sql/verbs/sled_agent/steps/require_reportable.sql
CREATE OR REPLACE FUNCTION vmstate.require_reportable(p_reports vmstate.batch_report[], p_sleds uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_report vmstate.batch_report;
BEGIN
  SELECT r.* INTO v_report
    FROM unnest(p_reports) AS r
    JOIN vmstate.vmm AS v ON v.instance_id = r.instance_id AND v.id = r.propolis_id
    WHERE v.sled_id <> ALL (p_sleds)
    ORDER BY r.ordinal LIMIT 1;
  IF FOUND THEN
    PERFORM vmstate.raise_foreign_report('report_vmms', v_report.propolis_id, p_sleds,
      format('Element %s: ', v_report.ordinal));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_reportable FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_reportable IS 'Raises 42501 for the first report of a batch whose VMM is on none of these sleds.';
-- end of sql/verbs/sled_agent/steps/require_reportable.sql

-- copy of sql/verbs/sled_agent/steps/explain_refused_report.sql
CREATE OR REPLACE FUNCTION vmstate.explain_refused_report(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_state vmstate.reported_vmm_state,
  p_generation bigint,
  p_time timestamptz,
  p_sleds uuid[]
) RETURNS vmstate.report_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
BEGIN
  PERFORM vmstate.require_report('report_vmm', ROW(p_instance_id, p_propolis_id, p_state, p_generation, p_time,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.vmm_report);
  SELECT v.* INTO v_vmm FROM vmstate.vmm AS v WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id;
  IF FOUND AND v_vmm.sled_id <> ALL (p_sleds) THEN
    PERFORM vmstate.raise_foreign_report('report_vmm', p_propolis_id, p_sleds);
  END IF;
  RETURN ROW(vmstate.vmm_report_outcome(v_vmm.state, v_vmm.state_generation, v_vmm.time_deleted, p_generation),
    NULL, NULL, false, v_vmm.state, v_vmm.state_generation)::vmstate.report_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.explain_refused_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.explain_refused_report IS 'Why the VMM part of a report was not written, read in a snapshot newer than the attempt; VM001 if it says nothing a sled agent could say, 42501 if the VMM is on none of these sleds (NULL: any).';
-- end of sql/verbs/sled_agent/steps/explain_refused_report.sql

-- copy of sql/verbs/sled_agent/steps/apply_migration_parts.sql
CREATE OR REPLACE FUNCTION vmstate.apply_migration_parts(p_function text, p_report vmstate.vmm_report, p_sleds uuid[])
RETURNS vmstate.report_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_in vmstate.outcome;
  v_out vmstate.outcome;
  v_update_needed boolean;
BEGIN
  v_in := vmstate.report_destination_side(p_report.instance_id, p_report.propolis_id, p_report.migration_in_id,
    p_report.migration_in_state, p_report.migration_in_generation, p_report.migration_in_time);
  v_out := vmstate.report_source_side(p_report.instance_id, p_report.propolis_id, p_report.migration_out_id,
    p_report.migration_out_state, p_report.migration_out_generation, p_report.migration_out_time);
  IF p_sleds IS NOT NULL AND EXISTS (
      SELECT FROM vmstate.vmm AS v
        WHERE v.instance_id = p_report.instance_id AND v.id = p_report.propolis_id AND v.sled_id <> ALL (p_sleds)) THEN
    -- it came after the report was checked, and before its sides were judged
    PERFORM vmstate.raise_foreign_report(p_function, p_report.propolis_id, p_sleds);
  END IF;
  v_update_needed := EXISTS (
    SELECT FROM vmstate.instance AS i
      WHERE i.id = p_report.instance_id
        AND (
          (v_in = 'applied' AND vmstate.is_terminal(p_report.migration_in_state) AND i.migration_id = p_report.migration_in_id)
          OR (v_out = 'applied' AND vmstate.is_terminal(p_report.migration_out_state) AND i.migration_id = p_report.migration_out_id)
        ));
  RETURN ROW(NULL, v_in, v_out, v_update_needed, NULL, NULL)::vmstate.report_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_migration_parts FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_migration_parts IS 'The migration parts of a report, judged and written; the VMM''s columns of the answer are null. The caller has locked the migrations. 42501 if the VMM is on none of these sleds (NULL: any).';
-- end of sql/verbs/sled_agent/steps/apply_migration_parts.sql

-- copy of sql/verbs/sled_agent/steps/parse_report.sql
CREATE OR REPLACE FUNCTION vmstate.parse_report(p_element jsonb, p_ordinal bigint) RETURNS vmstate.vmm_report
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_key pg_catalog.text;
BEGIN
  IF jsonb_typeof(p_element) <> 'object' THEN
    PERFORM vmstate.raise_invalid_argument('report_vmms', 'p_reports',
      format('Element %s is a JSON %s, not an object.', p_ordinal, jsonb_typeof(p_element)));
  END IF;
  FOR v_key IN SELECT k.key FROM jsonb_object_keys(p_element - vmstate.report_keys()) AS k (key) ORDER BY k.key LOOP
    PERFORM vmstate.raise_invalid_argument('report_vmms', 'p_reports',
      format('Element %s has the unknown key %s. Known keys: %s.', p_ordinal, to_jsonb(v_key), array_to_string(vmstate.report_keys(), ', ')));
  END LOOP;
  RETURN jsonb_populate_record(NULL::vmstate.vmm_report, p_element);
EXCEPTION
  WHEN data_exception THEN
    PERFORM vmstate.raise_invalid_argument('report_vmms', 'p_reports', format('Element %s: %s.', p_ordinal, SQLERRM));
END;
$$;
REVOKE ALL ON FUNCTION vmstate.parse_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.parse_report IS 'One JSON object as a report; VM001 names its ordinal when it is none or has an unknown key.';
-- end of sql/verbs/sled_agent/steps/parse_report.sql

-- copy of sql/verbs/sled_agent/steps/parse_batch.sql
CREATE OR REPLACE FUNCTION vmstate.parse_batch(p_reports jsonb) RETURNS vmstate.batch_report[]
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- Element by element where one is malformed, so that the first is named, whether the JSON or a value is wrong.
  IF EXISTS (SELECT FROM jsonb_array_elements(p_reports) AS e
      WHERE CASE WHEN jsonb_typeof(e.value) = 'object' THEN e.value - vmstate.report_keys() <> '{}' END) THEN
    PERFORM vmstate.require_report('report_vmms', vmstate.parse_report(e.value, e.ordinality), format('Element %s: ', e.ordinality))
      FROM jsonb_array_elements(p_reports) WITH ORDINALITY AS e;
  END IF;
  RETURN array(
    SELECT ROW(
        r.ordinality, r.instance_id, r.propolis_id, r.state, r.generation, r.time,
        CASE WHEN num_nonnulls(r.migration_in_id, r.migration_in_state, r.migration_in_generation, r.migration_in_time,
            r.migration_out_id, r.migration_out_state, r.migration_out_generation, r.migration_out_time) > 0 THEN
          ROW(r.instance_id, r.propolis_id, r.state, r.generation, r.time,
            r.migration_in_id, r.migration_in_state, r.migration_in_generation, r.migration_in_time,
            r.migration_out_id, r.migration_out_state, r.migration_out_generation, r.migration_out_time)::vmstate.vmm_report
        END
      )::vmstate.batch_report
      FROM jsonb_populate_recordset(NULL::vmstate.vmm_report, p_reports) WITH ORDINALITY AS r);
EXCEPTION
  WHEN data_exception THEN
    PERFORM vmstate.require_report('report_vmms', vmstate.parse_report(e.value, e.ordinality), format('Element %s: ', e.ordinality))
      FROM jsonb_array_elements(p_reports) WITH ORDINALITY AS e;
    RAISE;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.parse_batch FROM PUBLIC;
COMMENT ON FUNCTION vmstate.parse_batch IS 'The elements of a JSON array as reports; VM001 names the first malformed one as soon as any is none or has an unknown key.';
-- end of sql/verbs/sled_agent/steps/parse_batch.sql

-- copy of sql/verbs/sled_agent/steps/require_batch.sql
CREATE OR REPLACE FUNCTION vmstate.require_batch(p_reports vmstate.batch_report[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.require_report(
      'report_vmms',
      coalesce(r.report, ROW(r.instance_id, r.propolis_id, r.state, r.generation, r.time,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.vmm_report),
      format('Element %s: ', r.ordinal))
    FROM unnest(p_reports) AS r
    WHERE num_nulls(r.instance_id, r.propolis_id, r.state) > 0
      OR (r.generation BETWEEN 1 AND 9007199254740991 AND vmstate.is_point_in_time(r.time)) IS NOT TRUE
      OR r.report IS DISTINCT FROM NULL
    ORDER BY r.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_batch FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_batch IS 'Raises VM001, naming the element, for a batch with a report that says nothing a sled agent could say. Plain, valid reports of a VMM alone are passed over cheaply.';
-- end of sql/verbs/sled_agent/steps/require_batch.sql

-- copy of sql/verbs/sled_agent/steps/lock_batch.sql
CREATE OR REPLACE FUNCTION vmstate.lock_batch(p_reports vmstate.batch_report[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM vmstate.vmm AS v
    WHERE (v.instance_id, v.id) IN (SELECT r.instance_id, r.propolis_id FROM unnest(p_reports) AS r)
    ORDER BY v.id FOR NO KEY UPDATE;
  PERFORM FROM (
      SELECT r.instance_id, r.propolis_id, unnest(ARRAY[(r.report).migration_in_id, (r.report).migration_out_id])
      FROM unnest(p_reports) AS r
    ) AS r (instance_id, propolis_id, migration_id)
    JOIN vmstate.migration AS m ON m.instance_id = r.instance_id AND m.id = r.migration_id
      AND r.propolis_id IN (m.source_propolis_id, m.destination_propolis_id)
    ORDER BY m.id FOR NO KEY UPDATE OF m;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_batch FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_batch IS 'Locks all VMMs of a batch by id, then by id all its migrations that the reporting VMMs are sides of.';
-- end of sql/verbs/sled_agent/steps/lock_batch.sql

-- copy of sql/verbs/sled_agent/steps/apply_reports.sql
CREATE OR REPLACE FUNCTION vmstate.apply_reports(p_reports vmstate.batch_report[], p_sleds uuid[])
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
          vmstate.counts_as_running(r.state, CASE WHEN r.state = 'migrating' THEN EXISTS (
            SELECT FROM vmstate.migration AS m WHERE m.instance_id = r.instance_id AND m.destination_propolis_id = r.propolis_id) END)
            AS counts_as_running,
          r.generation, r.time, r.report,
          v.state AS old_state, v.state_generation, v.time_unlinked IS NULL AS linked,
          vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, r.generation) AS outcome
        FROM (SELECT u.* FROM unnest(p_reports) AS u ORDER BY u.propolis_id) AS r
        -- locks in that order; of a row it had to wait for, it reads what the others left
        LEFT JOIN LATERAL (
          SELECT w.state, w.state_generation, w.time_deleted, w.time_unlinked
            FROM vmstate.vmm AS w
            WHERE w.instance_id = r.instance_id AND w.id = r.propolis_id
              -- one that came after the batch was checked is not there yet
              AND (p_sleds IS NULL OR w.sled_id = ANY (p_sleds))
            FOR NO KEY UPDATE
        ) AS v ON true
    ),
    written AS (
      UPDATE vmstate.vmm AS v
        SET state = j.new_state,
          state_generation = j.generation,
          time_state_updated = j.time,
          time_reported = v_now,
          time_started = CASE WHEN j.counts_as_running THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
          failure_reason = CASE WHEN j.new_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
        FROM judged AS j
        WHERE v.instance_id = j.instance_id AND v.id = j.propolis_id AND j.outcome = 'applied'
    )
    SELECT s.ordinal, s.instance_id, s.propolis_id, s.outcome,
        (s.sides).migration_in_outcome, (s.sides).migration_out_outcome,
        coalesce((s.sides).update_needed, false) OR (s.outcome = 'applied' AND s.linked AND vmstate.is_absorbing(s.new_state)),
        CASE WHEN s.outcome = 'applied' THEN s.new_state ELSE s.old_state END,
        CASE WHEN s.outcome = 'applied' THEN s.generation ELSE s.state_generation END
      FROM (
        SELECT j.*,
            CASE WHEN j.report IS DISTINCT FROM NULL THEN vmstate.apply_migration_parts('report_vmms', j.report, p_sleds) END AS sides
          FROM judged AS j
      ) AS s
      ORDER BY s.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_reports IS 'Judges and writes the reports of a batch, no two of one VMM. The caller has locked the migrations and refused VMMs that are on none of these sleds (NULL: any).';
-- end of sql/verbs/sled_agent/steps/apply_reports.sql

-- copy of sql/verbs/sled_agent/steps/apply_reports_with_repeats.sql
CREATE OR REPLACE FUNCTION vmstate.apply_reports_with_repeats(p_reports vmstate.batch_report[], p_sleds uuid[])
RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
SET plan_cache_mode = 'force_generic_plan'
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY
    -- the generation that each report has to beat: the row's, or that of a report before it
    WITH ranked AS (
      SELECT r.*, vmstate.from_report(r.state) AS new_state,
          v.state AS old_state, v.state_generation, v.time_deleted, v.time_unlinked IS NULL AS linked,
          greatest(v.state_generation, max(r.generation) OVER earlier) AS newest
        FROM (SELECT u.* FROM unnest(p_reports) AS u ORDER BY u.propolis_id) AS r
        -- locks in that order; of a row it had to wait for, it reads what the others left
        LEFT JOIN LATERAL (
          SELECT w.state, w.state_generation, w.time_deleted, w.time_unlinked
            FROM vmstate.vmm AS w
            WHERE w.instance_id = r.instance_id AND w.id = r.propolis_id
              -- one that came after the batch was checked is not there yet
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
    -- each applied report and those after it that are not
    numbered AS MATERIALIZED (
      SELECT j.*, count(*) FILTER (WHERE j.outcome = 'applied')
            OVER (PARTITION BY j.propolis_id, j.instance_id ORDER BY j.ordinal) AS change
        FROM judged AS j
    ),
    written AS (
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
              bool_or(vmstate.counts_as_running(n.state,
                CASE WHEN n.state = 'migrating' THEN EXISTS (
                  SELECT FROM vmstate.migration AS m
                    WHERE m.instance_id = n.instance_id AND m.destination_propolis_id = n.propolis_id) END)) AS counts_as_running
            FROM numbered AS n
            WHERE n.outcome = 'applied'
            GROUP BY n.instance_id, n.propolis_id
        ) AS c
        WHERE v.instance_id = c.instance_id AND v.id = c.propolis_id
    )
    SELECT s.ordinal, s.instance_id, s.propolis_id, s.outcome,
        (s.sides).migration_in_outcome, (s.sides).migration_out_outcome,
        coalesce((s.sides).update_needed, false) OR (s.outcome = 'applied' AND s.linked AND vmstate.is_absorbing(s.new_state)),
        CASE WHEN s.change > 0 THEN first_value(s.new_state) OVER latest ELSE s.old_state END,
        CASE WHEN s.change > 0 THEN first_value(s.generation) OVER latest ELSE s.state_generation::bigint END
      FROM (
        SELECT n.*,
            CASE WHEN n.report IS DISTINCT FROM NULL THEN vmstate.apply_migration_parts('report_vmms', n.report, p_sleds)
            END AS sides
          FROM (SELECT o.* FROM numbered AS o ORDER BY o.ordinal OFFSET 0) AS n
          OFFSET 0
      ) AS s
      WINDOW latest AS (PARTITION BY s.propolis_id, s.instance_id, s.change ORDER BY s.ordinal)
      ORDER BY s.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_reports_with_repeats FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_reports_with_repeats IS 'What apply_reports does, for a batch with several reports of one VMM: later ones are judged after earlier ones, and each VMM is written once.';
-- end of sql/verbs/sled_agent/steps/apply_reports_with_repeats.sql

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
        time_started = CASE
          -- In the statement that finds the VMM: a snapshot before it may show neither the VMM nor the migration to it.
          WHEN vmstate.counts_as_running(p_state, CASE WHEN p_state = 'migrating' THEN EXISTS (
            SELECT FROM vmstate.migration AS m WHERE m.instance_id = p_instance_id AND m.destination_propolis_id = p_propolis_id) END)
          THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
        failure_reason = CASE WHEN p_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
      WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
        AND vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, p_generation) = 'applied'
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
  IF v_with_migrations THEN
    PERFORM vmstate.lock_batch(v_reports);
  END IF;
  IF v_with_repeats THEN
    RETURN QUERY SELECT j.* FROM vmstate.apply_reports_with_repeats(v_reports, v_sleds) AS j;
  ELSE
    RETURN QUERY SELECT j.* FROM vmstate.apply_reports(v_reports, v_sleds) AS j;
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_vmms FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_vmms IS 'Many reports in one call: an array of objects whose keys are the arguments of report_vmm without p_ (absent or null where that allows it); an unknown key is refused, whatever its value. One row per element, in order, with its place from 1 and the columns of report_vmm; of several reports of one VMM, later ones are judged after earlier ones. Locks all VMMs by id, then all migrations by id. VM001 names the element that is malformed, 42501 the one whose VMM is on another sled than the caller''s; nothing is written then.';
-- end of sql/verbs/sled_agent/report_vmms.sql

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
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_lease) > 0 THEN
    PERFORM vmstate.raise_null_argument('begin_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_lease', p_lease));
  END IF;
  PERFORM vmstate.require_lease('begin_update', p_lease);
  v_instance := vmstate.lock_instance(p_instance_id);
  v_plan := vmstate.read_plan(p_instance_id);
  v_now := clock_timestamp();
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
      updater_lease_until = CASE WHEN v_is_holder THEN greatest(i.updater_lease_until, v_now + p_lease) ELSE v_now + p_lease END
    WHERE i.id = p_instance_id
    RETURNING i.updater_id, i.updater_generation, i.updater_lease_until
      INTO v_plan.updater_id, v_plan.updater_generation, v_plan.updater_lease_until;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_update IS 'First step of an update saga: takes the updater lock for p_lease (more than 0, at most 1 day) and answers the plan. updater_generation is the fencing token that commit_update, inherit_update and unlock_update ask for. An expired lease may be taken over; the holder again is applied, with the same updater_generation and a lease that never gets shorter. unchanged: nothing to do, no lock kept. conflict: locked (the unexpired lease of another saga).';
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
  UPDATE vmstate.instance AS i
    SET updater_id = p_saga_id,
      updater_parent_id = p_parent_saga_id,
      updater_generation = i.updater_generation + 1,
      updater_lease_until = greatest(i.updater_lease_until, v_now + p_lease)
    WHERE i.id = p_instance_id
    RETURNING i.updater_id, i.updater_generation, i.updater_lease_until
      INTO v_plan.updater_id, v_plan.updater_generation, v_plan.updater_lease_until;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.inherit_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.inherit_update IS 'A child saga takes the updater lock over from its parent, which p_updater_generation proves to be the holder; the answer has a new updater_generation and the plan. The lock is kept even when nothing is to do any more, and the lease (p_lease: more than 0, at most 1 day) never gets shorter. unchanged: this parent handed the lock to this saga already. conflict: lock_lost.';
-- end of sql/verbs/update_saga/inherit_update.sql

-- copy of sql/verbs/update_saga/commit_update.sql
CREATE OR REPLACE FUNCTION vmstate.commit_update(
  p_instance_id uuid,
  p_saga_id uuid,
  p_updater_generation bigint,
  p_plan_token text
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_updater_generation, p_plan_token) > 0 THEN
    PERFORM vmstate.raise_null_argument('commit_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id,
      'p_updater_generation', p_updater_generation, 'p_plan_token', p_plan_token));
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.committed_updater_generation = p_updater_generation
      AND v_instance.committed_updater_id = p_saga_id AND v_instance.committed_plan_token = p_plan_token THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  ELSIF NOT vmstate.holds_updater_lock(v_instance, p_saga_id, p_updater_generation) THEN
    RETURN vmstate.to_instance_result('conflict', 'lock_lost', p_instance_id);
  END IF;

  v_plan := vmstate.lock_and_read_plan(v_instance);
  IF v_plan.plan_token <> p_plan_token THEN
    RETURN vmstate.to_instance_result(
      'conflict',
      CASE
        WHEN v_plan.state_generation::pg_catalog.text <> substring(p_plan_token FROM '^([0-9]+)[.]') THEN 'stale_generation'
        ELSE 'plan_changed'
      END,
      p_instance_id);
  END IF;

  PERFORM vmstate.apply_plan(v_plan, p_updater_generation);
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.commit_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.commit_update IS 'Last step of an update saga: writes exactly the plan that p_plan_token names and releases the updater lock. State and intent are decided now, so a VMM unwound meanwhile counts as unwound, and a user''s stop is never overwritten. An expired lease that nobody took still commits. unchanged: this saga committed this plan with this token already. conflict, and nothing written: lock_lost (also for another saga or plan with the token of a committed update), stale_generation (a start or migration replaced an unwound VMM meanwhile), plan_changed (other ids, or other VMMs unlinked or to terminate): plan again with begin_update.';
-- end of sql/verbs/update_saga/commit_update.sql

-- copy of sql/verbs/update_saga/unlock_update.sql
CREATE OR REPLACE FUNCTION vmstate.unlock_update(p_instance_id uuid, p_saga_id uuid, p_updater_generation bigint)
RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_updater_generation) > 0 THEN
    PERFORM vmstate.raise_null_argument('unlock_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_updater_generation', p_updater_generation));
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.updater_id IS NULL AND v_instance.updater_generation = p_updater_generation
      AND v_instance.released_updater_id = p_saga_id THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  ELSIF NOT vmstate.holds_updater_lock(v_instance, p_saga_id, p_updater_generation) THEN
    RETURN vmstate.to_instance_result('conflict', 'lock_lost', p_instance_id);
  END IF;

  PERFORM vmstate.release_updater(p_instance_id);
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unlock_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unlock_update IS 'Undo of an update saga: releases the updater lock and applies nothing. unchanged: this saga''s lock was released already, also by its commit. conflict: lock_lost.';
-- end of sql/verbs/update_saga/unlock_update.sql

-- copy of sql/verbs/update_saga/run_update.sql
CREATE OR REPLACE FUNCTION vmstate.run_update(p_instance_id uuid, p_saga_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('run_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id));
  END IF;
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
REVOKE ALL ON FUNCTION vmstate.run_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.run_update IS 'Plan and commit in one call, for callers that have nothing to do in between: the columns of begin_update, with the plan that was applied. unchanged: nothing to do. conflict: locked (the unexpired lease of another saga). Terminate terminate_propolis_ids afterwards; until then they stand in vmstate.orphaned_vmm.';
-- end of sql/verbs/update_saga/run_update.sql

-- copy of sql/verbs/update_saga/explain_update.sql
CREATE OR REPLACE FUNCTION vmstate.explain_update(p_instance_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_plan vmstate.instance_plan;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('explain_update', 'p_instance_id', 'It is null.');
  END IF;
  v_plan := vmstate.read_plan(p_instance_id);
  RETURN vmstate.to_update_result(
    CASE
      WHEN v_plan.instance_id IS NULL THEN 'not_found'::vmstate.outcome
      WHEN v_plan.state = 'destroyed' THEN 'gone'
      WHEN v_plan.needed THEN 'applied'
      ELSE 'unchanged'
    END, NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.explain_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.explain_update IS 'The plan as begin_update would answer it now, read only, and who holds the updater lock (updater_id, updater_generation, updater_lease_until; updater_id null: nobody). applied: there is a plan; unchanged: none.';
-- end of sql/verbs/update_saga/explain_update.sql

-- copy of sql/verbs/operator/fail_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.fail_vmm(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_reason vmstate.failure_reason,
  p_expected_generation bigint DEFAULT NULL
) RETURNS vmstate.fail_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
  v_generation bigint;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_propolis_id, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('fail_vmm', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_propolis_id', p_propolis_id, 'p_reason', p_reason));
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, p_propolis_id);
  IF v_vmm.id IS NULL THEN
    RETURN ROW('not_found', NULL, NULL, NULL, false)::vmstate.fail_result;
  ELSIF v_vmm.time_deleted IS NOT NULL THEN
    RETURN ROW('gone', NULL, v_vmm.state, v_vmm.state_generation, false)::vmstate.fail_result;
  ELSIF vmstate.is_absorbing(v_vmm.state) THEN
    RETURN ROW('terminal', NULL, v_vmm.state, v_vmm.state_generation, false)::vmstate.fail_result;
  ELSIF v_vmm.state_generation <> p_expected_generation THEN
    RETURN ROW('conflict', 'stale_generation', v_vmm.state, v_vmm.state_generation, false)::vmstate.fail_result;
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.vmm AS v
    SET state = 'failed', state_generation = vmstate.next_generation(v.state_generation), time_state_updated = v_now,
      time_reported = v_now, failure_reason = p_reason
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
    RETURNING v.state_generation INTO v_generation;
  RETURN ROW('applied', NULL, 'failed', v_generation, v_vmm.time_unlinked IS NULL)::vmstate.fail_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_vmm IS 'A watcher or an operator declares a VMM dead: it becomes failed. Never writes a migration side: a dead destination is enough for the plan, and a dead source must not decide it, since the guest may run on the destination already. p_expected_generation is the VMM''s (NULL: no check). update_needed: an instance names the VMM. terminal: dead already, also on a replay. conflict: stale_generation.';
-- end of sql/verbs/operator/fail_vmm.sql

-- copy of sql/verbs/operator/fail_sled.sql
CREATE OR REPLACE FUNCTION vmstate.fail_sled(p_sled_id uuid, p_reason vmstate.failure_reason)
RETURNS TABLE (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.vmm_state,
  state_generation bigint,
  update_needed boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
BEGIN
  IF num_nulls(p_sled_id, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('fail_sled', jsonb_build_object('p_sled_id', p_sled_id, 'p_reason', p_reason));
  END IF;
  RETURN QUERY SELECT f.* FROM vmstate.fail_vmms_of_sled(p_sled_id, NULL, p_reason) AS f;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_sled IS 'The host is dead: every live VMM on the sled becomes failed, those still creating too. One row per VMM it failed, by VMM id; a second call answers no row. Locks VMMs by id and no instance; writes no migration side. A sled that only rebooted may run VMMs that started since: fail_sled_vmms.';
-- end of sql/verbs/operator/fail_sled.sql

-- copy of sql/verbs/operator/fail_sled_vmms.sql
CREATE OR REPLACE FUNCTION vmstate.fail_sled_vmms(p_sled_id uuid, p_propolis_ids uuid[], p_reason vmstate.failure_reason)
RETURNS TABLE (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.vmm_state,
  state_generation bigint,
  update_needed boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
BEGIN
  IF num_nulls(p_sled_id, p_propolis_ids, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('fail_sled_vmms', jsonb_build_object(
      'p_sled_id', p_sled_id, 'p_propolis_ids', p_propolis_ids, 'p_reason', p_reason));
  ELSIF num_nulls(VARIADIC p_propolis_ids) > 0 THEN
    PERFORM vmstate.raise_invalid_argument('fail_sled_vmms', 'p_propolis_ids', 'An element is null.');
  END IF;
  RETURN QUERY SELECT f.* FROM vmstate.fail_vmms_of_sled(p_sled_id, p_propolis_ids, p_reason) AS f;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_sled_vmms FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_sled_vmms IS 'The sled has lost these VMMs, as in a reboot: those of p_propolis_ids that are alive and on this sled become failed, and no VMM that started since. One row per VMM it failed, by VMM id; a second call answers no row. Locks VMMs by id and no instance; writes no migration side. VM001: nulls, also in p_propolis_ids.';
-- end of sql/verbs/operator/fail_sled_vmms.sql

-- copy of sql/verbs/operator/break_update.sql
CREATE OR REPLACE FUNCTION vmstate.break_update(p_instance_id uuid, p_updater_generation bigint, p_reason text)
RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
BEGIN
  IF num_nulls(p_instance_id, p_updater_generation, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('break_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_updater_generation', p_updater_generation, 'p_reason', p_reason));
  ELSIF btrim(p_reason) = '' THEN
    PERFORM vmstate.raise_invalid_argument('break_update', 'p_reason', 'It is empty.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.updater_id IS NULL AND v_instance.updater_generation >= p_updater_generation THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  ELSIF v_instance.updater_id IS NULL OR v_instance.updater_generation <> p_updater_generation THEN
    RETURN vmstate.to_instance_result('conflict', 'lock_lost', p_instance_id);
  END IF;

  PERFORM vmstate.release_updater(p_instance_id);
  RAISE LOG 'vmstate.break_update: update % of instance %, held by saga %, was ended: %',
    p_updater_generation, p_instance_id, v_instance.updater_id, p_reason;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.break_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.break_update IS 'An operator ends the updater lock that p_updater_generation names (explain_update shows it), whoever holds it and however long its lease: the holder''s commit is then lock_lost. p_reason, not empty, goes to the server''s log. unchanged: that lock has ended, and nobody holds another. conflict: lock_lost (another lock is held by now, or none was ever given that token).';
-- end of sql/verbs/operator/break_update.sql

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
COMMENT ON FUNCTION vmstate.purge IS 'Hard-deletes what was soft-deleted before p_before: migrations whose two VMMs are soft-deleted, VMMs that no migration names, instances that have neither; at most p_limit rows (1 to 100000) of all three. One row: how many of each. left_over: more than p_limit rows were due, so call it again. Passes over rows that other sessions have locked, and waits for nobody. Afterwards a late replay of create_instance or a begin begins anew, and a late report is not_found: let p_before lie further back than any saga or partition lasts. VM001: nulls, p_before less than 1 hour ago.';
-- end of sql/verbs/operator/purge.sql

-- copy of sql/verbs/access/grant_access.sql
CREATE OR REPLACE FUNCTION vmstate.grant_access(p_role name, p_kind vmstate.access_kind, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_privilege pg_catalog.text;
  v_object pg_catalog.text;
BEGIN
  IF p_kind IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('grant_access', 'p_kind', 'It is null.');
  END IF;
  PERFORM vmstate.require_role('grant_access', p_role);
  PERFORM vmstate.require_owner('grant_access', 'grants');
  -- of two sessions that grant on one object, PostgreSQL fails the later one
  PERFORM pg_advisory_xact_lock('vmstate.grant_access'::pg_catalog.regproc::bigint);
  outcome := 'unchanged';
  FOR v_privilege, v_object IN
    SELECT r.privilege, r.object FROM vmstate.role_access(p_role, p_kind) AS r WHERE NOT r.is_held
  LOOP
    EXECUTE format('GRANT %s ON %s TO %I', v_privilege, v_object, p_role);
    outcome := 'applied';
  END LOOP;
EXCEPTION
  WHEN program_limit_exceeded THEN
    RAISE EXCEPTION USING
      ERRCODE = 'program_limit_exceeded',
      MESSAGE = format('vmstate.grant_access: the access list of %s has no room for role "%s"', v_object, p_role),
      DETAIL = format('PostgreSQL keeps the list in one row of at most 8 kB: %s.', SQLERRM),
      HINT = 'Nothing was changed. Call grant_access once for a group role that cannot log in, and GRANT that role to the others; revoke_access takes them off the list.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.grant_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.grant_access IS 'Gives a role all that one kind of role needs. control_plane: every verb, every public view. sled_agent: report_vmm and report_vmms, of the VMMs of the sled that bind_sled_agent names; of views it reads schema_version only. reader: every public view, and explain_update. No kind may touch a table. A role may have several kinds. Roles that are members of the role have its access too: for many sleds, grant once to a group role, since PostgreSQL has room for about 2,400 roles on one object. unchanged: it had all of it already. For the owner of the schema only, with whose rights it runs; call it again after a migration, which may bring new functions and views. revoke_access takes away. 54000: no room for one more role. VM001: no such role, nulls.';
-- end of sql/verbs/access/grant_access.sql

-- copy of sql/verbs/access/revoke_access.sql
CREATE OR REPLACE FUNCTION vmstate.revoke_access(p_role name, p_kind vmstate.access_kind, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_kept pg_catalog.text[];
  v_privilege pg_catalog.text;
  v_object pg_catalog.text;
BEGIN
  IF p_kind IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('revoke_access', 'p_kind', 'It is null.');
  END IF;
  PERFORM vmstate.require_role('revoke_access', p_role);
  PERFORM vmstate.require_owner('revoke_access', 'revokes');
  IF EXISTS (SELECT FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'vmstate' AND pg_get_userbyid(n.nspowner) = p_role) THEN
    PERFORM vmstate.raise_invalid_argument('revoke_access', 'p_role',
      format('Role "%s" owns schema vmstate: its functions run with the rights of that role.', p_role));
  END IF;
  -- of two sessions that grant or revoke on one object, PostgreSQL fails the later one
  PERFORM pg_advisory_xact_lock('vmstate.grant_access'::pg_catalog.regproc::bigint);
  v_kept := array(
    SELECT o.privilege || ' ON ' || o.object
      FROM unnest(vmstate.other_kinds(p_role, p_kind)) AS k, vmstate.access_rights(k) AS o
  );
  outcome := 'unchanged';
  FOR v_privilege, v_object IN
    SELECT r.privilege, r.object
      FROM vmstate.role_access(p_role, p_kind) AS r
      WHERE r.is_held AND r.privilege || ' ON ' || r.object <> ALL (v_kept)
  LOOP
    EXECUTE format('REVOKE %s ON %s FROM %I', v_privilege, v_object, p_role);
    outcome := 'applied';
  END LOOP;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.revoke_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.revoke_access IS 'Takes away from a role what grant_access gave it for one kind, at once, also from transactions that go on. What another kind of the role needs stays, where the role has all of that kind and p_kind does not include it: control_plane includes the other two, so grant them again if they should stay. What the role has as a member of other roles stays, and so does the binding of a sled agent: bind_sled_agent ends it. unchanged: there was nothing to take away. For the owner of the schema only. VM001: no such role, the owner itself, nulls.';
-- end of sql/verbs/access/revoke_access.sql

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

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (7, '0007_names', false);
