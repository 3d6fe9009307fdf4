-- 0005_parse_anew: PostgreSQL parses every function, view and trigger anew, under a search_path of pg_catalog alone.
-- Why: what is parsed when it is made (bodies of SQL functions, views, conditions of triggers, defaults, checks, indexes)
-- resolved by the search_path of the role that migrated. A role with CREATE on a schema of that path could have its own
-- function or operator called with the rights of the owner of schema vmstate (CVE-2018-1058).
-- Also: can_unwind, holds_updater_lock and to_update_result become PL/pgSQL. PostgreSQL 15.20 and its sisters refuse to add
-- a column with a default to a table, or a check to a domain, that a SQL function with a parsed body takes or returns.
-- Objects: all functions, views and triggers; a default, check or index only where it is captured.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads go on), the views (ACCESS EXCLUSIVE); where a default, check or index
-- is captured, its table too (ACCESS EXCLUSIVE), which is scanned.
-- Breaking: no. A guard that was enabled ALWAYS is enabled as it was made; enable it ALWAYS again.
-- It holds a copy of every file of sql/ that can be made again, changed or not.

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

-- by hand: sql/decisions/can_unwind.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
-- by hand: sql/decisions/holds_updater_lock.sql as of e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

-- copy of sql/classes/is_absorbing.sql
CREATE OR REPLACE FUNCTION vmstate.is_absorbing(p_state vmstate.vmm_state) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_state IN ('failed', 'destroyed', 'saga_unwound');
REVOKE ALL ON FUNCTION vmstate.is_absorbing FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_absorbing IS 'Whether a VMM in this state is dead: it never lives again, and may be deleted once no instance names it.';
-- end of sql/classes/is_absorbing.sql

-- copy of sql/classes/is_on_sled.sql
CREATE OR REPLACE FUNCTION vmstate.is_on_sled(p_state vmstate.vmm_state) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_state NOT IN ('creating', 'saga_unwound', 'destroyed');
REVOKE ALL ON FUNCTION vmstate.is_on_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_on_sled IS 'Whether a VMM in this state may hold resources of its sled.';
-- end of sql/classes/is_on_sled.sql

-- copy of sql/classes/is_watched.sql
CREATE OR REPLACE FUNCTION vmstate.is_watched(p_state vmstate.vmm_state) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN vmstate.is_on_sled(p_state) AND NOT vmstate.is_absorbing(p_state);
REVOKE ALL ON FUNCTION vmstate.is_watched FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_watched IS 'Whether the instance watcher asks the sled about a VMM in this state.';
-- end of sql/classes/is_watched.sql

-- copy of sql/classes/is_terminal.sql
CREATE OR REPLACE FUNCTION vmstate.is_terminal(p_state vmstate.migration_state) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_state IN ('failed', 'completed');
REVOKE ALL ON FUNCTION vmstate.is_terminal FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_terminal IS 'Whether a side of a migration in this state stays as it is.';
-- end of sql/classes/is_terminal.sql

-- copy of sql/classes/from_report.sql
CREATE OR REPLACE FUNCTION vmstate.from_report(p_state vmstate.reported_vmm_state) RETURNS vmstate.vmm_state
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_state
  WHEN 'starting' THEN 'starting'::vmstate.vmm_state
  WHEN 'running' THEN 'running'
  WHEN 'stopping' THEN 'stopping'
  WHEN 'stopped' THEN 'stopped'
  WHEN 'rebooting' THEN 'rebooting'
  WHEN 'migrating' THEN 'migrating'
  WHEN 'failed' THEN 'failed'
  WHEN 'destroyed' THEN 'destroyed'
END;
REVOKE ALL ON FUNCTION vmstate.from_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.from_report IS 'What a sled agent says, as a VMM state.';
-- end of sql/classes/from_report.sql

-- copy of sql/classes/to_api_vmm_state.sql
CREATE OR REPLACE FUNCTION vmstate.to_api_vmm_state(p_state vmstate.vmm_state) RETURNS vmstate.api_vmm_state
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_state
  WHEN 'creating' THEN 'creating'::vmstate.api_vmm_state
  WHEN 'starting' THEN 'starting'
  WHEN 'running' THEN 'running'
  WHEN 'stopping' THEN 'stopping'
  WHEN 'stopped' THEN 'stopped'
  WHEN 'rebooting' THEN 'rebooting'
  WHEN 'migrating' THEN 'migrating'
  WHEN 'failed' THEN 'failed'
  WHEN 'destroyed' THEN 'destroyed'
  WHEN 'saga_unwound' THEN 'destroyed'
END;
REVOKE ALL ON FUNCTION vmstate.to_api_vmm_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_api_vmm_state IS 'A VMM state as the API shows it: saga_unwound appears as destroyed.';
-- end of sql/classes/to_api_vmm_state.sql

-- copy of sql/classes/is_point_in_time.sql
CREATE OR REPLACE FUNCTION vmstate.is_point_in_time(p_time timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_time BETWEEN timestamptz '1970-01-01 00:00+00' AND timestamptz '9999-12-31 00:00+00';
REVOKE ALL ON FUNCTION vmstate.is_point_in_time FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_point_in_time IS 'Whether a sled may have seen something then: within the years 1970 to 9999, so that every client can read it. Infinity is not.';
-- end of sql/classes/is_point_in_time.sql

-- copy of sql/classes/stuck_after.sql
CREATE OR REPLACE FUNCTION vmstate.stuck_after() RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN interval '10 minutes';
REVOKE ALL ON FUNCTION vmstate.stuck_after FROM PUBLIC;
COMMENT ON FUNCTION vmstate.stuck_after IS 'How long an instance may stay in a transitional state before vmstate.stuck_instance lists it.';
-- end of sql/classes/stuck_after.sql

-- copy of sql/decisions/is_migrating.sql
CREATE OR REPLACE FUNCTION vmstate.is_migrating(
  p_active_id uuid,
  p_source_id uuid,
  p_destination_id uuid,
  p_destination_state vmstate.vmm_state
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_active_id IN (p_source_id, p_destination_id) AND p_destination_state <> 'saga_unwound', false);
REVOKE ALL ON FUNCTION vmstate.is_migrating FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_migrating IS 'Whether the linked migration (its two VMM ids, null without one) shows: the active VMM takes part in it, and its destination is not saga_unwound.';
-- end of sql/decisions/is_migrating.sql

-- copy of sql/decisions/effective_instance_state.sql
CREATE OR REPLACE FUNCTION vmstate.effective_instance_state(
  p_state vmstate.instance_state,
  p_active_state vmstate.vmm_state,
  p_migrating boolean
) RETURNS vmstate.api_instance_state
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_state
  WHEN 'creating' THEN 'creating'::vmstate.api_instance_state
  WHEN 'no_vmm' THEN 'stopped'
  WHEN 'failed' THEN 'failed'
  WHEN 'destroyed' THEN 'destroyed'
  WHEN 'vmm' THEN
    CASE
      WHEN p_active_state = 'saga_unwound' THEN 'stopped'::vmstate.api_instance_state
      WHEN p_migrating THEN 'migrating'
      WHEN p_active_state IN ('creating', 'starting') THEN 'starting'
      WHEN p_active_state IN ('stopping', 'stopped', 'failed', 'destroyed') THEN 'stopping'
      WHEN p_active_state = 'running' THEN 'running'
      WHEN p_active_state = 'rebooting' THEN 'rebooting'
      WHEN p_active_state = 'migrating' THEN 'migrating'
    END
END;
REVOKE ALL ON FUNCTION vmstate.effective_instance_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.effective_instance_state IS 'What the user sees, from the instance row, its active VMM and whether it is migrating. A dead active VMM shows stopping until the update saga unlinks it; a saga_unwound one shows stopped at once.';
-- end of sql/decisions/effective_instance_state.sql

-- copy of sql/decisions/migration_verdict.sql
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
COMMENT ON FUNCTION vmstate.migration_verdict IS 'What a linked migration amounts to. p_active_takes_part: whether the active VMM is one of its two sides, null without a migration. A source that failed although its guest still runs there overrules a completed destination.';
-- end of sql/decisions/migration_verdict.sql

-- copy of sql/decisions/update_plan.sql
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
      CASE WHEN leaves.active THEN p_active_id END,
      CASE WHEN leaves.destination THEN p_destination_id END
    ], NULL),
    array_remove(ARRAY[
      -- the source of a migration that got through ends by itself
      CASE WHEN leaves.active AND alive.active AND fate.verdict NOT IN ('completed', 'handed_over') THEN p_active_id END,
      CASE WHEN leaves.destination AND alive.destination THEN p_destination_id END
    ], NULL)
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
      OR (p_source_side = 'completed' AND fate.verdict NOT IN ('void', 'none')) AS went
    OFFSET 0
  ) AS guest
  CROSS JOIN LATERAL (
    SELECT
      CASE WHEN guest.went THEN p_destination_vmm_state ELSE p_active_state END AS state,
      CASE WHEN guest.went THEN p_destination_was_running ELSE p_active_was_running END AS was_running,
      fate.verdict = 'failed' AND guest.went AND alive.destination AS is_lost
    OFFSET 0
  ) AS carrier
  CROSS JOIN LATERAL (
    SELECT
      CASE
        WHEN fate.verdict = 'in_progress' THEN p_active_id
        WHEN fate.verdict = 'handed_over' THEN p_destination_id
        WHEN fate.verdict = 'completed' AND alive.destination THEN p_destination_id
        WHEN fate.verdict = 'completed' OR guest.went THEN NULL
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
  ) AS leaves;
END;
REVOKE ALL ON FUNCTION vmstate.update_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.update_plan IS 'What the update saga has to make of an instance: the one decision on which VMM is the guest''s, which ids are cleared, the state and intent that follow, and what happens to the VMMs that lose their link. needed is false when no id would change. The carrier is the VMM that had the guest last.';
-- end of sql/decisions/update_plan.sql

-- copy of sql/decisions/plan_token.sql
CREATE OR REPLACE FUNCTION vmstate.plan_token(
  p_state_generation bigint,
  p_active_id uuid,
  p_destination_id uuid,
  p_migration_id uuid,
  p_unlinked_ids uuid[],
  p_terminate_ids uuid[]
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_state_generation::text || '.'
  || to_hex(hash_record_extended(ROW(p_active_id, p_destination_id, p_migration_id, p_unlinked_ids, p_terminate_ids), 0));
REVOKE ALL ON FUNCTION vmstate.plan_token FROM PUBLIC;
COMMENT ON FUNCTION vmstate.plan_token IS 'Names an update plan: the generation of the instance it was made for, and a hash of the ids it sets, unlinks and terminates. State and intent are no part of it: they are decided at commit.';
-- end of sql/decisions/plan_token.sql

-- copy of sql/decisions/may_auto_restart.sql
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
COMMENT ON FUNCTION vmstate.may_auto_restart IS 'Whether the control plane may restart an instance by itself: it has no VMM that counts, should run, its policy allows it (NULL: best_effort), its cooldown has passed (NULL: 5 minutes) and no update saga holds it. Durable facts only.';
-- end of sql/decisions/may_auto_restart.sql

-- copy of sql/decisions/vmm_report_outcome.sql
CREATE OR REPLACE FUNCTION vmstate.vmm_report_outcome(
  p_state vmstate.vmm_state,
  p_state_generation bigint,
  p_time_deleted timestamptz,
  p_generation bigint
) RETURNS vmstate.outcome
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN p_state IS NULL THEN 'not_found'::vmstate.outcome
  WHEN p_time_deleted IS NOT NULL THEN 'gone'
  WHEN vmstate.is_absorbing(p_state) THEN 'terminal'
  WHEN p_generation <= p_state_generation THEN 'stale'
  ELSE 'applied'
END;
REVOKE ALL ON FUNCTION vmstate.vmm_report_outcome FROM PUBLIC;
COMMENT ON FUNCTION vmstate.vmm_report_outcome IS 'What becomes of the VMM part of a report with generation p_generation, given the VMM''s row (state null: no such row). A dead VMM is terminal whatever the generation.';
-- end of sql/decisions/vmm_report_outcome.sql

-- copy of sql/decisions/migration_report_outcome.sql
CREATE OR REPLACE FUNCTION vmstate.migration_report_outcome(
  p_reporting_propolis_id uuid,
  p_side_propolis_id uuid,
  p_side_state vmstate.migration_state,
  p_side_generation bigint,
  p_time_deleted timestamptz,
  p_generation bigint
) RETURNS vmstate.outcome
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN p_side_propolis_id IS NULL THEN 'not_found'::vmstate.outcome
  WHEN p_time_deleted IS NOT NULL THEN 'gone'
  WHEN p_side_propolis_id <> p_reporting_propolis_id THEN 'wrong_side'
  WHEN p_generation <= p_side_generation THEN 'stale'
  WHEN vmstate.is_terminal(p_side_state) THEN 'terminal'
  ELSE 'applied'
END;
REVOKE ALL ON FUNCTION vmstate.migration_report_outcome FROM PUBLIC;
COMMENT ON FUNCTION vmstate.migration_report_outcome IS 'What becomes of a migration part of a report with generation p_generation, given that side of the migration''s row (p_side_propolis_id null: no such row).';
-- end of sql/decisions/migration_report_outcome.sql

-- copy of sql/views/resolved_instance.sql
CREATE OR REPLACE VIEW vmstate.resolved_instance AS
SELECT
  i.id AS instance_id,
  i.project_id,
  i.name,
  i.state,
  i.state_generation,
  i.time_state_updated,
  i.active_propolis_id,
  i.destination_propolis_id,
  i.migration_id,
  i.intended_state,
  i.auto_restart_policy,
  i.auto_restart_cooldown,
  i.time_last_auto_restarted,
  i.updater_id,
  i.updater_generation,
  i.updater_lease_until,
  i.committed_updater_generation,
  i.time_created,
  i.time_modified,
  i.time_deleted,
  a.state AS active_state,
  a.sled_id AS active_sled_id,
  a.time_state_updated AS active_time_updated,
  a.time_started IS NOT NULL AS active_was_running,
  d.state AS destination_vmm_state,
  d.time_state_updated AS destination_time_updated,
  d.time_started IS NOT NULL AS destination_was_running,
  i.active_propolis_id IN (m.source_propolis_id, m.destination_propolis_id) AS active_takes_part,
  m.source_state AS source_side,
  m.destination_state AS destination_side,
  m.time_source_updated,
  m.time_destination_updated,
  vmstate.effective_instance_state(
    i.state,
    a.state,
    vmstate.is_migrating(i.active_propolis_id, m.source_propolis_id, m.destination_propolis_id, d.state)
  ) AS api_state
FROM vmstate.instance AS i
LEFT JOIN vmstate.vmm AS a ON a.instance_id = i.id AND a.id = i.active_propolis_id
LEFT JOIN vmstate.vmm AS d ON d.instance_id = i.id AND d.id = i.destination_propolis_id
LEFT JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id;
COMMENT ON VIEW vmstate.resolved_instance IS 'Every instance with its active VMM, destination VMM and linked migration side by side, and the state that follows from them. For the functions of this schema and for people; services read vmstate.api_instance.';
-- end of sql/views/resolved_instance.sql

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
  ) AS plan_token
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
COMMENT ON VIEW vmstate.instance_plan IS 'Every instance with what the update saga would make of it now: vmstate.update_plan over vmstate.resolved_instance.';
-- end of sql/views/instance_plan.sql

-- copy of sql/views/api_instance.sql
CREATE OR REPLACE VIEW vmstate.api_instance AS
SELECT
  r.instance_id AS id,
  r.api_state AS state,
  r.project_id,
  r.name,
  r.intended_state,
  r.auto_restart_policy,
  r.auto_restart_cooldown,
  coalesce(r.active_time_updated, r.time_state_updated) AS time_state_updated,
  r.time_created,
  r.time_modified
FROM vmstate.resolved_instance AS r
WHERE r.time_deleted IS NULL;
COMMENT ON VIEW vmstate.api_instance IS 'Instances as the API shows them; deleted ones are hidden. time_state_updated is the active VMM''s, if there is one.';
-- end of sql/views/api_instance.sql

-- copy of sql/views/api_vmm.sql
CREATE OR REPLACE VIEW vmstate.api_vmm AS
SELECT
  v.id,
  vmstate.to_api_vmm_state(v.state) AS state,
  v.instance_id,
  v.sled_id,
  v.propolis_ip,
  v.propolis_port,
  v.failure_reason,
  v.time_state_updated,
  v.time_created
FROM vmstate.vmm AS v
WHERE v.time_deleted IS NULL;
COMMENT ON VIEW vmstate.api_vmm IS 'VMMs as the API shows them: saga_unwound appears as destroyed; deleted ones are hidden.';
-- end of sql/views/api_vmm.sql

-- copy of sql/views/pending_update.sql
CREATE OR REPLACE VIEW vmstate.pending_update AS
SELECT c.instance_id, p.verdict, p.state_generation, p.updater_generation
FROM (
  SELECT i.id
  FROM vmstate.instance AS i
  WHERE i.migration_id IS NOT NULL
  UNION ALL
  SELECT i.id
  FROM vmstate.vmm AS v
  JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.active_propolis_id = v.id AND i.migration_id IS NULL
  WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
    AND v.state IN ('failed', 'destroyed', 'saga_unwound')
    AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
) AS c (instance_id)
CROSS JOIN LATERAL (
  SELECT p.verdict, p.state_generation, p.updater_generation
  FROM vmstate.instance_plan AS p
  WHERE p.instance_id = c.instance_id AND p.needed AND coalesce(p.updater_lease_until <= statement_timestamp(), true)
  -- one candidate after the other: merged, there are more tables than the planner reorders, and it would read them all
  OFFSET 0
) AS p;
COMMENT ON VIEW vmstate.pending_update IS 'Work list of the update saga: instances with something to update that no unexpired updater lock holds. Run begin_update or run_update on each.';
-- end of sql/views/pending_update.sql

-- copy of sql/views/abandoned_vmm.sql
CREATE OR REPLACE VIEW vmstate.abandoned_vmm AS
SELECT v.instance_id, v.id AS propolis_id, v.sled_id, v.state, v.time_unlinked
FROM vmstate.vmm AS v
WHERE v.time_unlinked IS NOT NULL AND v.time_deleted IS NULL AND vmstate.is_absorbing(v.state)
  AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity';
COMMENT ON VIEW vmstate.abandoned_vmm IS 'Work list: dead VMMs that no instance names. Delete each with delete_vmm.';
-- end of sql/views/abandoned_vmm.sql

