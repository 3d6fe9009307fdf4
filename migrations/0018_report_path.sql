-- 0018_report_path: reports cost the server less: one by one, in batches, and by what guards them.
-- Why: PostgreSQL sets up every expression of a statement anew at each call, so a health report does without all that it does
-- not need; a batch is one ordered UPDATE of arrays, without a pass that only locks.
-- Objects: functions report_vmm_batch (new), report_vmm, report_vmms and their steps; access_rights and grant_access; trigger
-- guard_generation (new) and guard_state on vmm. ENABLE ALWAYS on guard_state is reset; set it again, on both. Every role that
-- may call report_vmms may call report_vmm_batch.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads go on), for a moment.
-- Breaking: no.
-- With psql, in one transaction that ends at the first error: psql -1 -v ON_ERROR_STOP=1 -f 0018_report_path.sql

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

-- The two triggers with WHEN conditions, of one function: a write is judged when its generation is not newer, or when it changes
-- the state or the failure_reason. A health report writes neither of these two, so its statement evaluates the first condition
-- alone. Each condition is short, because every statement copies the conditions of all triggers of its table as text, and parses
-- those that it evaluates.
CREATE OR REPLACE TRIGGER guard_generation AFTER UPDATE OF state, state_generation, time_state_updated, time_started, failure_reason
  ON vmstate.vmm
  FOR EACH ROW WHEN (NEW.state_generation <= OLD.state_generation)
  EXECUTE FUNCTION vmstate.guard_vmm_state();

CREATE OR REPLACE TRIGGER guard_state AFTER UPDATE OF state, failure_reason
  ON vmstate.vmm
  FOR EACH ROW WHEN (NEW.state <> OLD.state OR NEW.failure_reason IS DISTINCT FROM OLD.failure_reason)
  EXECUTE FUNCTION vmstate.guard_vmm_state();
-- end of sql/guards/guard_vmm_state.sql

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
      ('instance_id', p_report.instance_id IS NULL, 'must not be null.'),
      ('propolis_id', p_report.propolis_id IS NULL, 'must not be null.'),
      ('state', p_report.state IS NULL, 'must not be null.'),
      ('generation', p_report.generation IS NULL, 'must not be null.'),
      ('time', p_report.time IS NULL, 'must not be null.'),
      ('generation', NOT p_report.generation BETWEEN 1 AND 9007199254740991,
        format('must be from 1 to 2^53-1, not %s.', p_report.generation)),
      ('time', NOT vmstate.is_point_in_time(p_report.time),
        format('must be within the years 1970 to 9999, not %s.', p_report.time)),
      ('migration_in_id', num_nulls(p_report.migration_in_id, p_report.migration_in_state,
          p_report.migration_in_generation, p_report.migration_in_time) NOT IN (0, 4),
        'must be given together with the three other migration_in arguments.'),
      ('migration_in_generation', NOT p_report.migration_in_generation BETWEEN 1 AND 9007199254740991,
        format('must be from 1 to 2^53-1, not %s.', p_report.migration_in_generation)),
      ('migration_in_time', NOT vmstate.is_point_in_time(p_report.migration_in_time),
        format('must be within the years 1970 to 9999, not %s.', p_report.migration_in_time)),
      ('migration_out_id', num_nulls(p_report.migration_out_id, p_report.migration_out_state,
          p_report.migration_out_generation, p_report.migration_out_time) NOT IN (0, 4),
        'must be given together with the three other migration_out arguments.'),
      ('migration_out_generation', NOT p_report.migration_out_generation BETWEEN 1 AND 9007199254740991,
        format('must be from 1 to 2^53-1, not %s.', p_report.migration_out_generation)),
      ('migration_out_time', NOT vmstate.is_point_in_time(p_report.migration_out_time),
        format('must be within the years 1970 to 9999, not %s.', p_report.migration_out_time)),
      ('migration_out_id', p_report.migration_out_id = p_report.migration_in_id,
        format('must not be %s, too, as migration_in_id is: no VMM is both sides of one migration.', p_report.migration_out_id))
    ) AS c (argument, is_violated, problem)
    WHERE c.is_violated
    LIMIT 1;
  IF FOUND THEN
    -- report_vmm_batch takes an array of each. In a batch (p_where is not empty) the names are keys of JSON, which have no p_.
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_' || v_argument || CASE p_function WHEN 'report_vmm_batch' THEN 's' ELSE '' END,
      format('%s%s%s %s', p_where, CASE p_where WHEN '' THEN 'p_' END, v_argument, v_problem));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_report IS 'Raises VM001 if a report says nothing that a sled agent could say.';
