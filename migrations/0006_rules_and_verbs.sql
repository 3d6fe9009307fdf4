-- 0006_rules_and_verbs: three rules are corrected, and verbs are added that operators lacked.
-- Why: (1) A replayed commit is told by saga, token and plan: after a failover to a lagging replica, another saga can have
-- the same token. (2) "Had been running" survives a migration and states that an agent did not report. (3) Ages come from
-- the clock of the database, which vmm.time_reported and migration.time_reported keep, never from the clock of a sled.
-- Verbs: rename_instance, break_update, fail_sled_vmms, purge. Automatic restarts back off; work lists come oldest first.
-- Objects: columns of instance, vmm and migration, three indexes on deleted rows, foreign keys DEFERRABLE, the verbs,
-- guards and views that use them.
-- Locks: instance, vmm and migration (ACCESS EXCLUSIVE), for as long as it takes to build the indexes, each of which reads
-- its table once; the views (ACCESS EXCLUSIVE).
-- Breaking: no. A lease longer than 1 day, and a report with an unknown key, are refused from now on. A call of run_update,
-- inherit_update or explain_update as a row source that waits behind the locks fails once with 42804, and a prepared
-- SELECT * of such a call with 0A000: run it again. A commit or unlock of before, replayed after, is lock_lost: its saga was
-- not recorded then; begin_update tells what is left to do. A guard that was enabled ALWAYS is enabled as it was made.

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
ALTER VIEW vmstate.api_vmm RESET (security_barrier);
ALTER VIEW vmstate.pending_update RESET (security_barrier);
ALTER VIEW vmstate.abandoned_vmm RESET (security_barrier);
ALTER VIEW vmstate.orphaned_vmm RESET (security_barrier);
ALTER VIEW vmstate.restartable_instance RESET (security_barrier);
ALTER VIEW vmstate.watched_vmm RESET (security_barrier);
ALTER VIEW vmstate.stuck_instance RESET (security_barrier);
ALTER VIEW vmstate.invariant_violation RESET (security_barrier);
ALTER VIEW vmstate.instance_plan RESET (security_barrier);
ALTER VIEW vmstate.resolved_instance RESET (security_barrier);
LOCK TABLE vmstate.instance, vmstate.vmm, vmstate.migration IN ACCESS EXCLUSIVE MODE;

ALTER TYPE vmstate.update_result ADD ATTRIBUTE updater_id uuid;
COMMENT ON TYPE vmstate.update_result IS 'vmstate.instance_result, the updater lock, and the update plan: the row as it will be, what to do with the network (keep, move, delete; network_propolis_id is where it belongs afterwards), the VMMs that lose their link, those of them to terminate on their sleds, a token that names this plan, and the saga that holds the updater lock (null: nobody).';

ALTER TABLE vmstate.instance
  ADD COLUMN committed_updater_id uuid,
  ADD COLUMN committed_plan_token text,
  ADD COLUMN released_updater_id uuid,
  ADD COLUMN updater_parent_id uuid,
  ADD COLUMN time_updater_released timestamptz,
  ADD COLUMN auto_restart_attempts integer NOT NULL DEFAULT 0,
  ALTER CONSTRAINT active_vmm_is_its_own DEFERRABLE,
  ALTER CONSTRAINT destination_vmm_is_its_own DEFERRABLE,
  ALTER CONSTRAINT migration_is_its_own DEFERRABLE;
COMMENT ON COLUMN vmstate.instance.committed_updater_generation IS 'updater_generation of the last committed update.';
COMMENT ON COLUMN vmstate.instance.committed_updater_id IS 'The saga that committed the last update. With committed_updater_generation and committed_plan_token it tells a replayed commit from another saga''s: after a failover to a lagging replica, a fencing token can be handed out twice.';
COMMENT ON COLUMN vmstate.instance.committed_plan_token IS 'plan_token of the last committed update.';
COMMENT ON COLUMN vmstate.instance.released_updater_id IS 'The saga that held the updater lock when it was last released: tells a replayed unlock_update from another saga''s.';
COMMENT ON COLUMN vmstate.instance.updater_parent_id IS 'The saga from which updater_id inherited the updater lock; NULL when it took the lock itself.';
COMMENT ON COLUMN vmstate.instance.time_updater_released IS 'When the updater lock was last released without a commit. The instance then waits anew in vmstate.pending_update.';
COMMENT ON COLUMN vmstate.instance.auto_restart_attempts IS 'Automatic restarts in a row. A user''s start resets it, and so does a VMM that ran for 10 minutes; vmstate.auto_restart_wait says how it slows the next one down.';

ALTER TABLE vmstate.vmm
  ADD COLUMN time_reported timestamptz,
  ALTER CONSTRAINT vmm_instance_id_fkey DEFERRABLE;
COMMENT ON COLUMN vmstate.vmm.time_state_updated IS 'When the sled saw the state, by the clock of the sled, which may be wrong; by the clock of the database where a verb set the state.';
COMMENT ON COLUMN vmstate.vmm.time_reported IS 'When the VMM was last heard of, by the clock of the database: a report was accepted, or fail_vmm, fail_sled or an unwind ended it. NULL before the first report. Every age is reckoned from it.';
COMMENT ON COLUMN vmstate.vmm.time_started IS 'When the database first heard that the guest ran there, by its own clock: vmstate.counts_as_running.';

ALTER TABLE vmstate.migration
  ADD COLUMN time_reported timestamptz,
  ALTER CONSTRAINT migration_instance_id_fkey DEFERRABLE,
  ALTER CONSTRAINT migration_instance_id_source_propolis_id_fkey DEFERRABLE,
  ALTER CONSTRAINT migration_instance_id_destination_propolis_id_fkey DEFERRABLE;
COMMENT ON COLUMN vmstate.migration.time_source_updated IS 'When the sled of the source saw source_state, by the clock of that sled.';
COMMENT ON COLUMN vmstate.migration.time_destination_updated IS 'When the sled of the destination saw destination_state, by the clock of that sled.';
COMMENT ON COLUMN vmstate.migration.time_reported IS 'When a report of either side was last accepted, or the migration was unwound, by the clock of the database.';

-- What purge reads. They hold deleted rows only, but building each reads its table once.
CREATE INDEX instance_deleted ON vmstate.instance (time_deleted) WHERE time_deleted IS NOT NULL;
CREATE INDEX vmm_deleted ON vmstate.vmm (time_deleted) WHERE time_deleted IS NOT NULL;
CREATE INDEX migration_deleted ON vmstate.migration (time_deleted) WHERE time_deleted IS NOT NULL;

-- by hand: sql/types/update_result.sql as of 44764c5d27133045c17f7b26c3521d2ab16ff40f784329438a9ea120a0695889
-- by hand: sql/tables/instance.sql as of bca156534be90fd2bdf53493abeb3b9cb8ce4174999fb67a8c63eab1716be3cb
-- by hand: sql/tables/vmm.sql as of 39d7d8d5fae092d4b376197a3764fe9c1b746d881569096d9f0a56c3fdfcf253
-- by hand: sql/tables/migration.sql as of 7b807ad15ab40b4668757543edefe0f92afe1e3bb921d307942c470b2c44c196
-- by hand: sql/tables/instance_links.sql as of 0ebe2d4d3e8e82a1ee0f79b904e44e3c3a318653bac2fdae9bb43c716572c1c0