-- copy of sql/views/orphaned_vmm.sql
CREATE OR REPLACE VIEW vmstate.orphaned_vmm AS
SELECT
  v.instance_id,
  v.id AS propolis_id,
  v.sled_id,
  v.propolis_ip,
  v.propolis_port,
  v.state,
  v.time_unlinked,
  EXISTS (
    SELECT FROM vmstate.migration AS m
    WHERE m.instance_id = v.instance_id AND m.source_propolis_id = v.id
      AND 'completed' IN (m.source_state, m.destination_state)
      AND 'failed' NOT IN (m.source_state, m.destination_state)
      AND (m.destination_state = 'completed' OR NOT EXISTS (
        SELECT FROM vmstate.vmm AS t
        WHERE t.instance_id = m.instance_id AND t.id = m.destination_propolis_id AND vmstate.is_absorbing(t.state)
      ))
  ) AS expected_to_end
FROM vmstate.vmm AS v
WHERE v.time_unlinked IS NOT NULL AND v.time_deleted IS NULL AND NOT vmstate.is_absorbing(v.state)
  AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity';
COMMENT ON VIEW vmstate.orphaned_vmm IS 'Work list: VMMs that live although no instance names them. Terminate each on its sled, then it reports destroyed or fail_vmm says so. expected_to_end: the source of a migration that got through, or whose destination has the guest and lives, ends by itself.';
-- end of sql/views/orphaned_vmm.sql

-- copy of sql/views/restartable_instance.sql
CREATE OR REPLACE VIEW vmstate.restartable_instance AS
SELECT c.instance_id, r.api_state, r.state_generation, r.time_last_auto_restarted
FROM (
  SELECT i.id
  FROM vmstate.instance AS i
  WHERE i.state IN ('no_vmm', 'failed') AND i.intended_state = 'running'
    AND i.auto_restart_policy IS DISTINCT FROM 'never'
    AND coalesce(i.time_deleted, 'infinity') = 'infinity' AND least(i.time_deleted, 'infinity') = 'infinity'
  UNION ALL
  SELECT i.id
  FROM vmstate.vmm AS v
  JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.active_propolis_id = v.id
  WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
    AND v.state = 'saga_unwound'
    AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
) AS c (instance_id)
CROSS JOIN LATERAL (
  SELECT r.api_state, r.state_generation, r.time_last_auto_restarted
  FROM vmstate.resolved_instance AS r
  WHERE r.instance_id = c.instance_id
    AND vmstate.may_auto_restart(r.state, r.active_state, r.intended_state, r.auto_restart_policy,
      r.auto_restart_cooldown, r.time_last_auto_restarted, r.updater_lease_until, statement_timestamp())
  OFFSET 0
) AS r;
COMMENT ON VIEW vmstate.restartable_instance IS 'Work list: instances that should run, do not, and may be restarted now. Call begin_start with p_start_reason auto_restart, which checks once more.';
-- end of sql/views/restartable_instance.sql

-- copy of sql/views/watched_vmm.sql
CREATE OR REPLACE VIEW vmstate.watched_vmm AS
SELECT
  v.instance_id,
  v.id AS propolis_id,
  v.sled_id,
  v.propolis_ip,
  v.propolis_port,
  v.state,
  v.state_generation,
  v.time_state_updated,
  v.time_unlinked IS NULL AS linked
FROM vmstate.vmm AS v
WHERE v.time_deleted IS NULL AND vmstate.is_watched(v.state);
COMMENT ON VIEW vmstate.watched_vmm IS 'Every VMM that a sled should know of, linked or not, those of deleted instances too: ask the sled agents about them. The whole fleet.';
-- end of sql/views/watched_vmm.sql

-- copy of sql/views/stuck_instance.sql
CREATE OR REPLACE VIEW vmstate.stuck_instance AS
SELECT c.instance_id, s.api_state, statement_timestamp() - s.since AS age, s.waits_for, s.since
FROM (
  SELECT i.id
  FROM vmstate.instance AS i
  WHERE i.state = 'creating'
  UNION ALL
  SELECT i.id
  FROM vmstate.instance AS i
  WHERE i.migration_id IS NOT NULL
  UNION ALL
  SELECT i.id
  FROM vmstate.vmm AS v
  -- linked, and nothing to migrate: it is the active one; to say so makes the planner expect but one row
  JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.migration_id IS NULL
  WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
    AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
) AS c (instance_id)
CROSS JOIN LATERAL (
  SELECT
    p.api_state,
    CASE
      WHEN p.state = 'creating' THEN 'finish_instance_creation'
      WHEN p.needed THEN 'update saga'
      WHEN p.migration_id IS NOT NULL AND r.destination_vmm_state = 'creating' THEN 'migrate saga'
      WHEN p.migration_id IS NOT NULL AND p.verdict <> 'void' THEN 'migration'
      WHEN p.active_state = 'creating' THEN 'start saga'
      ELSE 'sled agent'
    END AS waits_for,
    greatest(r.time_state_updated, r.active_time_updated, r.destination_time_updated,
      r.time_source_updated, r.time_destination_updated) AS since
  FROM vmstate.resolved_instance AS r
  CROSS JOIN vmstate.instance_plan AS p
  WHERE r.instance_id = c.instance_id AND p.instance_id = c.instance_id
    AND p.api_state IN ('creating', 'starting', 'stopping', 'rebooting', 'migrating')
  OFFSET 0
) AS s
WHERE s.since < statement_timestamp() - vmstate.stuck_after();
COMMENT ON VIEW vmstate.stuck_instance IS 'Instances that have shown creating, starting, stopping, rebooting or migrating for longer than vmstate.stuck_after() (10 minutes) without any news, with their age and what they wait for.';
-- end of sql/views/stuck_instance.sql

-- copy of sql/views/invariant_violation.sql
CREATE OR REPLACE VIEW vmstate.invariant_violation AS
SELECT i.id AS instance_id, i.active_propolis_id AS propolis_id, 'active_vmm_is_its_own' AS invariant,
  'the active VMM does not exist or is another instance''s' AS detail
FROM vmstate.instance AS i
WHERE i.active_propolis_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM vmstate.vmm AS v WHERE v.instance_id = i.id AND v.id = i.active_propolis_id)
UNION ALL
SELECT i.id, i.destination_propolis_id, 'destination_vmm_is_its_own',
  'the destination VMM does not exist or is another instance''s'
FROM vmstate.instance AS i
WHERE i.destination_propolis_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM vmstate.vmm AS v WHERE v.instance_id = i.id AND v.id = i.destination_propolis_id)
UNION ALL
SELECT i.id, i.destination_propolis_id, 'migration_is_its_own',
  'the linked migration does not exist, is another instance''s or leads to another VMM'
FROM vmstate.instance AS i
WHERE i.migration_id IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM vmstate.migration AS m
    WHERE m.instance_id = i.id AND m.id = i.migration_id AND m.destination_propolis_id = i.destination_propolis_id
  )
UNION ALL
SELECT v.instance_id, v.id, 'vmm_has_an_instance', 'the instance of the VMM does not exist'
FROM vmstate.vmm AS v
WHERE NOT EXISTS (SELECT FROM vmstate.instance AS i WHERE i.id = v.instance_id)
UNION ALL
SELECT m.instance_id, m.destination_propolis_id, 'migration_has_its_vmms', 'a side of the migration names no VMM of the instance'
FROM vmstate.migration AS m
WHERE (
    SELECT count(*) FROM vmstate.vmm AS v
    WHERE v.instance_id = m.instance_id AND v.id IN (m.source_propolis_id, m.destination_propolis_id)
  ) <> 2
UNION ALL
SELECT v.instance_id, v.id, 'time_unlinked_iff_unlinked',
  CASE WHEN v.time_unlinked IS NULL THEN 'no instance names the VMM' ELSE 'an instance names the VMM' END
FROM vmstate.vmm AS v
LEFT JOIN vmstate.instance AS i ON i.id = v.instance_id
WHERE (v.time_unlinked IS NULL) <> coalesce(v.id IN (i.active_propolis_id, i.destination_propolis_id), false)
UNION ALL
SELECT v.instance_id, v.id, 'linked_vmm_is_not_deleted', 'an instance names the deleted VMM'
FROM vmstate.vmm AS v
JOIN vmstate.instance AS i ON i.id = v.instance_id AND v.id IN (i.active_propolis_id, i.destination_propolis_id)
WHERE v.time_deleted IS NOT NULL
UNION ALL
SELECT v.instance_id, v.id, 'deleted_vmm_is_dead', format('the deleted VMM is %s', v.state)
FROM vmstate.vmm AS v
WHERE v.time_deleted IS NOT NULL AND NOT vmstate.is_absorbing(v.state)
UNION ALL
SELECT v.instance_id, v.id, 'failure_reason_iff_failed',
  format('the VMM is %s, its reason %s', v.state, coalesce(v.failure_reason::text, 'null'))
FROM vmstate.vmm AS v
WHERE (v.state = 'failed') <> (v.failure_reason IS NOT NULL)
UNION ALL
SELECT i.id, i.destination_propolis_id, 'linked_migration_is_not_deleted', 'the instance names the deleted migration'
FROM vmstate.instance AS i
JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id
WHERE m.time_deleted IS NOT NULL
UNION ALL
SELECT v.instance_id, v.id, 'unwound_migration_failed', format('its sides are %s and %s', m.source_state, m.destination_state)
FROM vmstate.vmm AS v
JOIN vmstate.migration AS m ON m.instance_id = v.instance_id AND m.destination_propolis_id = v.id
WHERE v.state = 'saga_unwound' AND NOT (m.source_state = 'failed' AND m.destination_state = 'failed')
UNION ALL
SELECT v.instance_id, v.id, 'migration_changes_the_sled', 'both sides of the linked migration are on one sled'
FROM vmstate.instance AS i
JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id
JOIN vmstate.vmm AS v ON v.instance_id = m.instance_id AND v.id = m.destination_propolis_id
JOIN vmstate.vmm AS s ON s.instance_id = m.instance_id AND s.id = m.source_propolis_id
WHERE v.sled_id = s.sled_id;
COMMENT ON VIEW vmstate.invariant_violation IS 'What must never be, one row per breach: empty unless triggers or foreign keys were switched off. Reads whole tables.';
-- end of sql/views/invariant_violation.sql

-- copy of sql/views/schema_version.sql
CREATE OR REPLACE VIEW vmstate.schema_version AS
SELECT
  c.number,
  c.name,
  c.time_applied,
  coalesce((SELECT max(b.number) FROM vmstate.schema_change AS b WHERE b.is_breaking), 0) AS breaking_number
FROM vmstate.schema_change AS c
WHERE c.number = (SELECT max(l.number) FROM vmstate.schema_change AS l);
COMMENT ON VIEW vmstate.schema_version IS 'The newest change of the schema that was applied. A service that knows less than breaking_number (0: none was breaking) no longer works with this database; assertCompatible asks.';
-- end of sql/views/schema_version.sql

