CREATE OR REPLACE FUNCTION vmstate.may_auto_restart(
  p_state vmstate.instance_state,
  p_active_state vmstate.vmm_state,
  p_intended_state vmstate.intended_state,
  p_policy vmstate.auto_restart_policy,
  p_cooldown interval,
  p_time_last timestamptz,
  p_updater_lease_until timestamptz,
  p_now timestamptz
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (p_state IN ('no_vmm', 'failed') OR (p_state = 'vmm' AND p_active_state = 'saga_unwound'))
  AND p_intended_state = 'running'
  AND p_policy IS DISTINCT FROM 'never'
  AND coalesce(p_now - p_time_last >= coalesce(p_cooldown, interval '5 minutes'), true)
  AND coalesce(p_updater_lease_until <= p_now, true);
REVOKE ALL ON FUNCTION vmstate.may_auto_restart FROM PUBLIC;
COMMENT ON FUNCTION vmstate.may_auto_restart IS 'Tells whether the control plane may restart an instance automatically.

The instance has no active VMM, or a saga_unwound one; it should run; its policy allows the restart (NULL: best_effort); p_cooldown (vmstate.auto_restart_wait; NULL: 5 minutes) has passed since the last automatic restart; and no update saga holds an unexpired lock. Reads its arguments only, all of them durable facts.';
