-- 0013_reads: views that show an instance and its migrations whole, and answers that say where VMMs are.
-- Why: a control plane shows where an instance runs and how it migrates, and tells sled agents what to do with the VMMs that a
-- verb names. Without these columns it asked the database once more for each, and another moment answered.
-- Objects: views instance_detail and api_migration; type vmm_address, and attributes of that type at the end of command_result
-- and update_result; columns of that type at the end of resolved_instance and instance_plan. api_instance shows what it did, and
-- looks up the VMMs of one instance at a time.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads go on); api_instance, instance_plan and resolved_instance (ACCESS EXCLUSIVE).
-- Breaking: no. A call of request_stop, request_reboot or a verb of the update saga as a row source that waits behind the locks
-- fails once with 42804, and a prepared SELECT * of such a call with 0A000: run it again. Call grant_access again for each role,
-- as after every schema migration that brings a view.
-- With psql, in one transaction that ends at the first error: psql -1 -v ON_ERROR_STOP=1 -f 0013_reads.sql

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

-- No verb is under way now. Views are locked before the tables, outer ones first, as whoever reads them does: a reader that
-- holds a view and waits for a table would else be in a deadlock with this file. RESET of what is not set locks, and no more.
ALTER VIEW vmstate.api_instance RESET (security_barrier);
ALTER VIEW vmstate.instance_plan RESET (security_barrier);
ALTER VIEW vmstate.resolved_instance RESET (security_barrier);

CREATE TYPE vmstate.vmm_address AS (
  propolis_id uuid,
  sled_id uuid,
  propolis_ip inet,
  propolis_port integer
);
COMMENT ON TYPE vmstate.vmm_address IS 'Says where a VMM is: its sled, and the address on which it listens.';

ALTER TYPE vmstate.command_result ADD ATTRIBUTE command_vmms vmstate.vmm_address[];
COMMENT ON TYPE vmstate.command_result IS 'Answers request_stop and request_reboot.

Has the columns of vmstate.instance_result, and the live VMMs whose sled agents must be told: their ids (command_propolis_ids) and, in the same order, where they are (command_vmms).';

ALTER TYPE vmstate.update_result
  ADD ATTRIBUTE network_vmm vmstate.vmm_address,
  ADD ATTRIBUTE unlinked_vmms vmstate.vmm_address[],
  ADD ATTRIBUTE terminate_vmms vmstate.vmm_address[];
COMMENT ON TYPE vmstate.update_result IS 'Answers a verb of the update saga: the instance, the updater lock and the plan.

Has the columns of vmstate.instance_result, then the fencing token and the lease of the updater lock, and the saga that holds the lock (updater_id; null: nobody). The plan: the row as it will be (new_…), what to do with the network (keep, move or delete; network_propolis_id is where the network belongs afterwards), the VMMs that lose their link, those of them to terminate on their sleds, and plan_token, which names this plan. network_vmm, unlinked_vmms and terminate_vmms say where the VMMs are that network_propolis_id, unlinked_propolis_ids and terminate_propolis_ids name, in the same order.';

-- by hand: TYPE vmstate.vmm_address of sql/types/results.sql as of 662822f17a1b17e2d97b62a9f9587917ec4519ea39c276a17f4fd3b0424a00b3
-- by hand: TYPE vmstate.command_result of sql/types/results.sql as of b71f26a4449e7963abb3737f83d185e5b957c3e3cce7c5234e2e1a3e3e96d1a9
-- by hand: TYPE vmstate.update_result of sql/types/results.sql as of 4e38d89394144544c1792f88cc4326e597e281816e2d8fc5fec11b5d615de6fd

-- copy of sql/rules/vmm_addresses.sql
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
COMMENT ON FUNCTION vmstate.vmm_addresses IS 'Says where those VMMs of an instance are that are named, the active one first.