-- copy of sql/classes/last_heard.sql
CREATE OR REPLACE FUNCTION vmstate.last_heard(p_time_reported timestamptz, p_time_state_updated timestamptz, p_now timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_time_reported, CASE WHEN p_time_state_updated IS NOT NULL THEN least(p_time_state_updated, p_now) END);
REVOKE ALL ON FUNCTION vmstate.last_heard FROM PUBLIC;
COMMENT ON FUNCTION vmstate.last_heard IS 'Since when a VMM has had no news, by the clock of the database. A VMM without a report has only its state''s time, which a sled may have written: if that is in the future, it counts as now. NULL where there is no VMM.';
-- end of sql/classes/last_heard.sql

-- copy of sql/classes/report_keys.sql
CREATE OR REPLACE FUNCTION vmstate.report_keys() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[
  'instance_id', 'propolis_id', 'state', 'generation', 'time',
  'migration_in_id', 'migration_in_state', 'migration_in_generation', 'migration_in_time',
  'migration_out_id', 'migration_out_state', 'migration_out_generation', 'migration_out_time'
];
REVOKE ALL ON FUNCTION vmstate.report_keys FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_keys IS 'The keys that an element of report_vmms may have: the attributes of vmstate.vmm_report.';
-- end of sql/classes/report_keys.sql

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
      -- a guest that moved has run, whether or not its new VMM was ever heard to run
      fate.verdict = 'completed' OR coalesce(p_active_was_running, false)
        OR (guest.went AND coalesce(p_destination_was_running, false)) AS was_running,
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

-- copy of sql/decisions/auto_restart_wait.sql
CREATE OR REPLACE FUNCTION vmstate.auto_restart_wait(p_cooldown interval, p_attempts integer) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(
  coalesce(p_cooldown, interval '5 minutes'),
  -- in seconds, since an interval overflows; capped before it is raised, since a power does, too
  make_interval(secs => least(
    3600,
    CASE
      WHEN p_cooldown = interval '0' AND p_attempts >= 2 THEN 1
      ELSE extract(epoch FROM coalesce(p_cooldown, interval '5 minutes'))
    END * power(2, least(greatest(p_attempts, 1) - 1, 32))
  )::double precision)
);
REVOKE ALL ON FUNCTION vmstate.auto_restart_wait FROM PUBLIC;
COMMENT ON FUNCTION vmstate.auto_restart_wait IS 'How long the next automatic restart waits after the last one: the cooldown (NULL: 5 minutes), doubled with each attempt after the first, up to 1 hour unless the cooldown is longer. A cooldown of 0 counts as 1 second from the second attempt on, so that a VM that cannot boot is slowed down as well.';
-- end of sql/decisions/auto_restart_wait.sql

-- copy of sql/internal/auto_restart_time.sql
CREATE OR REPLACE FUNCTION vmstate.auto_restart_time(p_time_last timestamptz, p_cooldown interval, p_attempts integer) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- In seconds, at most 3,168 years of them: one cooldown that overflows must not take the work list from all others.
RETURN to_timestamp((extract(epoch FROM p_time_last)
  + least(extract(epoch FROM vmstate.auto_restart_wait(p_cooldown, p_attempts)), 100000000000))::double precision);
REVOKE ALL ON FUNCTION vmstate.auto_restart_time FROM PUBLIC;
COMMENT ON FUNCTION vmstate.auto_restart_time IS 'From when on vmstate.auto_restart_wait allows the next automatic restart (null: there was none).';
-- end of sql/internal/auto_restart_time.sql

-- copy of sql/decisions/ran_long.sql
CREATE OR REPLACE FUNCTION vmstate.ran_long(p_time_started timestamptz, p_time_reported timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_time_reported - p_time_started >= interval '10 minutes', false);
REVOKE ALL ON FUNCTION vmstate.ran_long FROM PUBLIC;
COMMENT ON FUNCTION vmstate.ran_long IS 'Whether a VMM ran for 10 minutes, by the clock of the database, so that the automatic restarts before it no longer count as a boot loop.';
-- end of sql/decisions/ran_long.sql

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
COMMENT ON FUNCTION vmstate.may_auto_restart IS 'Whether the control plane may restart an instance by itself: it has no VMM that counts, should run, its policy allows it (NULL: best_effort), p_cooldown (vmstate.auto_restart_wait; NULL: 5 minutes) has passed since the last automatic restart, and no update saga holds it. Durable facts only.';
-- end of sql/decisions/may_auto_restart.sql

-- copy of sql/decisions/counts_as_running.sql
CREATE OR REPLACE FUNCTION vmstate.counts_as_running(p_state vmstate.reported_vmm_state, p_is_destination boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_state
  WHEN 'running' THEN true
  WHEN 'rebooting' THEN true
  WHEN 'migrating' THEN NOT p_is_destination
  ELSE false
END;
REVOKE ALL ON FUNCTION vmstate.counts_as_running FROM PUBLIC;
COMMENT ON FUNCTION vmstate.counts_as_running IS 'Whether a report of this state shows that the guest runs, or ran, in the reporting VMM. Agents report the latest state, not each: a VMM that reboots or migrates away has run. The destination of a migration (p_is_destination) reports migrating before the guest arrives.';
-- end of sql/decisions/counts_as_running.sql

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
  -- The destination of a migration of which a side completed has, or had, a guest that ran, though it was never heard to run.
  a.time_started IS NOT NULL OR EXISTS (
    SELECT FROM vmstate.migration AS c
    WHERE c.instance_id = i.id AND c.destination_propolis_id = a.id AND 'completed' IN (c.source_state, c.destination_state)
  ) AS active_was_running,
  d.state AS destination_vmm_state,
  d.time_state_updated AS destination_time_updated,
  d.time_started IS NOT NULL OR EXISTS (
    SELECT FROM vmstate.migration AS c
    WHERE c.instance_id = i.id AND c.destination_propolis_id = d.id AND 'completed' IN (c.source_state, c.destination_state)
  ) AS destination_was_running,
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
  i.time_updater_released
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
  ) AS plan_token,
  r.auto_restart_attempts
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
  least(coalesce(r.active_time_updated, r.time_state_updated), statement_timestamp()) AS time_state_updated,
  r.time_created,
  r.time_modified
FROM vmstate.resolved_instance AS r
WHERE r.time_deleted IS NULL;
COMMENT ON VIEW vmstate.api_instance IS 'Instances as the API shows them; deleted ones are hidden. time_state_updated is the active VMM''s, if there is one; a sled whose clock is ahead is shown as now.';
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
  least(v.time_state_updated, statement_timestamp()) AS time_state_updated,
  v.time_created
FROM vmstate.vmm AS v
WHERE v.time_deleted IS NULL;
COMMENT ON VIEW vmstate.api_vmm IS 'VMMs as the API shows them: saga_unwound appears as destroyed; deleted ones are hidden; a time of a sled in the future is shown as now.';
-- end of sql/views/api_vmm.sql