-- copy of sql/internal/next_generation.sql
CREATE OR REPLACE FUNCTION vmstate.next_generation(p_generation bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN least(p_generation + 1, 9007199254740991);
REVOKE ALL ON FUNCTION vmstate.next_generation FROM PUBLIC;
COMMENT ON FUNCTION vmstate.next_generation IS 'The generation that follows this one. 2^53-1 is followed by itself, so that a row which a sled agent put there can still end.';
-- end of sql/internal/next_generation.sql

-- copy of sql/internal/reject_argument.sql
CREATE OR REPLACE FUNCTION vmstate.reject_argument(p_function text, p_argument text, p_problem text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM001',
    MESSAGE = format('vmstate.%s: invalid argument %s', p_function, p_argument),
    DETAIL = CASE WHEN length(p_problem) > 500 THEN left(p_problem, 500) || '...' ELSE p_problem END,
    HINT = format('Nothing was changed. The comment on function vmstate.%s says what it takes.', p_function);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.reject_argument FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reject_argument IS 'VM001: the caller passed an argument that the function does not take. Nothing was changed.';
-- end of sql/internal/reject_argument.sql

-- copy of sql/internal/reject_nulls.sql
CREATE OR REPLACE FUNCTION vmstate.reject_nulls(p_function text, p_arguments jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
DECLARE
  v_argument pg_catalog.text;
BEGIN
  FOR v_argument IN SELECT a.key FROM jsonb_each(p_arguments) AS a WHERE a.value = 'null' ORDER BY a.key LOOP
    PERFORM vmstate.reject_argument(p_function, v_argument, 'It is null.');
  END LOOP;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.reject_nulls FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reject_nulls IS 'Raises VM001 for the first of the named arguments that is null.';
-- end of sql/internal/reject_nulls.sql

-- copy of sql/internal/require_port.sql
CREATE OR REPLACE FUNCTION vmstate.require_port(p_function text, p_port integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_port NOT BETWEEN 0 AND 65535 THEN
    PERFORM vmstate.reject_argument(p_function, 'p_propolis_port', format('It is %s, not 0 to 65535.', p_port));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_port FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_port IS 'Raises VM001 for a number that is no port.';
-- end of sql/internal/require_port.sql

-- copy of sql/internal/require_cooldown.sql
CREATE OR REPLACE FUNCTION vmstate.require_cooldown(p_function text, p_cooldown interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_cooldown < interval '0' OR NOT isfinite(p_cooldown) THEN
    PERFORM vmstate.reject_argument(p_function, 'p_auto_restart_cooldown', format('It is %s, not 0 or more.', p_cooldown));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_cooldown FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_cooldown IS 'Raises VM001 for a negative or infinite cooldown.';
-- end of sql/internal/require_cooldown.sql

-- copy of sql/internal/require_lease.sql
CREATE OR REPLACE FUNCTION vmstate.require_lease(p_function text, p_lease interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_lease <= interval '0' OR p_lease > interval '100 years' THEN
    PERFORM vmstate.reject_argument(p_function, 'p_lease', format('It is %s, not more than 0 and at most 100 years.', p_lease));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_lease FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_lease IS 'Raises VM001 for a lease that is not positive, or beyond reason.';
-- end of sql/internal/require_lease.sql

-- copy of sql/internal/require_report.sql
CREATE OR REPLACE FUNCTION vmstate.require_report(p_function text, p_report vmstate.vmm_report, p_where text DEFAULT '')
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
DECLARE
  v_argument pg_catalog.text;
  v_problem pg_catalog.text;
BEGIN
  SELECT c.argument, c.problem
    INTO v_argument, v_problem
    FROM (VALUES
      ('instance_id', p_report.instance_id IS NULL, 'It is null.'),
      ('propolis_id', p_report.propolis_id IS NULL, 'It is null.'),
      ('state', p_report.state IS NULL, 'It is null.'),
      ('generation', p_report.generation IS NULL, 'It is null.'),
      ('time', p_report.time IS NULL, 'It is null.'),
      ('generation', NOT p_report.generation BETWEEN 1 AND 9007199254740991,
        format('It is %s, not 1 to 2^53-1.', p_report.generation)),
      ('time', NOT vmstate.is_point_in_time(p_report.time), 'It is not within the years 1970 to 9999.'),
      ('migration_in_id', num_nulls(p_report.migration_in_id, p_report.migration_in_state,
          p_report.migration_in_generation, p_report.migration_in_time) NOT IN (0, 4),
        'The four migration_in arguments go together.'),
      ('migration_in_generation', NOT p_report.migration_in_generation BETWEEN 1 AND 9007199254740991,
        format('It is %s, not 1 to 2^53-1.', p_report.migration_in_generation)),
      ('migration_in_time', NOT vmstate.is_point_in_time(p_report.migration_in_time), 'It is not within the years 1970 to 9999.'),
      ('migration_out_id', num_nulls(p_report.migration_out_id, p_report.migration_out_state,
          p_report.migration_out_generation, p_report.migration_out_time) NOT IN (0, 4),
        'The four migration_out arguments go together.'),
      ('migration_out_generation', NOT p_report.migration_out_generation BETWEEN 1 AND 9007199254740991,
        format('It is %s, not 1 to 2^53-1.', p_report.migration_out_generation)),
      ('migration_out_time', NOT vmstate.is_point_in_time(p_report.migration_out_time), 'It is not within the years 1970 to 9999.'),
      ('migration_out_id', p_report.migration_out_id = p_report.migration_in_id,
        'A VMM cannot be both sides of a migration: it equals migration_in_id.')
    ) AS c (argument, is_violated, problem)
    WHERE c.is_violated
    LIMIT 1;
  IF FOUND THEN
    PERFORM vmstate.reject_argument(p_function, 'p_' || v_argument, p_where || v_problem);
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_report IS 'Raises VM001 for a report that says nothing a sled agent could say.';
-- end of sql/internal/require_report.sql

-- copy of sql/internal/require_role.sql
CREATE OR REPLACE FUNCTION vmstate.require_role(p_function text, p_role name) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF p_role IS NULL THEN
    PERFORM vmstate.reject_argument(p_function, 'p_role', 'It is null.');
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = p_role) THEN
    PERFORM vmstate.reject_argument(p_function, 'p_role', format('There is no role "%s".', p_role));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_role FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_role IS 'Raises VM001 for a role that is null or does not exist.';
-- end of sql/internal/require_role.sql

-- copy of sql/internal/reject_generation.sql
CREATE OR REPLACE FUNCTION vmstate.reject_generation(p_row text, p_actual bigint, p_attempted bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM101',
    MESSAGE = format('the generation of %s must rise with this change', p_row),
    DETAIL = format('It is %s; %s was attempted.', p_actual, p_attempted),
    HINT = 'Use the verbs (begin_start, report_vmm, commit_update, ...): they compare and raise generations.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.reject_generation FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reject_generation IS 'Raises VM101: a guarded change without a newer generation.';
-- end of sql/internal/reject_generation.sql

-- copy of sql/internal/reject_transition.sql
CREATE OR REPLACE FUNCTION vmstate.reject_transition(p_row text, p_actual text, p_attempted text, p_hint text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM102',
    MESSAGE = format('%s cannot go from %s to %s', p_row, p_actual, p_attempted),
    DETAIL = format('It is %s; %s was attempted.', p_actual, p_attempted),
    HINT = p_hint;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.reject_transition FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reject_transition IS 'Raises VM102: a state that this one cannot become.';
-- end of sql/internal/reject_transition.sql

-- copy of sql/internal/reject_needed.sql
CREATE OR REPLACE FUNCTION vmstate.reject_needed(p_row text, p_actual text, p_attempted text, p_hint text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM104',
    MESSAGE = format('%s is still needed as it is', p_row),
    DETAIL = format('It is %s; %s was attempted.', p_actual, p_attempted),
    HINT = p_hint;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.reject_needed FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reject_needed IS 'Raises VM104: a link that still counts.';
-- end of sql/internal/reject_needed.sql

-- copy of sql/internal/lock_instance.sql
CREATE OR REPLACE FUNCTION vmstate.lock_instance(p_instance_id uuid) RETURNS vmstate.instance
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_instance vmstate.instance;
BEGIN
  SELECT i.* INTO v_instance FROM vmstate.instance AS i WHERE i.id = p_instance_id FOR NO KEY UPDATE;
  RETURN v_instance;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_instance IS 'Locks an instance row and returns it as it is then (all null: no such row). First in the lock order: instance, VMMs by id, migrations by id.';
-- end of sql/internal/lock_instance.sql

-- copy of sql/internal/lock_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.lock_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
BEGIN
  SELECT v.* INTO v_vmm FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id FOR NO KEY UPDATE;
  RETURN v_vmm;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_vmm IS 'Locks one VMM and returns it as it is then (all null: no such VMM of this instance).';
-- end of sql/internal/lock_vmm.sql

-- copy of sql/internal/lock_links.sql
CREATE OR REPLACE FUNCTION vmstate.lock_links(p_instance_id uuid, p_propolis_ids uuid[], p_migration_ids uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF num_nonnulls(VARIADIC p_propolis_ids) > 0 THEN
    PERFORM FROM vmstate.vmm AS v
      WHERE v.instance_id = p_instance_id AND v.id = ANY (p_propolis_ids)
      ORDER BY v.id FOR NO KEY UPDATE;
  END IF;
  IF num_nonnulls(VARIADIC p_migration_ids) > 0 THEN
    PERFORM FROM vmstate.migration AS m
      WHERE m.instance_id = p_instance_id AND m.id = ANY (p_migration_ids)
      ORDER BY m.id FOR NO KEY UPDATE;
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_links FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_links IS 'Locks VMMs, then migrations, of one instance, each by id. Decide in a later statement: this one''s snapshot is older than its locks.';
-- end of sql/internal/lock_links.sql

-- copy of sql/internal/lock_own_migrations.sql
CREATE OR REPLACE FUNCTION vmstate.lock_own_migrations(p_instance_id uuid, p_propolis_id uuid, p_migration_ids uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.id = ANY (p_migration_ids)
      AND p_propolis_id IN (m.source_propolis_id, m.destination_propolis_id)
    ORDER BY m.id FOR NO KEY UPDATE;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_own_migrations FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_own_migrations IS 'Locks migrations, by id, that the VMM is a side of: a report holds up nobody else''s.';
-- end of sql/internal/lock_own_migrations.sql

-- copy of sql/internal/lock_migrations_of_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.lock_migrations_of_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND p_propolis_id IN (m.source_propolis_id, m.destination_propolis_id)
    ORDER BY m.id FOR NO KEY UPDATE;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_migrations_of_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_migrations_of_vmm IS 'Locks every migration that names a VMM, by id. The VMM is locked already: no new one can come.';
-- end of sql/internal/lock_migrations_of_vmm.sql

-- copy of sql/internal/read_plan.sql
CREATE OR REPLACE FUNCTION vmstate.read_plan(p_instance_id uuid) RETURNS vmstate.instance_plan
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_plan vmstate.instance_plan;
BEGIN
  SELECT p.* INTO v_plan FROM vmstate.instance_plan AS p WHERE p.instance_id = p_instance_id;
  RETURN v_plan;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.read_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.read_plan IS 'An instance and its plan as one moment shows them (all null: no such instance).';
-- end of sql/internal/read_plan.sql

-- copy of sql/internal/current_plan.sql
CREATE OR REPLACE FUNCTION vmstate.current_plan(p_instance vmstate.instance) RETURNS vmstate.instance_plan
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.lock_links(
    p_instance.id,
    ARRAY[p_instance.active_propolis_id, p_instance.destination_propolis_id],
    ARRAY[p_instance.migration_id]
  );
  RETURN vmstate.read_plan(p_instance.id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.current_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.current_plan IS 'Locks what a locked instance links to, and returns the plan that these rows give.';
-- end of sql/internal/current_plan.sql

-- copy of sql/internal/holds_updater_lock.sql
CREATE OR REPLACE FUNCTION vmstate.holds_updater_lock(p_instance vmstate.instance, p_saga_id uuid, p_updater_generation bigint)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RETURN coalesce(p_instance.updater_id = p_saga_id AND p_instance.updater_generation = p_updater_generation, false);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.holds_updater_lock FROM PUBLIC;
COMMENT ON FUNCTION vmstate.holds_updater_lock IS 'True while the saga is the updater that the fencing token names. A saga still holds an expired lease that no other saga took.';
-- end of sql/internal/holds_updater_lock.sql

-- copy of sql/internal/can_unwind.sql
CREATE OR REPLACE FUNCTION vmstate.can_unwind(p_vmm vmstate.vmm) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RETURN p_vmm.state <> 'saga_unwound'
    AND NOT (vmstate.is_absorbing(p_vmm.state) AND p_vmm.time_unlinked IS NOT NULL);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.can_unwind FROM PUBLIC;
COMMENT ON FUNCTION vmstate.can_unwind IS 'True unless the VMM is already saga_unwound, or is dead and unlinked.';
-- end of sql/internal/can_unwind.sql

-- copy of sql/internal/is_handed_over.sql
CREATE OR REPLACE FUNCTION vmstate.is_handed_over(p_vmm vmstate.vmm) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM vmstate.migration AS m
      LEFT JOIN vmstate.instance AS i ON i.id = m.instance_id AND i.migration_id = m.id
      WHERE m.instance_id = p_vmm.instance_id AND m.source_propolis_id = p_vmm.id
        AND 'completed' IN (m.source_state, m.destination_state)
        AND (i.id IS NOT NULL OR p_vmm.time_unlinked IS NOT NULL));
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_handed_over FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_handed_over IS 'Whether the guest of a VMM has left it: it is the source of the linked migration, a side of which completed, or was unlinked by such a hand-over.';
-- end of sql/internal/is_handed_over.sql

-- copy of sql/internal/is_replaceable.sql
CREATE OR REPLACE FUNCTION vmstate.is_replaceable(p_instance_id uuid, p_propolis_id uuid) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF p_propolis_id IS NULL THEN
    RETURN true;
  END IF;
  RETURN EXISTS (SELECT FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND v.state = 'saga_unwound');
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_replaceable FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_replaceable IS 'Whether a link may be replaced by a new VMM: it is NULL or names a saga_unwound one.';
-- end of sql/internal/is_replaceable.sql

-- copy of sql/internal/is_fresh.sql
CREATE OR REPLACE FUNCTION vmstate.is_fresh(p_instance_id uuid, p_propolis_id uuid) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND v.state = 'creating' AND v.time_unlinked IS NOT NULL);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_fresh FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_fresh IS 'Whether a VMM is new: it belongs to the instance, is still creating, and no link names it.';
-- end of sql/internal/is_fresh.sql

-- copy of sql/internal/is_start.sql
CREATE OR REPLACE FUNCTION vmstate.is_start(p_old vmstate.instance, p_new vmstate.instance) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RETURN (p_old.destination_propolis_id, p_old.migration_id)
      IS NOT DISTINCT FROM (p_new.destination_propolis_id, p_new.migration_id)
    AND p_old.state <> 'creating'
    AND p_old.active_propolis_id IS DISTINCT FROM p_new.active_propolis_id
    AND vmstate.is_replaceable(p_old.id, p_old.active_propolis_id)
    AND vmstate.is_fresh(p_new.id, p_new.active_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_start IS 'Whether a change of links is that of a start: the active VMM, NULL or saga_unwound, is replaced by a new one.';
-- end of sql/internal/is_start.sql

-- copy of sql/internal/is_migration.sql
CREATE OR REPLACE FUNCTION vmstate.is_migration(p_old vmstate.instance, p_new vmstate.instance) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF p_old.active_propolis_id IS DISTINCT FROM p_new.active_propolis_id
      OR p_old.destination_propolis_id IS NOT DISTINCT FROM p_new.destination_propolis_id THEN
    RETURN false;
  END IF;
  RETURN vmstate.is_replaceable(p_old.id, p_old.destination_propolis_id)
    AND vmstate.is_fresh(p_new.id, p_new.destination_propolis_id)
    AND EXISTS (SELECT FROM vmstate.migration AS m
      JOIN vmstate.vmm AS s ON s.instance_id = m.instance_id AND s.id = m.source_propolis_id
      JOIN vmstate.vmm AS d ON d.instance_id = m.instance_id AND d.id = m.destination_propolis_id
      WHERE m.instance_id = p_new.id AND m.id = p_new.migration_id AND m.time_deleted IS NULL
        AND m.source_state = 'pending' AND m.destination_state = 'pending' AND s.state IN ('running', 'rebooting')
        AND s.id = p_new.active_propolis_id AND d.id = p_new.destination_propolis_id AND s.sled_id <> d.sled_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_migration IS 'Whether a change of links is that of a migration: the destination VMM, NULL or saga_unwound, is replaced by a new one, with the migration that leads there from the active VMM on another sled.';
-- end of sql/internal/is_migration.sql

-- copy of sql/internal/to_instance_result.sql
CREATE OR REPLACE FUNCTION vmstate.to_instance_result(p_outcome vmstate.outcome, p_reason text, p_instance_id uuid)
RETURNS vmstate.instance_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_result vmstate.instance_result;
BEGIN
  SELECT p_outcome, p_reason, r.instance_id, r.api_state, r.state, r.state_generation,
      r.active_propolis_id, r.destination_propolis_id, r.migration_id
    INTO v_result
    FROM vmstate.resolved_instance AS r
    -- what was not there to lock may have come since
    WHERE r.instance_id = p_instance_id AND p_outcome <> 'not_found';
  v_result.outcome := p_outcome;
  v_result.reason := p_reason;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_instance_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_instance_result IS 'The answer of an instance verb, with the instance as it stands.';
-- end of sql/internal/to_instance_result.sql

-- copy of sql/internal/to_start_result.sql
CREATE OR REPLACE FUNCTION vmstate.to_start_result(
  p_outcome vmstate.outcome,
  p_reason text,
  p_instance_id uuid,
  p_replaced_propolis_id uuid DEFAULT NULL
) RETURNS vmstate.start_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_answer vmstate.instance_result := vmstate.to_instance_result(p_outcome, p_reason, p_instance_id);
BEGIN
  RETURN ROW(v_answer.*, p_replaced_propolis_id)::vmstate.start_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_start_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_start_result IS 'The answer of begin_start.';
-- end of sql/internal/to_start_result.sql

-- copy of sql/internal/to_command_result.sql
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
  -- in one statement: what is shown and who is to be told are of one moment
  SELECT p_outcome, p_reason, r.instance_id, r.api_state, r.state, r.state_generation,
      r.active_propolis_id, r.destination_propolis_id, r.migration_id,
      array_remove(ARRAY[
        CASE WHEN r.active_propolis_id = ANY (p_propolis_ids)
          AND NOT vmstate.is_absorbing(r.active_state) THEN r.active_propolis_id END,
        CASE WHEN r.destination_propolis_id = ANY (p_propolis_ids) AND r.destination_propolis_id <> r.active_propolis_id
          AND NOT vmstate.is_absorbing(r.destination_vmm_state) THEN r.destination_propolis_id END
      ], NULL)
    INTO v_result
    FROM vmstate.resolved_instance AS r
    -- what was not there to lock may have come since
    WHERE r.instance_id = p_instance_id AND p_outcome <> 'not_found';
  v_result.outcome := p_outcome;
  v_result.reason := p_reason;
  v_result.command_propolis_ids := coalesce(v_result.command_propolis_ids, '{}');
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_command_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_command_result IS 'The answer of request_stop and request_reboot: of the named VMMs, those alive are to be commanded, the active one first.';
-- end of sql/internal/to_command_result.sql

-- copy of sql/internal/to_update_result.sql
CREATE OR REPLACE FUNCTION vmstate.to_update_result(p_outcome vmstate.outcome, p_reason text, p_plan vmstate.instance_plan)
RETURNS vmstate.update_result
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RETURN ROW(
    p_outcome, p_reason, p_plan.instance_id, p_plan.api_state, p_plan.state, p_plan.state_generation,
    p_plan.active_propolis_id, p_plan.destination_propolis_id, p_plan.migration_id,
    p_plan.updater_generation, p_plan.updater_lease_until,
    p_plan.new_state, p_plan.new_active_propolis_id, p_plan.new_destination_propolis_id,
    p_plan.new_migration_id, p_plan.new_intended_state,
    p_plan.network, p_plan.network_propolis_id,
    p_plan.unlinked_propolis_ids, p_plan.terminate_propolis_ids, p_plan.plan_token
  )::vmstate.update_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_update_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_update_result IS 'The answer of the update saga''s verbs: an instance and its plan, as the verb read them once (all null: no such instance).';
-- end of sql/internal/to_update_result.sql

-- copy of sql/internal/to_vmm_result.sql
CREATE OR REPLACE FUNCTION vmstate.to_vmm_result(p_outcome vmstate.outcome, p_reason text, p_instance_id uuid, p_propolis_id uuid)
RETURNS vmstate.vmm_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_result vmstate.vmm_result;
BEGIN
  SELECT p_outcome, p_reason, v.state, v.state_generation
    INTO v_result
    FROM vmstate.vmm AS v
    -- what was not there to lock may have come since
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND p_outcome <> 'not_found';
  v_result.outcome := p_outcome;
  v_result.reason := p_reason;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_vmm_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_vmm_result IS 'The answer of a VMM verb, with the VMM as it stands.';
-- end of sql/internal/to_vmm_result.sql

-- copy of sql/internal/replayed_begin.sql
CREATE OR REPLACE FUNCTION vmstate.replayed_begin(
  p_instance_id uuid,
  p_saga_id uuid,
  p_propolis_id uuid,
  p_migration_id uuid,
  p_source_propolis_id uuid
) RETURNS vmstate.outcome
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
  v_migration vmstate.migration;
BEGIN
  SELECT v.* INTO v_vmm FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND v.saga_id = p_saga_id;
  IF v_vmm.id IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT m.* INTO v_migration FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.destination_propolis_id = p_propolis_id;
  IF (v_migration.id, v_migration.source_propolis_id) IS DISTINCT FROM (p_migration_id, p_source_propolis_id) THEN
    RETURN NULL;
  END IF;
  RETURN CASE
    WHEN v_vmm.time_deleted IS NOT NULL OR v_migration.time_deleted IS NOT NULL THEN 'gone'
    WHEN v_vmm.state <> 'saga_unwound' THEN 'unchanged'
  END;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.replayed_begin FROM PUBLIC;
COMMENT ON FUNCTION vmstate.replayed_begin IS 'Whether this very begin_start (the last two null) or begin_migration was done before: unchanged, or gone when its rows are deleted. NULL otherwise, also after the saga''s own unwind: a replay never resurrects.';
-- end of sql/internal/replayed_begin.sql

-- copy of sql/internal/insert_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.insert_vmm(
  p_instance_id uuid,
  p_saga_id uuid,
  p_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer,
  p_now timestamptz
) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  INSERT INTO vmstate.vmm (instance_id, id, sled_id, propolis_ip, propolis_port, saga_id,
      time_state_updated, time_unlinked, time_created)
    VALUES (p_instance_id, p_propolis_id, p_sled_id, p_propolis_ip, coalesce(p_propolis_port, 12400), p_saga_id,
      p_now, p_now, p_now)
    ON CONFLICT DO NOTHING;
  RETURN FOUND;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.insert_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.insert_vmm IS 'Inserts a VMM (creating, generation 1, not yet linked); false when its id is taken, whoever has it.';
-- end of sql/internal/insert_vmm.sql

-- copy of sql/internal/insert_migration.sql
CREATE OR REPLACE FUNCTION vmstate.insert_migration(
  p_instance_id uuid,
  p_saga_id uuid,
  p_migration_id uuid,
  p_source_propolis_id uuid,
  p_destination_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer,
  p_now timestamptz
) RETURNS text
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF NOT vmstate.insert_vmm(p_instance_id, p_saga_id, p_destination_propolis_id, p_sled_id, p_propolis_ip,
      p_propolis_port, p_now) THEN
    RETURN 'propolis_id_taken';
  END IF;
  INSERT INTO vmstate.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id,
      time_source_updated, time_destination_updated, time_created)
    VALUES (p_instance_id, p_migration_id, p_saga_id, p_source_propolis_id, p_destination_propolis_id,
      p_now, p_now, p_now)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'VM900', MESSAGE = 'the VMM of a migration whose id is taken must not stay';
  END IF;
  RETURN NULL;
EXCEPTION
  WHEN SQLSTATE 'VM900' THEN -- takes the VMM back
    RETURN 'migration_id_taken';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.insert_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.insert_migration IS 'Inserts the destination VMM and the migration, both or neither; answers propolis_id_taken, migration_id_taken or null.';
-- end of sql/internal/insert_migration.sql

-- copy of sql/internal/unwind_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.unwind_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  UPDATE vmstate.vmm AS v
    SET state = 'saga_unwound', state_generation = vmstate.next_generation(v.state_generation), time_state_updated = v_now, failure_reason = NULL
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unwind_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unwind_vmm IS 'Marks a VMM that the caller has locked and judged as saga_unwound.';
-- end of sql/internal/unwind_vmm.sql

-- copy of sql/internal/delete_migrations.sql
CREATE OR REPLACE FUNCTION vmstate.delete_migrations(p_instance_id uuid, p_propolis_id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_ids pg_catalog.uuid[] := array(
    SELECT m.id FROM vmstate.migration AS m
      WHERE m.instance_id = p_instance_id AND m.time_deleted IS NULL
        AND (p_propolis_id IS NULL OR p_propolis_id IN (m.source_propolis_id, m.destination_propolis_id))
        AND NOT EXISTS (SELECT FROM vmstate.instance AS i WHERE i.id = p_instance_id AND i.migration_id = m.id));
BEGIN
  IF v_ids = '{}' THEN
    RETURN;
  END IF;
  PERFORM vmstate.lock_links(p_instance_id, NULL, v_ids);
  UPDATE vmstate.migration AS m
    SET time_deleted = v_now
    WHERE m.instance_id = p_instance_id AND m.id = ANY (v_ids) AND m.time_deleted IS NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_migrations FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_migrations IS 'Soft-deletes the migrations of an instance, or those that name one of its VMMs, that no link needs. An unlinked migration is never linked again, so no instance lock is needed.';
-- end of sql/internal/delete_migrations.sql

-- copy of sql/internal/apply_plan.sql
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
      committed_updater_generation = p_updater_generation
    WHERE i.id = p_plan.instance_id;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_plan IS 'Writes an update plan and releases the updater lock: the only code that sets VMM ids to NULL. The caller holds the instance and its links locked and read the plan under these locks.';
-- end of sql/internal/apply_plan.sql

-- copy of sql/internal/report_source_side.sql
CREATE OR REPLACE FUNCTION vmstate.report_source_side(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_migration_id uuid,
  p_state vmstate.migration_state,
  p_generation bigint,
  p_time timestamptz
) RETURNS vmstate.outcome
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_outcome vmstate.outcome;
BEGIN
  IF p_migration_id IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT vmstate.migration_report_outcome(
      p_propolis_id, m.source_propolis_id, m.source_state, m.source_generation, m.time_deleted, p_generation)
    INTO v_outcome
    FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  IF v_outcome = 'applied' THEN
    UPDATE vmstate.migration AS m
      SET source_state = p_state, source_generation = p_generation, time_source_updated = p_time
      WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  END IF;
  RETURN coalesce(v_outcome, 'not_found');
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_source_side FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_source_side IS 'The part of a report on a migration out of the reporting VMM. The caller has locked the migration.';
-- end of sql/internal/report_source_side.sql

-- copy of sql/internal/report_destination_side.sql
CREATE OR REPLACE FUNCTION vmstate.report_destination_side(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_migration_id uuid,
  p_state vmstate.migration_state,
  p_generation bigint,
  p_time timestamptz
) RETURNS vmstate.outcome
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_outcome vmstate.outcome;
BEGIN
  IF p_migration_id IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT vmstate.migration_report_outcome(
      p_propolis_id, m.destination_propolis_id, m.destination_state, m.destination_generation, m.time_deleted, p_generation)
    INTO v_outcome
    FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  IF v_outcome = 'applied' THEN
    UPDATE vmstate.migration AS m
      SET destination_state = p_state, destination_generation = p_generation, time_destination_updated = p_time
      WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  END IF;
  RETURN coalesce(v_outcome, 'not_found');
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_destination_side FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_destination_side IS 'The part of a report on a migration into the reporting VMM. The caller has locked the migration.';
-- end of sql/internal/report_destination_side.sql

-- copy of sql/internal/session_role.sql
CREATE OR REPLACE FUNCTION vmstate.session_role() RETURNS name
LANGUAGE sql STABLE
RETURN coalesce(nullif(current_setting('role'), 'none')::name, session_user);
REVOKE ALL ON FUNCTION vmstate.session_role FROM PUBLIC;
COMMENT ON FUNCTION vmstate.session_role IS 'Who calls, also seen from a function that runs with its owner''s rights: the role of SET ROLE, else the one that logged in.';
-- end of sql/internal/session_role.sql

-- copy of sql/internal/reportable_sleds.sql
CREATE OR REPLACE FUNCTION vmstate.reportable_sleds() RETURNS uuid[]
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_role pg_catalog.name := vmstate.session_role();
BEGIN
  -- refused where PostgreSQL runs one role's functions in another's session, as ANALYZE does with those of an index
  UNLISTEN vmstate;
  IF has_function_privilege(v_role, to_regproc('vmstate.fail_vmm'), 'EXECUTE') THEN
    RETURN NULL;
  END IF;
  RETURN array(SELECT b.sled_id FROM vmstate.sled_agent_binding AS b WHERE b.role = v_role);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.reportable_sleds FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reportable_sleds IS 'The sleds whose VMMs the caller may report: NULL, any, for who may declare every VMM dead with fail_vmm; else the one it is bound to, or none.';
-- end of sql/internal/reportable_sleds.sql

-- copy of sql/internal/reject_foreign_report.sql
CREATE OR REPLACE FUNCTION vmstate.reject_foreign_report(
  p_function text,
  p_propolis_id uuid,
  p_sleds uuid[],
  p_where text DEFAULT ''
) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'insufficient_privilege',
    MESSAGE = format('vmstate.%s: VMM %s is not for this role to report', p_function, p_propolis_id),
    DETAIL = format('%sRole "%s" is bound to %s.', p_where, vmstate.session_role(), coalesce('sled ' || p_sleds[1], 'no sled')),
    HINT = 'Nothing was changed. vmstate.bind_sled_agent binds a role to the sled whose VMMs it may report.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.reject_foreign_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reject_foreign_report IS 'Raises 42501: the VMM is on another sled than the caller reports for. Does not say on which.';
-- end of sql/internal/reject_foreign_report.sql

-- copy of sql/internal/require_own_sled.sql
CREATE OR REPLACE FUNCTION vmstate.require_own_sled(p_reports vmstate.numbered_report[], p_sleds uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_report vmstate.numbered_report;
BEGIN
  SELECT r.* INTO v_report
    FROM unnest(p_reports) AS r
    JOIN vmstate.vmm AS v ON v.instance_id = r.instance_id AND v.id = r.propolis_id
    WHERE v.sled_id <> ALL (p_sleds)
    ORDER BY r.ordinal LIMIT 1;
  IF FOUND THEN
    PERFORM vmstate.reject_foreign_report('report_vmms', v_report.propolis_id, p_sleds,
      format('Element %s: ', v_report.ordinal));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_own_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_own_sled IS 'Raises 42501 for the first report of a batch whose VMM is on none of these sleds.';
-- end of sql/internal/require_own_sled.sql

-- copy of sql/internal/refused_report.sql
CREATE OR REPLACE FUNCTION vmstate.refused_report(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_state vmstate.reported_vmm_state,
  p_generation bigint,
  p_time timestamptz,
  p_sleds uuid[]
) RETURNS vmstate.report_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
BEGIN
  PERFORM vmstate.require_report('report_vmm', ROW(p_instance_id, p_propolis_id, p_state, p_generation, p_time,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.vmm_report);
  SELECT v.* INTO v_vmm FROM vmstate.vmm AS v WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id;
  IF FOUND AND v_vmm.sled_id <> ALL (p_sleds) THEN
    PERFORM vmstate.reject_foreign_report('report_vmm', p_propolis_id, p_sleds);
  END IF;
  RETURN ROW(vmstate.vmm_report_outcome(v_vmm.state, v_vmm.state_generation, v_vmm.time_deleted, p_generation),
    NULL, NULL, false, v_vmm.state, v_vmm.state_generation)::vmstate.report_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.refused_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.refused_report IS 'Why the VMM part of a report was not written, read in a snapshot newer than the attempt; VM001 if it says nothing a sled agent could say, 42501 if the VMM is on none of these sleds (NULL: any).';
-- end of sql/internal/refused_report.sql

-- copy of sql/internal/report_sides.sql
CREATE OR REPLACE FUNCTION vmstate.report_sides(p_function text, p_report vmstate.vmm_report, p_sleds uuid[])
RETURNS vmstate.report_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_in vmstate.outcome;
  v_out vmstate.outcome;
  v_update_needed boolean;
BEGIN
  v_in := vmstate.report_destination_side(p_report.instance_id, p_report.propolis_id, p_report.migration_in_id,
    p_report.migration_in_state, p_report.migration_in_generation, p_report.migration_in_time);
  v_out := vmstate.report_source_side(p_report.instance_id, p_report.propolis_id, p_report.migration_out_id,
    p_report.migration_out_state, p_report.migration_out_generation, p_report.migration_out_time);
  IF p_sleds IS NOT NULL AND EXISTS (
      SELECT FROM vmstate.vmm AS v
        WHERE v.instance_id = p_report.instance_id AND v.id = p_report.propolis_id AND v.sled_id <> ALL (p_sleds)) THEN
    -- it came after the report was checked, and before its sides were judged
    PERFORM vmstate.reject_foreign_report(p_function, p_report.propolis_id, p_sleds);
  END IF;
  v_update_needed := EXISTS (
    SELECT FROM vmstate.instance AS i
      WHERE i.id = p_report.instance_id
        AND (
          (v_in = 'applied' AND vmstate.is_terminal(p_report.migration_in_state) AND i.migration_id = p_report.migration_in_id)
          OR (v_out = 'applied' AND vmstate.is_terminal(p_report.migration_out_state) AND i.migration_id = p_report.migration_out_id)
        ));
  RETURN ROW(NULL, v_in, v_out, v_update_needed, NULL, NULL)::vmstate.report_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_sides FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_sides IS 'The migration parts of a report, judged and written; the VMM''s columns of the answer are null. The caller has locked the migrations. 42501 if the VMM is on none of these sleds (NULL: any).';
-- end of sql/internal/report_sides.sql

-- copy of sql/internal/parse_report.sql
CREATE OR REPLACE FUNCTION vmstate.parse_report(p_element jsonb, p_ordinal bigint) RETURNS vmstate.vmm_report
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF jsonb_typeof(p_element) <> 'object' THEN
    PERFORM vmstate.reject_argument('report_vmms', 'p_reports',
      format('Element %s is a JSON %s, not an object.', p_ordinal, jsonb_typeof(p_element)));
  END IF;
  RETURN jsonb_populate_record(NULL::vmstate.vmm_report, p_element);
EXCEPTION
  WHEN data_exception THEN
    PERFORM vmstate.reject_argument('report_vmms', 'p_reports', format('Element %s: %s.', p_ordinal, SQLERRM));
END;
$$;
REVOKE ALL ON FUNCTION vmstate.parse_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.parse_report IS 'One JSON object as a report; VM001 names its ordinal when it is none.';
-- end of sql/internal/parse_report.sql

-- copy of sql/internal/parse_reports.sql
CREATE OR REPLACE FUNCTION vmstate.parse_reports(p_reports jsonb) RETURNS vmstate.numbered_report[]
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_element pg_catalog.jsonb;
  v_ordinal bigint;
BEGIN
  RETURN array(
    SELECT ROW(
        r.ordinality, r.instance_id, r.propolis_id, r.state, r.generation, r.time,
        CASE WHEN num_nonnulls(r.migration_in_id, r.migration_in_state, r.migration_in_generation, r.migration_in_time,
            r.migration_out_id, r.migration_out_state, r.migration_out_generation, r.migration_out_time) > 0 THEN
          ROW(r.instance_id, r.propolis_id, r.state, r.generation, r.time,
            r.migration_in_id, r.migration_in_state, r.migration_in_generation, r.migration_in_time,
            r.migration_out_id, r.migration_out_state, r.migration_out_generation, r.migration_out_time)::vmstate.vmm_report
        END
      )::vmstate.numbered_report
      FROM jsonb_populate_recordset(NULL::vmstate.vmm_report, p_reports) WITH ORDINALITY AS r);
EXCEPTION
  WHEN data_exception THEN
    FOR v_element, v_ordinal IN SELECT e.value, e.ordinality FROM jsonb_array_elements(p_reports) WITH ORDINALITY AS e LOOP
      PERFORM vmstate.parse_report(v_element, v_ordinal);
    END LOOP;
    RAISE;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.parse_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.parse_reports IS 'The elements of a JSON array as reports; VM001 names the first that is none.';
-- end of sql/internal/parse_reports.sql

-- copy of sql/internal/require_reports.sql
CREATE OR REPLACE FUNCTION vmstate.require_reports(p_reports vmstate.numbered_report[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.require_report(
      'report_vmms',
      coalesce(r.whole, ROW(r.instance_id, r.propolis_id, r.state, r.generation, r.time,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.vmm_report),
      format('Element %s: ', r.ordinal))
    FROM unnest(p_reports) AS r
    WHERE num_nulls(r.instance_id, r.propolis_id, r.state) > 0
      OR (r.generation BETWEEN 1 AND 9007199254740991 AND vmstate.is_point_in_time(r.time)) IS NOT TRUE
      OR r.whole IS DISTINCT FROM NULL
    ORDER BY r.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_reports IS 'Raises VM001, naming the element, for a batch with a report that says nothing a sled agent could say. Plain, valid reports of a VMM alone are passed over cheaply.';
-- end of sql/internal/require_reports.sql

-- copy of sql/internal/lock_reported.sql
CREATE OR REPLACE FUNCTION vmstate.lock_reported(p_reports vmstate.numbered_report[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM vmstate.vmm AS v
    WHERE (v.instance_id, v.id) IN (SELECT r.instance_id, r.propolis_id FROM unnest(p_reports) AS r)
    ORDER BY v.id FOR NO KEY UPDATE;
  PERFORM FROM (
      SELECT r.instance_id, r.propolis_id, unnest(ARRAY[(r.whole).migration_in_id, (r.whole).migration_out_id])
      FROM unnest(p_reports) AS r
    ) AS r (instance_id, propolis_id, migration_id)
    JOIN vmstate.migration AS m ON m.instance_id = r.instance_id AND m.id = r.migration_id
      AND r.propolis_id IN (m.source_propolis_id, m.destination_propolis_id)
    ORDER BY m.id FOR NO KEY UPDATE OF m;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_reported FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_reported IS 'Locks all VMMs of a batch by id, then by id all its migrations that the reporting VMMs are sides of.';
-- end of sql/internal/lock_reported.sql

-- copy of sql/internal/judge_reports.sql
CREATE OR REPLACE FUNCTION vmstate.judge_reports(p_reports vmstate.numbered_report[], p_sleds uuid[])
RETURNS SETOF vmstate.numbered_verdict
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RETURN QUERY
    WITH judged AS MATERIALIZED (
      SELECT r.ordinal, r.instance_id, r.propolis_id, vmstate.from_report(r.state) AS new_state, r.generation, r.time, r.whole,
          v.state AS old_state, v.state_generation, v.time_unlinked IS NULL AS linked,
          vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, r.generation) AS outcome
        FROM (SELECT u.* FROM unnest(p_reports) AS u ORDER BY u.propolis_id) AS r
        -- locks in that order; of a row it had to wait for, it reads what the others left
        LEFT JOIN LATERAL (
          SELECT w.state, w.state_generation, w.time_deleted, w.time_unlinked
            FROM vmstate.vmm AS w
            WHERE w.instance_id = r.instance_id AND w.id = r.propolis_id
              -- one that came after the batch was checked is not there yet
              AND (p_sleds IS NULL OR w.sled_id = ANY (p_sleds))
            FOR NO KEY UPDATE
        ) AS v ON true
    ),
    written AS (
      UPDATE vmstate.vmm AS v
        SET state = j.new_state,
          state_generation = j.generation,
          time_state_updated = j.time,
          time_started = CASE WHEN j.new_state = 'running' THEN coalesce(v.time_started, j.time) ELSE v.time_started END,
          failure_reason = CASE WHEN j.new_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
        FROM judged AS j
        WHERE v.instance_id = j.instance_id AND v.id = j.propolis_id AND j.outcome = 'applied'
    )
    SELECT s.ordinal, s.instance_id, s.propolis_id, s.outcome,
        (s.sides).migration_in_outcome, (s.sides).migration_out_outcome,
        coalesce((s.sides).update_needed, false) OR (s.outcome = 'applied' AND s.linked AND vmstate.is_absorbing(s.new_state)),
        CASE WHEN s.outcome = 'applied' THEN s.new_state ELSE s.old_state END,
        CASE WHEN s.outcome = 'applied' THEN s.generation ELSE s.state_generation END
      FROM (
        SELECT j.*,
            CASE WHEN j.whole IS DISTINCT FROM NULL THEN vmstate.report_sides('report_vmms', j.whole, p_sleds) END AS sides
          FROM judged AS j
      ) AS s
      ORDER BY s.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.judge_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.judge_reports IS 'Judges and writes the reports of a batch, no two of one VMM. The caller has locked the migrations and refused VMMs that are on none of these sleds (NULL: any).';
-- end of sql/internal/judge_reports.sql

-- copy of sql/internal/judge_repeated_reports.sql
CREATE OR REPLACE FUNCTION vmstate.judge_repeated_reports(p_reports vmstate.numbered_report[], p_sleds uuid[])
RETURNS SETOF vmstate.numbered_verdict
LANGUAGE plpgsql
SET search_path = ''
SET plan_cache_mode = 'force_generic_plan'
AS $$
BEGIN
  RETURN QUERY
    -- the generation that each report has to beat: the row's, or that of a report before it
    WITH ranked AS (
      SELECT r.*, vmstate.from_report(r.state) AS new_state,
          v.state AS old_state, v.state_generation, v.time_deleted, v.time_unlinked IS NULL AS linked,
          greatest(v.state_generation, max(r.generation) OVER earlier) AS newest
        FROM (SELECT u.* FROM unnest(p_reports) AS u ORDER BY u.propolis_id) AS r
        -- locks in that order; of a row it had to wait for, it reads what the others left
        LEFT JOIN LATERAL (
          SELECT w.state, w.state_generation, w.time_deleted, w.time_unlinked
            FROM vmstate.vmm AS w
            WHERE w.instance_id = r.instance_id AND w.id = r.propolis_id
              -- one that came after the batch was checked is not there yet
              AND (p_sleds IS NULL OR w.sled_id = ANY (p_sleds))
            FOR NO KEY UPDATE
        ) AS v ON true
        WINDOW earlier AS (PARTITION BY r.propolis_id, r.instance_id ORDER BY r.ordinal
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ),
    judged AS (
      SELECT r.*,
          CASE
            WHEN r.old_state IS NOT NULL AND r.time_deleted IS NULL
              AND bool_or(vmstate.is_absorbing(r.new_state) AND r.generation > r.newest) OVER earlier THEN 'terminal'
            ELSE vmstate.vmm_report_outcome(r.old_state, r.newest, r.time_deleted, r.generation)
          END AS outcome
        FROM ranked AS r
        WINDOW earlier AS (PARTITION BY r.propolis_id, r.instance_id ORDER BY r.ordinal
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ),
    -- each applied report and those after it that are not
    numbered AS MATERIALIZED (
      SELECT j.*, count(*) FILTER (WHERE j.outcome = 'applied')
            OVER (PARTITION BY j.propolis_id, j.instance_id ORDER BY j.ordinal) AS change
        FROM judged AS j
    ),
    written AS (
      UPDATE vmstate.vmm AS v
        SET state = c.state,
          state_generation = c.generation,
          time_state_updated = c.time,
          time_started = coalesce(v.time_started, c.time_running),
          failure_reason = CASE WHEN c.state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
        FROM (
          SELECT n.instance_id, n.propolis_id, max(n.generation) AS generation,
              (array_agg(n.new_state ORDER BY n.ordinal DESC))[1] AS state,
              (array_agg(n.time ORDER BY n.ordinal DESC))[1] AS time,
              (array_agg(n.time ORDER BY n.ordinal) FILTER (WHERE n.new_state = 'running'))[1] AS time_running
            FROM numbered AS n
            WHERE n.outcome = 'applied'
            GROUP BY n.instance_id, n.propolis_id
        ) AS c
        WHERE v.instance_id = c.instance_id AND v.id = c.propolis_id
    )
    SELECT s.ordinal, s.instance_id, s.propolis_id, s.outcome,
        (s.sides).migration_in_outcome, (s.sides).migration_out_outcome,
        coalesce((s.sides).update_needed, false) OR (s.outcome = 'applied' AND s.linked AND vmstate.is_absorbing(s.new_state)),
        CASE WHEN s.change > 0 THEN first_value(s.new_state) OVER latest ELSE s.old_state END,
        CASE WHEN s.change > 0 THEN first_value(s.generation) OVER latest ELSE s.state_generation::bigint END
      FROM (
        SELECT n.*,
            CASE WHEN n.whole IS DISTINCT FROM NULL THEN vmstate.report_sides('report_vmms', n.whole, p_sleds)
            END AS sides
          FROM (SELECT o.* FROM numbered AS o ORDER BY o.ordinal OFFSET 0) AS n
          OFFSET 0
      ) AS s
      WINDOW latest AS (PARTITION BY s.propolis_id, s.instance_id, s.change ORDER BY s.ordinal)
      ORDER BY s.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.judge_repeated_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.judge_repeated_reports IS 'What judge_reports does, for a batch with several reports of one VMM: later ones are judged after earlier ones, and each VMM is written once.';
-- end of sql/internal/judge_repeated_reports.sql

-- copy of sql/guards/guard_identity.sql
CREATE OR REPLACE FUNCTION vmstate.guard_identity() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_old pg_catalog.jsonb := to_jsonb(OLD);
  v_new pg_catalog.jsonb := to_jsonb(NEW);
  v_column pg_catalog.text;
BEGIN
  FOREACH v_column IN ARRAY TG_ARGV LOOP
    IF v_old -> v_column IS DISTINCT FROM v_new -> v_column THEN
      RAISE EXCEPTION USING
        ERRCODE = 'VM103',
        MESSAGE = format('vmstate.%I.%I cannot be changed', TG_TABLE_NAME, v_column),
        DETAIL = format('It is %s; %s was attempted.', v_old -> v_column, v_new -> v_column),
        HINT = 'It says which row this is. Create another row with begin_start, begin_migration or create_instance.';
    END IF;
  END LOOP;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_identity FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_identity IS 'VM103: the columns that say which row this is never change.';

CREATE OR REPLACE TRIGGER guard_identity BEFORE UPDATE OF id, project_id ON vmstate.instance
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('id', 'project_id');

-- after, as the other guards of vmm: a trigger before each row locks it first, which is written to the WAL. In capitals, since
-- triggers fire in the order of their names, and the foreign keys' would say less.
CREATE OR REPLACE TRIGGER "GUARD_identity" AFTER UPDATE OF id, instance_id, sled_id, saga_id, propolis_ip, propolis_port ON vmstate.vmm
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('id', 'instance_id', 'sled_id', 'saga_id', 'propolis_ip', 'propolis_port');

CREATE OR REPLACE TRIGGER guard_identity BEFORE UPDATE OF id, instance_id, saga_id, source_propolis_id, destination_propolis_id ON vmstate.migration
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('id', 'instance_id', 'saga_id', 'source_propolis_id', 'destination_propolis_id');
-- end of sql/guards/guard_identity.sql

-- copy of sql/guards/guard_insert.sql
CREATE OR REPLACE FUNCTION vmstate.guard_insert() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_begins boolean;
BEGIN
  CASE TG_TABLE_NAME
    WHEN 'instance' THEN
      v_begins := NEW.state = 'creating' AND NEW.state_generation = 1
        AND num_nonnulls(NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id, NEW.time_last_auto_restarted,
          NEW.updater_id, NEW.committed_updater_generation, NEW.time_deleted) = 0;
    WHEN 'vmm' THEN
      v_begins := NEW.state = 'creating' AND NEW.state_generation = 1 AND NEW.time_unlinked IS NOT NULL
        AND num_nonnulls(NEW.time_started, NEW.failure_reason, NEW.time_deleted) = 0;
    WHEN 'migration' THEN
      v_begins := NEW.source_state = 'pending' AND NEW.source_generation = 1
        AND NEW.destination_state = 'pending' AND NEW.destination_generation = 1 AND NEW.time_deleted IS NULL;
  END CASE;
  IF NOT v_begins THEN
    RAISE EXCEPTION USING
      ERRCODE = 'VM102',
      MESSAGE = format('vmstate.%I rows begin at the beginning', TG_TABLE_NAME),
      DETAIL = format('Attempted: %s.', to_jsonb(NEW)),
      HINT = format('It must be as %s leaves it: first state, generation 1, linked to nothing, held by nobody, not deleted.', TG_ARGV[0]);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_insert FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_insert IS 'VM102: rows are inserted in their first state, at generation 1, unlinked and not deleted.';

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('create_instance');

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('begin_start or begin_migration');

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('begin_migration');
-- end of sql/guards/guard_insert.sql

-- copy of sql/guards/guard_instance_state.sql
CREATE OR REPLACE FUNCTION vmstate.guard_instance_state() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF NEW.state <> OLD.state AND (NEW.state = 'creating' OR OLD.state = 'destroyed') THEN
    PERFORM vmstate.reject_transition(format('instance %s', OLD.id), OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'A destroyed instance stays so, and none is created twice: use create_instance with another id.');
  ELSIF OLD.time_deleted <> NEW.time_deleted THEN
    PERFORM vmstate.reject_transition(format('instance %s', OLD.id), 'deleted', 'another time of deletion',
      'A destroyed instance stays as it is: use create_instance with another id.');
  ELSIF NEW.state_generation < OLD.state_generation
      OR (NEW.state_generation = OLD.state_generation
        AND (OLD.state, OLD.time_state_updated, OLD.active_propolis_id, OLD.destination_propolis_id, OLD.migration_id)
          IS DISTINCT FROM
          (NEW.state, NEW.time_state_updated, NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id)) THEN
    PERFORM vmstate.reject_generation(format('instance %s', OLD.id), OLD.state_generation, NEW.state_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_instance_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_instance_state IS 'VM101, VM102: a change of state or links raises the generation; nothing becomes creating again, and destroyed stays, with its time of deletion.';

CREATE OR REPLACE TRIGGER guard_state BEFORE UPDATE OF
    state, state_generation, time_state_updated, active_propolis_id, destination_propolis_id, migration_id, time_deleted
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_instance_state();
-- end of sql/guards/guard_instance_state.sql

-- copy of sql/guards/guard_instance_links.sql
CREATE OR REPLACE FUNCTION vmstate.guard_instance_links() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF (OLD.active_propolis_id, OLD.destination_propolis_id, OLD.migration_id)
      IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id) THEN
    RETURN NEW;
  END IF;
  -- the new ids too: they are judged below, and another session may be ending or deleting them
  PERFORM vmstate.lock_links(OLD.id,
    ARRAY[OLD.active_propolis_id, OLD.destination_propolis_id, NEW.active_propolis_id, NEW.destination_propolis_id],
    ARRAY[OLD.migration_id, NEW.migration_id]);
  IF vmstate.is_start(OLD, NEW) OR vmstate.is_migration(OLD, NEW) THEN
    RETURN NEW;
  END IF;
  IF EXISTS (SELECT FROM vmstate.instance_plan AS p
      WHERE p.instance_id = OLD.id
        AND (p.new_active_propolis_id, p.new_destination_propolis_id, p.new_migration_id)
          IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id)) THEN
    RETURN NEW;
  END IF;
  PERFORM vmstate.reject_needed(
    format('link of instance %s', OLD.id),
    format('active %s, destination %s, migration %s',
      coalesce(OLD.active_propolis_id::pg_catalog.text, 'none'),
      coalesce(OLD.destination_propolis_id::pg_catalog.text, 'none'),
      coalesce(OLD.migration_id::pg_catalog.text, 'none')),
    format('active %s, destination %s, migration %s',
      coalesce(NEW.active_propolis_id::pg_catalog.text, 'none'),
      coalesce(NEW.destination_propolis_id::pg_catalog.text, 'none'),
      coalesce(NEW.migration_id::pg_catalog.text, 'none')),
    'begin_start and begin_migration replace NULL or a saga_unwound VMM by a new one; run_update writes what explain_update answers. Nothing else changes a link.');
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_instance_links FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_instance_links IS 'VM104: links change only to the ids of the present update plan, or when a start or a migration replaces NULL or a saga_unwound VMM and leaves the other ids alone.';

CREATE OR REPLACE TRIGGER guard_links BEFORE UPDATE OF active_propolis_id, destination_propolis_id, migration_id
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_instance_links();
-- end of sql/guards/guard_instance_links.sql

-- copy of sql/guards/mark_links.sql
CREATE OR REPLACE FUNCTION vmstate.mark_links() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  IF (OLD.active_propolis_id, OLD.destination_propolis_id)
      IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id) THEN
    RETURN NULL;
  END IF;
  UPDATE vmstate.vmm AS v
    SET time_unlinked = CASE WHEN v.id IN (NEW.active_propolis_id, NEW.destination_propolis_id) THEN NULL ELSE v_now END
    WHERE v.instance_id = NEW.id
      AND v.id IN (OLD.active_propolis_id, OLD.destination_propolis_id, NEW.active_propolis_id, NEW.destination_propolis_id)
      AND (v.time_unlinked IS NULL) <> coalesce(v.id IN (NEW.active_propolis_id, NEW.destination_propolis_id), false);
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.mark_links FROM PUBLIC;
COMMENT ON FUNCTION vmstate.mark_links IS 'Keeps vmm.time_unlinked true to the ids that instances name.';

CREATE OR REPLACE TRIGGER mark_links AFTER UPDATE OF active_propolis_id, destination_propolis_id
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.mark_links();
-- end of sql/guards/mark_links.sql

-- copy of sql/guards/guard_updater.sql
CREATE OR REPLACE FUNCTION vmstate.guard_updater() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF coalesce(NEW.committed_updater_generation, 0) < coalesce(OLD.committed_updater_generation, 0) THEN
    PERFORM vmstate.reject_generation(format('the last commit of instance %s', OLD.id),
      OLD.committed_updater_generation, NEW.committed_updater_generation);
  END IF;
  IF NEW.updater_id IS NOT NULL AND NEW.committed_updater_generation IS DISTINCT FROM OLD.committed_updater_generation THEN
    PERFORM vmstate.reject_needed(
      format('the updater lock of instance %s', OLD.id),
      format('last committed at %s', coalesce(OLD.committed_updater_generation::pg_catalog.text, 'no generation')),
      format('%s while the lock is held', NEW.committed_updater_generation),
      'commit_update and run_update record the commit and release the lock in one write.');
  END IF;
  IF NEW.updater_generation < OLD.updater_generation
      OR (NEW.updater_generation = OLD.updater_generation
        AND NEW.updater_id IS NOT NULL AND NEW.updater_id IS DISTINCT FROM OLD.updater_id) THEN
    PERFORM vmstate.reject_generation(format('the updater of instance %s', OLD.id), OLD.updater_generation, NEW.updater_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_updater FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_updater IS 'VM101, VM104: the fencing token of the updater lock rises when another saga takes the lock, and never falls, nor does that of the last commit, which is recorded only by the write that releases the lock.';

CREATE OR REPLACE TRIGGER guard_updater BEFORE UPDATE OF updater_id, updater_generation, committed_updater_generation
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_updater();
-- end of sql/guards/guard_updater.sql

-- copy of sql/guards/guard_vmm_state.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_state() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_row pg_catalog.text;
BEGIN
  -- what nothing below refuses; without functions, for a role that has rights on the table may have none on them
  IF NEW.state_generation > OLD.state_generation AND NEW.state NOT IN ('creating', 'saga_unwound')
      AND OLD.state NOT IN ('failed', 'destroyed', 'saga_unwound') AND (NEW.state = 'failed') = (NEW.failure_reason IS NOT NULL) THEN
    RETURN NULL;
  END IF;
  v_row := format('VMM %s', OLD.id);
  IF NEW.state <> OLD.state AND (NEW.state = 'creating' OR vmstate.is_absorbing(OLD.state))
      AND NOT (OLD.state IN ('failed', 'destroyed') AND NEW.state = 'saga_unwound' AND NEW.time_unlinked IS NULL) THEN
    PERFORM vmstate.reject_transition(v_row, OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'A dead VMM stays dead: start the instance again with begin_start. Only unwind_start and unwind_migration mark a linked one saga_unwound.');
  ELSIF NEW.state = 'saga_unwound' AND OLD.state <> 'saga_unwound' AND (
      vmstate.is_handed_over(OLD)
      OR EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = OLD.instance_id AND m.destination_propolis_id = OLD.id
          AND NOT (m.source_state = 'failed' AND m.destination_state = 'failed'))
    ) THEN
    PERFORM vmstate.reject_transition(v_row, OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'The guest of a migration may run there: unwind_migration fails both sides first, and unwind_start refuses a VMM that was handed over.');
  ELSIF NEW.state_generation < OLD.state_generation
      OR (NEW.state_generation = OLD.state_generation
        AND (OLD.state, OLD.time_state_updated, OLD.time_started, OLD.failure_reason)
          IS DISTINCT FROM (NEW.state, NEW.time_state_updated, NEW.time_started, NEW.failure_reason)
        AND NOT (NEW.state <> OLD.state AND vmstate.is_absorbing(NEW.state)
          AND NEW.state_generation = vmstate.next_generation(OLD.state_generation))) THEN
    PERFORM vmstate.reject_generation(v_row, OLD.state_generation, NEW.state_generation);
  ELSIF (NEW.state = 'failed') <> (NEW.failure_reason IS NOT NULL) THEN
    -- no constraint of the table, which would come before a dead VMM is refused as such
    RAISE EXCEPTION USING
      ERRCODE = 'check_violation',
      MESSAGE = format('%s cannot be %s with failure_reason %s', v_row, NEW.state, coalesce(NEW.failure_reason::pg_catalog.text, 'null')),
      HINT = 'A failed VMM has a failure_reason, and no other: fail_vmm writes both.',
      SCHEMA = 'vmstate', TABLE = 'vmm', CONSTRAINT = 'failure_reason_iff_failed';
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_state IS 'VM101, VM102: what a report changes raises the generation; nothing becomes creating, and a dead VMM stays dead, but failed or destroyed may become saga_unwound while linked; the destination of a migration becomes saga_unwound only after both sides failed, and a VMM whose guest was handed over never does. 23514: a VMM has a failure_reason if and only if it failed.';

-- the only condition outside of its function: health reports, which are almost all writes, do without the call. It is short,
-- for every statement copies the conditions of all triggers of its table, as text, and parses those it evaluates.
CREATE OR REPLACE TRIGGER guard_state AFTER UPDATE OF state, state_generation, time_state_updated, time_started, failure_reason
  ON vmstate.vmm
  FOR EACH ROW WHEN (
    NEW.state_generation <= OLD.state_generation
    OR NEW.state <> OLD.state
    OR NEW.failure_reason IS DISTINCT FROM OLD.failure_reason
  )
  EXECUTE FUNCTION vmstate.guard_vmm_state();
-- end of sql/guards/guard_vmm_state.sql

-- copy of sql/guards/guard_vmm_link.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_link() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_linked boolean;
BEGIN
  IF OLD.time_unlinked IS NOT DISTINCT FROM NEW.time_unlinked THEN
    RETURN NULL;
  END IF;
  v_linked := EXISTS (SELECT FROM vmstate.instance AS i
    WHERE i.id = NEW.instance_id AND NEW.id IN (i.active_propolis_id, i.destination_propolis_id));
  IF v_linked <> (NEW.time_unlinked IS NULL) OR num_nulls(OLD.time_unlinked, NEW.time_unlinked) <> 1 THEN
    PERFORM vmstate.reject_needed(
      format('time_unlinked of VMM %s', OLD.id),
      coalesce(OLD.time_unlinked::pg_catalog.text, 'null (linked)'),
      coalesce(NEW.time_unlinked::pg_catalog.text, 'null (linked)'),
      'It follows the instance''s ids by itself; they change by begin_start, begin_migration and run_update.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_link FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_link IS 'VM104: time_unlinked says whether an instance names the VMM, and since when none does.';

CREATE OR REPLACE TRIGGER guard_link AFTER UPDATE OF time_unlinked ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_vmm_link();
-- end of sql/guards/guard_vmm_link.sql

-- copy of sql/guards/guard_vmm_deletion.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_deletion() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.time_deleted IS NOT DISTINCT FROM NEW.time_deleted THEN
    RETURN NULL;
  ELSIF OLD.time_deleted IS NOT NULL THEN
    PERFORM vmstate.reject_transition(format('VMM %s', OLD.id), 'deleted', 'another time of deletion',
      'Start the instance again with begin_start.');
  ELSIF NEW.time_unlinked IS NULL OR NOT vmstate.is_absorbing(NEW.state) THEN
    PERFORM vmstate.reject_needed(
      format('VMM %s', OLD.id),
      format('%s, %s', NEW.state, CASE WHEN NEW.time_unlinked IS NULL THEN 'linked' ELSE 'not linked' END),
      'deletion',
      'run_update unlinks a dead VMM; fail_vmm declares one dead; delete_vmm then deletes it.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_deletion FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_deletion IS 'VM104: a VMM that an instance names, or that is alive, is not deleted. VM102: deletion is final.';

CREATE OR REPLACE TRIGGER guard_deletion AFTER UPDATE OF time_deleted ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_vmm_deletion();
-- end of sql/guards/guard_vmm_deletion.sql

-- copy of sql/guards/guard_migration_destination.sql
CREATE OR REPLACE FUNCTION vmstate.guard_migration_destination() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_actual pg_catalog.text;
BEGIN
  -- changes nothing, but fails whoever ends the VMM, or leads to it too, by a snapshot too old to see this migration
  UPDATE vmstate.vmm AS v SET time_created = v.time_created
    WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id;
  IF NOT vmstate.is_fresh(NEW.instance_id, NEW.destination_propolis_id) THEN
    SELECT format('%s, %s', v.state, CASE WHEN v.time_unlinked IS NULL THEN 'linked' ELSE 'not linked' END) INTO v_actual
      FROM vmstate.vmm AS v WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id;
  ELSE
    SELECT format('the destination of migration %s', m.id) INTO v_actual
      FROM vmstate.migration AS m
      WHERE m.instance_id = NEW.instance_id AND m.destination_propolis_id = NEW.destination_propolis_id AND m.id <> NEW.id;
  END IF;
  IF v_actual IS NOT NULL THEN
    PERFORM vmstate.reject_transition(format('VMM %s', NEW.destination_propolis_id), v_actual,
      format('the destination of migration %s', NEW.id), 'A migration leads to a new VMM: begin_migration inserts both.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_migration_destination FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_migration_destination IS 'VM102: a migration is inserted with a destination that is new: still creating, and no link and no other migration names it.';

-- after, when the foreign keys have said that there is such a VMM
CREATE OR REPLACE TRIGGER guard_destination AFTER INSERT ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_migration_destination();
-- end of sql/guards/guard_migration_destination.sql

-- copy of sql/guards/guard_migration_sides.sql
CREATE OR REPLACE FUNCTION vmstate.guard_migration_sides() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_row pg_catalog.text;
BEGIN
  IF (OLD.source_state, OLD.source_generation, OLD.time_source_updated,
      OLD.destination_state, OLD.destination_generation, OLD.time_destination_updated)
      IS NOT DISTINCT FROM
      (NEW.source_state, NEW.source_generation, NEW.time_source_updated,
        NEW.destination_state, NEW.destination_generation, NEW.time_destination_updated) THEN
    RETURN NEW;
  END IF;
  v_row := format('the source side of migration %s', OLD.id);
  IF vmstate.is_terminal(OLD.source_state) AND NEW.source_state <> OLD.source_state THEN
    PERFORM vmstate.reject_transition(v_row, OLD.source_state::pg_catalog.text, NEW.source_state::pg_catalog.text,
      'An ended side stays: begin_migration begins another migration.');
  ELSIF NEW.source_generation < OLD.source_generation
      OR (NEW.source_generation = OLD.source_generation
        AND (OLD.source_state, OLD.time_source_updated) IS DISTINCT FROM (NEW.source_state, NEW.time_source_updated)
        AND NOT (NEW.source_state <> OLD.source_state AND vmstate.is_terminal(NEW.source_state)
          AND NEW.source_generation = vmstate.next_generation(OLD.source_generation))) THEN
    PERFORM vmstate.reject_generation(v_row, OLD.source_generation, NEW.source_generation);
  END IF;

  v_row := format('the destination side of migration %s', OLD.id);
  IF vmstate.is_terminal(OLD.destination_state) AND NEW.destination_state <> OLD.destination_state THEN
    PERFORM vmstate.reject_transition(v_row, OLD.destination_state::pg_catalog.text, NEW.destination_state::pg_catalog.text,
      'An ended side stays: begin_migration begins another migration.');
  ELSIF NEW.destination_generation < OLD.destination_generation
      OR (NEW.destination_generation = OLD.destination_generation
        AND (OLD.destination_state, OLD.time_destination_updated)
          IS DISTINCT FROM (NEW.destination_state, NEW.time_destination_updated)
        AND NOT (NEW.destination_state <> OLD.destination_state AND vmstate.is_terminal(NEW.destination_state)
          AND NEW.destination_generation = vmstate.next_generation(OLD.destination_generation))) THEN
    PERFORM vmstate.reject_generation(v_row, OLD.destination_generation, NEW.destination_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_migration_sides FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_migration_sides IS 'VM101, VM102: a change of a side raises that side''s generation, and an ended side stays.';

CREATE OR REPLACE TRIGGER guard_sides BEFORE UPDATE OF
    source_state, source_generation, time_source_updated,
    destination_state, destination_generation, time_destination_updated
  ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_migration_sides();
-- end of sql/guards/guard_migration_sides.sql

-- copy of sql/guards/guard_migration_deletion.sql
CREATE OR REPLACE FUNCTION vmstate.guard_migration_deletion() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.time_deleted IS NOT DISTINCT FROM NEW.time_deleted THEN
    RETURN NEW;
  ELSIF OLD.time_deleted IS NOT NULL THEN
    PERFORM vmstate.reject_transition(format('migration %s', OLD.id), 'deleted', 'another time of deletion',
      'begin_migration begins another migration.');
  ELSIF EXISTS (SELECT FROM vmstate.instance AS i WHERE i.id = NEW.instance_id AND i.migration_id = NEW.id) THEN
    PERFORM vmstate.reject_needed(format('migration %s', OLD.id), 'linked', 'deletion',
      'run_update unlinks an ended migration; delete_vmm or delete_instance then deletes it.');
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_migration_deletion FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_migration_deletion IS 'VM104: a migration that its instance names is not deleted. VM102: deletion is final.';

CREATE OR REPLACE TRIGGER guard_deletion BEFORE UPDATE OF time_deleted ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_migration_deletion();
-- end of sql/guards/guard_migration_deletion.sql

-- copy of sql/guards/guard_delete.sql
CREATE OR REPLACE FUNCTION vmstate.guard_delete() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.time_deleted IS NULL THEN
    PERFORM vmstate.reject_needed(
      format('%s %s', TG_TABLE_NAME, OLD.id), 'not deleted', 'DELETE',
      'delete_instance and delete_vmm mark rows as deleted; only such rows can be purged.');
  END IF;
  RETURN OLD;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_delete FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_delete IS 'VM104: only rows that are marked as deleted can be purged.';

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete();

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete();

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete();
-- end of sql/guards/guard_delete.sql

-- copy of sql/guards/guard_truncate.sql
CREATE OR REPLACE FUNCTION vmstate.guard_truncate() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.reject_needed(format('table vmstate.%I', TG_TABLE_NAME), 'in use', 'TRUNCATE',
    'delete_instance and delete_vmm mark rows as deleted; DELETE can then purge them.');
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_truncate FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_truncate IS 'VM104: no table is emptied behind the verbs'' back.';

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.instance
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate();

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.vmm
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate();

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.migration
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate();
-- end of sql/guards/guard_truncate.sql

-- copy of sql/control_plane/create_instance.sql
CREATE OR REPLACE FUNCTION vmstate.create_instance(
  p_id uuid,
  p_project_id uuid,
  p_name text,
  p_intended_state vmstate.intended_state,
  p_auto_restart_policy vmstate.auto_restart_policy DEFAULT NULL,
  p_auto_restart_cooldown interval DEFAULT NULL
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_project_id pg_catalog.uuid;
  v_time_deleted pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_id, p_project_id, p_name, p_intended_state) > 0 THEN
    PERFORM vmstate.reject_nulls('create_instance', jsonb_build_object(
      'p_id', p_id, 'p_project_id', p_project_id, 'p_name', p_name, 'p_intended_state', p_intended_state));
  END IF;
  IF char_length(p_name) NOT BETWEEN 1 AND 63 THEN
    PERFORM vmstate.reject_argument('create_instance', 'p_name',
      format('It has %s characters, not 1 to 63.', char_length(p_name)));
  ELSIF p_intended_state NOT IN ('running', 'stopped') THEN
    PERFORM vmstate.reject_argument('create_instance', 'p_intended_state',
      format('It is %s, not running or stopped.', p_intended_state));
  END IF;
  PERFORM vmstate.require_cooldown('create_instance', p_auto_restart_cooldown);

  INSERT INTO vmstate.instance (id, project_id, name, intended_state, auto_restart_policy, auto_restart_cooldown,
      time_state_updated, time_created, time_modified)
    VALUES (p_id, p_project_id, p_name, p_intended_state, p_auto_restart_policy, p_auto_restart_cooldown,
      v_now, v_now, v_now)
    ON CONFLICT DO NOTHING;
  IF FOUND THEN
    RETURN vmstate.to_instance_result('applied', NULL, p_id);
  END IF;

  SELECT i.project_id, i.time_deleted INTO v_project_id, v_time_deleted FROM vmstate.instance AS i WHERE i.id = p_id;
  IF v_project_id IS NULL THEN
    RETURN vmstate.to_instance_result('conflict', 'name_taken', NULL);
  ELSIF v_project_id <> p_project_id THEN
    RETURN vmstate.to_instance_result('conflict', 'instance_id_taken', NULL);
  ELSIF v_time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_id);
  END IF;
  RETURN vmstate.to_instance_result('unchanged', NULL, p_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.create_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.create_instance IS 'Creates an instance in state creating. The same id in the same project is a replay (unchanged); conflict: name_taken (another instance of the project that is not deleted has the name), instance_id_taken (another project has the id). p_name: 1 to 63 characters. p_intended_state: running or stopped. p_auto_restart_policy NULL means best_effort, p_auto_restart_cooldown NULL means 5 minutes.';
-- end of sql/control_plane/create_instance.sql

-- copy of sql/control_plane/finish_instance_creation.sql
CREATE OR REPLACE FUNCTION vmstate.finish_instance_creation(p_id uuid) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_id IS NULL THEN
    PERFORM vmstate.reject_argument('finish_instance_creation', 'p_id', 'It is null.');
  END IF;
  v_instance := vmstate.lock_instance(p_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_id);
  ELSIF v_instance.state <> 'creating' THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET state = 'no_vmm', state_generation = i.state_generation + 1, time_state_updated = v_now
    WHERE i.id = p_id;
  RETURN vmstate.to_instance_result('applied', NULL, p_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.finish_instance_creation FROM PUBLIC;
COMMENT ON FUNCTION vmstate.finish_instance_creation IS 'Ends the creation of an instance: creating becomes no_vmm. unchanged when that is past.';
-- end of sql/control_plane/finish_instance_creation.sql

-- copy of sql/control_plane/configure_instance.sql
CREATE OR REPLACE FUNCTION vmstate.configure_instance(
  p_instance_id uuid,
  p_auto_restart_policy vmstate.auto_restart_policy DEFAULT NULL,
  p_auto_restart_cooldown interval DEFAULT NULL
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.reject_argument('configure_instance', 'p_instance_id', 'It is null.');
  END IF;
  PERFORM vmstate.require_cooldown('configure_instance', p_auto_restart_cooldown);
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF (v_instance.auto_restart_policy, v_instance.auto_restart_cooldown)
      IS NOT DISTINCT FROM (p_auto_restart_policy, p_auto_restart_cooldown) THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET auto_restart_policy = p_auto_restart_policy, auto_restart_cooldown = p_auto_restart_cooldown, time_modified = v_now
    WHERE i.id = p_instance_id;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.configure_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.configure_instance IS 'Sets both parts of the auto-restart configuration, at any time; NULL restores the default (best_effort, 5 minutes). Does not raise the generation.';
-- end of sql/control_plane/configure_instance.sql

-- copy of sql/control_plane/begin_start.sql
CREATE OR REPLACE FUNCTION vmstate.begin_start(
  p_instance_id uuid,
  p_saga_id uuid,
  p_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer DEFAULT 12400,
  p_start_reason text DEFAULT 'user',
  p_expected_generation bigint DEFAULT NULL
) RETURNS vmstate.start_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_auto_restart boolean := coalesce(p_start_reason = 'auto_restart', false);
  v_instance vmstate.instance;
  v_active_state vmstate.vmm_state;
  v_reason pg_catalog.text;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip) > 0 THEN
    PERFORM vmstate.reject_nulls('begin_start', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_propolis_id', p_propolis_id,
      'p_sled_id', p_sled_id, 'p_propolis_ip', p_propolis_ip));
  END IF;
  PERFORM vmstate.require_port('begin_start', p_propolis_port);
  IF p_start_reason NOT IN ('user', 'auto_restart') THEN
    PERFORM vmstate.reject_argument('begin_start', 'p_start_reason',
      format('It is %L, not ''user'' or ''auto_restart''.', p_start_reason));
  END IF;

  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_start_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_start_result('gone', NULL, p_instance_id);
  END IF;
  CASE vmstate.replayed_begin(p_instance_id, p_saga_id, p_propolis_id, NULL, NULL)
    WHEN 'gone' THEN RETURN vmstate.to_start_result('gone', NULL, p_instance_id);
    WHEN 'unchanged' THEN RETURN vmstate.to_start_result('unchanged', NULL, p_instance_id);
    ELSE NULL;
  END CASE;

  SELECT v.state INTO v_active_state FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  v_now := clock_timestamp();
  v_reason := CASE
    WHEN v_instance.state = 'creating' THEN 'creating'
    WHEN v_active_state IN ('creating', 'starting', 'running', 'rebooting', 'migrating') THEN 'already_started'
    WHEN v_active_state <> 'saga_unwound' THEN 'not_stopped'
    WHEN v_instance.state_generation <> p_expected_generation THEN 'stale_generation'
    WHEN v_auto_restart AND NOT vmstate.may_auto_restart(
        v_instance.state, v_active_state, v_instance.intended_state, v_instance.auto_restart_policy,
        v_instance.auto_restart_cooldown, v_instance.time_last_auto_restarted, v_instance.updater_lease_until, v_now)
      THEN 'restart_not_permitted'
  END;
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_start_result('conflict', v_reason, p_instance_id);
  END IF;

  IF NOT vmstate.insert_vmm(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip, p_propolis_port, v_now) THEN
    RETURN vmstate.to_start_result('conflict', 'propolis_id_taken', p_instance_id);
  END IF;

  UPDATE vmstate.instance AS i
    SET state = 'vmm',
      state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      active_propolis_id = p_propolis_id,
      intended_state = 'running',
      time_last_auto_restarted = CASE WHEN v_auto_restart THEN v_now ELSE i.time_last_auto_restarted END,
      time_modified = v_now
    WHERE i.id = p_instance_id;
  RETURN vmstate.to_start_result('applied', NULL, p_instance_id, v_instance.active_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_start IS 'First step of a start saga: inserts the VMM (creating, generation 1) and links it as the active one, replacing NULL or a saga_unwound VMM (replaced_propolis_id) in the same write; the intent becomes running. p_propolis_port NULL means 12400, p_start_reason (user or auto_restart) NULL means user, p_expected_generation NULL means no check. The same saga and VMM id make a replay. conflict: creating, already_started, not_stopped (a dead or stopping VMM that the update saga has yet to unlink), stale_generation, restart_not_permitted (auto_restart only), propolis_id_taken (also a replay after the saga''s own unwind).';
-- end of sql/control_plane/begin_start.sql

-- copy of sql/control_plane/unwind_start.sql
CREATE OR REPLACE FUNCTION vmstate.unwind_start(p_instance_id uuid, p_saga_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_vmm vmstate.vmm;
  v_reason pg_catalog.text;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_propolis_id) > 0 THEN
    PERFORM vmstate.reject_nulls('unwind_start', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_propolis_id', p_propolis_id));
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, p_propolis_id);
  IF v_vmm.id IS NULL THEN
    RETURN vmstate.to_vmm_result('not_found', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('gone', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.saga_id <> p_saga_id THEN
    RETURN vmstate.to_vmm_result('conflict', 'wrong_saga', p_instance_id, p_propolis_id);
  END IF;

  PERFORM vmstate.lock_migrations_of_vmm(p_instance_id, p_propolis_id);
  IF EXISTS (SELECT FROM vmstate.migration AS m
      WHERE m.instance_id = p_instance_id AND m.destination_propolis_id = p_propolis_id) THEN
    v_reason := 'migration_destination';
  ELSIF NOT vmstate.can_unwind(v_vmm) THEN
    RETURN vmstate.to_vmm_result('unchanged', NULL, p_instance_id, p_propolis_id);
  ELSIF vmstate.is_handed_over(v_vmm) THEN
    v_reason := 'handed_over';
  END IF;
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('conflict', v_reason, p_instance_id, p_propolis_id);
  END IF;

  PERFORM vmstate.unwind_vmm(p_instance_id, p_propolis_id);
  RETURN vmstate.to_vmm_result('applied', NULL, p_instance_id, p_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unwind_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unwind_start IS 'Undo of a start saga: marks its VMM saga_unwound, from any live state, and from failed or destroyed while an instance still names it (unchanged when unlinked already). Never writes the instance, so a running update keeps its generation; the instance shows stopped from then on. Call it first and only then unregister the VMM from its sled. conflict: wrong_saga (another saga created the VMM), migration_destination (use unwind_migration), handed_over (its guest has moved to another VMM).';
-- end of sql/control_plane/unwind_start.sql

-- copy of sql/control_plane/begin_migration.sql
CREATE OR REPLACE FUNCTION vmstate.begin_migration(
  p_instance_id uuid,
  p_saga_id uuid,
  p_migration_id uuid,
  p_source_propolis_id uuid,
  p_destination_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer DEFAULT 12400,
  p_expected_generation bigint DEFAULT NULL
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_active vmstate.vmm;
  v_destination_state vmstate.vmm_state;
  v_reason pg_catalog.text;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_migration_id, p_source_propolis_id, p_destination_propolis_id,
      p_sled_id, p_propolis_ip) > 0 THEN
    PERFORM vmstate.reject_nulls('begin_migration', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_migration_id', p_migration_id,
      'p_source_propolis_id', p_source_propolis_id, 'p_destination_propolis_id', p_destination_propolis_id,
      'p_sled_id', p_sled_id, 'p_propolis_ip', p_propolis_ip));
  END IF;
  PERFORM vmstate.require_port('begin_migration', p_propolis_port);

  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  END IF;
  CASE vmstate.replayed_begin(p_instance_id, p_saga_id, p_destination_propolis_id, p_migration_id, p_source_propolis_id)
    WHEN 'gone' THEN RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
    WHEN 'unchanged' THEN RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
    ELSE NULL;
  END CASE;

  PERFORM vmstate.lock_links(p_instance_id,
    ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id], ARRAY[v_instance.migration_id]);
  SELECT v.* INTO v_active FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  SELECT v.state INTO v_destination_state FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.destination_propolis_id;
  v_reason := CASE
    WHEN (v_active.state IN ('running', 'rebooting')) IS NOT TRUE THEN 'not_running'
    WHEN v_active.id <> p_source_propolis_id THEN 'wrong_source'
    WHEN v_destination_state <> 'saga_unwound' THEN 'migration_in_progress'
    WHEN v_active.sled_id = p_sled_id THEN 'same_sled'
    WHEN v_instance.state_generation <> p_expected_generation THEN 'stale_generation'
  END;
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_instance_result('conflict', v_reason, p_instance_id);
  END IF;

  v_now := clock_timestamp();
  v_reason := vmstate.insert_migration(p_instance_id, p_saga_id, p_migration_id, p_source_propolis_id,
    p_destination_propolis_id, p_sled_id, p_propolis_ip, p_propolis_port, v_now);
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_instance_result('conflict', v_reason, p_instance_id);
  END IF;

  -- changes nothing, but fails an unwind_start of the source whose snapshot is too old to see the migration
  UPDATE vmstate.vmm AS v SET time_created = v.time_created WHERE v.instance_id = p_instance_id AND v.id = p_source_propolis_id;
  UPDATE vmstate.instance AS i
    SET state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      destination_propolis_id = p_destination_propolis_id,
      migration_id = p_migration_id
    WHERE i.id = p_instance_id;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_migration IS 'First step of a migrate saga: inserts the destination VMM (creating) and the migration (both sides pending) and links both, replacing NULL or a saga_unwound destination in the same write. p_propolis_port NULL means 12400, p_expected_generation NULL means no check. The same saga, migration, source and destination make a replay. conflict: not_running (the active VMM is not running or rebooting), wrong_source (another VMM is active), migration_in_progress, same_sled, stale_generation, propolis_id_taken (also a replay after the saga''s own unwind), migration_id_taken.';
-- end of sql/control_plane/begin_migration.sql

-- copy of sql/control_plane/unwind_migration.sql
CREATE OR REPLACE FUNCTION vmstate.unwind_migration(p_instance_id uuid, p_saga_id uuid, p_migration_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_propolis_id pg_catalog.uuid;
  v_vmm vmstate.vmm;
  v_migration vmstate.migration;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_migration_id) > 0 THEN
    PERFORM vmstate.reject_nulls('unwind_migration', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_migration_id', p_migration_id));
  END IF;
  SELECT m.destination_propolis_id INTO v_propolis_id FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  IF v_propolis_id IS NULL THEN
    RETURN vmstate.to_vmm_result('not_found', NULL, p_instance_id, NULL);
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, v_propolis_id);
  PERFORM vmstate.lock_links(p_instance_id, NULL, ARRAY[p_migration_id]);
  SELECT m.* INTO v_migration FROM vmstate.migration AS m WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;

  IF v_migration.time_deleted IS NOT NULL OR v_vmm.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('gone', NULL, p_instance_id, v_propolis_id);
  ELSIF v_migration.saga_id <> p_saga_id THEN
    RETURN vmstate.to_vmm_result('conflict', 'wrong_saga', p_instance_id, v_propolis_id);
  ELSIF NOT vmstate.can_unwind(v_vmm) THEN
    RETURN vmstate.to_vmm_result('unchanged', NULL, p_instance_id, v_propolis_id);
  ELSIF 'completed' IN (v_migration.source_state, v_migration.destination_state) THEN
    RETURN vmstate.to_vmm_result('conflict', 'handed_over', p_instance_id, v_propolis_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.migration AS m
    SET source_state = 'failed', source_generation = vmstate.next_generation(m.source_generation), time_source_updated = v_now
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id AND m.source_state <> 'failed';
  UPDATE vmstate.migration AS m
    SET destination_state = 'failed', destination_generation = vmstate.next_generation(m.destination_generation), time_destination_updated = v_now
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id AND m.destination_state <> 'failed';
  PERFORM vmstate.unwind_vmm(p_instance_id, v_propolis_id);
  RETURN vmstate.to_vmm_result('applied', NULL, p_instance_id, v_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unwind_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unwind_migration IS 'Undo of a migrate saga: marks the destination VMM saga_unwound and both sides of the migration failed. Never writes the instance; its state goes on deriving from the active VMM. Columns state and state_generation are the destination VMM''s. Call it first and only then unregister the VMM from its sled. unchanged: already unwound, or dead and unlinked. conflict: wrong_saga, handed_over (a side completed: the guest may run on the destination).';
-- end of sql/control_plane/unwind_migration.sql

-- copy of sql/control_plane/request_stop.sql
CREATE OR REPLACE FUNCTION vmstate.request_stop(p_instance_id uuid) RETURNS vmstate.command_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_outcome vmstate.outcome := 'unchanged';
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.reject_argument('request_stop', 'p_instance_id', 'It is null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_command_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_command_result('gone', NULL, p_instance_id);
  ELSIF v_instance.state = 'creating' THEN
    RETURN vmstate.to_command_result('conflict', 'creating', p_instance_id);
  END IF;

  v_now := clock_timestamp();
  IF v_instance.intended_state <> 'stopped' THEN
    v_instance.intended_state := 'stopped';
    v_instance.time_modified := v_now;
    v_outcome := 'applied';
  END IF;
  IF v_instance.state = 'failed' THEN
    v_instance.state := 'no_vmm';
    v_instance.state_generation := v_instance.state_generation + 1;
    v_instance.time_state_updated := v_now;
    v_outcome := 'applied';
  END IF;
  IF v_outcome = 'applied' THEN
    UPDATE vmstate.instance AS i
      SET state = v_instance.state,
        state_generation = v_instance.state_generation,
        time_state_updated = v_instance.time_state_updated,
        intended_state = v_instance.intended_state,
        time_modified = v_instance.time_modified
      WHERE i.id = p_instance_id;
  END IF;
  RETURN vmstate.to_command_result(v_outcome, NULL, p_instance_id,
    ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id]);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.request_stop FROM PUBLIC;
COMMENT ON FUNCTION vmstate.request_stop IS 'The user wants the instance stopped: sets the intent, makes failed no_vmm, and names the live VMMs to command (both during a migration). Legal in every state but creating. unchanged when the intent was stopped already: command the VMMs all the same. conflict: creating.';
-- end of sql/control_plane/request_stop.sql

-- copy of sql/control_plane/request_reboot.sql
CREATE OR REPLACE FUNCTION vmstate.request_reboot(p_instance_id uuid) RETURNS vmstate.command_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_api_state vmstate.api_instance_state;
  v_outcome vmstate.outcome := 'unchanged';
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.reject_argument('request_reboot', 'p_instance_id', 'It is null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_command_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_command_result('gone', NULL, p_instance_id);
  END IF;
  SELECT r.api_state INTO v_api_state FROM vmstate.resolved_instance AS r WHERE r.instance_id = p_instance_id;
  IF v_api_state NOT IN ('starting', 'running', 'rebooting', 'migrating') THEN
    RETURN vmstate.to_command_result('conflict', 'not_running', p_instance_id);
  END IF;

  IF v_instance.intended_state <> 'running' THEN
    v_now := clock_timestamp();
    UPDATE vmstate.instance AS i SET intended_state = 'running', time_modified = v_now WHERE i.id = p_instance_id;
    v_outcome := 'applied';
  END IF;
  RETURN vmstate.to_command_result(v_outcome, NULL, p_instance_id, ARRAY[v_instance.active_propolis_id]);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.request_reboot FROM PUBLIC;
COMMENT ON FUNCTION vmstate.request_reboot IS 'The user wants the guest rebooted: the intent becomes running, and the active VMM, if alive, is to be commanded. Legal while the instance shows starting, running, rebooting or migrating. unchanged when the intent was running already: command the VMM all the same. conflict: not_running.';
-- end of sql/control_plane/request_reboot.sql

-- copy of sql/control_plane/delete_instance.sql
CREATE OR REPLACE FUNCTION vmstate.delete_instance(p_instance_id uuid) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.reject_argument('delete_instance', 'p_instance_id', 'It is null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  END IF;
  PERFORM vmstate.lock_links(
    p_instance_id,
    ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id],
    array(SELECT m.id FROM vmstate.migration AS m WHERE m.instance_id = p_instance_id AND m.time_deleted IS NULL)
  );
  v_plan := vmstate.current_plan(v_instance);
  IF v_instance.state = 'vmm' AND v_plan.active_state <> 'saga_unwound' THEN
    RETURN vmstate.to_instance_result('conflict', 'not_stopped', p_instance_id);
  END IF;

  IF v_plan.needed THEN
    PERFORM vmstate.apply_plan(v_plan, v_instance.updater_generation);
  END IF;
  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET state = 'destroyed',
      state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      intended_state = 'destroyed',
      updater_id = NULL,
      updater_lease_until = NULL,
      time_modified = v_now,
      time_deleted = v_now
    WHERE i.id = p_instance_id;
  PERFORM vmstate.delete_migrations(p_instance_id, NULL);
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_instance IS 'Soft-deletes an instance that shows creating, stopped or failed (a saga_unwound active VMM is unlinked on the way), and its migrations. An update saga that holds the lock then gets gone. A second delete: unchanged. conflict: not_stopped.';
-- end of sql/control_plane/delete_instance.sql

-- copy of sql/control_plane/delete_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.delete_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_vmm vmstate.vmm;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_propolis_id) > 0 THEN
    PERFORM vmstate.reject_nulls('delete_vmm', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_propolis_id', p_propolis_id));
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, p_propolis_id);
  IF v_vmm.id IS NULL THEN
    RETURN vmstate.to_vmm_result('not_found', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('unchanged', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.time_unlinked IS NULL THEN
    RETURN vmstate.to_vmm_result('conflict', 'linked', p_instance_id, p_propolis_id);
  ELSIF NOT vmstate.is_absorbing(v_vmm.state) THEN
    RETURN vmstate.to_vmm_result('conflict', 'not_destroyable', p_instance_id, p_propolis_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.vmm AS v SET time_deleted = v_now WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id;
  PERFORM vmstate.delete_migrations(p_instance_id, p_propolis_id);
  RETURN vmstate.to_vmm_result('applied', NULL, p_instance_id, p_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_vmm IS 'Soft-deletes a dead VMM that no instance names (work list vmstate.abandoned_vmm), and the migrations that name it and that no instance needs. A second delete: unchanged. conflict: linked, not_destroyable.';
-- end of sql/control_plane/delete_vmm.sql

-- copy of sql/sled_agent/report_vmm.sql
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
  v_sleds pg_catalog.uuid[] := vmstate.reportable_sleds();
  v_report vmstate.vmm_report;
  v_result vmstate.report_result;
  v_sides vmstate.report_result;
BEGIN
  IF num_nonnulls(p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time) > 0 THEN
    v_report := ROW(p_instance_id, p_propolis_id, p_state, p_generation, p_time,
      p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time);
    PERFORM vmstate.require_report('report_vmm', v_report);
  END IF;

  LOOP
    UPDATE vmstate.vmm AS v
      SET state = vmstate.from_report(p_state),
        state_generation = p_generation,
        time_state_updated = p_time,
        time_started = CASE WHEN p_state = 'running' THEN coalesce(v.time_started, p_time) ELSE v.time_started END,
        failure_reason = CASE WHEN p_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
      WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
        AND vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, p_generation) = 'applied'
        AND (v_sleds IS NULL OR v.sled_id = ANY (v_sleds))
        AND p_state IS NOT NULL AND vmstate.is_point_in_time(p_time) AND p_generation <= 9007199254740991
      RETURNING 'applied'::vmstate.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        v.time_unlinked IS NULL AND vmstate.is_absorbing(v.state), v.state, v.state_generation::bigint
      INTO v_result;
    EXIT WHEN FOUND;
    v_result := vmstate.refused_report(p_instance_id, p_propolis_id, p_state, p_generation, p_time, v_sleds);
    -- applied here: the VMM was inserted between the two statements
    EXIT WHEN v_result.vmm_outcome <> 'applied';
  END LOOP;

  IF num_nonnulls(p_migration_in_id, p_migration_out_id) > 0 THEN
    PERFORM vmstate.lock_own_migrations(p_instance_id, p_propolis_id, ARRAY[p_migration_in_id, p_migration_out_id]);
    v_sides := vmstate.report_sides('report_vmm', v_report, v_sleds);
    v_result.migration_in_outcome := v_sides.migration_in_outcome;
    v_result.migration_out_outcome := v_sides.migration_out_outcome;
    v_result.update_needed := v_result.update_needed OR v_sides.update_needed;
  END IF;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_vmm IS 'A sled agent reports one VMM: its state, and optionally the side of a migration into it and of a migration out of it. Each part is judged by its own generation (1 to 2^53-1) and has its own outcome: applied, stale (not newer), terminal (a dead VMM or an ended side; a dead VMM whatever the generation), gone, wrong_side, not_found. A migration part that is refused never discards the VMM part. p_time and its like: when the sled saw the state. update_needed: this very report made a linked VMM or a side of the linked migration terminal, so run the update saga. VM001: nulls, a part given in pieces, the same migration in and out. 42501: the VMM is on another sled than the one the caller is bound to by bind_sled_agent; who may call fail_vmm reports for every sled.';
-- end of sql/sled_agent/report_vmm.sql

-- copy of sql/sled_agent/report_vmms.sql
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
  v_reports vmstate.numbered_report[];
  v_with_repeats boolean;
  v_with_migrations boolean;
  v_sleds pg_catalog.uuid[] := vmstate.reportable_sleds();
BEGIN
  IF jsonb_typeof(p_reports) IS DISTINCT FROM 'array' THEN
    PERFORM vmstate.reject_argument('report_vmms', 'p_reports',
      format('It is %s, not a JSON array.', coalesce('a JSON ' || jsonb_typeof(p_reports), 'null')));
  END IF;
  v_reports := vmstate.parse_reports(p_reports);
  PERFORM vmstate.require_reports(v_reports);
  IF v_sleds IS NOT NULL THEN
    PERFORM vmstate.require_own_sled(v_reports, v_sleds);
  END IF;

  SELECT count(DISTINCT r.propolis_id) < count(*), bool_or(r.whole IS DISTINCT FROM NULL)
    INTO v_with_repeats, v_with_migrations
    FROM unnest(v_reports) AS r;
  IF v_with_migrations THEN
    PERFORM vmstate.lock_reported(v_reports);
  END IF;
  IF v_with_repeats THEN
    RETURN QUERY SELECT j.* FROM vmstate.judge_repeated_reports(v_reports, v_sleds) AS j;
  ELSE
    RETURN QUERY SELECT j.* FROM vmstate.judge_reports(v_reports, v_sleds) AS j;
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_vmms FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_vmms IS 'Many reports in one call: an array of objects whose keys are the arguments of report_vmm without p_ (absent or null where that allows it). One row per element, in order, with its place from 1 and the columns of report_vmm; of several reports of one VMM, later ones are judged after earlier ones. Locks all VMMs by id, then all migrations by id. VM001 names the element that is malformed, 42501 the one whose VMM is on another sled than the caller''s; nothing is written then.';
-- end of sql/sled_agent/report_vmms.sql

-- copy of sql/update_saga/begin_update.sql
CREATE OR REPLACE FUNCTION vmstate.begin_update(p_instance_id uuid, p_saga_id uuid, p_lease interval) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
  v_is_holder boolean;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_lease) > 0 THEN
    PERFORM vmstate.reject_nulls('begin_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_lease', p_lease));
  END IF;
  PERFORM vmstate.require_lease('begin_update', p_lease);
  v_instance := vmstate.lock_instance(p_instance_id);
  v_plan := vmstate.read_plan(p_instance_id);
  v_now := clock_timestamp();
  v_is_holder := v_instance.updater_id IS NOT DISTINCT FROM p_saga_id;
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_update_result('not_found', NULL, NULL);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_update_result('gone', NULL, v_plan);
  ELSIF NOT v_is_holder AND v_instance.updater_lease_until > v_now THEN
    RETURN vmstate.to_update_result('conflict', 'locked', v_plan);
  END IF;

  IF NOT v_plan.needed THEN
    IF v_is_holder THEN
      UPDATE vmstate.instance AS i SET updater_id = NULL, updater_lease_until = NULL WHERE i.id = p_instance_id;
      v_plan.updater_lease_until := NULL;
    END IF;
    RETURN vmstate.to_update_result('unchanged', NULL, v_plan);
  END IF;

  UPDATE vmstate.instance AS i
    SET updater_id = p_saga_id,
      updater_generation = CASE WHEN v_is_holder THEN i.updater_generation ELSE i.updater_generation + 1 END,
      updater_lease_until = CASE WHEN v_is_holder THEN greatest(i.updater_lease_until, v_now + p_lease) ELSE v_now + p_lease END
    WHERE i.id = p_instance_id
    RETURNING i.updater_generation, i.updater_lease_until INTO v_plan.updater_generation, v_plan.updater_lease_until;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_update IS 'First step of an update saga: takes the updater lock for p_lease (more than 0, at most 100 years) and answers the plan. updater_generation is the fencing token that commit_update, inherit_update and unlock_update ask for. An expired lease may be taken over; the holder again is applied, with the same updater_generation and a lease that never gets shorter. unchanged: nothing to do, no lock kept. conflict: locked (the unexpired lease of another saga).';
-- end of sql/update_saga/begin_update.sql

-- copy of sql/update_saga/inherit_update.sql
CREATE OR REPLACE FUNCTION vmstate.inherit_update(
  p_instance_id uuid,
  p_parent_saga_id uuid,
  p_updater_generation bigint,
  p_saga_id uuid,
  p_lease interval
) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_parent_saga_id, p_updater_generation, p_saga_id, p_lease) > 0 THEN
    PERFORM vmstate.reject_nulls('inherit_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_parent_saga_id', p_parent_saga_id,
      'p_updater_generation', p_updater_generation, 'p_saga_id', p_saga_id, 'p_lease', p_lease));
  END IF;
  PERFORM vmstate.require_lease('inherit_update', p_lease);
  v_instance := vmstate.lock_instance(p_instance_id);
  v_plan := vmstate.read_plan(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_update_result('not_found', NULL, NULL);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_update_result('gone', NULL, v_plan);
  ELSIF v_instance.updater_id = p_saga_id AND v_instance.updater_generation - 1 = p_updater_generation THEN
    RETURN vmstate.to_update_result('unchanged', NULL, v_plan);
  ELSIF NOT vmstate.holds_updater_lock(v_instance, p_parent_saga_id, p_updater_generation) THEN
    RETURN vmstate.to_update_result('conflict', 'lock_lost', v_plan);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET updater_id = p_saga_id,
      updater_generation = i.updater_generation + 1,
      updater_lease_until = greatest(i.updater_lease_until, v_now + p_lease)
    WHERE i.id = p_instance_id
    RETURNING i.updater_generation, i.updater_lease_until INTO v_plan.updater_generation, v_plan.updater_lease_until;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.inherit_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.inherit_update IS 'A child saga takes the updater lock over from its parent, which p_updater_generation proves to be the holder; the answer has a new updater_generation and the plan. The lock is kept even when nothing is to do any more, and the lease never gets shorter. conflict: lock_lost.';
-- end of sql/update_saga/inherit_update.sql

-- copy of sql/update_saga/commit_update.sql
CREATE OR REPLACE FUNCTION vmstate.commit_update(
  p_instance_id uuid,
  p_saga_id uuid,
  p_updater_generation bigint,
  p_plan_token text
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_updater_generation, p_plan_token) > 0 THEN
    PERFORM vmstate.reject_nulls('commit_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id,
      'p_updater_generation', p_updater_generation, 'p_plan_token', p_plan_token));
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.committed_updater_generation = p_updater_generation THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  ELSIF NOT vmstate.holds_updater_lock(v_instance, p_saga_id, p_updater_generation) THEN
    RETURN vmstate.to_instance_result('conflict', 'lock_lost', p_instance_id);
  END IF;

  v_plan := vmstate.current_plan(v_instance);
  IF v_plan.plan_token <> p_plan_token THEN
    RETURN vmstate.to_instance_result(
      'conflict',
      CASE
        WHEN v_plan.state_generation::pg_catalog.text <> substring(p_plan_token FROM '^([0-9]+)[.]') THEN 'stale_generation'
        ELSE 'plan_changed'
      END,
      p_instance_id);
  END IF;

  PERFORM vmstate.apply_plan(v_plan, p_updater_generation);
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.commit_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.commit_update IS 'Last step of an update saga: writes exactly the plan that p_plan_token names and releases the updater lock. State and intent are decided now, so a VMM unwound meanwhile counts as unwound, and a user''s stop is never overwritten. An expired lease that nobody took still commits. unchanged: committed already. conflict, and nothing written: lock_lost, stale_generation (a start or migration replaced an unwound VMM meanwhile), plan_changed (other ids, or other VMMs unlinked or to terminate): plan again with begin_update.';
-- end of sql/update_saga/commit_update.sql

-- copy of sql/update_saga/unlock_update.sql
CREATE OR REPLACE FUNCTION vmstate.unlock_update(p_instance_id uuid, p_saga_id uuid, p_updater_generation bigint)
RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_updater_generation) > 0 THEN
    PERFORM vmstate.reject_nulls('unlock_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_updater_generation', p_updater_generation));
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.updater_id IS NULL AND v_instance.updater_generation = p_updater_generation THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  ELSIF NOT vmstate.holds_updater_lock(v_instance, p_saga_id, p_updater_generation) THEN
    RETURN vmstate.to_instance_result('conflict', 'lock_lost', p_instance_id);
  END IF;

  UPDATE vmstate.instance AS i SET updater_id = NULL, updater_lease_until = NULL WHERE i.id = p_instance_id;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unlock_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unlock_update IS 'Undo of an update saga: releases the updater lock and applies nothing. unchanged: released already. conflict: lock_lost.';
-- end of sql/update_saga/unlock_update.sql

-- copy of sql/update_saga/run_update.sql
CREATE OR REPLACE FUNCTION vmstate.run_update(p_instance_id uuid, p_saga_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id) > 0 THEN
    PERFORM vmstate.reject_nulls('run_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id));
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  v_plan := vmstate.current_plan(v_instance);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_update_result('not_found', NULL, NULL);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_update_result('gone', NULL, v_plan);
  ELSIF v_instance.updater_id <> p_saga_id AND v_instance.updater_lease_until > clock_timestamp() THEN
    RETURN vmstate.to_update_result('conflict', 'locked', v_plan);
  END IF;

  IF NOT v_plan.needed THEN
    IF v_instance.updater_id = p_saga_id THEN
      UPDATE vmstate.instance AS i SET updater_id = NULL, updater_lease_until = NULL WHERE i.id = p_instance_id;
      v_plan.updater_lease_until := NULL;
    END IF;
    RETURN vmstate.to_update_result('unchanged', NULL, v_plan);
  END IF;

  PERFORM vmstate.apply_plan(v_plan, v_instance.updater_generation + 1);
  SELECT r.api_state, r.state, r.state_generation, r.active_propolis_id, r.destination_propolis_id, r.migration_id,
      r.updater_generation, r.updater_lease_until
    INTO v_plan.api_state, v_plan.state, v_plan.state_generation, v_plan.active_propolis_id,
      v_plan.destination_propolis_id, v_plan.migration_id, v_plan.updater_generation, v_plan.updater_lease_until
    FROM vmstate.resolved_instance AS r
    WHERE r.instance_id = p_instance_id;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.run_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.run_update IS 'Plan and commit in one call, for callers that have nothing to do in between: the columns of begin_update, with the plan that was applied. unchanged: nothing to do. conflict: locked (the unexpired lease of another saga). Terminate terminate_propolis_ids afterwards; until then they stand in vmstate.orphaned_vmm.';
-- end of sql/update_saga/run_update.sql

-- copy of sql/update_saga/explain_update.sql
CREATE OR REPLACE FUNCTION vmstate.explain_update(p_instance_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_plan vmstate.instance_plan;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.reject_argument('explain_update', 'p_instance_id', 'It is null.');
  END IF;
  v_plan := vmstate.read_plan(p_instance_id);
  RETURN vmstate.to_update_result(
    CASE
      WHEN v_plan.instance_id IS NULL THEN 'not_found'::vmstate.outcome
      WHEN v_plan.state = 'destroyed' THEN 'gone'
      WHEN v_plan.needed THEN 'applied'
      ELSE 'unchanged'
    END, NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.explain_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.explain_update IS 'The plan as begin_update would answer it now, read only. applied: there is one; unchanged: none.';
-- end of sql/update_saga/explain_update.sql

-- copy of sql/operator/fail_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.fail_vmm(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_reason vmstate.failure_reason,
  p_expected_generation bigint DEFAULT NULL
) RETURNS vmstate.fail_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
  v_generation bigint;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_propolis_id, p_reason) > 0 THEN
    PERFORM vmstate.reject_nulls('fail_vmm', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_propolis_id', p_propolis_id, 'p_reason', p_reason));
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, p_propolis_id);
  IF v_vmm.id IS NULL THEN
    RETURN ROW('not_found', NULL, NULL, NULL, false)::vmstate.fail_result;
  ELSIF v_vmm.time_deleted IS NOT NULL THEN
    RETURN ROW('gone', NULL, v_vmm.state, v_vmm.state_generation, false)::vmstate.fail_result;
  ELSIF vmstate.is_absorbing(v_vmm.state) THEN
    RETURN ROW('terminal', NULL, v_vmm.state, v_vmm.state_generation, false)::vmstate.fail_result;
  ELSIF v_vmm.state_generation <> p_expected_generation THEN
    RETURN ROW('conflict', 'stale_generation', v_vmm.state, v_vmm.state_generation, false)::vmstate.fail_result;
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.vmm AS v
    SET state = 'failed', state_generation = vmstate.next_generation(v.state_generation), time_state_updated = v_now, failure_reason = p_reason
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
    RETURNING v.state_generation INTO v_generation;
  RETURN ROW('applied', NULL, 'failed', v_generation, v_vmm.time_unlinked IS NULL)::vmstate.fail_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_vmm IS 'A watcher or an operator declares a VMM dead: it becomes failed. Never writes a migration side: a dead destination is enough for the plan, and a dead source must not decide it, since the guest may run on the destination already. p_expected_generation is the VMM''s (NULL: no check). update_needed: an instance names the VMM. terminal: dead already, also on a replay. conflict: stale_generation.';
-- end of sql/operator/fail_vmm.sql

-- copy of sql/operator/fail_sled.sql
CREATE OR REPLACE FUNCTION vmstate.fail_sled(p_sled_id uuid, p_reason vmstate.failure_reason)
RETURNS TABLE (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.vmm_state,
  state_generation bigint,
  update_needed boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_ids pg_catalog.uuid[];
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_sled_id, p_reason) > 0 THEN
    PERFORM vmstate.reject_nulls('fail_sled', jsonb_build_object('p_sled_id', p_sled_id, 'p_reason', p_reason));
  END IF;
  WITH live AS (
    SELECT v.id FROM vmstate.vmm AS v
      WHERE v.sled_id = p_sled_id AND v.time_deleted IS NULL AND NOT vmstate.is_absorbing(v.state)
      ORDER BY v.id FOR NO KEY UPDATE
  )
  SELECT array_agg(l.id) INTO v_ids FROM live AS l;
  v_now := clock_timestamp();
  RETURN QUERY
    WITH failed AS (
      UPDATE vmstate.vmm AS v
        SET state = 'failed', state_generation = vmstate.next_generation(v.state_generation), time_state_updated = v_now, failure_reason = p_reason
        WHERE v.sled_id = p_sled_id AND v.id = ANY (v_ids)
        RETURNING v.instance_id, v.id, v.state, v.state_generation::bigint, v.time_unlinked IS NULL AS linked
    )
    SELECT 'applied'::vmstate.outcome, NULL::pg_catalog.text, f.instance_id, f.id, f.state, f.state_generation, f.linked
      FROM failed AS f ORDER BY f.id;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_sled IS 'The host is dead: every live VMM on the sled becomes failed, those still creating too. One row per VMM it failed, by VMM id; a second call answers no row. Locks VMMs by id and no instance; writes no migration side.';
-- end of sql/operator/fail_sled.sql

-- copy of sql/internal/access_rights.sql
CREATE OR REPLACE FUNCTION vmstate.access_rights(p_kind vmstate.access_kind)
RETURNS TABLE (privilege text, object text, acl aclitem[])
LANGUAGE sql STABLE
BEGIN ATOMIC
  -- a view runs the functions it calls, and those call, with the rights of who reads it
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
        WHEN 'reader' THEN p.proname = 'explain_update' OR p.oid IN (SELECT c.id FROM called AS c)
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
COMMENT ON FUNCTION vmstate.access_rights IS 'What a kind of role needs, and who has it: the one place that says what is public. Verbs are the functions that run with their owner''s rights; views are public but for those that other views are made of.';
-- end of sql/internal/access_rights.sql

-- copy of sql/access/grant_access.sql
CREATE OR REPLACE FUNCTION vmstate.grant_access(p_role name, p_kind vmstate.access_kind, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_privilege pg_catalog.text;
  v_object pg_catalog.text;
BEGIN
  IF p_kind IS NULL THEN
    PERFORM vmstate.reject_argument('grant_access', 'p_kind', 'It is null.');
  END IF;
  PERFORM vmstate.require_role('grant_access', p_role);
  IF NOT pg_has_role((SELECT n.nspowner FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'vmstate'), 'USAGE') THEN
    -- to others, GRANT would only say in a warning that it granted nothing
    RAISE EXCEPTION USING
      ERRCODE = 'insufficient_privilege',
      MESSAGE = 'vmstate.grant_access: only the owner of schema vmstate grants access',
      DETAIL = format('Role "%s" is not.', current_user),
      HINT = 'Nothing was changed. Call it as the role that applied the migrations.';
  END IF;
  -- of two sessions that grant on one object, PostgreSQL fails the later one
  PERFORM pg_advisory_xact_lock('vmstate.grant_access'::pg_catalog.regproc::bigint);
  outcome := 'unchanged';
  FOR v_privilege, v_object IN
    SELECT r.privilege, r.object
      FROM vmstate.access_rights(p_kind) AS r
      WHERE NOT EXISTS (
        SELECT FROM aclexplode(r.acl) AS a
          JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
          WHERE g.rolname = p_role AND a.privilege_type = r.privilege
      )
  LOOP
    EXECUTE format('GRANT %s ON %s TO %I', v_privilege, v_object, p_role);
    outcome := 'applied';
  END LOOP;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.grant_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.grant_access IS 'Gives a role all that one kind of role needs. control_plane: every verb, every public view. sled_agent: report_vmm and report_vmms, of the VMMs of the sled that bind_sled_agent names; of views it reads schema_version only. reader: every public view, and explain_update. No kind may touch a table. A role may have several kinds. unchanged: it had all of it already. For the owner of the schema only, with whose rights it runs; call it again after a migration, which may bring new functions and views. REVOKE takes away. VM001: no such role, nulls.';
-- end of sql/access/grant_access.sql

-- copy of sql/access/bind_sled_agent.sql
CREATE OR REPLACE FUNCTION vmstate.bind_sled_agent(p_role name, p_sled_id uuid DEFAULT NULL, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- the binding of a role that was dropped can still be removed
  IF p_sled_id IS NOT NULL OR NOT EXISTS (SELECT FROM vmstate.sled_agent_binding AS b WHERE b.role = p_role) THEN
    PERFORM vmstate.require_role('bind_sled_agent', p_role);
  END IF;
  IF p_sled_id IS NULL THEN
    DELETE FROM vmstate.sled_agent_binding AS b WHERE b.role = p_role;
  ELSE
    INSERT INTO vmstate.sled_agent_binding AS b (role, sled_id)
      VALUES (p_role, p_sled_id)
      ON CONFLICT (role) DO UPDATE SET sled_id = excluded.sled_id WHERE b.sled_id <> excluded.sled_id;
  END IF;
  outcome := CASE WHEN FOUND THEN 'applied' ELSE 'unchanged' END;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.bind_sled_agent FROM PUBLIC;
COMMENT ON FUNCTION vmstate.bind_sled_agent IS 'Says which sled a role of kind sled_agent reports for, in place of any before; p_sled_id NULL: none, so that it may report nothing. A transaction that reads an older snapshot still goes by the old one: to fence a sled at once, REVOKE first. It counts for the role that logs in, or that SET ROLE names, not for its members. unchanged: it was so already. For the owner of the schema only. VM001: no such role.';
-- end of sql/access/bind_sled_agent.sql

-- Defaults, checks and indexes are made again only where they are captured: where one of them depends on an object
-- outside vmstate and pg_catalog. PostgreSQL records no dependency on what it is installed with. So a schema without a
-- capture is neither scanned nor locked for this.
DO $$
DECLARE
  v_statement text;
BEGIN
  FOR v_statement IN
    WITH captured (classid, objid) AS (
      SELECT d.classid, d.objid
        FROM pg_depend AS d, pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) AS r
        WHERE d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_class'::regclass)
          AND r.schema NOT IN ('vmstate', 'pg_catalog')
    ),
    domain_check (name, type, check_text) AS (
      VALUES
        ('exact_in_a_double', 'vmstate.generation', 'CHECK (VALUE BETWEEN 1 AND 9007199254740991)'),
        ('between_1_and_63_characters', 'vmstate.instance_name', 'CHECK (char_length(VALUE) BETWEEN 1 AND 63)'),
        ('between_0_and_65535', 'vmstate.port', 'CHECK (VALUE BETWEEN 0 AND 65535)')
    ),
    table_check (name, relation, check_text) AS (
      VALUES
        ('state_is_vmm_iff_it_has_an_active_vmm', 'vmstate.instance',
          'CHECK ((state = ''vmm'') = (active_propolis_id IS NOT NULL))'),
        ('destination_and_migration_are_linked_together', 'vmstate.instance',
          'CHECK ((destination_propolis_id IS NULL) = (migration_id IS NULL))'),
        ('migrates_only_with_an_active_vmm', 'vmstate.instance',
          'CHECK (migration_id IS NULL OR active_propolis_id IS NOT NULL)'),
        ('state_is_destroyed_iff_deleted', 'vmstate.instance',
          'CHECK ((state = ''destroyed'') = (time_deleted IS NOT NULL))'),
        ('updater_holds_a_lease', 'vmstate.instance',
          'CHECK ((updater_id IS NULL) = (updater_lease_until IS NULL))'),
        ('committed_by_a_past_updater', 'vmstate.instance',
          'CHECK (committed_updater_generation <= updater_generation)'),
        ('cooldown_is_not_negative', 'vmstate.instance',
          'CHECK (auto_restart_cooldown >= interval ''0'')'),
        ('source_is_not_the_destination', 'vmstate.migration',
          'CHECK (source_propolis_id <> destination_propolis_id)')
    ),
    column_default (relation, name, default_text) AS (
      VALUES
        ('vmstate.instance', 'state', '''creating'''),
        ('vmstate.instance', 'state_generation', '1'),
        ('vmstate.instance', 'time_state_updated', 'clock_timestamp()'),
        ('vmstate.instance', 'updater_generation', '1'),
        ('vmstate.instance', 'time_created', 'clock_timestamp()'),
        ('vmstate.instance', 'time_modified', 'clock_timestamp()'),
        ('vmstate.vmm', 'propolis_port', '12400'),
        ('vmstate.vmm', 'state', '''creating'''),
        ('vmstate.vmm', 'state_generation', '1'),
        ('vmstate.vmm', 'time_state_updated', 'clock_timestamp()'),
        ('vmstate.vmm', 'time_unlinked', 'clock_timestamp()'),
        ('vmstate.vmm', 'time_created', 'clock_timestamp()'),
        ('vmstate.migration', 'source_state', '''pending'''),
        ('vmstate.migration', 'source_generation', '1'),
        ('vmstate.migration', 'time_source_updated', 'clock_timestamp()'),
        ('vmstate.migration', 'destination_state', '''pending'''),
        ('vmstate.migration', 'destination_generation', '1'),
        ('vmstate.migration', 'time_destination_updated', 'clock_timestamp()'),
        ('vmstate.migration', 'time_created', 'clock_timestamp()'),
        ('vmstate.schema_change', 'time_applied', 'clock_timestamp()')
    ),
    index (name, create_text) AS (
      VALUES
        ('vmstate.instance_name_in_project',
          'CREATE UNIQUE INDEX instance_name_in_project ON vmstate.instance (project_id, name) WHERE time_deleted IS NULL'),
        ('vmstate.instance_with_migration',
          'CREATE INDEX instance_with_migration ON vmstate.instance (id) WHERE migration_id IS NOT NULL'),
        ('vmstate.instance_in_creation',
          'CREATE INDEX instance_in_creation ON vmstate.instance (id) WHERE state = ''creating'''),
        ('vmstate.instance_down_against_intent',
          'CREATE INDEX instance_down_against_intent ON vmstate.instance (id)
            WHERE state IN (''no_vmm'', ''failed'') AND intended_state = ''running'' AND auto_restart_policy IS DISTINCT FROM ''never''
              AND coalesce(time_deleted, ''infinity'') = ''infinity'' AND least(time_deleted, ''infinity'') = ''infinity'''),
        ('vmstate.vmm_on_sled',
          'CREATE INDEX vmm_on_sled ON vmstate.vmm (sled_id) WHERE time_deleted IS NULL'),
        ('vmstate.vmm_unlinked',
          'CREATE INDEX vmm_unlinked ON vmstate.vmm (instance_id, id)
            WHERE time_unlinked IS NOT NULL AND time_deleted IS NULL
              AND coalesce(time_deleted, ''infinity'') = ''infinity'' AND least(time_deleted, ''infinity'') = ''infinity'''),
        ('vmstate.vmm_linked_not_running',
          'CREATE INDEX vmm_linked_not_running ON vmstate.vmm (state, instance_id, id)
            WHERE state <> ''running'' AND time_unlinked IS NULL AND time_deleted IS NULL
              AND coalesce(time_deleted, ''infinity'') = ''infinity'' AND least(time_deleted, ''infinity'') = ''infinity''')
    )
    SELECT format('ALTER DOMAIN %1$s DROP CONSTRAINT %2$I; ALTER DOMAIN %1$s ADD CONSTRAINT %2$I %3$s', e.type, e.name, e.check_text)
      FROM domain_check AS e
      JOIN pg_constraint AS c ON c.contypid = e.type::regtype AND c.conname = e.name
      WHERE (c.tableoid, c.oid) IN (SELECT k.classid, k.objid FROM captured AS k)
    UNION ALL
    SELECT format('ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I %3$s', e.relation, e.name, e.check_text)
      FROM table_check AS e
      JOIN pg_constraint AS c ON c.conrelid = e.relation::regclass AND c.conname = e.name
      WHERE (c.tableoid, c.oid) IN (SELECT k.classid, k.objid FROM captured AS k)
    UNION ALL
    SELECT format('ALTER TABLE %s ALTER %I SET DEFAULT %s', e.relation, e.name, e.default_text)
      FROM column_default AS e
      JOIN pg_attribute AS a ON a.attrelid = e.relation::regclass AND a.attname = e.name
      JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE (d.tableoid, d.oid) IN (SELECT k.classid, k.objid FROM captured AS k)
    UNION ALL
    SELECT format('DROP INDEX %s; %s', e.name, e.create_text)
      FROM index AS e
      JOIN pg_class AS c ON c.oid = to_regclass(e.name)
      WHERE (c.tableoid, c.oid) IN (SELECT k.classid, k.objid FROM captured AS k)
  LOOP
    EXECUTE v_statement;
  END LOOP;
END;
$$;

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

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (5, '0005_parse_anew', false);
