-- 0020_clearer_comments: comments say in plain words what an object is for.
-- Why: an operator reads them with \df+ and \d+, and the reference is made of them.
-- Objects: comments of functions update_plan, apply_plan, vmm_addresses, to_command_result, raise_link_protected, guard_truncate,
-- instances_in_state, other_kinds, grant_access and revoke_access, and of view instance_plan. The DETAIL of a refused TRUNCATE.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads go on); instance_plan (ACCESS EXCLUSIVE), for a moment.
-- Breaking: no.
-- With psql, in one transaction that ends at the first error: psql -1 -v ON_ERROR_STOP=1 -f 0020_clearer_comments.sql

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

-- Nothing is to be done here: a comment in an index definition has changed.

-- by hand: TABLE vmstate.instance of sql/tables/instance.sql as of d8ec71c6cd2af689029768505be6e57775b76155f9d8a5e61c1cb88960f6af94

-- copy of sql/rules/update_plan.sql
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
-- end of sql/rules/update_plan.sql

-- copy of sql/views/instance_plan.sql
CREATE OR REPLACE VIEW vmstate.instance_plan AS
SELECT
  r.instance_id,
  r.state,
  r.state_generation,
  r.active_propolis_id,
  r.destination_propolis_id,
  r.migration_id,
  r.updater_id,
  r.updater_generation,
  r.updater_lease_until,
  r.active_state,
  r.api_state,
  p.needed,
  p.verdict,
  p.new_state,
  p.new_active_propolis_id,
  p.new_destination_propolis_id,
  p.new_migration_id,
  p.new_intended_state,
  p.network,
  p.network_propolis_id,
  p.unlinked_propolis_ids,
  p.terminate_propolis_ids,
  vmstate.plan_token(
    r.state_generation,
    p.new_active_propolis_id,
    p.new_destination_propolis_id,
    p.new_migration_id,
    p.unlinked_propolis_ids,
    p.terminate_propolis_ids
  ) AS plan_token,
  r.auto_restart_attempts,
  r.active_vmm,
  r.destination_vmm
FROM vmstate.resolved_instance AS r
CROSS JOIN LATERAL vmstate.update_plan(
  r.state,
  r.intended_state,
  r.active_propolis_id,
  r.active_state,
  r.active_was_running,
  r.destination_propolis_id,
  r.destination_vmm_state,
  r.destination_was_running,
  r.migration_id,
  r.active_takes_part,
  r.source_side,
  r.destination_side
) AS p;
COMMENT ON VIEW vmstate.instance_plan IS 'Shows for every instance what the update saga would write to it now.

Calls vmstate.update_plan on each row of vmstate.resolved_instance. For the functions of this schema; no kind of role may read it.';
-- end of sql/views/instance_plan.sql