-- copy of sql/views/pending_update.sql
CREATE OR REPLACE VIEW vmstate.pending_update AS
SELECT c.instance_id, p.verdict, p.state_generation, p.updater_generation, c.since
FROM (
  SELECT u.instance_id, u.since
  FROM (
    SELECT i.id, greatest(i.time_state_updated, m.time_reported,
      CASE WHEN vmstate.is_absorbing(a.state) THEN vmstate.last_heard(a.time_reported, a.time_state_updated, statement_timestamp()) END,
      CASE WHEN vmstate.is_absorbing(d.state) THEN vmstate.last_heard(d.time_reported, d.time_state_updated, statement_timestamp()) END,
      i.updater_lease_until, i.time_updater_released)
    FROM vmstate.instance AS i
    LEFT JOIN vmstate.vmm AS a ON a.instance_id = i.id AND a.id = i.active_propolis_id
    LEFT JOIN vmstate.vmm AS d ON d.instance_id = i.id AND d.id = i.destination_propolis_id
    LEFT JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id
    WHERE i.migration_id IS NOT NULL
    UNION ALL
    SELECT i.id, greatest(i.time_state_updated,
      vmstate.last_heard(v.time_reported, v.time_state_updated, statement_timestamp()),
      i.updater_lease_until, i.time_updater_released)
    FROM vmstate.vmm AS v
    JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.active_propolis_id = v.id AND i.migration_id IS NULL
    WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
      AND v.state IN ('failed', 'destroyed', 'saga_unwound')
      AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
  ) AS u (instance_id, since)
  ORDER BY u.since, u.instance_id
  OFFSET 0
) AS c
CROSS JOIN LATERAL (
  SELECT p.verdict, p.state_generation, p.updater_generation
  FROM vmstate.instance_plan AS p
  WHERE p.instance_id = c.instance_id AND p.needed AND coalesce(p.updater_lease_until <= statement_timestamp(), true)
  -- one candidate after the other: merged, there are more tables than the planner reorders, and it would read them all
  OFFSET 0
) AS p
ORDER BY c.since, c.instance_id;
COMMENT ON VIEW vmstate.pending_update IS 'Work list of the update saga: instances with something to update that no unexpired updater lock holds, oldest first. since: when the need arose, or when the last updater lock ended without a commit, by the clock of the database, so that an instance whose updates fail does not keep others waiting. Run begin_update or run_update on each.';
-- end of sql/views/pending_update.sql

-- copy of sql/views/abandoned_vmm.sql
CREATE OR REPLACE VIEW vmstate.abandoned_vmm AS
SELECT v.instance_id, v.id AS propolis_id, v.sled_id, v.state, v.time_unlinked,
  greatest(v.time_unlinked, vmstate.last_heard(v.time_reported, v.time_state_updated, statement_timestamp())) AS since
FROM vmstate.vmm AS v
WHERE v.time_unlinked IS NOT NULL AND v.time_deleted IS NULL AND vmstate.is_absorbing(v.state)
  AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
ORDER BY since, v.id;
COMMENT ON VIEW vmstate.abandoned_vmm IS 'Work list: dead VMMs that no instance names, oldest first (since: when it was dead and unlinked). Delete each with delete_vmm.';
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
  ) AS expected_to_end,
  v.time_unlinked AS since
FROM (
  SELECT w.instance_id, w.id, w.sled_id, w.propolis_ip, w.propolis_port, w.state, w.time_unlinked
  FROM vmstate.vmm AS w
  WHERE w.time_unlinked IS NOT NULL AND w.time_deleted IS NULL AND NOT vmstate.is_absorbing(w.state)
    AND coalesce(w.time_deleted, 'infinity') = 'infinity' AND least(w.time_deleted, 'infinity') = 'infinity'
  -- sorted before expected_to_end is looked up, so that the first rows cost only their own
  ORDER BY w.time_unlinked, w.id
  OFFSET 0
) AS v;
COMMENT ON VIEW vmstate.orphaned_vmm IS 'Work list: VMMs that live although no instance names them, oldest first (since: when the link was removed). Terminate each on its sled, then it reports destroyed or fail_vmm says so. expected_to_end: the source of a migration that got through, or whose destination has the guest and lives, ends by itself.';
-- end of sql/views/orphaned_vmm.sql

-- copy of sql/views/restartable_instance.sql
CREATE OR REPLACE VIEW vmstate.restartable_instance AS
SELECT
  c.instance_id,
  vmstate.effective_instance_state(c.state, c.active_state, false) AS api_state,
  c.state_generation,
  c.time_last_auto_restarted,
  greatest(c.time_state_updated, c.active_last_heard, c.updater_lease_until, c.time_updater_released,
    vmstate.auto_restart_time(c.time_last_auto_restarted, c.auto_restart_cooldown, c.auto_restart_attempts)) AS since,
  c.auto_restart_attempts,
  coalesce(vmstate.auto_restart_time(c.time_last_auto_restarted, c.auto_restart_cooldown, c.auto_restart_attempts),
    c.time_state_updated) AS time_next_auto_restart
FROM (
  SELECT i.id AS instance_id, i.state, NULL::vmstate.vmm_state AS active_state, NULL::timestamptz AS active_last_heard,
    i.state_generation, i.time_state_updated, i.intended_state, i.auto_restart_policy, i.auto_restart_cooldown,
    i.auto_restart_attempts, i.time_last_auto_restarted, i.updater_lease_until, i.time_updater_released
  FROM vmstate.instance AS i
  WHERE i.state IN ('no_vmm', 'failed') AND i.intended_state = 'running'
    AND i.auto_restart_policy IS DISTINCT FROM 'never'
    AND coalesce(i.time_deleted, 'infinity') = 'infinity' AND least(i.time_deleted, 'infinity') = 'infinity'
  UNION ALL
  SELECT i.id, i.state, v.state, vmstate.last_heard(v.time_reported, v.time_state_updated, statement_timestamp()),
    i.state_generation, i.time_state_updated, i.intended_state, i.auto_restart_policy, i.auto_restart_cooldown,
    CASE WHEN vmstate.ran_long(v.time_started, v.time_reported) THEN 0 ELSE i.auto_restart_attempts END,
    i.time_last_auto_restarted, i.updater_lease_until, i.time_updater_released
  FROM vmstate.vmm AS v
  JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.active_propolis_id = v.id
  WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
    AND v.state = 'saga_unwound'
    AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
) AS c
WHERE vmstate.may_auto_restart(c.state, c.active_state, c.intended_state, c.auto_restart_policy,
  vmstate.auto_restart_wait(c.auto_restart_cooldown, c.auto_restart_attempts), c.time_last_auto_restarted, c.updater_lease_until, statement_timestamp())
ORDER BY since, instance_id;
COMMENT ON VIEW vmstate.restartable_instance IS 'Work list: instances that should run, do not, and may be restarted now, oldest first. since: when the restart became possible, by the clock of the database; auto_restart_attempts: automatic restarts in a row; time_next_auto_restart: from when on cooldown and back-off allow the next. Call begin_start with p_start_reason auto_restart, which checks once more.';
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
  least(v.time_state_updated, statement_timestamp()) AS time_state_updated,
  v.time_unlinked IS NULL AS linked,
  v.time_reported
FROM vmstate.vmm AS v
WHERE v.time_deleted IS NULL AND vmstate.is_watched(v.state);
COMMENT ON VIEW vmstate.watched_vmm IS 'Every VMM that a sled should know of, linked or not, those of deleted instances too: ask the sled agents about them. The whole fleet. time_reported: when the last report was accepted, by the clock of the database (null: none yet); an old one, or a sled that counts its generations anew and is refused as stale, is found by it.';
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
    greatest(r.time_state_updated, r.active_last_heard, r.destination_last_heard, r.migration_last_heard) AS since
  FROM vmstate.resolved_instance AS r
  CROSS JOIN vmstate.instance_plan AS p
  WHERE r.instance_id = c.instance_id AND p.instance_id = c.instance_id
    AND p.api_state IN ('creating', 'starting', 'stopping', 'rebooting', 'migrating')
  OFFSET 0
) AS s
WHERE s.since < statement_timestamp() - vmstate.stuck_after();
COMMENT ON VIEW vmstate.stuck_instance IS 'Instances that have shown creating, starting, stopping, rebooting or migrating for longer than vmstate.stuck_after() (10 minutes) without any news by the clock of the database, with their age and what they wait for.';
-- end of sql/views/stuck_instance.sql

