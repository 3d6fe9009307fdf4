CREATE OR REPLACE FUNCTION vmstate.instances_in_state(
  p_project_id uuid,
  p_state vmstate.api_instance_state,
  p_after text DEFAULT NULL,
  p_limit integer DEFAULT NULL
) RETURNS TABLE (instance_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
-- A custom plan knows the project and, where most of the table is in it, sorts the whole project instead of reading one page.
SET search_path = '' SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_after pg_catalog.text := coalesce(p_after, '');
  -- What the API shows of an instance without an active VMM depends on the instance's state alone.
  v_stored vmstate.instance_state := (
    SELECT s FROM unnest(enum_range(NULL::vmstate.instance_state)) AS s
      WHERE s <> 'vmm' AND vmstate.effective_instance_state(s, NULL, false) = p_state);
  v_of_running pg_catalog.bool := vmstate.effective_instance_state('vmm', 'running', false) = p_state;
  -- The states of an active VMM of such instances. Only few linked VMMs do not run, and only few instances migrate.
  v_vmm_states vmstate.vmm_state[] := array(
    SELECT s FROM unnest(enum_range(NULL::vmstate.vmm_state)) AS s
      WHERE p_state IN (vmstate.effective_instance_state('vmm', s, false), vmstate.effective_instance_state('vmm', s, true)));
BEGIN
  IF num_nulls(p_project_id, p_state) > 0 THEN
    PERFORM vmstate.raise_null_argument('instances_in_state', jsonb_build_object('p_project_id', p_project_id, 'p_state', p_state));
  ELSIF p_limit < 0 THEN
    PERFORM vmstate.raise_invalid_argument('instances_in_state', 'p_limit', format('p_limit must not be negative, not %s.', p_limit));
  END IF;

  RETURN QUERY
  SELECT c.id FROM (
    (SELECT i.name, i.id FROM vmstate.instance AS i
      WHERE i.project_id = p_project_id AND i.state = v_stored AND i.name > v_after AND i.time_deleted IS NULL
      ORDER BY i.name LIMIT p_limit)
    UNION ALL
    (SELECT i.name, i.id FROM vmstate.instance AS i
      CROSS JOIN LATERAL (
        SELECT FROM vmstate.vmm AS v
          WHERE v.instance_id = i.id AND v.id = i.active_propolis_id AND v.state = 'running' OFFSET 0) AS a
      WHERE v_of_running AND i.project_id = p_project_id AND i.state = 'vmm' AND i.name > v_after AND i.time_deleted IS NULL
        AND i.migration_id IS NULL
      ORDER BY i.name LIMIT p_limit)
    UNION ALL
    SELECT d.name, d.id FROM vmstate.vmm AS v
      JOIN vmstate.instance_detail AS d ON d.id = v.instance_id AND d.active_propolis_id = v.id
      WHERE v.state = ANY (v_vmm_states) AND v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
        AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
        AND d.project_id = p_project_id AND d.api_state = p_state AND d.name > v_after
    UNION ALL
    SELECT d.name, d.id FROM vmstate.instance_detail AS d
      WHERE 'running' = ANY (v_vmm_states) AND d.migration_id IS NOT NULL AND d.active_api_state = 'running'
        AND d.project_id = p_project_id AND d.api_state = p_state AND d.name > v_after
  ) AS c
  ORDER BY c.name LIMIT p_limit;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.instances_in_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.instances_in_state IS 'Lists ids of instances of a project that the API shows in one state, by name.

At most p_limit of them, whose names come after p_after (null: from the first, and all). For control_plane and reader, who join the ids with api_instance or instance_detail in the same statement and so see the same moment: the call takes time in proportion to the page and to the linked VMMs that do not run, not to the project. Takes no lock.

Errors:
- VM001: p_project_id or p_state is null, or p_limit is negative.';