Null if p_propolis_ids is null.';
-- end of sql/rules/vmm_addresses.sql

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
  -- A VMM that was made for a migration becomes active only when a running guest has moved to it, even if no report said running.
  a.time_started IS NOT NULL OR CASE
    WHEN m.destination_propolis_id = a.id THEN 'completed' IN (m.source_state, m.destination_state)
    ELSE a.migration_id IS NOT NULL OR EXISTS (
      SELECT FROM vmstate.migration AS c WHERE c.instance_id = i.id AND c.destination_propolis_id = a.id
    )
  END AS active_was_running,
  d.state AS destination_vmm_state,
  d.time_state_updated AS destination_time_updated,
  d.time_started IS NOT NULL OR coalesce(m.destination_propolis_id = d.id AND 'completed' IN (m.source_state, m.destination_state), false)
    AS destination_was_running,
  i.active_propolis_id IN (m.source_propolis_id, m.destination_propolis_id) AS active_takes_part,
  m.source_state AS source_side,
  m.destination_state AS destination_side,
  m.time_source_updated,
  m.time_destination_updated,
  vmstate.effective_instance_state(
    i.state,
    a.state,
    vmstate.is_migrating(i.active_propolis_id, m.source_propolis_id, m.destination_propolis_id, d.state)
  ) AS api_state,
  vmstate.last_heard(a.time_reported, a.time_state_updated, statement_timestamp()) AS active_last_heard,
  vmstate.last_heard(d.time_reported, d.time_state_updated, statement_timestamp()) AS destination_last_heard,
  m.time_reported AS migration_last_heard,
  CASE
    WHEN vmstate.ran_long(a.time_started, a.time_reported) OR vmstate.ran_long(d.time_started, d.time_reported) THEN 0
    ELSE i.auto_restart_attempts
  END AS auto_restart_attempts,
  i.time_updater_released,
  CASE WHEN a.id IS NOT NULL THEN ROW(a.id, a.sled_id, a.propolis_ip, a.propolis_port)::vmstate.vmm_address END AS active_vmm,
  CASE WHEN d.id IS NOT NULL THEN ROW(d.id, d.sled_id, d.propolis_ip, d.propolis_port)::vmstate.vmm_address END AS destination_vmm
FROM vmstate.instance AS i
LEFT JOIN vmstate.vmm AS a ON a.instance_id = i.id AND a.id = i.active_propolis_id
LEFT JOIN vmstate.vmm AS d ON d.instance_id = i.id AND d.id = i.destination_propolis_id
LEFT JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id;
COMMENT ON VIEW vmstate.resolved_instance IS 'Shows every instance with its VMMs, its migration and the state that follows.

The active VMM, the destination VMM and the linked migration stand side by side. For the functions of this schema and for people; services read vmstate.api_instance.';
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
COMMENT ON VIEW vmstate.instance_plan IS 'Shows for every instance what the update saga would make of it now.

Calls vmstate.update_plan on each row of vmstate.resolved_instance. For the functions of this schema; no kind of role may read it.';
-- end of sql/views/instance_plan.sql

-- copy of sql/views/instance_detail.sql
CREATE OR REPLACE VIEW vmstate.instance_detail AS
SELECT
  i.id,
  vmstate.effective_instance_state(
    i.state,
    a.state,
    vmstate.is_migrating(i.active_propolis_id, m.source_propolis_id, m.destination_propolis_id, d.state)
  ) AS api_state,
  i.state,
  i.state_generation,
  i.intended_state,
  i.project_id,
  i.name,
  i.auto_restart_policy,
  i.auto_restart_cooldown,
  i.active_propolis_id,
  vmstate.to_api_vmm_state(a.state) AS active_api_state,
  a.sled_id AS active_sled_id,
  a.propolis_ip AS active_propolis_ip,
  a.propolis_port AS active_propolis_port,
  i.destination_propolis_id,
  vmstate.to_api_vmm_state(d.state) AS destination_api_state,
  d.sled_id AS destination_sled_id,
  d.propolis_ip AS destination_propolis_ip,
  d.propolis_port AS destination_propolis_port,
  i.migration_id,
  m.source_propolis_id AS migration_source_propolis_id,
  m.source_state AS migration_source_state,
  m.destination_state AS migration_destination_state,
  least(coalesce(a.time_state_updated, i.time_state_updated), statement_timestamp()) AS time_state_updated,
  i.time_created,
  i.time_modified
FROM vmstate.instance AS i
-- Each OFFSET 0 makes the planner look the rows up for one instance at a time: merged, it may scan a table to list one page.
LEFT JOIN LATERAL (
  SELECT v.state, v.sled_id, v.propolis_ip, v.propolis_port, v.time_state_updated
  FROM vmstate.vmm AS v
  WHERE v.instance_id = i.id AND v.id = i.active_propolis_id
  OFFSET 0
) AS a ON true
LEFT JOIN LATERAL (
  SELECT v.state, v.sled_id, v.propolis_ip, v.propolis_port
  FROM vmstate.vmm AS v
  WHERE v.instance_id = i.id AND v.id = i.destination_propolis_id
  OFFSET 0
) AS d ON true
LEFT JOIN LATERAL (
  SELECT n.source_propolis_id, n.destination_propolis_id, n.source_state, n.destination_state
  FROM vmstate.migration AS n
  WHERE n.instance_id = i.id AND n.id = i.migration_id
  OFFSET 0
) AS m ON true
WHERE i.time_deleted IS NULL;
COMMENT ON VIEW vmstate.instance_detail IS 'Shows instances with their VMMs and migration, without deleted instances.

