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
  v_verb pg_catalog.text := set_config('vmstate.verb', 'settle', true);
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

  -- The parts, not the verbs, so that the history names settle.
  v_report := vmstate.apply_report(p_instance_id, p_propolis_id, p_state, p_generation, p_time);
  IF p_state IN ('failed', 'destroyed') AND v_report.vmm_outcome IN ('applied', 'terminal', 'gone') THEN
    v_update := vmstate.update_instance(p_instance_id, p_saga_id);
    IF coalesce(p_delete, true) THEN
      v_deletion := vmstate.delete_dead_vmm(p_instance_id, p_propolis_id);
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