-- end of sql/verbs/sled_agent/steps/require_report.sql

-- copy of sql/verbs/sled_agent/steps/reports_any_sled.sql
CREATE OR REPLACE FUNCTION vmstate.reports_any_sled() RETURNS boolean
LANGUAGE sql
-- The type regproc makes the function a constant of the plan: no call looks up its name.
RETURN has_function_privilege(vmstate.session_role(), 'vmstate.fail_vmm'::regproc, 'EXECUTE');
REVOKE ALL ON FUNCTION vmstate.reports_any_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reports_any_sled IS 'Tells whether the caller may report the VMMs of every sled.

That is a role which may declare every VMM dead with fail_vmm. The verb that asks has run UNLISTEN before.';
-- end of sql/verbs/sled_agent/steps/reports_any_sled.sql

-- copy of sql/verbs/sled_agent/steps/reportable_sleds.sql
CREATE OR REPLACE FUNCTION vmstate.reportable_sleds() RETURNS uuid[]
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- PostgreSQL refuses UNLISTEN where it runs the functions of one role in the session of another, for example those of an
  -- index during ANALYZE. session_role would name the wrong role there.
  UNLISTEN vmstate;
  IF vmstate.reports_any_sled() THEN
    RETURN NULL;
  END IF;
  RETURN array(SELECT b.sled_id FROM vmstate.sled_agent_binding AS b WHERE b.role = vmstate.session_role());
END;
$$;
REVOKE ALL ON FUNCTION vmstate.reportable_sleds FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reportable_sleds IS 'Lists the sleds whose VMMs the caller may report.

NULL, which means any sled, for a role that may declare every VMM dead with fail_vmm; else the sled that the role is bound to, or none.';
-- end of sql/verbs/sled_agent/steps/reportable_sleds.sql

-- copy of sql/verbs/sled_agent/steps/require_batch_sleds.sql
CREATE OR REPLACE FUNCTION vmstate.require_batch_sleds(
  p_function text,
  p_reports vmstate.batch_report[],
  p_sleds uuid[]
) RETURNS void
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
    PERFORM vmstate.raise_foreign_report(p_function, v_report.propolis_id, p_sleds,
      format('Element %s: ', v_report.ordinal));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_batch_sleds FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_batch_sleds IS 'Raises 42501 for the first report of a batch whose VMM is on none of p_sleds.';
-- end of sql/verbs/sled_agent/steps/require_batch_sleds.sql