-- copy of sql/shared/plan/apply_plan.sql
CREATE OR REPLACE FUNCTION vmstate.apply_plan(p_plan vmstate.instance_plan, p_updater_generation bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  UPDATE vmstate.instance AS i
    SET state = p_plan.new_state,
      state_generation = CASE WHEN p_plan.needed THEN i.state_generation + 1 ELSE i.state_generation END,
      time_state_updated = CASE WHEN p_plan.needed THEN v_now ELSE i.time_state_updated END,
      active_propolis_id = p_plan.new_active_propolis_id,
      destination_propolis_id = p_plan.new_destination_propolis_id,
      migration_id = p_plan.new_migration_id,
      intended_state = p_plan.new_intended_state,
      updater_id = NULL,
      updater_generation = p_updater_generation,
      updater_lease_until = NULL,
      updater_parent_id = NULL,
      released_updater_id = p_plan.updater_id,
      committed_updater_generation = p_updater_generation,
      committed_updater_id = p_plan.updater_id,
      committed_plan_token = p_plan.plan_token,
      auto_restart_attempts = p_plan.auto_restart_attempts
    WHERE i.id = p_plan.instance_id;
  -- delete_vmm leaves a linked migration of the VMM to the update that unlinks it.
  IF p_plan.migration_id IS DISTINCT FROM p_plan.new_migration_id THEN
    UPDATE vmstate.migration AS m
      SET time_deleted = v_now
      WHERE m.instance_id = p_plan.instance_id AND m.id = p_plan.migration_id AND m.time_deleted IS NULL
        AND EXISTS (SELECT FROM vmstate.vmm AS v
          WHERE v.instance_id = m.instance_id AND v.id IN (m.source_propolis_id, m.destination_propolis_id)
            AND v.time_deleted IS NOT NULL);
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_plan IS 'Writes an update plan and releases the updater lock.

Only this function and run_update set VMM ids to NULL; run_update does so for a dead VMM without a migration. Soft-deletes the migration that it unlinks if one of the VMMs of the migration is deleted. The caller holds the instance and its links locked, has read the plan under these locks, and has set updater_id of the plan to the saga that commits.';
-- end of sql/shared/plan/apply_plan.sql

-- copy of sql/shared/results/vmm_addresses.sql
CREATE OR REPLACE FUNCTION vmstate.vmm_addresses(
  p_propolis_ids uuid[],
  p_active vmstate.vmm_address,
  p_destination vmstate.vmm_address
) RETURNS vmstate.vmm_address[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RETURN CASE WHEN p_propolis_ids IS NOT NULL THEN array_remove(ARRAY[
    CASE WHEN (p_active).propolis_id = ANY (p_propolis_ids) THEN p_active END,
    -- While a migration is handed over, one VMM is the active and the destination VMM.
    CASE WHEN (p_destination).propolis_id = ANY (p_propolis_ids)
      AND (p_destination).propolis_id IS DISTINCT FROM (p_active).propolis_id THEN p_destination END
  ], NULL) END;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.vmm_addresses FROM PUBLIC;
COMMENT ON FUNCTION vmstate.vmm_addresses IS 'Gives the sleds and addresses of VMMs of an instance, the active one first.

Null if p_propolis_ids is null.';
-- end of sql/shared/results/vmm_addresses.sql

-- copy of sql/shared/results/to_command_result.sql
CREATE OR REPLACE FUNCTION vmstate.to_command_result(
  p_outcome vmstate.outcome,
  p_reason text,
  p_instance_id uuid,
  p_propolis_ids uuid[] DEFAULT '{}'
) RETURNS vmstate.command_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_result vmstate.command_result;
BEGIN
  -- One statement, so that the state shown and the VMMs to command come from one snapshot.
  SELECT p_outcome, p_reason, r.instance_id, r.api_state, r.state, r.state_generation,
      r.active_propolis_id, r.destination_propolis_id, r.migration_id,
      commanded.propolis_ids, vmstate.vmm_addresses(commanded.propolis_ids, r.active_vmm, r.destination_vmm)
    INTO v_result
    FROM vmstate.resolved_instance AS r
    CROSS JOIN LATERAL (SELECT array_remove(ARRAY[
        CASE WHEN r.active_propolis_id = ANY (p_propolis_ids)
          AND NOT vmstate.is_absorbing(r.active_state) THEN r.active_propolis_id END,
        CASE WHEN r.destination_propolis_id = ANY (p_propolis_ids) AND r.destination_propolis_id <> r.active_propolis_id
          AND NOT vmstate.is_absorbing(r.destination_vmm_state) THEN r.destination_propolis_id END
      ], NULL) AS propolis_ids) AS commanded
    -- Do not show a row inserted after the lock attempt: the outcome is not_found.
    WHERE r.instance_id = p_instance_id AND p_outcome <> 'not_found';
  v_result.outcome := p_outcome;
  v_result.reason := p_reason;
  v_result.command_propolis_ids := coalesce(v_result.command_propolis_ids, '{}');
  v_result.command_vmms := coalesce(v_result.command_vmms, '{}');
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_command_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_command_result IS 'Builds the answer of request_stop and request_reboot.

The answer names those of p_propolis_ids that are alive, the active one first: the caller commands them.';
-- end of sql/shared/results/to_command_result.sql

-- copy of sql/guards/raise_link_protected.sql
CREATE OR REPLACE FUNCTION vmstate.raise_link_protected(p_row text, p_actual text, p_attempted text, p_hint text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM104',
    MESSAGE = format('cannot change %s', p_row),
    DETAIL = format('Found: %s. Attempted: %s.', p_actual, p_attempted),
    HINT = p_hint;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_link_protected FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_link_protected IS 'Raises VM104 for a change that no writer may make to a row or table.';
-- end of sql/guards/raise_link_protected.sql

-- copy of sql/guards/guard_truncate.sql
CREATE OR REPLACE FUNCTION vmstate.guard_truncate() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.raise_link_protected(format('table vmstate.%I: no row is removed unless it is marked as deleted', TG_ARGV[0]), 'a table whose rows only purge removes', 'TRUNCATE',
    'delete_instance and delete_vmm mark rows as deleted, and purge then removes such rows.');
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_truncate FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_truncate IS 'Refuses TRUNCATE.

Errors:
- VM104: no table is emptied without the verbs.';

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.instance
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate('instance');

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.vmm
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate('vmm');

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.migration
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate('migration');
-- end of sql/guards/guard_truncate.sql

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

At most p_limit of them, whose names come after p_after (null: from the first, and all). For control_plane and reader, who join the ids with api_instance or instance_detail in the same statement and so see the same moment: the call takes time in proportion to the page and to the linked VMMs that do not run, not to the project. Takes no lock.

Errors:
- VM001: p_project_id or p_state is null, or p_limit is negative.';
-- end of sql/verbs/control_plane/instances_in_state.sql

-- copy of sql/verbs/access/steps/other_kinds.sql
CREATE OR REPLACE FUNCTION vmstate.other_kinds(p_role name, p_kind vmstate.access_kind) RETURNS vmstate.access_kind[]
LANGUAGE plpgsql STABLE
SET search_path = ''
AS $$
BEGIN
  RETURN array(
    SELECT k
      FROM unnest(enum_range(NULL::vmstate.access_kind)) AS k
      WHERE k <> p_kind
        AND NOT EXISTS (SELECT FROM vmstate.role_access(p_role, k) AS r WHERE NOT r.is_held)
        -- Leaves out a kind that p_kind includes: whoever has p_kind has these rights, whether or not k was granted as well.
        AND EXISTS (
          SELECT r.privilege, r.object FROM vmstate.access_rights(k) AS r
          EXCEPT
          SELECT r.privilege, r.object FROM vmstate.access_rights(p_kind) AS r
        )
  );
END;
$$;
REVOKE ALL ON FUNCTION vmstate.other_kinds FROM PUBLIC;
COMMENT ON FUNCTION vmstate.other_kinds IS 'Lists the other kinds that a role was granted in full.

p_kind and the kinds that p_kind includes are left out.';
-- end of sql/verbs/access/steps/other_kinds.sql

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
  -- One session at a time: when two sessions grant on one object at once, PostgreSQL ends the later one with an error.
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

control_plane: every verb and every public view. sled_agent: report_vmm, report_vmms and report_vmm_batch, of the VMMs of the sled that bind_sled_agent names, report_sled of that sled, and the view schema_version. reader: every public view, explain_update and instances_in_state. No kind may touch a table. A role may have several kinds. Members of the role have its access, too: for many sleds, grant once to a group role, since PostgreSQL has room for about 2,400 roles on one object. Call grant_access again after a migration of the schema, which may bring new functions and views. revoke_access takes the access away. For the owner of the schema only, with whose rights grant_access runs.

Outcomes:
- applied: the role was granted what it lacked.
- unchanged: the role had all of the kind already.
Errors:
- VM001: an argument is null, or no such role exists.
- 42501: the caller is not the owner of the schema.
- 54000: PostgreSQL has no room for one more role on an object.';
-- end of sql/verbs/access/grant_access.sql

-- copy of sql/verbs/access/revoke_access.sql
CREATE OR REPLACE FUNCTION vmstate.revoke_access(p_role name, p_kind vmstate.access_kind, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_kept pg_catalog.text[];
  v_privilege pg_catalog.text;
  v_object pg_catalog.text;
BEGIN
  IF p_kind IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('revoke_access', 'p_kind', 'p_kind must not be null.');
  END IF;
  PERFORM vmstate.require_role('revoke_access', p_role);
  PERFORM vmstate.require_owner('revoke_access', 'revokes');
  IF EXISTS (SELECT FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'vmstate' AND pg_get_userbyid(n.nspowner) = p_role) THEN
    PERFORM vmstate.raise_invalid_argument('revoke_access', 'p_role',
      format('p_role must not be "%s", the owner of schema vmstate: the functions of the schema run with the rights of the owner.', p_role));
  END IF;
  -- One session at a time: when two sessions grant or revoke on one object at once, PostgreSQL ends the later one with an error.
  PERFORM pg_advisory_xact_lock('vmstate.grant_access'::pg_catalog.regproc::bigint);
  v_kept := array(
    SELECT o.privilege || ' ON ' || o.object
      FROM unnest(vmstate.other_kinds(p_role, p_kind)) AS k, vmstate.access_rights(k) AS o
  );
  outcome := 'unchanged';
  FOR v_privilege, v_object IN
    SELECT r.privilege, r.object
      FROM vmstate.role_access(p_role, p_kind) AS r
      WHERE r.is_held AND r.privilege || ' ON ' || r.object <> ALL (v_kept)
  LOOP
    EXECUTE format('REVOKE %s ON %s FROM %I', v_privilege, v_object, p_role);
    outcome := 'applied';
  END LOOP;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.revoke_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.revoke_access IS 'Revokes from a role what grant_access gave it for one kind.

Takes effect at once, also in transactions that are under way. What another kind of the role needs stays, where the role has all of that kind and p_kind does not include that kind: control_plane includes the other two, so grant those again if they should stay. What the role has as a member of other roles stays, and so does the binding of a sled agent, which bind_sled_agent ends. For the owner of the schema only.

Outcomes:
- applied: access was taken away.
- unchanged: there was nothing to take away.
Errors:
- VM001: an argument is null, no such role exists, or the role owns the schema.
- 42501: the caller is not the owner of the schema.';
-- end of sql/verbs/access/revoke_access.sql

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

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (20, '0020_clearer_comments', false);