-- copy of sql/internal/require_name.sql
CREATE OR REPLACE FUNCTION vmstate.require_name(p_function text, p_name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF char_length(p_name) NOT BETWEEN 1 AND 63 THEN
    PERFORM vmstate.reject_argument(p_function, 'p_name', format('It has %s characters, not 1 to 63.', char_length(p_name)));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_name FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_name IS 'Raises VM001 for a name of an instance that is empty or too long.';
-- end of sql/internal/require_name.sql

-- copy of sql/internal/require_lease.sql
CREATE OR REPLACE FUNCTION vmstate.require_lease(p_function text, p_lease interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_lease <= interval '0' OR p_lease > interval '1 day'
      -- A month less 29 days compares as 1 day, and may be none or two.
      OR extract(year FROM p_lease) <> 0 OR extract(month FROM p_lease) <> 0 THEN
    PERFORM vmstate.reject_argument(p_function, 'p_lease', format('It is %s, not more than 0 and at most 1 day.', p_lease));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_lease FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_lease IS 'Raises VM001 for a lease that is not positive or longer than 1 day.';
-- end of sql/internal/require_lease.sql

-- copy of sql/internal/reject_generation.sql
CREATE OR REPLACE FUNCTION vmstate.reject_generation(p_row text, p_actual bigint, p_attempted bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM101',
    MESSAGE = format('the generation of %s must rise with this change', p_row),
    DETAIL = format('It is %s; %s was attempted.',
      coalesce(p_actual::pg_catalog.text, 'null'), coalesce(p_attempted::pg_catalog.text, 'null')),
    HINT = 'Use the verbs (begin_start, report_vmm, commit_update, ...): they compare and raise generations.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.reject_generation FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reject_generation IS 'Raises VM101: a guarded change without a newer generation.';
-- end of sql/internal/reject_generation.sql

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
    p_plan.unlinked_propolis_ids, p_plan.terminate_propolis_ids, p_plan.plan_token, p_plan.updater_id
  )::vmstate.update_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_update_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_update_result IS 'The answer of the update saga''s verbs: an instance and its plan, as the verb read them once (all null: no such instance).';
-- end of sql/internal/to_update_result.sql

-- copy of sql/internal/unwind_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.unwind_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  UPDATE vmstate.vmm AS v
    SET state = 'saga_unwound', state_generation = vmstate.next_generation(v.state_generation), time_state_updated = v_now,
      time_reported = v_now, failure_reason = NULL
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unwind_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unwind_vmm IS 'Marks a VMM that the caller has locked and judged as saga_unwound.';
-- end of sql/internal/unwind_vmm.sql

-- copy of sql/internal/release_updater.sql
CREATE OR REPLACE FUNCTION vmstate.release_updater(p_instance_id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  UPDATE vmstate.instance AS i
    SET updater_id = NULL,
      updater_lease_until = NULL,
      updater_parent_id = NULL,
      released_updater_id = i.updater_id,
      time_updater_released = v_now
    WHERE i.id = p_instance_id;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.release_updater FROM PUBLIC;
COMMENT ON FUNCTION vmstate.release_updater IS 'Ends the updater lock without a commit. The caller holds the instance locked and has found the lock held. The fencing token stays, so that the next lock has a higher one.';
-- end of sql/internal/release_updater.sql

-- copy of sql/internal/fail_vmms_of_sled.sql
CREATE OR REPLACE FUNCTION vmstate.fail_vmms_of_sled(p_sled_id uuid, p_propolis_ids uuid[], p_reason vmstate.failure_reason)
RETURNS TABLE (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.vmm_state,
  state_generation bigint,
  update_needed boolean
)
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_ids pg_catalog.uuid[];
  v_now pg_catalog.timestamptz;
BEGIN
  WITH live AS (
    SELECT v.id FROM vmstate.vmm AS v
      WHERE v.sled_id = p_sled_id AND v.time_deleted IS NULL AND NOT vmstate.is_absorbing(v.state)
        AND (p_propolis_ids IS NULL OR v.id = ANY (p_propolis_ids))
      ORDER BY v.id FOR NO KEY UPDATE
  )
  SELECT array_agg(l.id) INTO v_ids FROM live AS l;
  v_now := clock_timestamp();
  RETURN QUERY
    WITH failed AS (
      UPDATE vmstate.vmm AS v
        SET state = 'failed', state_generation = vmstate.next_generation(v.state_generation), time_state_updated = v_now,
          time_reported = v_now, failure_reason = p_reason
        WHERE v.sled_id = p_sled_id AND v.id = ANY (v_ids)
        RETURNING v.instance_id, v.id, v.state, v.state_generation::bigint, v.time_unlinked IS NULL AS linked
    )
    SELECT 'applied'::vmstate.outcome, NULL::pg_catalog.text, f.instance_id, f.id, f.state, f.state_generation, f.linked
      FROM failed AS f ORDER BY f.id;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_vmms_of_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_vmms_of_sled IS 'Fails the live VMMs of a sled, or those of them that are listed. Locks VMMs by id and no instance.';
-- end of sql/internal/fail_vmms_of_sled.sql

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
      updater_parent_id = NULL,
      released_updater_id = p_plan.updater_id,
      committed_updater_generation = p_updater_generation,
      committed_updater_id = p_plan.updater_id,
      committed_plan_token = p_plan.plan_token,
      auto_restart_attempts = p_plan.auto_restart_attempts
    WHERE i.id = p_plan.instance_id;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_plan IS 'Writes an update plan and releases the updater lock: the only code that sets VMM ids to NULL. The caller holds the instance and its links locked read the plan under these locks, and has set its updater_id to the saga that commits.';
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
  v_now pg_catalog.timestamptz := clock_timestamp();
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
      SET source_state = p_state, source_generation = p_generation, time_source_updated = p_time, time_reported = v_now
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
  v_now pg_catalog.timestamptz := clock_timestamp();
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
      SET destination_state = p_state, destination_generation = p_generation, time_destination_updated = p_time, time_reported = v_now
      WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  END IF;
  RETURN coalesce(v_outcome, 'not_found');
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_destination_side FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_destination_side IS 'The part of a report on a migration into the reporting VMM. The caller has locked the migration.';
-- end of sql/internal/report_destination_side.sql

-- copy of sql/internal/parse_report.sql
CREATE OR REPLACE FUNCTION vmstate.parse_report(p_element jsonb, p_ordinal bigint) RETURNS vmstate.vmm_report
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_key pg_catalog.text;
BEGIN
  IF jsonb_typeof(p_element) <> 'object' THEN
    PERFORM vmstate.reject_argument('report_vmms', 'p_reports',
      format('Element %s is a JSON %s, not an object.', p_ordinal, jsonb_typeof(p_element)));
  END IF;
  FOR v_key IN SELECT k.key FROM jsonb_object_keys(p_element - vmstate.report_keys()) AS k (key) ORDER BY k.key LOOP
    PERFORM vmstate.reject_argument('report_vmms', 'p_reports',
      format('Element %s has the unknown key %s. Known keys: %s.', p_ordinal, to_jsonb(v_key), array_to_string(vmstate.report_keys(), ', ')));
  END LOOP;
  RETURN jsonb_populate_record(NULL::vmstate.vmm_report, p_element);
EXCEPTION
  WHEN data_exception THEN
    PERFORM vmstate.reject_argument('report_vmms', 'p_reports', format('Element %s: %s.', p_ordinal, SQLERRM));
END;
$$;
REVOKE ALL ON FUNCTION vmstate.parse_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.parse_report IS 'One JSON object as a report; VM001 names its ordinal when it is none or has an unknown key.';
-- end of sql/internal/parse_report.sql

-- copy of sql/internal/parse_reports.sql
CREATE OR REPLACE FUNCTION vmstate.parse_reports(p_reports jsonb) RETURNS vmstate.numbered_report[]
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- Element by element where one is malformed, so that the first is named, whether the JSON or a value is wrong.
  IF EXISTS (SELECT FROM jsonb_array_elements(p_reports) AS e
      WHERE CASE WHEN jsonb_typeof(e.value) = 'object' THEN e.value - vmstate.report_keys() <> '{}' END) THEN
    PERFORM vmstate.require_report('report_vmms', vmstate.parse_report(e.value, e.ordinality), format('Element %s: ', e.ordinality))
      FROM jsonb_array_elements(p_reports) WITH ORDINALITY AS e;
  END IF;
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
    PERFORM vmstate.require_report('report_vmms', vmstate.parse_report(e.value, e.ordinality), format('Element %s: ', e.ordinality))
      FROM jsonb_array_elements(p_reports) WITH ORDINALITY AS e;
    RAISE;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.parse_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.parse_reports IS 'The elements of a JSON array as reports; VM001 names the first malformed one as soon as any is none or has an unknown key.';
-- end of sql/internal/parse_reports.sql

-- copy of sql/internal/judge_reports.sql
CREATE OR REPLACE FUNCTION vmstate.judge_reports(p_reports vmstate.numbered_report[], p_sleds uuid[])
RETURNS SETOF vmstate.numbered_verdict
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY
    WITH judged AS MATERIALIZED (
      SELECT r.ordinal, r.instance_id, r.propolis_id, vmstate.from_report(r.state) AS new_state,
          vmstate.counts_as_running(r.state, CASE WHEN r.state = 'migrating' THEN EXISTS (
            SELECT FROM vmstate.migration AS m WHERE m.instance_id = r.instance_id AND m.destination_propolis_id = r.propolis_id) END)
            AS counts_as_running,
          r.generation, r.time, r.whole,
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
          time_reported = v_now,
          time_started = CASE WHEN j.counts_as_running THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
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
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
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
          time_reported = v_now,
          time_started = CASE WHEN c.counts_as_running THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
          failure_reason = CASE WHEN c.state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
        FROM (
          SELECT n.instance_id, n.propolis_id, max(n.generation) AS generation,
              (array_agg(n.new_state ORDER BY n.ordinal DESC))[1] AS state,
              (array_agg(n.time ORDER BY n.ordinal DESC))[1] AS time,
              bool_or(vmstate.counts_as_running(n.state,
                CASE WHEN n.state = 'migrating' THEN EXISTS (
                  SELECT FROM vmstate.migration AS m
                    WHERE m.instance_id = n.instance_id AND m.destination_propolis_id = n.propolis_id) END)) AS counts_as_running
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
          NEW.updater_id, NEW.updater_parent_id, NEW.released_updater_id, NEW.time_updater_released,
          NEW.committed_updater_generation, NEW.committed_updater_id, NEW.committed_plan_token, NEW.time_deleted) = 0
        AND NEW.auto_restart_attempts = 0;
    WHEN 'vmm' THEN
      v_begins := NEW.state = 'creating' AND NEW.state_generation = 1 AND NEW.time_unlinked IS NOT NULL
        AND num_nonnulls(NEW.time_started, NEW.time_reported, NEW.failure_reason, NEW.time_deleted) = 0;
    WHEN 'migration' THEN
      v_begins := NEW.source_state = 'pending' AND NEW.source_generation = 1
        AND NEW.destination_state = 'pending' AND NEW.destination_generation = 1
        AND num_nonnulls(NEW.time_reported, NEW.time_deleted) = 0;
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
  IF NEW.committed_updater_generation IS NOT DISTINCT FROM OLD.committed_updater_generation
      AND (NEW.committed_updater_id, NEW.committed_plan_token)
        IS DISTINCT FROM (OLD.committed_updater_id, OLD.committed_plan_token) THEN
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

CREATE OR REPLACE TRIGGER guard_updater BEFORE UPDATE OF
    updater_id, updater_generation, committed_updater_generation, committed_updater_id, committed_plan_token
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_updater();
-- end of sql/guards/guard_updater.sql

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
  PERFORM vmstate.require_name('create_instance', p_name);
  IF p_intended_state NOT IN ('running', 'stopped') THEN
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

-- copy of sql/control_plane/rename_instance.sql
CREATE OR REPLACE FUNCTION vmstate.rename_instance(p_instance_id uuid, p_name text) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_name) > 0 THEN
    PERFORM vmstate.reject_nulls('rename_instance', jsonb_build_object('p_instance_id', p_instance_id, 'p_name', p_name));
  END IF;
  PERFORM vmstate.require_name('rename_instance', p_name);
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.name = p_name THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  -- Looked at before the write, so that two instances that swap their names do not wait for each other in the index.
  ELSIF EXISTS (SELECT FROM vmstate.instance AS i
      WHERE i.project_id = v_instance.project_id AND i.name = p_name AND i.time_deleted IS NULL) THEN
    RETURN vmstate.to_instance_result('conflict', 'name_taken', p_instance_id);
  END IF;

  v_now := clock_timestamp();
  BEGIN
    UPDATE vmstate.instance AS i SET name = p_name, time_modified = v_now WHERE i.id = p_instance_id;
  EXCEPTION
    WHEN unique_violation THEN -- another session took the name meanwhile
      RETURN vmstate.to_instance_result('conflict', 'name_taken', p_instance_id);
  END;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.rename_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.rename_instance IS 'Gives an instance another name (1 to 63 characters), in any state; does not raise the generation. unchanged: it has that name. conflict: name_taken (another instance of the project that is not deleted has the name).';
-- end of sql/control_plane/rename_instance.sql

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
  v_active vmstate.vmm;
  v_attempts integer;
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

  SELECT v.* INTO v_active FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  v_attempts := CASE WHEN vmstate.ran_long(v_active.time_started, v_active.time_reported) THEN 0 ELSE v_instance.auto_restart_attempts END;
  v_now := clock_timestamp();
  v_reason := CASE
    WHEN v_instance.state = 'creating' THEN 'creating'
    WHEN v_active.state IN ('creating', 'starting', 'running', 'rebooting', 'migrating') THEN 'already_started'
    WHEN v_active.state <> 'saga_unwound' THEN 'not_stopped'
    WHEN v_instance.state_generation <> p_expected_generation THEN 'stale_generation'
    WHEN v_auto_restart AND NOT vmstate.may_auto_restart(
        v_instance.state, v_active.state, v_instance.intended_state, v_instance.auto_restart_policy,
        vmstate.auto_restart_wait(v_instance.auto_restart_cooldown, v_attempts),
        v_instance.time_last_auto_restarted, v_instance.updater_lease_until, v_now)
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
      auto_restart_attempts = CASE WHEN v_auto_restart THEN least(v_attempts, 2147483646) + 1 ELSE 0 END,
      time_last_auto_restarted = CASE WHEN v_auto_restart THEN v_now ELSE i.time_last_auto_restarted END,
      time_modified = v_now
    WHERE i.id = p_instance_id;
  RETURN vmstate.to_start_result('applied', NULL, p_instance_id, v_instance.active_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_start IS 'First step of a start saga: inserts the VMM (creating, generation 1) and links it as the active one, replacing NULL or a saga_unwound VMM (replaced_propolis_id) in the same write; the intent becomes running. An automatic restart counts in auto_restart_attempts, a user''s start resets it. p_propolis_port NULL means 12400, p_start_reason (user or auto_restart) NULL means user, p_expected_generation NULL means no check. The same saga and VMM id make a replay. conflict: creating, already_started, not_stopped (a dead or stopping VMM that the update saga has yet to unlink), stale_generation, restart_not_permitted (auto_restart only: intent, policy, vmstate.auto_restart_wait or the updater lock forbid it), propolis_id_taken (also a replay after the saga''s own unwind).';
-- end of sql/control_plane/begin_start.sql

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
    SET source_state = 'failed', source_generation = vmstate.next_generation(m.source_generation), time_source_updated = v_now,
      time_reported = v_now
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id AND m.source_state <> 'failed';
  UPDATE vmstate.migration AS m
    SET destination_state = 'failed', destination_generation = vmstate.next_generation(m.destination_generation), time_destination_updated = v_now,
      time_reported = v_now
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id AND m.destination_state <> 'failed';
  PERFORM vmstate.unwind_vmm(p_instance_id, v_propolis_id);
  RETURN vmstate.to_vmm_result('applied', NULL, p_instance_id, v_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unwind_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unwind_migration IS 'Undo of a migrate saga: marks the destination VMM saga_unwound and both sides of the migration failed. Never writes the instance; its state goes on deriving from the active VMM. Columns state and state_generation are the destination VMM''s. Call it first and only then unregister the VMM from its sled. unchanged: already unwound, or dead and unlinked. conflict: wrong_saga, handed_over (a side completed: the guest may run on the destination).';
-- end of sql/control_plane/unwind_migration.sql

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
    v_plan.updater_id := NULL;
    PERFORM vmstate.apply_plan(v_plan, v_instance.updater_generation + 1);
  END IF;
  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET state = 'destroyed',
      state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      intended_state = 'destroyed',
      updater_id = NULL,
      updater_lease_until = NULL,
      updater_parent_id = NULL,
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
  v_now pg_catalog.timestamptz := clock_timestamp();
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
        time_reported = v_now,
        time_started = CASE
          -- In the statement that finds the VMM: a snapshot before it may show neither the VMM nor the migration to it.
          WHEN vmstate.counts_as_running(p_state, CASE WHEN p_state = 'migrating' THEN EXISTS (
            SELECT FROM vmstate.migration AS m WHERE m.instance_id = p_instance_id AND m.destination_propolis_id = p_propolis_id) END)
          THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
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
COMMENT ON FUNCTION vmstate.report_vmms IS 'Many reports in one call: an array of objects whose keys are the arguments of report_vmm without p_ (absent or null where that allows it); an unknown key is refused, whatever its value. One row per element, in order, with its place from 1 and the columns of report_vmm; of several reports of one VMM, later ones are judged after earlier ones. Locks all VMMs by id, then all migrations by id. VM001 names the element that is malformed, 42501 the one whose VMM is on another sled than the caller''s; nothing is written then.';
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
      PERFORM vmstate.release_updater(p_instance_id);
      v_plan.updater_id := NULL;
      v_plan.updater_lease_until := NULL;
    END IF;
    RETURN vmstate.to_update_result('unchanged', NULL, v_plan);
  END IF;

  UPDATE vmstate.instance AS i
    SET updater_id = p_saga_id,
      updater_generation = CASE WHEN v_is_holder THEN i.updater_generation ELSE i.updater_generation + 1 END,
      updater_parent_id = CASE WHEN v_is_holder THEN i.updater_parent_id END,
      updater_lease_until = CASE WHEN v_is_holder THEN greatest(i.updater_lease_until, v_now + p_lease) ELSE v_now + p_lease END
    WHERE i.id = p_instance_id
    RETURNING i.updater_id, i.updater_generation, i.updater_lease_until
      INTO v_plan.updater_id, v_plan.updater_generation, v_plan.updater_lease_until;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_update IS 'First step of an update saga: takes the updater lock for p_lease (more than 0, at most 1 day) and answers the plan. updater_generation is the fencing token that commit_update, inherit_update and unlock_update ask for. An expired lease may be taken over; the holder again is applied, with the same updater_generation and a lease that never gets shorter. unchanged: nothing to do, no lock kept. conflict: locked (the unexpired lease of another saga).';
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
  ELSIF v_instance.updater_id = p_saga_id AND v_instance.updater_parent_id = p_parent_saga_id
      AND v_instance.updater_generation - 1 = p_updater_generation THEN
    RETURN vmstate.to_update_result('unchanged', NULL, v_plan);
  ELSIF NOT vmstate.holds_updater_lock(v_instance, p_parent_saga_id, p_updater_generation) THEN
    RETURN vmstate.to_update_result('conflict', 'lock_lost', v_plan);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET updater_id = p_saga_id,
      updater_parent_id = p_parent_saga_id,
      updater_generation = i.updater_generation + 1,
      updater_lease_until = greatest(i.updater_lease_until, v_now + p_lease)
    WHERE i.id = p_instance_id
    RETURNING i.updater_id, i.updater_generation, i.updater_lease_until
      INTO v_plan.updater_id, v_plan.updater_generation, v_plan.updater_lease_until;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.inherit_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.inherit_update IS 'A child saga takes the updater lock over from its parent, which p_updater_generation proves to be the holder; the answer has a new updater_generation and the plan. The lock is kept even when nothing is to do any more, and the lease (p_lease: more than 0, at most 1 day) never gets shorter. unchanged: this parent handed the lock to this saga already. conflict: lock_lost.';
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
  ELSIF v_instance.committed_updater_generation = p_updater_generation
      AND v_instance.committed_updater_id = p_saga_id AND v_instance.committed_plan_token = p_plan_token THEN
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
COMMENT ON FUNCTION vmstate.commit_update IS 'Last step of an update saga: writes exactly the plan that p_plan_token names and releases the updater lock. State and intent are decided now, so a VMM unwound meanwhile counts as unwound, and a user''s stop is never overwritten. An expired lease that nobody took still commits. unchanged: this saga committed this plan with this token already. conflict, and nothing written: lock_lost (also for another saga or plan with the token of a committed update), stale_generation (a start or migration replaced an unwound VMM meanwhile), plan_changed (other ids, or other VMMs unlinked or to terminate): plan again with begin_update.';
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
  ELSIF v_instance.updater_id IS NULL AND v_instance.updater_generation = p_updater_generation
      AND v_instance.released_updater_id = p_saga_id THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  ELSIF NOT vmstate.holds_updater_lock(v_instance, p_saga_id, p_updater_generation) THEN
    RETURN vmstate.to_instance_result('conflict', 'lock_lost', p_instance_id);
  END IF;

  PERFORM vmstate.release_updater(p_instance_id);
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unlock_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unlock_update IS 'Undo of an update saga: releases the updater lock and applies nothing. unchanged: this saga''s lock was released already, also by its commit. conflict: lock_lost.';
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
      PERFORM vmstate.release_updater(p_instance_id);
      v_plan.updater_id := NULL;
      v_plan.updater_lease_until := NULL;
    END IF;
    RETURN vmstate.to_update_result('unchanged', NULL, v_plan);
  END IF;

  v_plan.updater_id := p_saga_id;
  PERFORM vmstate.apply_plan(v_plan, v_instance.updater_generation + 1);
  SELECT r.api_state, r.state, r.state_generation, r.active_propolis_id, r.destination_propolis_id, r.migration_id,
      r.updater_id, r.updater_generation, r.updater_lease_until
    INTO v_plan.api_state, v_plan.state, v_plan.state_generation, v_plan.active_propolis_id,
      v_plan.destination_propolis_id, v_plan.migration_id, v_plan.updater_id, v_plan.updater_generation, v_plan.updater_lease_until
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
COMMENT ON FUNCTION vmstate.explain_update IS 'The plan as begin_update would answer it now, read only, and who holds the updater lock (updater_id, updater_generation, updater_lease_until; updater_id null: nobody). applied: there is a plan; unchanged: none.';
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
    SET state = 'failed', state_generation = vmstate.next_generation(v.state_generation), time_state_updated = v_now,
      time_reported = v_now, failure_reason = p_reason
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
BEGIN
  IF num_nulls(p_sled_id, p_reason) > 0 THEN
    PERFORM vmstate.reject_nulls('fail_sled', jsonb_build_object('p_sled_id', p_sled_id, 'p_reason', p_reason));
  END IF;
  RETURN QUERY SELECT f.* FROM vmstate.fail_vmms_of_sled(p_sled_id, NULL, p_reason) AS f;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_sled IS 'The host is dead: every live VMM on the sled becomes failed, those still creating too. One row per VMM it failed, by VMM id; a second call answers no row. Locks VMMs by id and no instance; writes no migration side. A sled that only rebooted may run VMMs that started since: fail_sled_vmms.';
-- end of sql/operator/fail_sled.sql

-- copy of sql/operator/fail_sled_vmms.sql
CREATE OR REPLACE FUNCTION vmstate.fail_sled_vmms(p_sled_id uuid, p_propolis_ids uuid[], p_reason vmstate.failure_reason)
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
BEGIN
  IF num_nulls(p_sled_id, p_propolis_ids, p_reason) > 0 THEN
    PERFORM vmstate.reject_nulls('fail_sled_vmms', jsonb_build_object(
      'p_sled_id', p_sled_id, 'p_propolis_ids', p_propolis_ids, 'p_reason', p_reason));
  ELSIF num_nulls(VARIADIC p_propolis_ids) > 0 THEN
    PERFORM vmstate.reject_argument('fail_sled_vmms', 'p_propolis_ids', 'An element is null.');
  END IF;
  RETURN QUERY SELECT f.* FROM vmstate.fail_vmms_of_sled(p_sled_id, p_propolis_ids, p_reason) AS f;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_sled_vmms FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_sled_vmms IS 'The sled has lost these VMMs, as in a reboot: those of p_propolis_ids that are alive and on this sled become failed, and no VMM that started since. One row per VMM it failed, by VMM id; a second call answers no row. Locks VMMs by id and no instance; writes no migration side. VM001: nulls, also in p_propolis_ids.';
-- end of sql/operator/fail_sled_vmms.sql

-- copy of sql/operator/break_update.sql
CREATE OR REPLACE FUNCTION vmstate.break_update(p_instance_id uuid, p_updater_generation bigint, p_reason text)
RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
BEGIN
  IF num_nulls(p_instance_id, p_updater_generation, p_reason) > 0 THEN
    PERFORM vmstate.reject_nulls('break_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_updater_generation', p_updater_generation, 'p_reason', p_reason));
  ELSIF btrim(p_reason) = '' THEN
    PERFORM vmstate.reject_argument('break_update', 'p_reason', 'It is empty.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.updater_id IS NULL AND v_instance.updater_generation >= p_updater_generation THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  ELSIF v_instance.updater_id IS NULL OR v_instance.updater_generation <> p_updater_generation THEN
    RETURN vmstate.to_instance_result('conflict', 'lock_lost', p_instance_id);
  END IF;

  PERFORM vmstate.release_updater(p_instance_id);
  RAISE LOG 'vmstate.break_update: update % of instance %, held by saga %, was ended: %',
    p_updater_generation, p_instance_id, v_instance.updater_id, p_reason;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.break_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.break_update IS 'An operator ends the updater lock that p_updater_generation names (explain_update shows it), whoever holds it and however long its lease: the holder''s commit is then lock_lost. p_reason, not empty, goes to the server''s log. unchanged: that lock has ended, and nobody holds another. conflict: lock_lost (another lock is held by now, or none was ever given that token).';
-- end of sql/operator/break_update.sql

-- copy of sql/operator/purge.sql
CREATE OR REPLACE FUNCTION vmstate.purge(
  p_before timestamptz,
  p_limit integer DEFAULT 1000
) RETURNS TABLE (
  migrations integer,
  vmms integer,
  instances integer,
  left_over boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_room integer := p_limit;
  v_due integer;
BEGIN
  IF num_nulls(p_before, p_limit) > 0 THEN
    PERFORM vmstate.reject_nulls('purge', jsonb_build_object('p_before', p_before, 'p_limit', p_limit));
  ELSIF p_before > clock_timestamp() - interval '1 hour' THEN
    PERFORM vmstate.reject_argument('purge', 'p_before', format('It is %s, not at least 1 hour ago.', p_before));
  ELSIF p_limit NOT BETWEEN 1 AND 100000 THEN
    PERFORM vmstate.reject_argument('purge', 'p_limit', format('It is %s, not 1 to 100000.', p_limit));
  END IF;

  -- What another session has locked is passed over, so that purge never waits and cannot deadlock, although foreign keys
  -- make it delete in the opposite of the lock order. Each part finds one row more than it may delete: left_over.
  -- OFFSET 0: row by row by index, however many rows are expected to be due.
  WITH due AS MATERIALIZED (
    SELECT d.instance_id, d.id FROM vmstate.migration AS d
      WHERE d.time_deleted < p_before
        AND NOT EXISTS (SELECT FROM vmstate.vmm AS v
          WHERE v.instance_id = d.instance_id AND v.id IN (d.source_propolis_id, d.destination_propolis_id)
            AND v.time_deleted IS NULL
          OFFSET 0)
      ORDER BY d.time_deleted LIMIT v_room + 1 FOR UPDATE SKIP LOCKED
  ),
  purged AS (
    DELETE FROM vmstate.migration AS m USING (SELECT d.* FROM due AS d LIMIT v_room) AS c
      WHERE m.instance_id = c.instance_id AND m.id = c.id RETURNING m.id
  )
  SELECT (SELECT count(*) FROM purged), (SELECT count(*) FROM due) INTO migrations, v_due;
  left_over := v_due > v_room;
  v_room := v_room - migrations;

  WITH due AS MATERIALIZED (
    SELECT d.instance_id, d.id FROM vmstate.vmm AS d
      WHERE d.time_deleted < p_before
        AND NOT EXISTS (SELECT FROM vmstate.migration AS m
          WHERE m.instance_id = d.instance_id AND d.id IN (m.source_propolis_id, m.destination_propolis_id)
          OFFSET 0)
      ORDER BY d.time_deleted LIMIT v_room + 1 FOR UPDATE SKIP LOCKED
  ),
  purged AS (
    DELETE FROM vmstate.vmm AS v USING (SELECT d.* FROM due AS d LIMIT v_room) AS c
      WHERE v.instance_id = c.instance_id AND v.id = c.id RETURNING v.id
  )
  SELECT (SELECT count(*) FROM purged), (SELECT count(*) FROM due) INTO vmms, v_due;
  left_over := left_over OR v_due > v_room;
  v_room := v_room - vmms;

  WITH due AS MATERIALIZED (
    SELECT d.id FROM vmstate.instance AS d
      WHERE d.time_deleted < p_before
        AND NOT EXISTS (SELECT FROM vmstate.vmm AS v WHERE v.instance_id = d.id OFFSET 0)
        AND NOT EXISTS (SELECT FROM vmstate.migration AS m WHERE m.instance_id = d.id OFFSET 0)
      ORDER BY d.time_deleted LIMIT v_room + 1 FOR UPDATE SKIP LOCKED
  ),
  purged AS (
    DELETE FROM vmstate.instance AS i USING (SELECT d.* FROM due AS d LIMIT v_room) AS c
      WHERE i.id = c.id RETURNING i.id
  )
  SELECT (SELECT count(*) FROM purged), (SELECT count(*) FROM due) INTO instances, v_due;
  left_over := left_over OR v_due > v_room;
  RETURN NEXT;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.purge FROM PUBLIC;
COMMENT ON FUNCTION vmstate.purge IS 'Hard-deletes what was soft-deleted before p_before: migrations whose two VMMs are soft-deleted, VMMs that no migration names, instances that have neither; at most p_limit rows (1 to 100000) of all three. One row: how many of each. left_over: more than p_limit rows were due, so call it again. Passes over rows that other sessions have locked, and waits for nobody. Afterwards a late replay of create_instance or a begin begins anew, and a late report is not_found: let p_before lie further back than any saga or partition lasts. VM001: nulls, p_before less than 1 hour ago.';
-- end of sql/operator/purge.sql

-- copy of sql/internal/role_access.sql
CREATE OR REPLACE FUNCTION vmstate.role_access(p_role name, p_kind vmstate.access_kind)
RETURNS TABLE (privilege text, object text, is_held boolean)
LANGUAGE plpgsql STABLE
SET search_path = ''
AS $$
BEGIN
  RETURN QUERY
    SELECT r.privilege, r.object, EXISTS (
        SELECT FROM aclexplode(r.acl) AS a
          JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
          WHERE g.rolname = p_role AND a.privilege_type = r.privilege
      )
      FROM vmstate.access_rights(p_kind) AS r;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.role_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.role_access IS 'Lists what a kind of role needs, and whether the role itself was granted it. What the role has as a member of other roles does not count.';
-- end of sql/internal/role_access.sql

-- copy of sql/internal/other_kinds.sql
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
        -- access to what p_kind includes does not tell that k was granted too
        AND EXISTS (
          SELECT r.privilege, r.object FROM vmstate.access_rights(k) AS r
          EXCEPT
          SELECT r.privilege, r.object FROM vmstate.access_rights(p_kind) AS r
        )
  );
END;
$$;
REVOKE ALL ON FUNCTION vmstate.other_kinds FROM PUBLIC;
COMMENT ON FUNCTION vmstate.other_kinds IS 'The kinds, besides p_kind and those that it includes, of which a role was granted all that they need.';
-- end of sql/internal/other_kinds.sql

-- copy of sql/internal/require_owner.sql
CREATE OR REPLACE FUNCTION vmstate.require_owner(p_function text, p_deed text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF NOT pg_has_role((SELECT n.nspowner FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'vmstate'), 'USAGE') THEN
    RAISE EXCEPTION USING
      ERRCODE = 'insufficient_privilege',
      MESSAGE = format('vmstate.%s: only the owner of schema vmstate %s access', p_function, p_deed),
      DETAIL = format('Role "%s" is not the owner.', current_user),
      HINT = format('Nothing was changed. Call %s as the role that applied the migrations.', p_function);
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_owner FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_owner IS 'Raises 42501 unless the caller owns schema vmstate, or is a member of the owner. To any other role GRANT and REVOKE would say in a warning only that they did nothing.';
-- end of sql/internal/require_owner.sql

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
  PERFORM vmstate.require_owner('grant_access', 'grants');
  -- of two sessions that grant on one object, PostgreSQL fails the later one
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
      HINT = 'Nothing was changed. Call grant_access once for a group role that cannot log in, and GRANT that role to the others; revoke_access takes them off the list.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.grant_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.grant_access IS 'Gives a role all that one kind of role needs. control_plane: every verb, every public view. sled_agent: report_vmm and report_vmms, of the VMMs of the sled that bind_sled_agent names; of views it reads schema_version only. reader: every public view, and explain_update. No kind may touch a table. A role may have several kinds. Roles that are members of the role have its access too: for many sleds, grant once to a group role, since PostgreSQL has room for about 2,400 roles on one object. unchanged: it had all of it already. For the owner of the schema only, with whose rights it runs; call it again after a migration, which may bring new functions and views. revoke_access takes away. 54000: no room for one more role. VM001: no such role, nulls.';
-- end of sql/access/grant_access.sql

-- copy of sql/access/revoke_access.sql
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
    PERFORM vmstate.reject_argument('revoke_access', 'p_kind', 'It is null.');
  END IF;
  PERFORM vmstate.require_role('revoke_access', p_role);
  PERFORM vmstate.require_owner('revoke_access', 'revokes');
  IF EXISTS (SELECT FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'vmstate' AND pg_get_userbyid(n.nspowner) = p_role) THEN
    PERFORM vmstate.reject_argument('revoke_access', 'p_role',
      format('Role "%s" owns schema vmstate: its functions run with the rights of that role.', p_role));
  END IF;
  -- of two sessions that grant or revoke on one object, PostgreSQL fails the later one
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
COMMENT ON FUNCTION vmstate.revoke_access IS 'Takes away from a role what grant_access gave it for one kind, at once, also from transactions that go on. What another kind of the role needs stays, where the role has all of that kind and p_kind does not include it: control_plane includes the other two, so grant them again if they should stay. What the role has as a member of other roles stays, and so does the binding of a sled agent: bind_sled_agent ends it. unchanged: there was nothing to take away. For the owner of the schema only. VM001: no such role, the owner itself, nulls.';
-- end of sql/access/revoke_access.sql

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
COMMENT ON FUNCTION vmstate.bind_sled_agent IS 'Says which sled a role of kind sled_agent reports for, in place of any before; p_sled_id NULL: none, so that it may report nothing. A transaction that reads an older snapshot still goes by the old one: to fence a sled at once, first take its access away: REVOKE its membership of the group role, or revoke_access. It counts for the role that logs in, or that SET ROLE names, not for its members. unchanged: it was so already. For the owner of the schema only. VM001: no such role.';
-- end of sql/access/bind_sled_agent.sql

-- A view calls its functions with the rights of its reader: roles that could read the views still can.
DO $$
DECLARE
  v_role pg_catalog.name;
BEGIN
  FOR v_role IN
    SELECT r.rolname
      FROM pg_catalog.pg_proc AS p
      CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) AS a
      JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
      WHERE p.oid = 'vmstate.effective_instance_state'::pg_catalog.regproc AND a.grantee <> p.proowner
  LOOP
    EXECUTE pg_catalog.format(
      'GRANT EXECUTE ON FUNCTION vmstate.last_heard, vmstate.ran_long, vmstate.auto_restart_wait, vmstate.auto_restart_time
        TO %I', v_role);
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

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (6, '0006_rules_and_verbs', false);