-- copy of sql/verbs/sled_agent/steps/require_reportable.sql
CREATE OR REPLACE FUNCTION vmstate.require_reportable(p_reports vmstate.batch_report[], p_sleds uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.require_batch_sleds('report_vmms', p_reports, p_sleds);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_reportable FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_reportable IS 'Raises 42501 for the first report of report_vmms that is of another sled.';
-- end of sql/verbs/sled_agent/steps/require_reportable.sql

-- copy of sql/verbs/sled_agent/steps/require_batch_reports.sql
CREATE OR REPLACE FUNCTION vmstate.require_batch_reports(p_function text, p_reports vmstate.batch_report[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.require_report(
      p_function,
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
REVOKE ALL ON FUNCTION vmstate.require_batch_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_batch_reports IS 'Raises VM001 for the first report of a batch that no sled agent could make.

The error names the element. Plain, valid reports of a VMM alone are skipped cheaply.';
-- end of sql/verbs/sled_agent/steps/require_batch_reports.sql

-- copy of sql/verbs/sled_agent/steps/require_batch.sql
CREATE OR REPLACE FUNCTION vmstate.require_batch(p_reports vmstate.batch_report[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.require_batch_reports('report_vmms', p_reports);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_batch FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_batch IS 'Raises VM001 for the first report of report_vmms that no sled agent could make.';
-- end of sql/verbs/sled_agent/steps/require_batch.sql

-- copy of sql/verbs/sled_agent/steps/apply_plain_reports.sql
CREATE OR REPLACE FUNCTION vmstate.apply_plain_reports(
  p_instance_ids uuid[],
  p_propolis_ids uuid[],
  p_states vmstate.reported_vmm_state[],
  p_generations bigint[],
  p_times timestamptz[],
  p_sleds uuid[],
  OUT applied bigint[],
  OUT update_needed bigint[]
)
LANGUAGE plpgsql
SET search_path = ''
-- These settings leave the planner one way to join: for each report, in the order of the ids, one look into an index. Any other
-- way could lock the VMMs in another order, and with the plan of one batch in every session, two batches could deadlock.
SET plan_cache_mode = 'force_generic_plan'
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  WITH apply_reports AS (
    UPDATE vmstate.vmm AS v
      SET state = r.new_state,
        state_generation = r.generation,
        time_state_updated = r.time,
        time_reported = v_now,
        time_started = CASE WHEN (v.migration_id IS NULL AND r.runs) OR r.runs_as_destination
          THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
        failure_reason = CASE WHEN r.new_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
      -- Sorted: PostgreSQL locks each VMM when it comes to its report, so all batches lock in the order of the ids.
      FROM (
        SELECT u.instance_id, u.propolis_id, u.generation, u.time, u.ordinal, vmstate.from_report(u.state) AS new_state,
            vmstate.counts_as_running(u.state, false) AS runs, vmstate.counts_as_running(u.state, true) AS runs_as_destination
          FROM unnest(p_instance_ids, p_propolis_ids, p_states, p_generations, p_times)
            WITH ORDINALITY AS u (instance_id, propolis_id, state, generation, "time", ordinal)
          ORDER BY u.propolis_id
      ) AS r
      -- Written as ANY and num_nonnulls, because with = and IS NULL the planner may also go through a whole index of VMMs, in
      -- the order of that index, and look for a report of each; it does so while the table is small, and keeps the plan.
      WHERE v.instance_id = ANY (ARRAY[r.instance_id]) AND v.id = ANY (ARRAY[r.propolis_id])
        -- The generation check: what vmm_report_outcome calls applied, spelled out in the statement that writes.
        AND v.state_generation < r.generation AND NOT vmstate.is_absorbing(v.state) AND num_nonnulls(v.time_deleted) = 0
        AND (p_sleds IS NULL OR v.sled_id = ANY (p_sleds))
        AND r.new_state IS NOT NULL AND vmstate.is_point_in_time(r.time) AND r.generation <= 9007199254740991
      RETURNING r.ordinal, v.time_unlinked IS NULL AND vmstate.is_absorbing(v.state) AS is_end
  )
  SELECT array_agg(a.ordinal), array_agg(a.ordinal) FILTER (WHERE a.is_end) INTO applied, update_needed FROM apply_reports AS a;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_plain_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_plain_reports IS 'Writes the reports of a batch that are newer than their rows, in one pass.

For batches that name no VMM twice and no migration. Locks the VMMs by id as it writes them, and locks no other VMM. Answers the places of the reports that were written, from 1, and those of them by which a linked VMM died; null for none.';
-- end of sql/verbs/sled_agent/steps/apply_plain_reports.sql

-- copy of sql/verbs/sled_agent/steps/batch_of_arrays.sql
CREATE OR REPLACE FUNCTION vmstate.batch_of_arrays(
  p_instance_ids uuid[],
  p_propolis_ids uuid[],
  p_states vmstate.reported_vmm_state[],
  p_generations bigint[],
  p_times timestamptz[]
) RETURNS vmstate.batch_report[]
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RETURN array(
    SELECT ROW(u.ordinal, u.instance_id, u.propolis_id, u.state, u.generation, u.time, NULL)::vmstate.batch_report
      FROM unnest(p_instance_ids, p_propolis_ids, p_states, p_generations, p_times)
        WITH ORDINALITY AS u (instance_id, propolis_id, state, generation, "time", ordinal)
      ORDER BY u.ordinal);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.batch_of_arrays FROM PUBLIC;
COMMENT ON FUNCTION vmstate.batch_of_arrays IS 'Makes reports of the arrays that report_vmm_batch takes.';
-- end of sql/verbs/sled_agent/steps/batch_of_arrays.sql

-- copy of sql/verbs/sled_agent/steps/explain_plain_reports.sql
CREATE OR REPLACE FUNCTION vmstate.explain_plain_reports(
  p_instance_ids uuid[],
  p_propolis_ids uuid[],
  p_states vmstate.reported_vmm_state[],
  p_generations bigint[],
  p_times timestamptz[],
  p_sleds uuid[],
  p_function text,
  p_applied bigint[],
  p_update_needed bigint[]
) RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_reports vmstate.batch_report[];
BEGIN
  v_reports := vmstate.batch_of_arrays(p_instance_ids, p_propolis_ids, p_states, p_generations, p_times);
  PERFORM vmstate.require_batch_reports(p_function, v_reports);
  IF p_sleds IS NOT NULL THEN
    PERFORM vmstate.require_batch_sleds(p_function, v_reports, p_sleds);
  END IF;
  RETURN QUERY
    SELECT r.ordinal, r.instance_id, r.propolis_id, o.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        coalesce(r.ordinal = ANY (p_update_needed), false),
        CASE WHEN o.outcome <> 'not_found' THEN v.state END, CASE WHEN o.outcome <> 'not_found' THEN v.state_generation::bigint END
      FROM unnest(v_reports) AS r
      LEFT JOIN vmstate.vmm AS v ON v.instance_id = r.instance_id AND v.id = r.propolis_id
        AND (p_sleds IS NULL OR v.sled_id = ANY (p_sleds))
      CROSS JOIN LATERAL (
        SELECT CASE
          WHEN r.ordinal = ANY (p_applied) THEN 'applied'::vmstate.outcome
          -- A VMM that would take the report now was inserted after the batch had passed its place: it was not found.
          WHEN vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, r.generation) = 'applied' THEN 'not_found'
          ELSE vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, r.generation)
        END AS outcome
      ) AS o
      WHERE r.ordinal <> ALL (coalesce(p_applied, '{}')) OR r.ordinal = ANY (p_update_needed)
      ORDER BY r.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.explain_plain_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.explain_plain_reports IS 'Tells why reports of a batch were not written, and which linked VMMs died.

Reads in a snapshot that is newer than the write, and locks nothing: a refusal stays true, since generations only rise and no dead or deleted VMM lives again. Raises VM001 and 42501 as p_function, which is report_vmms or report_vmm_batch.';
-- end of sql/verbs/sled_agent/steps/explain_plain_reports.sql

-- copy of sql/verbs/sled_agent/steps/report_plain_batch.sql
CREATE OR REPLACE FUNCTION vmstate.report_plain_batch(
  p_instance_ids uuid[],
  p_propolis_ids uuid[],
  p_states vmstate.reported_vmm_state[],
  p_generations bigint[],
  p_times timestamptz[],
  p_sleds uuid[],
  p_function text
) RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_applied bigint[];
  v_update_needed bigint[];
BEGIN
  SELECT a.applied, a.update_needed INTO v_applied, v_update_needed
    FROM vmstate.apply_plain_reports(p_instance_ids, p_propolis_ids, p_states, p_generations, p_times, p_sleds) AS a;
  IF coalesce(cardinality(v_applied), 0) < cardinality(p_propolis_ids) OR v_update_needed IS NOT NULL THEN
    RETURN QUERY SELECT e.* FROM vmstate.explain_plain_reports(
      p_instance_ids, p_propolis_ids, p_states, p_generations, p_times, p_sleds, p_function, v_applied, v_update_needed) AS e;
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_plain_batch FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_plain_batch IS 'Applies a batch that names no VMM twice and no migration.

Answers a row for each report that was not applied, and for each by which a linked VMM died. Every other report was applied, and its VMM stands as reported.';
-- end of sql/verbs/sled_agent/steps/report_plain_batch.sql

-- copy of sql/verbs/sled_agent/steps/answer_plain_reports.sql
CREATE OR REPLACE FUNCTION vmstate.answer_plain_reports(p_reports vmstate.batch_report[], p_sleds uuid[])
RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_rest vmstate.batch_result[];
BEGIN
  -- An array, so that no plan can run the function twice.
  v_rest := array(
    SELECT e
      FROM (
        SELECT array_agg(r.instance_id) AS instance_ids, array_agg(r.propolis_id) AS propolis_ids, array_agg(r.state) AS states,
            array_agg(r.generation) AS generations, array_agg(r.time) AS times
          FROM unnest(p_reports) AS r
      ) AS a
      CROSS JOIN LATERAL vmstate.report_plain_batch(
        a.instance_ids, a.propolis_ids, a.states, a.generations, a.times, p_sleds, 'report_vmms') AS e);
  RETURN QUERY
    SELECT r.ordinal, r.instance_id, r.propolis_id, coalesce(e.vmm_outcome, 'applied'), NULL::vmstate.outcome, NULL::vmstate.outcome,
        coalesce(e.update_needed, false),
        CASE WHEN e.ordinal IS NULL THEN vmstate.from_report(r.state) ELSE e.state END,
        CASE WHEN e.ordinal IS NULL THEN r.generation ELSE e.state_generation END
      FROM unnest(p_reports) AS r
      LEFT JOIN unnest(v_rest) AS e ON e.ordinal = r.ordinal
      ORDER BY r.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.answer_plain_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.answer_plain_reports IS 'Applies a batch of plain reports, each of another VMM, and answers every report.';
-- end of sql/verbs/sled_agent/steps/answer_plain_reports.sql

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
  v_sleds pg_catalog.uuid[];
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_state vmstate.vmm_state;
  v_runs boolean;
  v_runs_as_destination boolean;
  v_report vmstate.vmm_report;
  v_result vmstate.report_result;
  v_sides vmstate.report_result;
BEGIN
  -- PostgreSQL refuses UNLISTEN where it runs the functions of one role in the session of another: see reportable_sleds.
  UNLISTEN vmstate;
  -- A health report, the commonest call: a running VMM still runs. It writes three columns of a row whose other columns the
  -- general UPDATE below would leave as they are, and evaluates nothing that such a report does not need. PostgreSQL sets up
  -- every expression of a statement anew at each call, so their number is what a report costs.
  IF p_state = 'running' AND num_nonnulls(p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time) = 0 AND vmstate.reports_any_sled() THEN
    UPDATE vmstate.vmm AS v
      SET state_generation = p_generation, time_state_updated = p_time, time_reported = v_now
      WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
        AND v.state_generation < p_generation AND v.state = 'running' AND v.time_deleted IS NULL AND v.time_started IS NOT NULL
        AND vmstate.is_point_in_time(p_time) AND p_generation <= 9007199254740991;
    IF FOUND THEN
      RETURN ROW('applied', NULL, NULL, false, 'running', p_generation)::vmstate.report_result;
    END IF;
  END IF;
  v_sleds := vmstate.reportable_sleds();
  IF p_state = 'running' AND v_sleds IS NOT NULL AND num_nonnulls(p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time) = 0 THEN
    -- The same for the agent of one sled.
    UPDATE vmstate.vmm AS v
      SET state_generation = p_generation, time_state_updated = p_time, time_reported = v_now
      WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
        AND v.state_generation < p_generation AND v.state = 'running' AND v.time_deleted IS NULL AND v.time_started IS NOT NULL
        AND v.sled_id = ANY (v_sleds)
        AND vmstate.is_point_in_time(p_time) AND p_generation <= 9007199254740991;
    IF FOUND THEN
      RETURN ROW('applied', NULL, NULL, false, 'running', p_generation)::vmstate.report_result;
    END IF;
  END IF;
  IF num_nonnulls(p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time) > 0 THEN
    v_report := ROW(p_instance_id, p_propolis_id, p_state, p_generation, p_time,
      p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time);
    PERFORM vmstate.require_report('report_vmm', v_report);
  END IF;

  v_state := vmstate.from_report(p_state);
  v_runs := vmstate.counts_as_running(p_state, false);
  v_runs_as_destination := vmstate.counts_as_running(p_state, true);
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

-- copy of sql/verbs/sled_agent/report_vmm_batch.sql
CREATE OR REPLACE FUNCTION vmstate.report_vmm_batch(
  p_instance_ids uuid[],
  p_propolis_ids uuid[],
  p_states vmstate.reported_vmm_state[],
  p_generations bigint[],
  p_times timestamptz[]
) RETURNS TABLE (
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
  v_sleds pg_catalog.uuid[] := vmstate.reportable_sleds();
  v_size integer := cardinality(p_propolis_ids);
  v_reports vmstate.batch_report[];
BEGIN
  IF (cardinality(p_instance_ids) = v_size AND cardinality(p_states) = v_size AND cardinality(p_generations) = v_size
      AND cardinality(p_times) = v_size) IS NOT TRUE THEN
    PERFORM vmstate.raise_invalid_argument('report_vmm_batch', 'p_propolis_ids',
      'The five arrays must not be null, and must have as many elements as each other.');
  END IF;
  IF (SELECT count(DISTINCT u) < v_size FROM unnest(p_propolis_ids) AS u) THEN
    v_reports := vmstate.batch_of_arrays(p_instance_ids, p_propolis_ids, p_states, p_generations, p_times);
    PERFORM vmstate.require_batch_reports('report_vmm_batch', v_reports);
    IF v_sleds IS NOT NULL THEN
      PERFORM vmstate.require_batch_sleds('report_vmm_batch', v_reports, v_sleds);
    END IF;
    RETURN QUERY SELECT p.* FROM vmstate.apply_vmm_parts_with_repeats(v_reports, v_sleds) AS p;
    RETURN;
  END IF;
  RETURN QUERY SELECT p.* FROM vmstate.report_plain_batch(
    p_instance_ids, p_propolis_ids, p_states, p_generations, p_times, v_sleds, 'report_vmm_batch') AS p;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_vmm_batch FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_vmm_batch IS 'Records many reports of VMMs alone, as report_vmms does, at less cost.

The n-th elements of the five arrays are the arguments of report_vmm for the n-th report. Answers a row for each report that was not applied, and for each by which a linked VMM died (update_needed): its place (ordinal, from 1), its ids, and the columns of report_vmm. Every other report was applied, its update_needed is false, and its VMM stands as reported. If a VMM is named several times, later reports are judged after earlier ones, and every report is answered. Locks all VMMs by id. An error writes nothing of the whole batch.

Outcomes:
- applied: the report was written.
- stale: the generation is not newer than the recorded one.
- terminal: the VMM is dead, whatever the generation.
- gone: the VMM was deleted.
- not_found: the instance has no such VMM.
Errors:
- VM001: an array is null or longer than another one, or an element is not what report_vmm takes; the DETAIL names the element.
- 42501: the VMM of an element, which the DETAIL names, is on another sled than the one the caller is bound to, or the caller is bound to none.';
-- end of sql/verbs/sled_agent/report_vmm_batch.sql

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
      format('p_reports must be a JSON array, not %s.', coalesce('a JSON ' || jsonb_typeof(p_reports), 'null')));
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
    RETURN QUERY SELECT p.* FROM vmstate.answer_plain_reports(v_reports, v_sleds) AS p;
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
COMMENT ON FUNCTION vmstate.report_vmms IS 'Records many reports of sled agents in one call, each as report_vmm does.

p_reports is an array of objects. Their keys are the arguments of report_vmm without p_; a key may be absent or null where that argument may be. Answers one row per element, in order: the place of the element (ordinal, from 1), its ids, and the columns of report_vmm. Of several reports of one VMM, later ones are judged after earlier ones. Locks all VMMs by id, then all migrations by id. An error writes nothing of the whole batch.

Outcomes:
- applied: the part was written.
- stale: the generation of the part is not newer than the recorded one.
- terminal: the VMM is dead, whatever the generation, or the side of the migration has ended.
- wrong_side: the VMM is not that side of the migration.
- gone: the VMM or the migration was deleted.
- not_found: the instance has no such VMM or no such migration.
Errors:
- VM001: p_reports is not an array, or an element is no object, has an unknown key (whatever its value), or is not what report_vmm takes; the DETAIL names the element.
- 42501: the VMM of an element, which the DETAIL names, is on another sled than the one the caller is bound to, or the caller is bound to none.';
-- end of sql/verbs/sled_agent/report_vmms.sql

-- copy of sql/verbs/access/steps/access_rights.sql
CREATE OR REPLACE FUNCTION vmstate.access_rights(p_kind vmstate.access_kind)
RETURNS TABLE (privilege text, object text, acl aclitem[])
LANGUAGE sql STABLE
BEGIN ATOMIC
  -- PostgreSQL runs the functions that a view calls, and the functions that those call, with the rights of the role that reads
  -- the view: each such role needs EXECUTE on them.
  WITH RECURSIVE called (id) AS (
    SELECT d.refobjid
      FROM pg_rewrite AS r
      JOIN pg_class AS c ON c.oid = r.ev_class
      JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_proc'::regclass
      WHERE c.relnamespace = 'vmstate'::regnamespace
    UNION
    SELECT d.refobjid
      FROM called AS c
      JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = c.id AND d.refclassid = 'pg_proc'::regclass
  )
  SELECT 'USAGE', 'SCHEMA vmstate', n.nspacl
    FROM pg_namespace AS n
    WHERE n.oid = 'vmstate'::regnamespace
  UNION ALL
  SELECT 'EXECUTE', format('FUNCTION %s', p.oid::regprocedure), p.proacl
    FROM pg_proc AS p
    WHERE p.pronamespace = 'vmstate'::regnamespace
      AND CASE p_kind
        WHEN 'control_plane' THEN p.prosecdef OR p.oid IN (SELECT c.id FROM called AS c)
        WHEN 'reader' THEN p.proname IN ('explain_update', 'instances_in_state') OR p.oid IN (SELECT c.id FROM called AS c)
        WHEN 'sled_agent' THEN p.proname IN ('report_vmm', 'report_vmms', 'report_vmm_batch')
      END
  UNION ALL
  SELECT 'SELECT', format('TABLE %s', c.oid::regclass), c.relacl
    FROM pg_class AS c
    WHERE c.relnamespace = 'vmstate'::regnamespace AND c.relkind = 'v'
      AND c.relname NOT IN ('resolved_instance', 'instance_plan')
      AND (p_kind <> 'sled_agent' OR c.relname = 'schema_version');
END;
REVOKE ALL ON FUNCTION vmstate.access_rights FROM PUBLIC;
COMMENT ON FUNCTION vmstate.access_rights IS 'Lists what a kind of role needs, and which roles have been granted that.

The one place that says what is public. Verbs are the functions that run with the rights of their owner; views are public but for those that other views are made of.';
-- end of sql/verbs/access/steps/access_rights.sql

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
    PERFORM vmstate.raise_invalid_argument('grant_access', 'p_kind', 'p_kind must not be null.');
  END IF;
  PERFORM vmstate.require_role('grant_access', p_role);
  PERFORM vmstate.require_owner('grant_access', 'grants');
  -- One session at a time: when two sessions grant on one object at once, PostgreSQL fails the later one.
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
      HINT = 'Nothing was changed. Call grant_access once for a group role that cannot log in, and GRANT the group role to the other roles. revoke_access removes a role from the list.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.grant_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.grant_access IS 'Grants a role all that one kind of role needs.

control_plane: every verb and every public view. sled_agent: report_vmm, report_vmms and report_vmm_batch, of the VMMs of the sled that bind_sled_agent names, and the view schema_version. reader: every public view, explain_update and instances_in_state. No kind may touch a table. A role may have several kinds. Members of the role have its access, too: for many sleds, grant once to a group role, since PostgreSQL has room for about 2,400 roles on one object. Call grant_access again after a migration of the schema, which may bring new functions and views. revoke_access takes the access away. For the owner of the schema only, with whose rights grant_access runs.

Outcomes:
- applied: the role was granted what it lacked.
- unchanged: the role had all of the kind already.
Errors:
- VM001: an argument is null, or no such role exists.
- 42501: the caller is not the owner of the schema.
- 54000: PostgreSQL has no room for one more role on an object.';
-- end of sql/verbs/access/grant_access.sql

-- The wrapper reportVmms calls the new function: every role that could report batches still can.
DO $$
DECLARE
  v_role pg_catalog.name;
BEGIN
  FOR v_role IN
    SELECT r.rolname
      FROM pg_catalog.pg_proc AS p
      CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) AS a
      JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
      WHERE p.oid = 'vmstate.report_vmms'::pg_catalog.regproc AND a.grantee <> p.proowner
  LOOP
    EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION vmstate.report_vmm_batch TO %I', v_role);
  END LOOP;
END;
$$;

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

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (18, '0018_report_path', false);
