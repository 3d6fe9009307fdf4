CREATE OR REPLACE FUNCTION vmstate.update_plan(
  p_state vmstate.instance_state,
  p_intended_state vmstate.intended_state,
  p_active_id uuid,
  p_active_state vmstate.vmm_state,
  p_active_was_running boolean,
  p_destination_id uuid,
  p_destination_vmm_state vmstate.vmm_state,
  p_destination_was_running boolean,
  p_migration_id uuid,
  p_active_takes_part boolean,
  p_source_side vmstate.migration_state,
  p_destination_side vmstate.migration_state
) RETURNS TABLE (
  needed boolean,
  verdict vmstate.migration_verdict,
  new_state vmstate.instance_state,
  new_active_propolis_id uuid,
  new_destination_propolis_id uuid,
  new_migration_id uuid,
  new_intended_state vmstate.intended_state,
  network text,
  network_propolis_id uuid,
  unlinked_propolis_ids uuid[],
  terminate_propolis_ids uuid[]
)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT
    (p_active_id, p_destination_id, p_migration_id)
      IS DISTINCT FROM (ids.active_id, ids.destination_id, ids.migration_id),
    fate.verdict,
    CASE
      WHEN p_state <> 'vmm' THEN p_state
      WHEN ids.active_id IS NOT NULL THEN 'vmm'::vmstate.instance_state
      WHEN carrier.state = 'failed' OR carrier.is_lost THEN 'failed'
      ELSE 'no_vmm'
    END,
    ids.active_id,
    ids.destination_id,
    ids.migration_id,
    CASE
      WHEN p_intended_state = 'running' AND ids.active_id IS NULL
        AND carrier.state = 'destroyed' AND carrier.was_running THEN 'guest_shutdown'::vmstate.intended_state
      ELSE p_intended_state
    END,
    CASE
      WHEN ids.active_id IS NOT DISTINCT FROM p_active_id THEN 'keep'
      WHEN ids.active_id IS NULL THEN 'delete'
      ELSE 'move'
    END,
    ids.active_id,
    array_remove(ARRAY[
      CASE WHEN loses_link.active THEN p_active_id END,
      CASE WHEN loses_link.destination THEN p_destination_id END
    ], NULL),
    array_remove(ARRAY[
      -- Leaves out the source of a migration that completed or was handed over: that VMM ends by itself.
      CASE WHEN loses_link.active AND alive.active AND fate.verdict NOT IN ('completed', 'handed_over') THEN p_active_id END,
      CASE WHEN loses_link.destination AND alive.destination THEN p_destination_id END
    ], NULL)
  -- Each OFFSET 0 keeps the planner from merging the steps: merged, it would evaluate each step wherever a later one names it.
  FROM (
    SELECT vmstate.migration_verdict(
      p_active_state, p_active_takes_part, p_destination_vmm_state, p_source_side, p_destination_side
    ) AS verdict
    OFFSET 0
  ) AS fate
  CROSS JOIN LATERAL (
    SELECT
      NOT vmstate.is_absorbing(p_active_state) AS active,
      NOT vmstate.is_absorbing(p_destination_vmm_state) AS destination
    OFFSET 0
  ) AS alive
  CROSS JOIN LATERAL (
    SELECT fate.verdict = 'completed'
      OR (p_source_side = 'completed' AND fate.verdict NOT IN ('void', 'none')) AS has_moved
    OFFSET 0
  ) AS guest
  CROSS JOIN LATERAL (
    SELECT
      CASE WHEN guest.has_moved THEN p_destination_vmm_state ELSE p_active_state END AS state,
      -- A completed migration moved a running guest, even if no report said that the destination VMM runs.
      fate.verdict = 'completed' OR coalesce(p_active_was_running, false)
        OR (guest.has_moved AND coalesce(p_destination_was_running, false)) AS was_running,
      fate.verdict = 'failed' AND guest.has_moved AND alive.destination AS is_lost
    OFFSET 0
  ) AS carrier
  CROSS JOIN LATERAL (
    SELECT
      CASE
        WHEN fate.verdict = 'in_progress' THEN p_active_id
        WHEN fate.verdict = 'handed_over' THEN p_destination_id
        WHEN fate.verdict = 'completed' AND alive.destination THEN p_destination_id
        WHEN fate.verdict = 'completed' OR guest.has_moved THEN NULL
        WHEN alive.active THEN p_active_id
      END AS active_id,
      CASE WHEN fate.verdict IN ('in_progress', 'handed_over') THEN p_destination_id END AS destination_id,
      CASE WHEN fate.verdict IN ('in_progress', 'handed_over') THEN p_migration_id END AS migration_id
    OFFSET 0
  ) AS ids
  CROSS JOIN LATERAL (
    SELECT
      p_active_id IS DISTINCT FROM ids.active_id
        AND p_active_id IS DISTINCT FROM ids.destination_id AS active,
      p_destination_id IS DISTINCT FROM ids.active_id
        AND p_destination_id IS DISTINCT FROM ids.destination_id
        AND p_destination_id IS DISTINCT FROM p_active_id AS destination
    OFFSET 0
  ) AS loses_link;
END;
REVOKE ALL ON FUNCTION vmstate.update_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.update_plan IS 'Decides what the update saga writes to an instance.

The one decision on which VMM has the guest, which ids are cleared, the state and intent that follow, and what happens to the VMMs that lose their link. needed is false if no id would change. The carrier is the VMM that had the guest last.';
