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
  v_verb pg_catalog.text := set_config('vmstate.verb', 'report_vmm_batch', true);
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