api_state is what the API shows of the instance, and state is what the row has; state_generation is that of the row. The columns active_… say where the active VMM is, and the columns destination_… where the destination VMM is; active_api_state and destination_api_state are states as the API shows them, so saga_unwound appears as destroyed. The columns migration_… are the linked migration, with the state of each side. What is not linked is null. A migration stays linked until the update saga unlinks it, also once it has ended or was unwound: api_state says whether the instance shows migrating. time_state_updated is that of the active VMM, if there is one; a time in the future, from a sled whose clock is ahead, is shown as now.';
-- end of sql/views/instance_detail.sql

-- copy of sql/views/api_instance.sql
CREATE OR REPLACE VIEW vmstate.api_instance AS
SELECT
  d.id,
  d.api_state AS state,
  d.project_id,
  d.name,
  d.intended_state,
  d.auto_restart_policy,
  d.auto_restart_cooldown,
  d.time_state_updated,
  d.time_created,
  d.time_modified
FROM vmstate.instance_detail AS d;
COMMENT ON VIEW vmstate.api_instance IS 'Lists instances as the API shows them, without deleted ones.

time_state_updated is that of the active VMM, if there is one; a time in the future, from a sled whose clock is ahead, is shown as now.';
-- end of sql/views/api_instance.sql

-- copy of sql/views/api_migration.sql
CREATE OR REPLACE VIEW vmstate.api_migration AS
SELECT
  m.id,
  m.instance_id,
  m.source_propolis_id,
  s.sled_id AS source_sled_id,
  vmstate.to_api_vmm_state(s.state) AS source_api_state,
  m.source_state,
  m.destination_propolis_id,
  d.sled_id AS destination_sled_id,
  vmstate.to_api_vmm_state(d.state) AS destination_api_state,
  m.destination_state,
  least(m.time_source_updated, statement_timestamp()) AS time_source_updated,
  least(m.time_destination_updated, statement_timestamp()) AS time_destination_updated,
  m.time_created,
  m.time_reported
FROM vmstate.migration AS m
-- Each OFFSET 0 makes the planner look the VMM up for one migration at a time: merged, it may scan a table to list one page.
CROSS JOIN LATERAL (
  SELECT v.sled_id, v.state
  FROM vmstate.vmm AS v
  WHERE v.instance_id = m.instance_id AND v.id = m.source_propolis_id
  OFFSET 0
) AS s
CROSS JOIN LATERAL (
  SELECT v.sled_id, v.state
  FROM vmstate.vmm AS v
  WHERE v.instance_id = m.instance_id AND v.id = m.destination_propolis_id
  OFFSET 0
) AS d
WHERE m.time_deleted IS NULL;
COMMENT ON VIEW vmstate.api_migration IS 'Lists migrations as the API shows them, past ones too, without deleted ones.

source_state and destination_state are the states of the two sides. source_api_state and destination_api_state are the states of the two VMMs as the API shows them: saga_unwound appears as destroyed. A VMM of a migration may be deleted already. A time in the future, from a sled whose clock is ahead, is shown as now; time_reported is by the clock of the database, and null before the first report of either side.';
-- end of sql/views/api_migration.sql

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

Of p_propolis_ids, the live VMMs are to be commanded, the active one first.';
-- end of sql/shared/results/to_command_result.sql

-- copy of sql/shared/results/to_update_result.sql
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
    p_plan.unlinked_propolis_ids, p_plan.terminate_propolis_ids, p_plan.plan_token, p_plan.updater_id,
    (vmstate.vmm_addresses(ARRAY[p_plan.network_propolis_id], p_plan.active_vmm, p_plan.destination_vmm))[1],
    vmstate.vmm_addresses(p_plan.unlinked_propolis_ids, p_plan.active_vmm, p_plan.destination_vmm),
    vmstate.vmm_addresses(p_plan.terminate_propolis_ids, p_plan.active_vmm, p_plan.destination_vmm)
  )::vmstate.update_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_update_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_update_result IS 'Builds the answer of a verb of the update saga from an instance and its plan.

The verb read both once; all columns are null if no instance has the id.';
-- end of sql/shared/results/to_update_result.sql

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

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (13, '0013_reads', false);
