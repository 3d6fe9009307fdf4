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
  v_verb pg_catalog.text;
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

  -- After the health reports: they leave no history, and so need not say which verb it is.
  v_verb := set_config('vmstate.verb', 'report_vmm', true);
  v_state := vmstate.from_report(p_state);
  v_runs := vmstate.counts_as_running(p_state, false);
  v_runs_as_destination := vmstate.counts_as_running(p_state, true);
  -- As apply_report, which settle uses, but without a call of it. WHERE has the generation check: what vmm_report_outcome calls
  -- applied, spelled out in the statement that writes. No comment stands in the statement, because each change that is recorded
  -- copies its text: PG_CONTEXT names the statements under way.
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
