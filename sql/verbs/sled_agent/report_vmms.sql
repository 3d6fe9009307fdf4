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
  v_verb pg_catalog.text := set_config('vmstate.verb', 'report_vmms', true);
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
