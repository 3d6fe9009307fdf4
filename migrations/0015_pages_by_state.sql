-- 0015_pages_by_state: a function lists the instances of a project in one state, and an index serves it.
-- Why: a page of the instances in one state reads that page, not all instances of the project.
-- Objects: index instance_of_project_in_state, functions instances_in_state (new), access_rights, grant_access.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads go on) for as long as it takes to build the index, which reads instance once.
-- Breaking: no.
-- With psql, in one transaction that ends at the first error: psql -1 -v ON_ERROR_STOP=1 -f 0015_pages_by_state.sql

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

CREATE INDEX instance_of_project_in_state ON vmstate.instance (project_id, state, name) WHERE time_deleted IS NULL;

-- by hand: TABLE vmstate.instance of sql/tables/instance.sql as of b502ae8efb1aeea71f31b3716c639cc73ea95e412ddae5e076464c55f2d3d118

-- copy of sql/verbs/control_plane/instances_in_state.sql
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

At most p_limit of them, whose names come after p_after (null: from the first, and all). For control_plane and reader, who join the ids with api_instance or instance_detail in the same statement and so see the same moment: the time it takes grows with the page and with the linked VMMs that do not run, and not with the project. Takes no lock.

Errors:
- VM001: p_project_id or p_state is null, or p_limit is negative.';
-- end of sql/verbs/control_plane/instances_in_state.sql

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
        WHEN 'sled_agent' THEN p.proname IN ('report_vmm', 'report_vmms')
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

control_plane: every verb and every public view. sled_agent: report_vmm and report_vmms, of the VMMs of the sled that bind_sled_agent names, and the view schema_version. reader: every public view, explain_update and instances_in_state. No kind may touch a table. A role may have several kinds. Members of the role have its access, too: for many sleds, grant once to a group role, since PostgreSQL has room for about 2,400 roles on one object. Call grant_access again after a migration of the schema, which may bring new functions and views. revoke_access takes the access away. For the owner of the schema only, with whose rights grant_access runs.

Outcomes:
- applied: the role was granted what it lacked.
- unchanged: the role had all of the kind already.
Errors:
- VM001: an argument is null, or no such role exists.
- 42501: the caller is not the owner of the schema.
- 54000: PostgreSQL has no room for one more role on an object.';
-- end of sql/verbs/access/grant_access.sql

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

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (15, '0015_pages_by_state', false);
