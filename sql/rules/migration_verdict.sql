CREATE OR REPLACE FUNCTION vmstate.migration_verdict(
  p_active_state vmstate.vmm_state,
  p_active_takes_part boolean,
  p_destination_vmm_state vmstate.vmm_state,
  p_source_side vmstate.migration_state,
  p_destination_side vmstate.migration_state
) RETURNS vmstate.migration_verdict
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN p_active_takes_part IS NULL THEN 'none'::vmstate.migration_verdict
  WHEN p_active_state = 'saga_unwound' OR NOT p_active_takes_part THEN 'void'
  WHEN p_destination_side = 'completed'
    AND NOT (p_source_side = 'failed' AND NOT vmstate.is_absorbing(p_active_state)) THEN 'completed'
  WHEN p_source_side = 'failed' OR p_destination_side = 'failed' OR vmstate.is_absorbing(p_destination_vmm_state) THEN 'failed'
  WHEN p_source_side = 'completed' THEN 'handed_over'
  ELSE 'in_progress'
END;
REVOKE ALL ON FUNCTION vmstate.migration_verdict FROM PUBLIC;
COMMENT ON FUNCTION vmstate.migration_verdict IS 'Decides what a linked migration amounts to.

p_active_takes_part says whether the active VMM is one of the two sides; null without a migration. A source that failed although its guest still runs there overrules a completed destination.';
