-- 0021_history: every change of an instance, a VMM or a migration leaves a row in vmstate.history, in its transaction.
-- Why: the tables show what is. What was, when, by whom and why is needed to explain an outage, and lets others follow changes.
-- Objects: table history with its partitions and sequences; triggers record_new and record_change on instance, vmm (record_new)
-- and migration; guard_vmm_state and guard_vmm_deletion record as well; views instance_history, vmm_history, migration_history,
-- history_extent; functions maintain_history, instance_at; access kind operator. Verbs set vmstate.verb. The history begins here:
-- no row is read or copied. ENABLE ALWAYS on guard_state and guard_deletion is reset; set it
-- again, and on the new triggers.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads go on), invariant_violation (ACCESS EXCLUSIVE), for a moment.
-- Breaking: no.
-- With psql, in one transaction that ends at the first error: psql -1 -v ON_ERROR_STOP=1 -f 0021_history.sql

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

-- A label that is added cannot be used in this transaction, and is not.
ALTER TYPE vmstate.access_kind ADD VALUE 'operator';
COMMENT ON TYPE vmstate.access_kind IS 'Names what vmstate.grant_access makes of a role.

Values:
- control_plane: every verb and every public view.
- sled_agent: the reports, of the VMMs of its own sled, and the view schema_version.
- reader: every public view, explain_update, instances_in_state and instance_at.
- operator: what a reader has, and maintain_history.';

CREATE TYPE vmstate.change_kind AS ENUM ('instance', 'vmm', 'migration');
COMMENT ON TYPE vmstate.change_kind IS 'Names the table of a row whose change vmstate.history records.';

CREATE TYPE vmstate.maintenance_result AS (
  outcome vmstate.outcome,
  reason text,
  created integer,
  dropped integer,
  deleted integer
);
COMMENT ON TYPE vmstate.maintenance_result IS 'Answers maintain_history.

How many partitions were made (created) and dropped, and how many rows of history_default were deleted.';

CREATE TYPE vmstate.past_instance_result AS (
  outcome vmstate.outcome,
  reason text,
  "time" timestamptz,
  api_state vmstate.api_instance_state,
  state vmstate.instance_state,
  state_generation bigint,
  intended_state vmstate.intended_state,
  active_propolis_id uuid,
  active_state vmstate.vmm_state,
  active_sled_id uuid,
  destination_propolis_id uuid,
  destination_state vmstate.vmm_state,
  destination_sled_id uuid,
  migration_id uuid
);
COMMENT ON TYPE vmstate.past_instance_result IS 'Answers instance_at: an instance and its VMMs as they were at a time.

time is that of the newest change before. state_generation is null if only the change that followed is recorded.';

CREATE TABLE vmstate.history (
  "time" timestamptz NOT NULL,
  id bigint NOT NULL,
  transaction_id xid8 NOT NULL,
  instance_id uuid NOT NULL,
  kind vmstate.change_kind NOT NULL,
  row_id uuid NOT NULL,
  generation bigint NOT NULL,
  old_state text,
  state text NOT NULL,
  deleted boolean NOT NULL,
  old_active_propolis_id uuid,
  active_propolis_id uuid,
  old_destination_propolis_id uuid,
  destination_propolis_id uuid,
  old_migration_id uuid,
  migration_id uuid,
  old_intended_state vmstate.intended_state,
  intended_state vmstate.intended_state,
  sled_id uuid,
  failure_reason vmstate.failure_reason,
  time_observed timestamptz,
  source_propolis_id uuid,
  old_destination_state vmstate.migration_state,
  destination_state vmstate.migration_state,
  role text NOT NULL,
  verb text,
  saga_id uuid,
  cause text
) PARTITION BY RANGE ("time");

CREATE INDEX history_of_row ON vmstate.history (instance_id, row_id, id);
CREATE INDEX history_in_order ON vmstate.history (id);
CREATE INDEX history_of_transaction ON vmstate.history (transaction_id);

-- CACHE 1: two sessions that change one row one after the other take rising ids, because each takes its id under the row's lock.
CREATE SEQUENCE vmstate.history_id CACHE 1 OWNED BY vmstate.history.id;
-- The greatest id, time (microseconds since 1970) and transaction id that were ever dropped or deleted. Sequences, because a
-- dropped partition is gone for every snapshot, also for one from before the drop: what says so must not wait for a commit.
CREATE SEQUENCE vmstate.history_dropped_id MINVALUE 0 START 0 OWNED BY vmstate.history.id;
CREATE SEQUENCE vmstate.history_dropped_time MINVALUE 0 START 0 OWNED BY vmstate.history."time";
CREATE SEQUENCE vmstate.history_dropped_transaction MINVALUE 0 START 0 OWNED BY vmstate.history.transaction_id;
COMMENT ON SEQUENCE vmstate.history_id IS 'Numbers the rows of vmstate.history.';
COMMENT ON SEQUENCE vmstate.history_dropped_id IS 'The greatest id that maintain_history removed from vmstate.history; 0: none.';
COMMENT ON SEQUENCE vmstate.history_dropped_time IS 'Up to when vmstate.history may lack rows, in microseconds since 1970.

At first the time of the schema migration that made the table, and then of the newest row that maintain_history removed. 0 in a copy of the schema alone.';
COMMENT ON SEQUENCE vmstate.history_dropped_transaction IS 'The greatest transaction_id that maintain_history removed; 0: none.';

COMMENT ON TABLE vmstate.history IS 'Keeps one row for each change of the state of an instance, a VMM or a migration.

Written by triggers in the transaction of the change, whichever role makes it; never updated. Read it through vmstate.instance_history, vmm_history and migration_history. Partitioned by time: maintain_history makes the partitions and drops old ones.';
COMMENT ON COLUMN vmstate.history."time" IS 'The clock of the database at the write, which is before the commit.';
COMMENT ON COLUMN vmstate.history.id IS 'The order of the changes of one row.

Across rows the order of the ids is not that of the commits.';
COMMENT ON COLUMN vmstate.history.transaction_id IS 'The transaction that made the change, not a savepoint in it.';
COMMENT ON COLUMN vmstate.history.row_id IS 'The id of the instance, VMM or migration that changed.

A migration may have the id of a VMM of its instance: kind tells them apart.';
COMMENT ON COLUMN vmstate.history.generation IS 'The generation of the row after the change.

Of a migration the sum of the generations of both sides.';
COMMENT ON COLUMN vmstate.history.old_state IS 'The state before the change; NULL if the row was inserted.

old_state and state of a migration are those of its source side.';
COMMENT ON COLUMN vmstate.history.deleted IS 'Whether the row is soft-deleted after the change.';
COMMENT ON COLUMN vmstate.history.time_observed IS 'When the sled saw the state of the VMM, by the clock of the sled.';
COMMENT ON COLUMN vmstate.history.role IS 'The role that made the change: that of SET ROLE, else the one that logged in.';
COMMENT ON COLUMN vmstate.history.verb IS 'The verb that was called; NULL for a statement that wrote to the table itself.';
COMMENT ON COLUMN vmstate.history.saga_id IS 'The saga of the VMM or migration, or of the begin or commit of the instance.';
COMMENT ON COLUMN vmstate.history.cause IS 'What the caller had put into the setting vmstate.cause: a claim of the caller.

At most 500 characters. For break_update its p_reason.';

CREATE TABLE vmstate.history_default PARTITION OF vmstate.history DEFAULT;
ALTER TABLE vmstate.history_default REPLICA IDENTITY FULL;
COMMENT ON TABLE vmstate.history_default IS 'Takes changes at times that no other partition of vmstate.history covers.

So that a partition that is missing fails no verb. maintain_history makes the others and deletes old rows from here.';

-- by hand: TYPE vmstate.change_kind of sql/types/states.sql as of 64b35e6f41eca0edac21a42a20b357542c29824787c3d79d9306c44679cfa26d
-- by hand: TYPE vmstate.access_kind of sql/types/states.sql as of 0f5e389e49e14eabbad5f53bbab5c661a379be25c42a0b259673a553a88225c2
-- by hand: TYPE vmstate.maintenance_result of sql/types/results.sql as of 797736f7030b4923c0a0f528ef20bc4ca9d746b8016a76dbb78b44d2a2c0a8f3
-- by hand: TYPE vmstate.past_instance_result of sql/types/results.sql as of d056d5cf7cd3a151675e94bf8c6344ad5bcedd734aa1cf89c386102e8c93bbc6
-- by hand: TABLE vmstate.history of sql/tables/history.sql as of 55a86910eafaa4277732872ec9051444680dc99bd881ca8106107b25fb5ed730
-- by hand: TABLE vmstate.history_default of sql/tables/history.sql as of 07e89fa0a4de3b9caa670bdce8780ef330848fb75dd6cc0326f5bc04ffd11d59
-- by hand: ALTER TABLE vmstate.history of sql/tables/history_partitions.sql as of bd5c5df72f137382254c52d54c4c68869d8cec112c942a5eb7af295a3443aa29

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
SELECT v.instance_id, v.id, 'migration_id_leads_to_the_vmm', format('migration %s leads to the VMM, not %s', m.id, v.migration_id)
FROM vmstate.migration AS m
JOIN vmstate.vmm AS v ON v.instance_id = m.instance_id AND v.id = m.destination_propolis_id
WHERE v.migration_id <> m.id
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
WHERE v.sled_id = s.sled_id
UNION ALL
SELECT i.id, i.active_propolis_id, 'history_agrees', 'the instance is not as its newest recorded change left it'
FROM vmstate.instance AS i
CROSS JOIN LATERAL (
  SELECT h.state, h.generation, h.active_propolis_id, h.destination_propolis_id, h.migration_id, h.intended_state, h.deleted
  FROM vmstate.history AS h
  WHERE h.instance_id = i.id AND h.row_id = i.id AND h.kind = 'instance'
  ORDER BY h.id DESC LIMIT 1
) AS h
WHERE (h.state, h.generation, h.active_propolis_id, h.destination_propolis_id, h.migration_id, h.intended_state, h.deleted)
  IS DISTINCT FROM
  (i.state::text, i.state_generation::bigint, i.active_propolis_id, i.destination_propolis_id, i.migration_id, i.intended_state, i.time_deleted IS NOT NULL)
UNION ALL
SELECT v.instance_id, v.id, 'history_agrees', 'the VMM is not as its newest recorded change left it'
FROM vmstate.vmm AS v
CROSS JOIN LATERAL (
  SELECT h.state, h.generation, h.failure_reason, h.deleted
  FROM vmstate.history AS h
  WHERE h.instance_id = v.instance_id AND h.row_id = v.id AND h.kind = 'vmm'
  ORDER BY h.id DESC LIMIT 1
) AS h
-- Health reports raise the generation and are not recorded.
WHERE (h.state, h.failure_reason, h.deleted) IS DISTINCT FROM (v.state::text, v.failure_reason, v.time_deleted IS NOT NULL)
  OR h.generation > v.state_generation
UNION ALL
SELECT m.instance_id, m.destination_propolis_id, 'history_agrees', format('migration %s is not as its newest recorded change left it', m.id)
FROM vmstate.migration AS m
CROSS JOIN LATERAL (
  SELECT h.state, h.destination_state, h.generation, h.deleted
  FROM vmstate.history AS h
  WHERE h.instance_id = m.instance_id AND h.row_id = m.id AND h.kind = 'migration'
  ORDER BY h.id DESC LIMIT 1
) AS h
WHERE (h.state, h.destination_state, h.deleted) IS DISTINCT FROM (m.source_state::text, m.destination_state, m.time_deleted IS NOT NULL)
  OR h.generation > m.source_generation + m.destination_generation
UNION ALL
SELECT h.instance_id, NULL, 'history_id_is_ahead', format('change %s is recorded, and the sequence history_id has only reached %s', h.id, s.last_value)
FROM vmstate.history_id AS s
CROSS JOIN (SELECT n.instance_id, n.id FROM vmstate.history AS n ORDER BY n.id DESC LIMIT 1) AS h
WHERE h.id > CASE WHEN s.is_called THEN s.last_value ELSE 0 END;
COMMENT ON VIEW vmstate.invariant_violation IS 'Lists breaches of the invariants, one row each: empty in a sound database.

A row means that triggers or foreign keys were switched off, or, of history_id_is_ahead, that rows of the history came by logical replication, which copies no sequence. propolis_id is null for an instance without a VMM. Reads whole tables.';
-- end of sql/views/invariant_violation.sql

-- copy of sql/views/instance_history.sql
CREATE OR REPLACE VIEW vmstate.instance_history AS
SELECT
  h."time",
  h.id,
  h.transaction_id,
  h.instance_id,
  h.generation,
  h.old_state::vmstate.instance_state AS old_state,
  h.state::vmstate.instance_state AS state,
  h.deleted,
  h.old_active_propolis_id,
  h.active_propolis_id,
  h.old_destination_propolis_id,
  h.destination_propolis_id,
  h.old_migration_id,
  h.migration_id,
  h.old_intended_state,
  h.intended_state,
  h.role,
  h.verb,
  h.saga_id,
  h.cause
FROM vmstate.history AS h
-- The first comparison makes the index that begins with both ids one in the order of id.
WHERE h.row_id = h.instance_id AND h.kind = 'instance'
ORDER BY h.id;
COMMENT ON VIEW vmstate.instance_history IS 'Lists the changes of instances, oldest first.

One row for each change of the state, the generation, a link, the intent, and for a deletion; and one for each updater lock that break_update ended. old_state is null where the instance was inserted. The columns role, verb, saga_id and cause say who made the change. vmstate.history_extent says since when changes are recorded.';
-- end of sql/views/instance_history.sql

-- copy of sql/views/vmm_history.sql
CREATE OR REPLACE VIEW vmstate.vmm_history AS
SELECT
  h."time",
  h.id,
  h.transaction_id,
  h.instance_id,
  h.row_id,
  h.generation,
  h.old_state::vmstate.vmm_state AS old_state,
  h.state::vmstate.vmm_state AS state,
  h.deleted,
  h.sled_id,
  h.failure_reason,
  h.time_observed,
  h.role,
  h.verb,
  h.saga_id,
  h.cause
FROM vmstate.history AS h
WHERE h.kind = 'vmm'
ORDER BY h.id;
COMMENT ON VIEW vmstate.vmm_history IS 'Lists the changes of VMMs, oldest first.

One row for each change of the state or the failure_reason, and for a deletion; none for a health report. row_id is the id of the VMM. Shows saga_unwound as it is. time_observed is when the sled saw the state, by the clock of the sled.';
-- end of sql/views/vmm_history.sql

-- copy of sql/views/migration_history.sql
CREATE OR REPLACE VIEW vmstate.migration_history AS
SELECT
  h."time",
  h.id,
  h.transaction_id,
  h.instance_id,
  h.row_id,
  least(h.generation, 9007199254740991) AS generation,
  h.old_state::vmstate.migration_state AS old_state,
  h.state::vmstate.migration_state AS state,
  h.old_destination_state,
  h.destination_state,
  h.deleted,
  h.source_propolis_id,
  h.destination_propolis_id,
  h.role,
  h.verb,
  h.saga_id,
  h.cause
FROM vmstate.history AS h
WHERE h.kind = 'migration'
ORDER BY h.id;
COMMENT ON VIEW vmstate.migration_history IS 'Lists the changes of migrations, oldest first.

One row for each change of the state of a side, and for a deletion. row_id is the id of the migration. old_state and state are those of the source side; generation is the sum of the generations of both sides, at most 2^53-1.';
-- end of sql/views/migration_history.sql

-- copy of sql/views/history_extent.sql
CREATE OR REPLACE VIEW vmstate.history_extent AS
SELECT
  CASE
    WHEN d.last_value > 0 THEN timestamptz '1970-01-01 00:00:00+00' + d.last_value * interval '1 microsecond'
    ELSE (SELECT h."time" FROM vmstate.history AS h ORDER BY h.id LIMIT 1)
  END AS since,
  i.last_value AS last_dropped_id
FROM vmstate.history_dropped_time AS d
CROSS JOIN vmstate.history_dropped_id AS i;
COMMENT ON VIEW vmstate.history_extent IS 'Shows since when the history is whole, and the greatest id that was removed.

since is when the history began, or the time of the newest change that maintain_history removed. In a copy of the schema without its sequences: the time of the oldest change. last_dropped_id is 0 if nothing was removed.';
-- end of sql/views/history_extent.sql

-- copy of sql/guards/guard_vmm_state.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_state() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_row pg_catalog.text;
  v_old vmstate.vmm;
  v_may_run boolean := false;
  v_context pg_catalog.text;
BEGIN
  -- Accepts at once what no check refuses.
  IF NOT (NEW.state_generation > OLD.state_generation AND NEW.state NOT IN ('creating', 'saga_unwound')
      AND OLD.state NOT IN ('failed', 'destroyed', 'saga_unwound') AND (NEW.state = 'failed') = (NEW.failure_reason IS NOT NULL)) THEN
    v_row := format('VMM %s', OLD.id);
    IF NEW.state = 'saga_unwound' AND OLD.state <> 'saga_unwound' THEN
      -- OLD has the row type of its partition or shard.
      v_old := OLD;
      v_may_run := vmstate.is_handed_over(v_old);
      v_may_run := v_may_run OR EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = OLD.instance_id AND m.destination_propolis_id = OLD.id
          AND NOT (m.source_state = 'failed' AND m.destination_state = 'failed'));
      -- The migration to this VMM was purged, and the VMM outlived it: the guest has moved to this VMM.
      v_may_run := v_may_run OR (OLD.migration_id IS NOT NULL AND NOT EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = OLD.instance_id AND m.id = OLD.migration_id));
    END IF;
    IF NEW.state <> OLD.state AND (NEW.state = 'creating' OR vmstate.is_absorbing(OLD.state))
        AND NOT (OLD.state IN ('failed', 'destroyed') AND NEW.state = 'saga_unwound' AND NEW.time_unlinked IS NULL) THEN
      PERFORM vmstate.raise_invalid_transition(v_row, OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
        'No VMM becomes creating again, and a dead VMM stays dead: begin_start inserts a new VMM. Only unwind_start and unwind_migration mark a dead VMM saga_unwound, while an instance names the VMM.');
    ELSIF v_may_run THEN
      PERFORM vmstate.raise_invalid_transition(v_row, OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
        'The guest of a migration may run in the VMM. unwind_migration first fails both sides of a migration to the VMM; unwind_start refuses a VMM whose guest was handed over.');
    ELSIF NEW.state_generation < OLD.state_generation
        OR (NEW.state_generation = OLD.state_generation
          AND (OLD.state, OLD.time_state_updated, OLD.time_started, OLD.failure_reason)
            IS DISTINCT FROM (NEW.state, NEW.time_state_updated, NEW.time_started, NEW.failure_reason)
          AND NOT (NEW.state <> OLD.state AND vmstate.is_absorbing(NEW.state)
            AND NEW.state_generation = vmstate.next_generation(OLD.state_generation))) THEN
      PERFORM vmstate.raise_old_generation(v_row, OLD.state_generation, NEW.state_generation);
    ELSIF (NEW.state = 'failed') <> (NEW.failure_reason IS NOT NULL) THEN
      -- No CHECK of the table: a CHECK comes before this trigger, and would refuse a write to a dead VMM as 23514, not as VM102.
      RAISE EXCEPTION USING
        ERRCODE = 'check_violation',
        MESSAGE = format('%s cannot be %s with failure_reason %s', v_row, NEW.state, coalesce(NEW.failure_reason::pg_catalog.text, 'null')),
        DETAIL = format('Found: state %s. Attempted: state %s with failure_reason %s.',
          OLD.state, NEW.state, coalesce(NEW.failure_reason::pg_catalog.text, 'null')),
        HINT = 'A VMM has a failure_reason if and only if its state is failed; fail_vmm writes both columns.',
        SCHEMA = 'vmstate', TABLE = 'vmm', CONSTRAINT = 'failure_reason_iff_failed';
    END IF;
  END IF;
  -- Trigger guard_state alone has an argument: a write that both triggers judge is recorded once. As record_new_vmm does.
  IF TG_NARGS > 0 THEN
    UNLISTEN vmstate_history;
    GET DIAGNOSTICS v_context = PG_CONTEXT;
    INSERT INTO vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, old_state, state, deleted,
        sled_id, failure_reason, time_observed, role, verb, saga_id, cause)
      VALUES (clock_timestamp(), nextval('vmstate.history_id'::pg_catalog.regclass), pg_current_xact_id(),
        NEW.instance_id, 'vmm', NEW.id, NEW.state_generation, OLD.state, NEW.state, NEW.time_deleted IS NOT NULL,
        NEW.sled_id, NEW.failure_reason, NEW.time_state_updated, vmstate.session_role(),
        CASE WHEN split_part(v_context, 'vmstate.' || current_setting('vmstate.verb', true) || '(', 2) <> '' THEN current_setting('vmstate.verb', true) END,
        NEW.saga_id, nullif(left(current_setting('vmstate.cause', true), 500), ''));
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_state IS 'Refuses changes of a VMM that are backward or raise no generation.

Records every other change of the state or the failure_reason in the history, with the rights of the owner: a role that was granted UPDATE on the table may write no history itself.

Errors:
- 23514: a VMM has a failure_reason if and only if its state is failed.
- VM101: what a report changes raises the generation, which never falls.
- VM102: no VMM becomes creating again, and a dead VMM stays dead, but failed or destroyed may become saga_unwound while linked; the destination of a migration becomes saga_unwound only after both sides failed, and a VMM whose guest was handed over never does.';

-- The two triggers with WHEN conditions, of one function: a write is judged when its generation is not newer, or when it changes
-- the state or the failure_reason. A health report writes neither of these two, so its statement evaluates the first condition
-- alone. Each condition is short, because every statement copies the conditions of all triggers of its table as text, and parses
-- those that it evaluates.
CREATE OR REPLACE TRIGGER guard_generation AFTER UPDATE OF state, state_generation, time_state_updated, time_started, failure_reason
  ON vmstate.vmm
  FOR EACH ROW WHEN (NEW.state_generation <= OLD.state_generation)
  EXECUTE FUNCTION vmstate.guard_vmm_state();

CREATE OR REPLACE TRIGGER guard_state AFTER UPDATE OF state, failure_reason
  ON vmstate.vmm
  FOR EACH ROW WHEN (NEW.state <> OLD.state OR NEW.failure_reason IS DISTINCT FROM OLD.failure_reason)
  EXECUTE FUNCTION vmstate.guard_vmm_state('record');
-- end of sql/guards/guard_vmm_state.sql

-- copy of sql/guards/guard_vmm_deletion.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_deletion() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_context pg_catalog.text;
BEGIN
  IF OLD.time_deleted IS NOT DISTINCT FROM NEW.time_deleted THEN
    RETURN NULL;
  ELSIF OLD.time_deleted IS NOT NULL THEN
    PERFORM vmstate.raise_invalid_transition(format('the time of deletion of VMM %s', OLD.id),
      OLD.time_deleted::pg_catalog.text, coalesce(NEW.time_deleted::pg_catalog.text, 'null'),
      'A deletion is final. Start the instance with begin_start, which inserts a new VMM.');
  ELSIF NEW.time_unlinked IS NULL OR NOT vmstate.is_absorbing(NEW.state) THEN
    PERFORM vmstate.raise_link_protected(
      format('VMM %s: %s', OLD.id, CASE WHEN NEW.time_unlinked IS NULL THEN 'an instance names the VMM' ELSE 'the VMM is alive' END),
      format('%s, %s', NEW.state, CASE WHEN NEW.time_unlinked IS NULL THEN 'linked' ELSE 'not linked' END),
      'deletion',
      'fail_vmm declares a VMM dead, run_update unlinks a dead VMM, and delete_vmm then deletes the VMM.');
  END IF;
  -- Trigger guard_state records a write that changes the state as well.
  IF NEW.state = OLD.state AND NEW.failure_reason IS NOT DISTINCT FROM OLD.failure_reason THEN
    -- As record_new_vmm does.
    UNLISTEN vmstate_history;
    GET DIAGNOSTICS v_context = PG_CONTEXT;
    INSERT INTO vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, old_state, state, deleted,
        sled_id, failure_reason, time_observed, role, verb, saga_id, cause)
      VALUES (clock_timestamp(), nextval('vmstate.history_id'::pg_catalog.regclass), pg_current_xact_id(),
        NEW.instance_id, 'vmm', NEW.id, NEW.state_generation, OLD.state, NEW.state, true,
        NEW.sled_id, NEW.failure_reason, NEW.time_state_updated, vmstate.session_role(),
        CASE WHEN split_part(v_context, 'vmstate.' || current_setting('vmstate.verb', true) || '(', 2) <> '' THEN current_setting('vmstate.verb', true) END,
        NEW.saga_id, nullif(left(current_setting('vmstate.cause', true), 500), ''));
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_deletion FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_deletion IS 'Refuses the deletion of a VMM that an instance names or that is alive.

Records every other deletion in the history, with the rights of the owner.

Errors:
- VM102: the deletion of a VMM is final.
- VM104: a VMM that an instance names, or that is alive, is not deleted.';

CREATE OR REPLACE TRIGGER guard_deletion AFTER UPDATE OF time_deleted ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_vmm_deletion();
-- end of sql/guards/guard_vmm_deletion.sql

-- copy of sql/guards/record_new_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.record_new_vmm() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_context pg_catalog.text;
BEGIN
  -- PostgreSQL refuses UNLISTEN where it runs the functions of one role in the session of another, for example those of an
  -- index during ANALYZE: the history would name the wrong role there. Nobody listens to this channel.
  UNLISTEN vmstate_history;
  -- Anybody may set vmstate.verb. A verb sets its own name first, over what its caller has set, and stands in the call stack as
  -- long as it runs. The words around its name there are translated; its name and the parenthesis are not.
  GET DIAGNOSTICS v_context = PG_CONTEXT;
  INSERT INTO vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, state, deleted,
      sled_id, failure_reason, time_observed, role, verb, saga_id, cause)
    VALUES (clock_timestamp(), nextval('vmstate.history_id'::pg_catalog.regclass), pg_current_xact_id(),
      NEW.instance_id, 'vmm', NEW.id, NEW.state_generation, NEW.state, NEW.time_deleted IS NOT NULL,
      NEW.sled_id, NEW.failure_reason, NEW.time_state_updated, vmstate.session_role(),
      CASE WHEN split_part(v_context, 'vmstate.' || current_setting('vmstate.verb', true) || '(', 2) <> '' THEN current_setting('vmstate.verb', true) END,
      NEW.saga_id, nullif(left(current_setting('vmstate.cause', true), 500), ''));
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.record_new_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.record_new_vmm IS 'Records in the history that a VMM was inserted.

guard_vmm_state and guard_vmm_deletion record how it changes: a health report evaluates no trigger more than without the history.';

CREATE OR REPLACE TRIGGER record_new AFTER INSERT ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.record_new_vmm();
-- end of sql/guards/record_new_vmm.sql

-- copy of sql/guards/record_instance.sql
CREATE OR REPLACE FUNCTION vmstate.record_instance() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_saga_id pg_catalog.uuid;
  v_context pg_catalog.text;
BEGIN
  -- In this order, because almost every change raises the generation or is one of the intent: then the rest is not compared.
  IF NEW.state_generation = OLD.state_generation THEN
    IF NEW.intended_state = OLD.intended_state THEN
      IF (OLD.state, OLD.active_propolis_id, OLD.destination_propolis_id, OLD.migration_id, OLD.time_deleted)
          IS NOT DISTINCT FROM
          (NEW.state, NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id, NEW.time_deleted) THEN
        RETURN NULL;
      END IF;
    END IF;
  END IF;
  -- The saga follows from the rows: a commit writes its saga, and a new link is that of the saga which inserted the VMM.
  IF NEW.committed_updater_generation IS DISTINCT FROM OLD.committed_updater_generation THEN
    v_saga_id := NEW.committed_updater_id;
  ELSIF NEW.active_propolis_id IS DISTINCT FROM OLD.active_propolis_id
      OR NEW.destination_propolis_id IS DISTINCT FROM OLD.destination_propolis_id THEN
    SELECT v.saga_id INTO v_saga_id FROM vmstate.vmm AS v
      WHERE v.instance_id = NEW.id
        AND v.id = CASE
          WHEN NEW.active_propolis_id IS DISTINCT FROM OLD.active_propolis_id THEN nullif(NEW.active_propolis_id, OLD.destination_propolis_id)
          ELSE NEW.destination_propolis_id
        END;
  END IF;

  -- As record_new_vmm does.
  UNLISTEN vmstate_history;
  GET DIAGNOSTICS v_context = PG_CONTEXT;
  INSERT INTO vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, old_state, state, deleted,
      old_active_propolis_id, active_propolis_id, old_destination_propolis_id, destination_propolis_id,
      old_migration_id, migration_id, old_intended_state, intended_state, role, verb, saga_id, cause)
    VALUES (clock_timestamp(), nextval('vmstate.history_id'::pg_catalog.regclass), pg_current_xact_id(),
      NEW.id, 'instance', NEW.id, NEW.state_generation, OLD.state, NEW.state, NEW.time_deleted IS NOT NULL,
      OLD.active_propolis_id, NEW.active_propolis_id, OLD.destination_propolis_id, NEW.destination_propolis_id,
      OLD.migration_id, NEW.migration_id, OLD.intended_state, NEW.intended_state, vmstate.session_role(),
      CASE WHEN split_part(v_context, 'vmstate.' || current_setting('vmstate.verb', true) || '(', 2) <> '' THEN current_setting('vmstate.verb', true) END,
      v_saga_id, nullif(left(current_setting('vmstate.cause', true), 500), ''));
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.record_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.record_instance IS 'Records in the history that an instance was inserted or changed.

A change is one of the state, the generation, a linked id, the intent, or a deletion: not of the updater lock, the name or the auto-restart configuration.';

CREATE OR REPLACE TRIGGER record_new AFTER INSERT ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.record_instance();

CREATE OR REPLACE TRIGGER record_change AFTER UPDATE OF
    state, state_generation, active_propolis_id, destination_propolis_id, migration_id, intended_state, time_deleted
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.record_instance();
-- end of sql/guards/record_instance.sql

-- copy of sql/guards/record_migration.sql
CREATE OR REPLACE FUNCTION vmstate.record_migration() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_context pg_catalog.text;
BEGIN
  IF TG_OP = 'UPDATE'
      AND (OLD.source_state, OLD.destination_state, OLD.time_deleted)
        IS NOT DISTINCT FROM (NEW.source_state, NEW.destination_state, NEW.time_deleted) THEN
    RETURN NULL;
  END IF;
  -- As record_new_vmm does.
  UNLISTEN vmstate_history;
  GET DIAGNOSTICS v_context = PG_CONTEXT;
  INSERT INTO vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, old_state, state, deleted,
      source_propolis_id, destination_propolis_id, old_destination_state, destination_state, role, verb, saga_id, cause)
    VALUES (clock_timestamp(), nextval('vmstate.history_id'::pg_catalog.regclass), pg_current_xact_id(),
      NEW.instance_id, 'migration', NEW.id, NEW.source_generation + NEW.destination_generation,
      OLD.source_state, NEW.source_state, NEW.time_deleted IS NOT NULL,
      NEW.source_propolis_id, NEW.destination_propolis_id, OLD.destination_state, NEW.destination_state, vmstate.session_role(),
      CASE WHEN split_part(v_context, 'vmstate.' || current_setting('vmstate.verb', true) || '(', 2) <> '' THEN current_setting('vmstate.verb', true) END,
      NEW.saga_id, nullif(left(current_setting('vmstate.cause', true), 500), ''));
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.record_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.record_migration IS 'Records in the history that a migration was inserted or changed.

A change is one of the state of a side, or a deletion. The columns old_state and state are those of the source side.';

CREATE OR REPLACE TRIGGER record_new AFTER INSERT ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.record_migration();

CREATE OR REPLACE TRIGGER record_change AFTER UPDATE OF source_state, destination_state, time_deleted ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.record_migration();
-- end of sql/guards/record_migration.sql

-- copy of sql/guards/guard_history.sql
CREATE OR REPLACE FUNCTION vmstate.guard_history() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF TG_OP = 'DELETE' AND extract(epoch FROM OLD.time) * 1000000 <= (SELECT d.last_value FROM vmstate.history_dropped_time AS d) THEN
    RETURN OLD;
  END IF;
  PERFORM vmstate.raise_link_protected('vmstate.history: what happened stays recorded', 'a recorded change', TG_OP,
    'vmstate.maintain_history removes what is older than its p_keep. Nothing else removes or changes a row.');
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_history FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_history IS 'Refuses to change or remove a recorded change.

Lets through a DELETE of what maintain_history has given up before: see vmstate.history_extent.

Errors:
- VM104: a row of the history is never changed, and none within its extent is removed.';

CREATE OR REPLACE TRIGGER guard_history BEFORE UPDATE OR DELETE ON vmstate.history
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_history();

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.history
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_history();

-- PostgreSQL gives each partition the trigger for rows, but not the one for statements.
CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.history_default
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_history();
-- end of sql/guards/guard_history.sql

-- copy of sql/verbs/operator/steps/history_partitions.sql
CREATE OR REPLACE FUNCTION vmstate.history_partitions() RETURNS TABLE (name text, lower timestamptz, upper timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = ''
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
BEGIN
  RETURN QUERY
    SELECT c.oid::pg_catalog.regclass::pg_catalog.text, b.bounds[1]::pg_catalog.timestamptz, b.bounds[2]::pg_catalog.timestamptz
      FROM pg_catalog.pg_inherits AS i
      JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
      CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(.*)''\) TO \(''(.*)''\)') AS b (bounds)
      WHERE i.inhparent = 'vmstate.history'::pg_catalog.regclass AND b.bounds IS NOT NULL
      ORDER BY 2;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.history_partitions FROM PUBLIC;
COMMENT ON FUNCTION vmstate.history_partitions IS 'Lists the partitions of the history with their bounds, without the default.';
-- end of sql/verbs/operator/steps/history_partitions.sql

-- copy of sql/verbs/operator/steps/add_history_partition.sql
CREATE OR REPLACE FUNCTION vmstate.add_history_partition(p_from timestamptz, p_to timestamptz) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
SET timezone = 'UTC'
SET datestyle = 'ISO'
SET default_tablespace = ''
AS $$
DECLARE
  v_name pg_catalog.text := 'history_' || to_char(p_from, 'YYYYMMDD_HH24MI');
BEGIN
  IF (p_from < p_to) IS NOT TRUE
      OR EXISTS (SELECT FROM vmstate.history_partitions() AS p WHERE p.lower < p_to AND p.upper > p_from) THEN
    RETURN;
  END IF;
  -- ATTACH keeps no verb from writing to the other partitions, as CREATE TABLE … PARTITION OF would.
  EXECUTE format('CREATE TABLE vmstate.%I (LIKE vmstate.history INCLUDING ALL EXCLUDING INDEXES EXCLUDING COMMENTS)', v_name);
  EXECUTE format('ALTER TABLE vmstate.%I REPLICA IDENTITY FULL', v_name);
  EXECUTE format('CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.%I FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_history()', v_name);
  EXECUTE format('COMMENT ON TABLE vmstate.%I IS %L', v_name, 'Takes changes of vmstate.history. Made and dropped by maintain_history.');
  EXECUTE format('ALTER TABLE vmstate.history ATTACH PARTITION vmstate.%I FOR VALUES FROM (%L) TO (%L)', v_name, p_from, p_to);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.add_history_partition FROM PUBLIC;
COMMENT ON FUNCTION vmstate.add_history_partition IS 'Adds the partition of the history for one range of time.

Locks history (SHARE UPDATE EXCLUSIVE) and history_default (ACCESS EXCLUSIVE), of which ATTACH reads every row. PostgreSQL raises 23514 if one of those rows belongs to the new partition.';
-- end of sql/verbs/operator/steps/add_history_partition.sql

-- copy of sql/verbs/control_plane/steps/delete_dead_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.delete_dead_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_vmm pg_catalog.record;
  v_now pg_catalog.timestamptz;
BEGIN
  SELECT v.state, v.state_generation, v.time_unlinked, v.time_deleted INTO v_vmm
    FROM vmstate.vmm AS v WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
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
  RETURN ROW('applied', NULL, v_vmm.state, v_vmm.state_generation)::vmstate.vmm_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_dead_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_dead_vmm IS 'Soft-deletes a VMM if it is dead and no instance names it.

The part of delete_vmm that settle does as well.';
-- end of sql/verbs/control_plane/steps/delete_dead_vmm.sql

-- copy of sql/verbs/control_plane/begin_migration.sql
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
  v_verb pg_catalog.text := set_config('vmstate.verb', 'begin_migration', true);
  v_instance vmstate.instance;
  v_active vmstate.vmm;
  v_destination_state vmstate.vmm_state;
  v_reason pg_catalog.text;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_migration_id, p_source_propolis_id, p_destination_propolis_id,
      p_sled_id, p_propolis_ip) > 0 THEN
    PERFORM vmstate.raise_null_argument('begin_migration', jsonb_build_object(
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

  -- Changes no value. The write makes an unwind_start of the source fail if its snapshot is too old to see the migration.
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
COMMENT ON FUNCTION vmstate.begin_migration IS 'Begins a migration: inserts the destination VMM and the migration, links both.

First step of a migrate saga. The destination VMM is inserted in state creating, at generation 1, and the migration with both sides pending; in the same write they replace NULL or a saga_unwound destination VMM. p_propolis_port is 12400 if NULL. p_expected_generation is the generation of the instance; NULL means no check. The same instance, saga, migration, source and destination make a replay.

Outcomes:
- applied: the destination VMM and the migration were inserted and linked.
- unchanged: this saga began this migration between these two VMMs before; nothing was written.
- conflict/not_running: the instance has no active VMM that is running or rebooting.
- conflict/wrong_source: the active VMM is another than p_source_propolis_id.
- conflict/migration_in_progress: a migration is linked whose destination VMM is not saga_unwound.
- conflict/same_sled: the active VMM is on p_sled_id already.
- conflict/stale_generation: the generation of the instance is not p_expected_generation.
- conflict/propolis_id_taken: a VMM with the id p_destination_propolis_id exists, also when this saga inserted and has unwound that VMM.
- conflict/migration_id_taken: a migration with the id p_migration_id exists.
- gone: the instance was deleted, or a replay names a VMM or a migration that was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument without a default is null, or p_propolis_port is not 0 to 65535.';
-- end of sql/verbs/control_plane/begin_migration.sql

-- copy of sql/verbs/control_plane/begin_start.sql
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
  v_verb pg_catalog.text := set_config('vmstate.verb', 'begin_start', true);
  v_auto_restart boolean := coalesce(p_start_reason = 'auto_restart', false);
  v_instance pg_catalog.record;
  v_active vmstate.vmm;
  v_destination vmstate.vmm;
  v_attempts integer;
  v_reason pg_catalog.text;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip) > 0 THEN
    PERFORM vmstate.raise_null_argument('begin_start', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_propolis_id', p_propolis_id,
      'p_sled_id', p_sled_id, 'p_propolis_ip', p_propolis_ip));
  END IF;
  IF p_propolis_port NOT BETWEEN 0 AND 65535 THEN
    PERFORM vmstate.require_port('begin_start', p_propolis_port);
  END IF;
  IF p_start_reason NOT IN ('user', 'auto_restart') THEN
    PERFORM vmstate.raise_invalid_argument('begin_start', 'p_start_reason',
      format('p_start_reason must be ''user'' or ''auto_restart'', not %L.', p_start_reason));
  END IF;

  SELECT i.state, i.state_generation, i.active_propolis_id, i.destination_propolis_id, i.migration_id, i.intended_state,
      i.auto_restart_policy, i.auto_restart_cooldown, i.auto_restart_attempts, i.time_last_auto_restarted,
      i.updater_lease_until, i.time_deleted
    INTO v_instance FROM vmstate.instance AS i WHERE i.id = p_instance_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.to_start_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_start_result('gone', NULL, p_instance_id);
  END IF;
  IF v_instance.active_propolis_id IS NOT NULL THEN
    SELECT v.* INTO v_active FROM vmstate.vmm AS v
      WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  END IF;

  IF v_instance.destination_propolis_id IS NOT NULL THEN
    SELECT v.* INTO v_destination FROM vmstate.vmm AS v
      WHERE v.instance_id = p_instance_id AND v.id = v_instance.destination_propolis_id;
  END IF;
  v_attempts := CASE
    WHEN vmstate.ran_long(v_active.time_started, v_active.time_reported) THEN 0
    WHEN vmstate.ran_long(v_destination.time_started, v_destination.time_reported) THEN 0
    ELSE v_instance.auto_restart_attempts
  END;
  v_now := clock_timestamp();
  v_reason := CASE
    WHEN v_instance.state = 'creating' THEN 'creating'
    WHEN v_active.state IN ('creating', 'starting', 'running', 'rebooting', 'migrating') THEN 'already_started'
    WHEN v_active.state <> 'saga_unwound' THEN 'not_stopped'
    WHEN v_instance.state_generation <> p_expected_generation THEN 'stale_generation'
  END;
  IF v_auto_restart AND v_reason IS NULL AND NOT vmstate.may_auto_restart(
      v_instance.state, v_active.state, v_instance.intended_state, v_instance.auto_restart_policy,
      vmstate.auto_restart_wait(v_instance.auto_restart_cooldown, v_attempts),
      v_instance.time_last_auto_restarted, v_instance.updater_lease_until, v_now) THEN
    v_reason := 'restart_not_permitted';
  END IF;
  IF v_reason IS NULL
      AND NOT vmstate.insert_vmm(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip, p_propolis_port, v_now) THEN
    v_reason := 'propolis_id_taken';
  END IF;
  IF v_reason IS NOT NULL THEN
    -- Looks for a replay last: no VMM that was just inserted was there before.
    RETURN CASE vmstate.replayed_begin(p_instance_id, p_saga_id, p_propolis_id, NULL, NULL)
      WHEN 'gone' THEN vmstate.to_start_result('gone', NULL, p_instance_id)
      WHEN 'unchanged' THEN vmstate.to_start_result('unchanged', NULL, p_instance_id)
      ELSE vmstate.to_start_result('conflict', v_reason, p_instance_id)
    END;
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
  -- The answer is what was written: nothing is read again. A migration that is still linked does not name the new VMM.
  RETURN ROW('applied', NULL, p_instance_id, vmstate.effective_instance_state('vmm', 'creating', false), 'vmm',
    v_instance.state_generation + 1, p_propolis_id, v_instance.destination_propolis_id, v_instance.migration_id,
    v_instance.active_propolis_id)::vmstate.start_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_start IS 'Starts an instance: inserts its VMM and links it as the active one.

First step of a start saga. The VMM is inserted in state creating, at generation 1; in the same write it replaces NULL or a saga_unwound VMM, which replaced_propolis_id then names. The intent becomes running. A migration that is still linked is left to the next update. p_propolis_port is 12400 if NULL. p_start_reason is user or auto_restart, and user if NULL: an automatic restart adds 1 to auto_restart_attempts, a user''s start resets auto_restart_attempts to 0. p_expected_generation is the generation of the instance; NULL means no check. The same instance, saga and VMM id make a replay.

Outcomes:
- applied: the VMM was inserted and linked.
- unchanged: the same saga and VMM id were given before; nothing was written.
- conflict/creating: the instance is still being created; finish_instance_creation comes first.
- conflict/already_started: the active VMM is creating, starting, running, rebooting or migrating.
- conflict/not_stopped: the active VMM is stopping, stopped, failed or destroyed, and the update saga has yet to unlink that VMM.
- conflict/stale_generation: the generation of the instance is not p_expected_generation.
- conflict/restart_not_permitted: the intent, the policy, vmstate.auto_restart_wait or the updater lock forbids the automatic restart; a user''s start never gets this reason.
- conflict/propolis_id_taken: a VMM with the id p_propolis_id exists, also when this saga inserted and has unwound that VMM.
- gone: the instance was deleted, or a replay names a VMM that was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument without a default is null, p_propolis_port is not 0 to 65535, or p_start_reason is neither user nor auto_restart.';
-- end of sql/verbs/control_plane/begin_start.sql

-- copy of sql/verbs/control_plane/create_instance.sql
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
  v_verb pg_catalog.text := set_config('vmstate.verb', 'create_instance', true);
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_project_id pg_catalog.uuid;
  v_time_deleted pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_id, p_project_id, p_name, p_intended_state) > 0 THEN
    PERFORM vmstate.raise_null_argument('create_instance', jsonb_build_object(
      'p_id', p_id, 'p_project_id', p_project_id, 'p_name', p_name, 'p_intended_state', p_intended_state));
  END IF;
  PERFORM vmstate.require_name('create_instance', p_name);
  IF p_intended_state NOT IN ('running', 'stopped') THEN
    PERFORM vmstate.raise_invalid_argument('create_instance', 'p_intended_state',
      format('p_intended_state must be running or stopped, not %s.', p_intended_state));
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
COMMENT ON FUNCTION vmstate.create_instance IS 'Creates an instance in state creating.

The saga that creates the instance calls finish_instance_creation at its end. p_name has 1 to 63 characters. p_intended_state is running or stopped. p_auto_restart_policy NULL means best_effort, p_auto_restart_cooldown NULL means 5 minutes. The same id in the same project makes a replay, whatever the other arguments are.

Outcomes:
- applied: the instance was created.
- unchanged: the project has an instance with this id already; nothing was written.
- conflict/name_taken: another instance of the project, which is not deleted, has the name.
- conflict/instance_id_taken: an instance of another project has the id.
- gone: the project had an instance with this id, and that instance was deleted.
Errors:
- VM001: an argument without a default is null, p_name does not have 1 to 63 characters, p_intended_state is neither running nor stopped, or p_auto_restart_cooldown is negative or infinite.';
-- end of sql/verbs/control_plane/create_instance.sql

-- copy of sql/verbs/control_plane/delete_instance.sql
CREATE OR REPLACE FUNCTION vmstate.delete_instance(p_instance_id uuid) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'delete_instance', true);
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
  v_migration_ids pg_catalog.uuid[];
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('delete_instance', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  END IF;
  SELECT array_agg(m.id) INTO v_migration_ids FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.time_deleted IS NULL;
  PERFORM vmstate.lock_links(p_instance_id, ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id], v_migration_ids);
  v_plan := vmstate.lock_and_read_plan(v_instance);
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
COMMENT ON FUNCTION vmstate.delete_instance IS 'Soft-deletes an instance that shows creating, stopped or failed.

The migrations of the instance are soft-deleted, too, and a saga_unwound active VMM is unlinked on the way. Allowed under an updater lock: the update saga that holds the lock then gets gone.

Outcomes:
- applied: the instance was deleted.
- unchanged: the instance was deleted before.
- conflict/not_stopped: the instance has an active VMM that is not saga_unwound.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null.';
-- end of sql/verbs/control_plane/delete_instance.sql

-- copy of sql/verbs/control_plane/delete_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.delete_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'delete_vmm', true);
BEGIN
  IF num_nulls(p_instance_id, p_propolis_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('delete_vmm', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_propolis_id', p_propolis_id));
  END IF;
  RETURN vmstate.delete_dead_vmm(p_instance_id, p_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_vmm IS 'Soft-deletes a dead VMM that no instance names.

The work list of such VMMs is vmstate.abandoned_vmm. The migrations that name the VMM and that no instance links are soft-deleted, too.

Outcomes:
- applied: the VMM was deleted.
- unchanged: the VMM was deleted before.
- conflict/linked: an instance still names the VMM.
- conflict/not_destroyable: the VMM is alive: neither failed nor destroyed nor saga_unwound.
- not_found: the instance has no VMM with this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/control_plane/delete_vmm.sql

-- copy of sql/verbs/control_plane/finish_instance_creation.sql
CREATE OR REPLACE FUNCTION vmstate.finish_instance_creation(p_id uuid) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'finish_instance_creation', true);
  v_instance vmstate.instance;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('finish_instance_creation', 'p_id', 'p_id must not be null.');
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
COMMENT ON FUNCTION vmstate.finish_instance_creation IS 'Ends the creation of an instance: its state creating becomes no_vmm.

Outcomes:
- applied: the instance is created and may be started.
- unchanged: the creation of the instance ended before.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_id is null.';
-- end of sql/verbs/control_plane/finish_instance_creation.sql

-- copy of sql/verbs/control_plane/request_reboot.sql
CREATE OR REPLACE FUNCTION vmstate.request_reboot(p_instance_id uuid) RETURNS vmstate.command_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'request_reboot', true);
  v_instance vmstate.instance;
  v_api_state vmstate.api_instance_state;
  v_outcome vmstate.outcome := 'unchanged';
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('request_reboot', 'p_instance_id', 'p_instance_id must not be null.');
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
COMMENT ON FUNCTION vmstate.request_reboot IS 'Records that the user wants the guest rebooted: the intent becomes running.

Allowed while the instance shows starting, running, rebooting or migrating. command_propolis_ids names the active VMM, if that VMM is alive: tell its sled agent to reboot the guest, also when the outcome is unchanged.

Outcomes:
- applied: the intent became running.
- unchanged: the intent was running already; command the VMM all the same.
- conflict/not_running: the instance shows none of the four states; nothing was written.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null.';
-- end of sql/verbs/control_plane/request_reboot.sql

-- copy of sql/verbs/control_plane/request_stop.sql
CREATE OR REPLACE FUNCTION vmstate.request_stop(p_instance_id uuid) RETURNS vmstate.command_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'request_stop', true);
  v_instance pg_catalog.record;
  v_outcome vmstate.outcome := 'unchanged';
  v_vmm pg_catalog.record;
  v_is_alive boolean;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('request_stop', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  SELECT i.state, i.state_generation, i.active_propolis_id, i.destination_propolis_id, i.migration_id, i.intended_state, i.time_deleted
    INTO v_instance FROM vmstate.instance AS i WHERE i.id = p_instance_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.to_command_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_command_result('gone', NULL, p_instance_id);
  ELSIF v_instance.state = 'creating' THEN
    RETURN vmstate.to_command_result('conflict', 'creating', p_instance_id);
  END IF;

  v_now := clock_timestamp();
  IF v_instance.state = 'failed' THEN
    UPDATE vmstate.instance AS i
      SET state = 'no_vmm',
        state_generation = i.state_generation + 1,
        time_state_updated = v_now,
        intended_state = 'stopped',
        time_modified = CASE WHEN i.intended_state <> 'stopped' THEN v_now ELSE i.time_modified END
      WHERE i.id = p_instance_id;
    v_outcome := 'applied';
  ELSIF v_instance.intended_state <> 'stopped' THEN
    -- Names no column that a guard watches, so that no guard is called.
    UPDATE vmstate.instance AS i SET intended_state = 'stopped', time_modified = v_now WHERE i.id = p_instance_id;
    v_outcome := 'applied';
  END IF;
  IF v_instance.active_propolis_id IS NULL OR v_instance.migration_id IS NOT NULL THEN
    RETURN vmstate.to_command_result(v_outcome, NULL, p_instance_id,
      ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id]);
  END IF;

  -- Answers from the locked instance and its one VMM, as to_command_result would.
  SELECT v.state, v.sled_id, v.propolis_ip, v.propolis_port INTO v_vmm
    FROM vmstate.vmm AS v WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  v_is_alive := NOT vmstate.is_absorbing(v_vmm.state);
  RETURN ROW(v_outcome, NULL, p_instance_id, vmstate.effective_instance_state(v_instance.state, v_vmm.state, false),
    v_instance.state, v_instance.state_generation, v_instance.active_propolis_id, NULL, NULL,
    CASE WHEN v_is_alive THEN ARRAY[v_instance.active_propolis_id] ELSE '{}' END,
    CASE WHEN v_is_alive THEN
      ARRAY[ROW(v_instance.active_propolis_id, v_vmm.sled_id, v_vmm.propolis_ip, v_vmm.propolis_port)::vmstate.vmm_address]
    ELSE '{}' END)::vmstate.command_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.request_stop FROM PUBLIC;
COMMENT ON FUNCTION vmstate.request_stop IS 'Records that the user wants the instance stopped: the intent becomes stopped.

Allowed in every state but creating. An instance in state failed becomes no_vmm, which raises its generation. command_propolis_ids names the live VMMs, the active one first and during a migration both: tell their sled agents to stop the guest, also when the outcome is unchanged.

Outcomes:
- applied: the intent became stopped, or the state failed became no_vmm.
- unchanged: the intent was stopped already; command the VMMs all the same.
- conflict/creating: the instance is still being created; nothing was written.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null.';
-- end of sql/verbs/control_plane/request_stop.sql

-- copy of sql/verbs/control_plane/settle.sql
CREATE OR REPLACE FUNCTION vmstate.settle(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_saga_id uuid,
  p_state vmstate.reported_vmm_state,
  p_generation bigint,
  p_time timestamptz,
  p_delete boolean DEFAULT true
) RETURNS vmstate.settlement_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'settle', true);
  v_instance pg_catalog.record;
  v_migration_ids pg_catalog.uuid[];
  v_report vmstate.report_result;
  v_update vmstate.update_result;
  v_deletion vmstate.vmm_result;
  v_settlement vmstate.settlement_result;
BEGIN
  IF p_saga_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('settle', 'p_saga_id', 'p_saga_id must not be null.');
  END IF;
  IF num_nulls(p_instance_id, p_propolis_id, p_state) > 0 OR vmstate.is_point_in_time(p_time) IS NOT TRUE
      OR p_generation BETWEEN 1 AND 9007199254740991 IS NOT TRUE THEN
    PERFORM vmstate.require_report('settle', ROW(p_instance_id, p_propolis_id, p_state, p_generation, p_time,
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.vmm_report);
  END IF;

  -- Locks first, and in the lock order, all that the three parts lock: report_vmm would lock the VMM before the instance.
  SELECT i.active_propolis_id, i.destination_propolis_id, i.migration_id INTO v_instance
    FROM vmstate.instance AS i WHERE i.id = p_instance_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    v_settlement.vmm_outcome := 'not_found';
    RETURN v_settlement;
  ELSIF v_instance.migration_id IS NULL AND coalesce(v_instance.active_propolis_id, p_propolis_id) = p_propolis_id THEN
    PERFORM FROM vmstate.vmm AS v WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id FOR NO KEY UPDATE;
  ELSE
    v_migration_ids := array(SELECT m.id FROM vmstate.migration AS m
      WHERE m.instance_id = p_instance_id AND m.time_deleted IS NULL
        AND (m.id = v_instance.migration_id OR p_propolis_id IN (m.source_propolis_id, m.destination_propolis_id)));
    PERFORM vmstate.lock_links(p_instance_id,
      ARRAY[p_propolis_id, v_instance.active_propolis_id, v_instance.destination_propolis_id], v_migration_ids);
  END IF;

  -- The parts, not the verbs, so that the history names settle.
  v_report := vmstate.apply_report(p_instance_id, p_propolis_id, p_state, p_generation, p_time);
  IF p_state IN ('failed', 'destroyed') AND v_report.vmm_outcome IN ('applied', 'terminal', 'gone') THEN
    v_update := vmstate.update_instance(p_instance_id, p_saga_id);
    IF coalesce(p_delete, true) THEN
      v_deletion := vmstate.delete_dead_vmm(p_instance_id, p_propolis_id);
    END IF;
  END IF;
  RETURN ROW(
    v_report.vmm_outcome, v_report.state, v_report.state_generation,
    v_update.outcome, v_update.reason, v_deletion.outcome, v_deletion.reason,
    v_update.instance_id, v_update.api_state, v_update.state, v_update.state_generation,
    v_update.active_propolis_id, v_update.destination_propolis_id, v_update.migration_id,
    v_update.updater_generation, v_update.updater_lease_until, v_update.new_state,
    v_update.new_active_propolis_id, v_update.new_destination_propolis_id, v_update.new_migration_id,
    v_update.new_intended_state, v_update.network, v_update.network_propolis_id, v_update.unlinked_propolis_ids,
    v_update.terminate_propolis_ids, v_update.plan_token, v_update.updater_id, v_update.network_vmm,
    v_update.unlinked_vmms, v_update.terminate_vmms
  )::vmstate.settlement_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.settle FROM PUBLIC;
COMMENT ON FUNCTION vmstate.settle IS 'Records that a VMM has ended, updates its instance and deletes the VMM.

One call for what a control plane does after a VMM failed or was destroyed, if it has no network to move and nothing else to do in between. The three parts are report_vmm (vmm_outcome), run_update (update_outcome, update_reason) and delete_vmm (delete_outcome, delete_reason), each by its own rules, in one transaction. A report that is stale, or whose p_state is neither failed nor destroyed, is no more than a report: the other two outcomes are null. So is delete_outcome if p_delete is false; p_delete is true if NULL. If a migration still needs the VMM, or another saga holds the updater lock, the report is recorded all the same, and the update and the deletion are left to a later call. Terminate the VMMs in terminate_propolis_ids afterwards. A replay finds the VMM terminal or gone, and answers unchanged for the update and the deletion. p_generation is 1 to 2^53-1; p_time is within the years 1970 to 9999.

Outcomes:
- applied: the part was written.
- unchanged: there is nothing to update, or the VMM was deleted before.
- stale: the generation of the report is not newer than the recorded one; nothing else was done.
- terminal: the VMM was dead before; the update and the deletion follow.
- conflict/locked: another saga holds an unexpired lease of the updater lock.
- conflict/linked: the instance still names the VMM, so the VMM was not deleted.
- gone: the VMM or the instance was deleted.
- not_found: the instance has no VMM with this id.
Errors:
- VM001: an argument without a default is null, p_generation is not 1 to 2^53-1, or p_time is not within the years 1970 to 9999.
- 42501: the caller was granted settle, but neither fail_vmm nor the sled that the VMM is on.';
-- end of sql/verbs/control_plane/settle.sql

-- copy of sql/verbs/control_plane/unwind_migration.sql
CREATE OR REPLACE FUNCTION vmstate.unwind_migration(p_instance_id uuid, p_saga_id uuid, p_migration_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'unwind_migration', true);
  v_propolis_id pg_catalog.uuid;
  v_vmm vmstate.vmm;
  v_migration vmstate.migration;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_migration_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('unwind_migration', jsonb_build_object(
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
COMMENT ON FUNCTION vmstate.unwind_migration IS 'Undoes begin_migration: the destination VMM becomes saga_unwound.

Undo of a migrate saga. Both sides of the migration become failed in the same transaction. The instance is never written: its state goes on deriving from the active VMM. The columns state and state_generation are those of the destination VMM. Call unwind_migration first, and only then unregister the VMM from its sled.

Outcomes:
- applied: the destination VMM is saga_unwound, and both sides of the migration are failed.
- unchanged: the destination VMM was saga_unwound before, or is dead and no instance names it.
- conflict/wrong_saga: another saga began the migration.
- conflict/handed_over: a side of the migration completed, so the guest may run on the destination.
- gone: the migration or its destination VMM was deleted.
- not_found: the instance has no migration with this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/control_plane/unwind_migration.sql

-- copy of sql/verbs/control_plane/unwind_start.sql
CREATE OR REPLACE FUNCTION vmstate.unwind_start(p_instance_id uuid, p_saga_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'unwind_start', true);
  v_vmm vmstate.vmm;
  v_reason pg_catalog.text;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_propolis_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('unwind_start', jsonb_build_object(
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
  IF vmstate.is_destination(p_instance_id, p_propolis_id) THEN
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
COMMENT ON FUNCTION vmstate.unwind_start IS 'Undoes begin_start: the VMM becomes saga_unwound.

Undo of a start saga. A VMM is unwound from any live state, and from failed or destroyed while an instance still names the VMM. The instance is never written, so a running update keeps its generation; the instance shows stopped from then on. Call unwind_start first, and only then unregister the VMM from its sled.

Outcomes:
- applied: the VMM is saga_unwound.
- unchanged: the VMM was saga_unwound before, or is dead and no instance names it.
- conflict/wrong_saga: another saga inserted the VMM.
- conflict/migration_destination: a migration has the VMM as its destination; use unwind_migration.
- conflict/handed_over: the guest of the VMM has moved to another VMM.
- gone: the VMM was deleted.
- not_found: the instance has no VMM with this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/control_plane/unwind_start.sql

-- copy of sql/verbs/operator/fail_vmm.sql
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
  v_verb pg_catalog.text := set_config('vmstate.verb', 'fail_vmm', true);
  v_vmm vmstate.vmm;
  v_generation bigint;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_propolis_id, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('fail_vmm', jsonb_build_object(
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
COMMENT ON FUNCTION vmstate.fail_vmm IS 'Declares a VMM dead, for a watcher or an operator: the VMM becomes failed.

Never writes a migration side: a dead destination is enough for the plan, and a dead source must not decide the plan, since the guest may run on the destination already. p_expected_generation is the generation of the VMM; NULL means no check. update_needed is true if an instance names the VMM: then run the update saga.

Outcomes:
- applied: the VMM became failed.
- terminal: the VMM was dead already, also on a replay.
- conflict/stale_generation: the generation of the VMM is not p_expected_generation.
- gone: the VMM was deleted.
- not_found: the instance has no VMM with this id.
Errors:
- VM001: an argument without a default is null.';
-- end of sql/verbs/operator/fail_vmm.sql

-- copy of sql/verbs/sled_agent/steps/apply_report.sql
CREATE OR REPLACE FUNCTION vmstate.apply_report(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_state vmstate.reported_vmm_state,
  p_generation bigint,
  p_time timestamptz
) RETURNS vmstate.report_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_sleds pg_catalog.uuid[] := vmstate.reportable_sleds();
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_state vmstate.vmm_state;
  v_runs boolean;
  v_runs_as_destination boolean;
  v_result vmstate.report_result;
BEGIN
  v_state := vmstate.from_report(p_state);
  v_runs := vmstate.counts_as_running(p_state, false);
  v_runs_as_destination := vmstate.counts_as_running(p_state, true);
  LOOP
    UPDATE vmstate.vmm AS v
      SET state = v_state,
        state_generation = p_generation,
        time_state_updated = p_time,
        time_reported = v_now,
        time_started = CASE WHEN (v.migration_id IS NULL AND v_runs) OR v_runs_as_destination
          THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
        failure_reason = CASE WHEN p_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
      WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
        -- The generation check: what vmm_report_outcome calls applied, spelled out in the statement that writes.
        AND v.state_generation < p_generation AND NOT vmstate.is_absorbing(v.state) AND v.time_deleted IS NULL
        AND (v_sleds IS NULL OR v.sled_id = ANY (v_sleds))
        AND p_state IS NOT NULL AND vmstate.is_point_in_time(p_time) AND p_generation <= 9007199254740991
      RETURNING 'applied'::vmstate.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        v.time_unlinked IS NULL AND vmstate.is_absorbing(v.state), v.state, v.state_generation::bigint
      INTO v_result;
    EXIT WHEN FOUND;
    v_result := vmstate.explain_refused_report(p_instance_id, p_propolis_id, p_state, p_generation, p_time, v_sleds);
    -- The outcome applied means that the VMM was inserted after the UPDATE: try again.
    EXIT WHEN v_result.vmm_outcome <> 'applied';
  END LOOP;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_report IS 'Judges and writes the VMM part of a report.

As report_vmm does, for settle: a verb that settle called would name itself in the history. For the sleds that the caller may report.';
-- end of sql/verbs/sled_agent/steps/apply_report.sql

-- copy of sql/verbs/sled_agent/steps/apply_plain_reports.sql
CREATE OR REPLACE FUNCTION vmstate.apply_plain_reports(
  p_instance_ids uuid[],
  p_propolis_ids uuid[],
  p_states vmstate.reported_vmm_state[],
  p_generations bigint[],
  p_times timestamptz[],
  p_sleds uuid[],
  OUT applied bigint[],
  OUT update_needed bigint[]
)
LANGUAGE plpgsql
SET search_path = ''
-- These settings leave the planner one way to join: for each report, in the order of the ids, one look into an index. Any other
-- way could lock the VMMs in another order, and with the plan of one batch in every session, two batches could deadlock.
SET plan_cache_mode = 'force_generic_plan'
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
SET enable_bitmapscan = off
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  -- No comment stands in the statement, because each change that is recorded copies its text: PG_CONTEXT names it.
  -- Sorted: PostgreSQL locks each VMM when it comes to its report, so all batches lock in the order of the ids.
  -- ANY and num_nonnulls, because with = and IS NULL the planner may also go through a whole index of VMMs, in the order of that
  -- index, and look for a report of each; it does so while the table is small, and keeps the plan.
  -- WHERE has the generation check: what vmm_report_outcome calls applied, spelled out in the statement that writes.
  WITH apply_reports AS (
    UPDATE vmstate.vmm AS v
      SET state = r.new_state,
        state_generation = r.generation,
        time_state_updated = r.time,
        time_reported = v_now,
        time_started = CASE WHEN (v.migration_id IS NULL AND r.runs) OR r.runs_as_destination
          THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
        failure_reason = CASE WHEN r.new_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
      FROM (
        SELECT u.instance_id, u.propolis_id, u.generation, u.time, u.ordinal, vmstate.from_report(u.state) AS new_state,
            vmstate.counts_as_running(u.state, false) AS runs, vmstate.counts_as_running(u.state, true) AS runs_as_destination
          FROM unnest(p_instance_ids, p_propolis_ids, p_states, p_generations, p_times)
            WITH ORDINALITY AS u (instance_id, propolis_id, state, generation, "time", ordinal)
          ORDER BY u.propolis_id
      ) AS r
      WHERE v.instance_id = ANY (ARRAY[r.instance_id]) AND v.id = ANY (ARRAY[r.propolis_id])
        AND v.state_generation < r.generation AND NOT vmstate.is_absorbing(v.state) AND num_nonnulls(v.time_deleted) = 0
        AND (p_sleds IS NULL OR v.sled_id = ANY (p_sleds))
        AND r.new_state IS NOT NULL AND vmstate.is_point_in_time(r.time) AND r.generation <= 9007199254740991
      RETURNING r.ordinal, v.time_unlinked IS NULL AND vmstate.is_absorbing(v.state) AS is_end
  )
  SELECT array_agg(a.ordinal), array_agg(a.ordinal) FILTER (WHERE a.is_end) INTO applied, update_needed FROM apply_reports AS a;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_plain_reports FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_plain_reports IS 'Writes the reports of a batch that are newer than their rows, in one pass.

For batches that name no VMM twice and no migration. Locks the VMMs by id as it writes them, and locks no other VMM. Answers the places of the reports that were written, from 1, and those of them by which a linked VMM died; null for none.';
-- end of sql/verbs/sled_agent/steps/apply_plain_reports.sql

-- copy of sql/verbs/sled_agent/report_vmm.sql
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
  v_verb pg_catalog.text;
  v_sleds pg_catalog.uuid[];
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_state vmstate.vmm_state;
  v_runs boolean;
  v_runs_as_destination boolean;
  v_report vmstate.vmm_report;
  v_result vmstate.report_result;
  v_sides vmstate.report_result;
BEGIN
  -- PostgreSQL refuses UNLISTEN where it runs the functions of one role in the session of another: see reportable_sleds.
  UNLISTEN vmstate;
  -- A health report, the commonest call: a running VMM still runs. It writes three columns of a row whose other columns the
  -- general UPDATE below would leave as they are, and evaluates nothing that such a report does not need. PostgreSQL sets up
  -- every expression of a statement anew at each call, so their number is what a report costs.
  IF p_state = 'running' AND num_nonnulls(p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time) = 0 AND vmstate.reports_any_sled() THEN
    UPDATE vmstate.vmm AS v
      SET state_generation = p_generation, time_state_updated = p_time, time_reported = v_now
      WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
        AND v.state_generation < p_generation AND v.state = 'running' AND v.time_deleted IS NULL AND v.time_started IS NOT NULL
        AND vmstate.is_point_in_time(p_time) AND p_generation <= 9007199254740991;
    IF FOUND THEN
      RETURN ROW('applied', NULL, NULL, false, 'running', p_generation)::vmstate.report_result;
    END IF;
  END IF;
  v_sleds := vmstate.reportable_sleds();
  IF p_state = 'running' AND v_sleds IS NOT NULL AND num_nonnulls(p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time) = 0 THEN
    -- The same for the agent of one sled.
    UPDATE vmstate.vmm AS v
      SET state_generation = p_generation, time_state_updated = p_time, time_reported = v_now
      WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
        AND v.state_generation < p_generation AND v.state = 'running' AND v.time_deleted IS NULL AND v.time_started IS NOT NULL
        AND v.sled_id = ANY (v_sleds)
        AND vmstate.is_point_in_time(p_time) AND p_generation <= 9007199254740991;
    IF FOUND THEN
      RETURN ROW('applied', NULL, NULL, false, 'running', p_generation)::vmstate.report_result;
    END IF;
  END IF;
  IF num_nonnulls(p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time) > 0 THEN
    v_report := ROW(p_instance_id, p_propolis_id, p_state, p_generation, p_time,
      p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time);
    PERFORM vmstate.require_report('report_vmm', v_report);
  END IF;

  -- After the health reports: they leave no history, and so need not say which verb it is.
  v_verb := set_config('vmstate.verb', 'report_vmm', true);
  v_state := vmstate.from_report(p_state);
  v_runs := vmstate.counts_as_running(p_state, false);
  v_runs_as_destination := vmstate.counts_as_running(p_state, true);
  -- As apply_report, which settle uses, but without a call of it. WHERE has the generation check: what vmm_report_outcome calls
  -- applied, spelled out in the statement that writes. No comment stands in the statement, because each change that is recorded
  -- copies its text: PG_CONTEXT names the statements under way.
  LOOP
    UPDATE vmstate.vmm AS v
      SET state = v_state,
        state_generation = p_generation,
        time_state_updated = p_time,
        time_reported = v_now,
        time_started = CASE WHEN (v.migration_id IS NULL AND v_runs) OR v_runs_as_destination
          THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
        failure_reason = CASE WHEN p_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
      WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
        AND v.state_generation < p_generation AND NOT vmstate.is_absorbing(v.state) AND v.time_deleted IS NULL
        AND (v_sleds IS NULL OR v.sled_id = ANY (v_sleds))
        AND p_state IS NOT NULL AND vmstate.is_point_in_time(p_time) AND p_generation <= 9007199254740991
      RETURNING 'applied'::vmstate.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        v.time_unlinked IS NULL AND vmstate.is_absorbing(v.state), v.state, v.state_generation::bigint
      INTO v_result;
    EXIT WHEN FOUND;
    v_result := vmstate.explain_refused_report(p_instance_id, p_propolis_id, p_state, p_generation, p_time, v_sleds);
    -- The outcome applied means that the VMM was inserted after the UPDATE: try again.
    EXIT WHEN v_result.vmm_outcome <> 'applied';
  END LOOP;

  IF num_nonnulls(p_migration_in_id, p_migration_out_id) > 0 THEN
    PERFORM vmstate.lock_reported_migrations(p_instance_id, p_propolis_id, ARRAY[p_migration_in_id, p_migration_out_id]);
    v_sides := vmstate.apply_migration_parts('report_vmm', v_report, v_sleds);
    v_result.migration_in_outcome := v_sides.migration_in_outcome;
    v_result.migration_out_outcome := v_sides.migration_out_outcome;
    v_result.update_needed := v_result.update_needed OR v_sides.update_needed;
  END IF;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_vmm IS 'Records what a sled agent reports of one VMM and of its migrations.

A report has a VMM part, and may have a part on a migration into the VMM (migration_in) and a part on a migration out of the VMM (migration_out); the four arguments of a migration part are given together. Each part is judged by its own generation (1 to 2^53-1) and has its own outcome; a migration part that is refused never discards the VMM part. vmm_outcome is never wrong_side; the outcome of a migration part that was not given is null. p_time, p_migration_in_time and p_migration_out_time say when the sled saw the state, within the years 1970 to 9999. update_needed is true if this very report made a linked VMM, or a side of the linked migration, terminal: then run the update saga. A role that may call fail_vmm reports for every sled; any other role reports for the sled that bind_sled_agent bound the role to.

Outcomes:
- applied: the part was written.
- stale: the generation of the part is not newer than the recorded one.
- terminal: the VMM is dead, whatever the generation, or the side of the migration has ended.
- wrong_side: the VMM is not that side of the migration.
- gone: the VMM or the migration was deleted.
- not_found: the instance has no such VMM or no such migration.
Errors:
- VM001: an argument without a default is null, a generation is not 1 to 2^53-1, a time is not within the years 1970 to 9999, some but not all arguments of a migration part are given, or both migration parts name one migration.
- 42501: the VMM is on another sled than the one the caller is bound to, or the caller is bound to none.';
-- end of sql/verbs/sled_agent/report_vmm.sql

-- copy of sql/verbs/sled_agent/report_vmm_batch.sql
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
-- end of sql/verbs/sled_agent/report_vmm_batch.sql

-- copy of sql/verbs/sled_agent/report_vmms.sql
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
-- end of sql/verbs/sled_agent/report_vmms.sql

-- copy of sql/verbs/update_saga/steps/update_instance.sql
CREATE OR REPLACE FUNCTION vmstate.update_instance(p_instance_id uuid, p_saga_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_instance pg_catalog.record;
  v_vmm pg_catalog.record;
  v_now pg_catalog.timestamptz;
BEGIN
  -- Decides the commonest update on two rows, because reading the plan costs more than the update does: no migration is linked,
  -- no saga holds the updater lock, and the active VMM is dead. run_planned_update decides all others.
  SELECT i.active_propolis_id AS active_id, i.intended_state, i.auto_restart_attempts,
      (i.state_generation + 1)::vmstate.generation AS generation,
      (i.updater_generation + 1)::vmstate.generation AS updater_generation,
      vmstate.plan_token(i.state_generation, NULL, NULL, NULL, ARRAY[i.active_propolis_id], '{}') AS plan_token
    INTO v_instance
    FROM vmstate.instance AS i
    WHERE i.id = p_instance_id AND i.active_propolis_id IS NOT NULL AND i.migration_id IS NULL AND i.updater_id IS NULL
    FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.run_planned_update(p_instance_id, p_saga_id);
  END IF;
  -- Says for a dead VMM without a migration what update_plan decides; a test compares both for every input.
  SELECT v.sled_id, v.propolis_ip, v.propolis_port,
      CASE WHEN v.state = 'failed' THEN 'failed'::vmstate.instance_state ELSE 'no_vmm'::vmstate.instance_state END AS new_state,
      CASE WHEN v.state = 'failed' THEN vmstate.effective_instance_state('failed', NULL, false)
        ELSE vmstate.effective_instance_state('no_vmm', NULL, false) END AS api_state,
      CASE WHEN v.state = 'destroyed' AND v_instance.intended_state = 'running' THEN 'guest_shutdown'::vmstate.intended_state
        ELSE v_instance.intended_state END AS intended_state,
      CASE WHEN vmstate.ran_long(v.time_started, v.time_reported) THEN 0 ELSE v_instance.auto_restart_attempts END AS attempts
    INTO v_vmm
    FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_id AND vmstate.is_absorbing(v.state)
      -- Whether the guest of any other destroyed VMM ran depends on the migrations that led to that VMM.
      AND (v.state <> 'destroyed' OR v.time_started IS NOT NULL)
    FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN vmstate.run_planned_update(p_instance_id, p_saga_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET state = v_vmm.new_state,
      state_generation = v_instance.generation,
      time_state_updated = v_now,
      active_propolis_id = NULL,
      intended_state = v_vmm.intended_state,
      updater_generation = v_instance.updater_generation,
      updater_parent_id = NULL,
      released_updater_id = p_saga_id,
      committed_updater_generation = v_instance.updater_generation,
      committed_updater_id = p_saga_id,
      committed_plan_token = v_instance.plan_token,
      auto_restart_attempts = v_vmm.attempts
    WHERE i.id = p_instance_id;
  -- The answer is what the UPDATE has written: nothing is read again.
  RETURN ROW(
    'applied', NULL, p_instance_id, v_vmm.api_state, v_vmm.new_state, v_instance.generation,
    NULL, NULL, NULL,
    v_instance.updater_generation, NULL,
    v_vmm.new_state, NULL, NULL, NULL, v_vmm.intended_state,
    'delete', NULL,
    ARRAY[v_instance.active_id], '{}', v_instance.plan_token, NULL,
    NULL, ARRAY[ROW(v_instance.active_id, v_vmm.sled_id, v_vmm.propolis_ip, v_vmm.propolis_port)::vmstate.vmm_address], '{}'
  )::vmstate.update_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.update_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.update_instance IS 'Plans and commits an update of an instance: first the commonest kind.

The part of run_update that settle does as well.';
-- end of sql/verbs/update_saga/steps/update_instance.sql

-- copy of sql/verbs/update_saga/commit_update.sql
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
  v_verb pg_catalog.text := set_config('vmstate.verb', 'commit_update', true);
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_updater_generation, p_plan_token) > 0 THEN
    PERFORM vmstate.raise_null_argument('commit_update', jsonb_build_object(
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

  v_plan := vmstate.lock_and_read_plan(v_instance);
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
COMMENT ON FUNCTION vmstate.commit_update IS 'Writes the plan that p_plan_token names and releases the updater lock.

Last step of an update saga. The ids are written exactly as planned. State and intent are decided at the commit, so a VMM that was unwound meanwhile counts as unwound, and a user''s stop is never overwritten. A lease that expired and that no other saga took over still commits. After stale_generation or plan_changed, plan again with begin_update.

Outcomes:
- applied: the plan was written and the lock released.
- unchanged: this saga committed this plan with this fencing token before.
- conflict/lock_lost: the saga does not hold the lock that p_updater_generation names; also for another saga or another plan with the fencing token of a committed update. Nothing was written.
- conflict/stale_generation: a start or a migration replaced an unwound VMM meanwhile. Nothing was written.
- conflict/plan_changed: other ids would be written, or other VMMs unlinked or to terminate. Nothing was written.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/update_saga/commit_update.sql

-- copy of sql/verbs/update_saga/run_update.sql
CREATE OR REPLACE FUNCTION vmstate.run_update(p_instance_id uuid, p_saga_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'run_update', true);
BEGIN
  IF p_instance_id IS NULL OR p_saga_id IS NULL THEN
    PERFORM vmstate.raise_null_argument('run_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id));
  END IF;
  RETURN vmstate.update_instance(p_instance_id, p_saga_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.run_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.run_update IS 'Plans and commits an update of an instance in one call.

For callers that have nothing to do between plan and commit. Answers the columns of begin_update, with the plan that was applied. Terminate the VMMs in terminate_propolis_ids afterwards; until then vmstate.orphaned_vmm lists them.

Outcomes:
- applied: the plan was written.
- unchanged: there is nothing to update, and the saga holds no lock.
- conflict/locked: another saga holds an unexpired lease.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/update_saga/run_update.sql

-- copy of sql/verbs/operator/steps/record_break.sql
CREATE OR REPLACE FUNCTION vmstate.record_break(p_instance vmstate.instance, p_cause text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_context pg_catalog.text;
BEGIN
  -- As record_new_vmm does.
  UNLISTEN vmstate_history;
  GET DIAGNOSTICS v_context = PG_CONTEXT;
  INSERT INTO vmstate.history ("time", id, transaction_id, instance_id, kind, row_id, generation, old_state, state, deleted,
      old_active_propolis_id, active_propolis_id, old_destination_propolis_id, destination_propolis_id,
      old_migration_id, migration_id, old_intended_state, intended_state, role, verb, cause)
    VALUES (clock_timestamp(), nextval('vmstate.history_id'::pg_catalog.regclass), pg_current_xact_id(),
      p_instance.id, 'instance', p_instance.id, p_instance.state_generation, p_instance.state, p_instance.state, false,
      p_instance.active_propolis_id, p_instance.active_propolis_id, p_instance.destination_propolis_id, p_instance.destination_propolis_id,
      p_instance.migration_id, p_instance.migration_id, p_instance.intended_state, p_instance.intended_state, vmstate.session_role(),
      CASE WHEN split_part(v_context, 'vmstate.' || current_setting('vmstate.verb', true) || '(', 2) <> '' THEN current_setting('vmstate.verb', true) END,
      left(p_cause, 500));
END;
$$;
REVOKE ALL ON FUNCTION vmstate.record_break FROM PUBLIC;
COMMENT ON FUNCTION vmstate.record_break IS 'Records in the history that an operator ended an updater lock.

The one row that is no change of the state: it says who did that, and why.';
-- end of sql/verbs/operator/steps/record_break.sql

-- copy of sql/verbs/operator/steps/vmm_at.sql
CREATE OR REPLACE FUNCTION vmstate.vmm_at(p_instance_id uuid, p_propolis_id uuid, p_time timestamptz)
RETURNS TABLE (state vmstate.vmm_state, sled_id uuid, changed timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = ''
AS $$
BEGIN
  IF p_propolis_id IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
    SELECT a.state::vmstate.vmm_state, a.sled_id, a.changed
      FROM (
        (SELECT 1, h.state, h.sled_id, h.time FROM vmstate.history AS h
          WHERE h.instance_id = p_instance_id AND h.row_id = p_propolis_id AND h.kind = 'vmm' AND h.time <= p_time
          ORDER BY h.id DESC LIMIT 1)
        UNION ALL
        (SELECT 2, h.old_state, h.sled_id, NULL FROM vmstate.history AS h
          WHERE h.instance_id = p_instance_id AND h.row_id = p_propolis_id AND h.kind = 'vmm' AND h.time > p_time
          ORDER BY h.id LIMIT 1)
        UNION ALL
        (SELECT 3, v.state::pg_catalog.text, v.sled_id, NULL FROM vmstate.vmm AS v
          WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id)
      ) AS a (place, state, sled_id, changed)
      ORDER BY a.place LIMIT 1;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.vmm_at FROM PUBLIC;
COMMENT ON FUNCTION vmstate.vmm_at IS 'Reads the state of a VMM as it was at a time, and when it had changed.

What the newest change before says, else the first change after, else the VMM itself. No row if p_propolis_id is null or unknown.';
-- end of sql/verbs/operator/steps/vmm_at.sql

-- copy of sql/verbs/operator/steps/note_dropped_history.sql
CREATE OR REPLACE FUNCTION vmstate.note_dropped_history(p_id bigint, p_time timestamptz, p_transaction_id bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM setval('vmstate.history_dropped_id', greatest(d.last_value, p_id)) FROM vmstate.history_dropped_id AS d;
  PERFORM setval('vmstate.history_dropped_time', greatest(d.last_value, trunc(extract(epoch FROM p_time) * 1000000)::bigint))
    FROM vmstate.history_dropped_time AS d;
  PERFORM setval('vmstate.history_dropped_transaction', greatest(d.last_value, p_transaction_id)) FROM vmstate.history_dropped_transaction AS d;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.note_dropped_history FROM PUBLIC;
COMMENT ON FUNCTION vmstate.note_dropped_history IS 'Notes what is about to be removed from the history.

Before it is removed, and for all sessions at once. If the removal is rolled back, the note stays: readers then know less than is there, and nothing wrong.';
-- end of sql/verbs/operator/steps/note_dropped_history.sql

-- copy of sql/verbs/operator/steps/delete_old_history.sql
CREATE OR REPLACE FUNCTION vmstate.delete_old_history(p_before timestamptz) RETURNS integer
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_ids bigint[] := array(SELECT h.id FROM vmstate.history_default AS h WHERE h.time < p_before ORDER BY h.time, h.id LIMIT 10000);
  v_newest pg_catalog.timestamptz;
  v_deleted integer;
BEGIN
  IF v_ids = '{}' THEN
    RETURN 0;
  END IF;
  SELECT max(h.time) INTO v_newest FROM vmstate.history_default AS h WHERE h.id = ANY (v_ids) AND h.time < p_before;
  PERFORM vmstate.note_dropped_history(max(h.id), v_newest, max(h.transaction_id::pg_catalog.text::bigint))
    FROM vmstate.history_default AS h WHERE h.id = ANY (v_ids) AND h.time <= v_newest;
  DELETE FROM vmstate.history_default AS h WHERE h.id = ANY (v_ids) AND h.time <= v_newest;
  GET DIAGNOSTICS v_deleted = ROW_COUNT;
  RETURN v_deleted;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_old_history FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_old_history IS 'Deletes the oldest rows of history_default before a time, at most 10,000.

Answers how many.';
-- end of sql/verbs/operator/steps/delete_old_history.sql

-- copy of sql/verbs/operator/steps/drop_history_partition.sql
CREATE OR REPLACE FUNCTION vmstate.drop_history_partition(p_partition text, p_upper timestamptz) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_newest pg_catalog.record;
BEGIN
  IF NOT EXISTS (SELECT FROM vmstate.history_partitions() AS p WHERE p.name = p_partition AND p.upper = p_upper) THEN
    RETURN;
  END IF;
  -- As DROP TABLE locks them. From here on nobody writes to the partition, and nobody reads it but in a later snapshot.
  LOCK TABLE ONLY vmstate.history IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', p_partition::pg_catalog.regclass);
  EXECUTE format('SELECT (SELECT max(h.id) FROM %1$s AS h) AS id,
    (SELECT h.transaction_id::pg_catalog.text::bigint FROM %1$s AS h ORDER BY h.transaction_id DESC LIMIT 1) AS transaction_id',
    p_partition::pg_catalog.regclass) INTO v_newest;
  IF v_newest.id IS NOT NULL THEN
    PERFORM vmstate.note_dropped_history(v_newest.id, p_upper - interval '1 microsecond', v_newest.transaction_id);
  END IF;
  EXECUTE format('DROP TABLE %s', p_partition::pg_catalog.regclass);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.drop_history_partition FROM PUBLIC;
COMMENT ON FUNCTION vmstate.drop_history_partition IS 'Drops a partition of the history, and notes what was in it.

Locks history, the partition and history_default (ACCESS EXCLUSIVE).';
-- end of sql/verbs/operator/steps/drop_history_partition.sql

-- copy of sql/verbs/operator/steps/require_history_width.sql
CREATE OR REPLACE FUNCTION vmstate.require_history_width(p_keep interval, p_width interval) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_keep pg_catalog.numeric := extract(epoch FROM p_keep);
  v_width pg_catalog.numeric := extract(epoch FROM p_width);
BEGIN
  IF v_keep < 86400 OR v_keep > 31557600000 THEN
    PERFORM vmstate.raise_invalid_argument('maintain_history', 'p_keep',
      format('p_keep must be at least 1 day and at most 1000 years, not %s.', p_keep));
  ELSIF v_width < 3600 OR v_width > v_keep OR extract(year FROM p_width) <> 0 OR extract(month FROM p_width) <> 0 THEN
    PERFORM vmstate.raise_invalid_argument('maintain_history', 'p_width',
      format('p_width must be at least 1 hour, at most p_keep, and without months, not %s.', p_width));
  -- Those that are kept whole, one that is partly older, and two to come.
  ELSIF ceil(v_keep / v_width) + 3 > 20 THEN
    PERFORM vmstate.raise_invalid_argument('maintain_history', 'p_width',
      format('p_width must be at least a 17th of p_keep, not %s: each read looks into every partition, so there are at most 20.', p_width));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_history_width FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_history_width IS 'Raises VM001 unless the history may be kept so long in partitions so wide.';
-- end of sql/verbs/operator/steps/require_history_width.sql

-- copy of sql/verbs/operator/break_update.sql
CREATE OR REPLACE FUNCTION vmstate.break_update(p_instance_id uuid, p_updater_generation bigint, p_reason text)
RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'break_update', true);
  v_instance vmstate.instance;
BEGIN
  IF num_nulls(p_instance_id, p_updater_generation, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('break_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_updater_generation', p_updater_generation, 'p_reason', p_reason));
  ELSIF btrim(p_reason) = '' THEN
    PERFORM vmstate.raise_invalid_argument('break_update', 'p_reason', 'p_reason must not be empty.');
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
  PERFORM vmstate.record_break(v_instance, p_reason);
  RAISE LOG 'vmstate.break_update: ended updater lock % of instance %, which saga % held: %',
    p_updater_generation, p_instance_id, v_instance.updater_id, p_reason;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.break_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.break_update IS 'Ends an updater lock for an operator, whoever holds it and for however long.

explain_update shows the fencing token of the lock, which p_updater_generation names. The commit of the saga that held the lock is then conflict/lock_lost. p_reason goes to the log of the server, and to the history as the cause of a change after which the instance is as before.

Outcomes:
- applied: the lock was ended.
- unchanged: that lock has ended before, and no saga holds another.
- conflict/lock_lost: a saga holds another lock by now, or no lock ever had that fencing token.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null, or p_reason is empty.';
-- end of sql/verbs/operator/break_update.sql

-- copy of sql/verbs/operator/fail_sled.sql
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
  v_verb pg_catalog.text := set_config('vmstate.verb', 'fail_sled', true);
BEGIN
  IF num_nulls(p_sled_id, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('fail_sled', jsonb_build_object('p_sled_id', p_sled_id, 'p_reason', p_reason));
  END IF;
  RETURN QUERY SELECT f.* FROM vmstate.fail_vmms_of_sled(p_sled_id, NULL, p_reason) AS f;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_sled IS 'Fails every live VMM of a dead sled, those in state creating too.

Answers one row per VMM that the call failed, ordered by VMM id; a second call answers no row. update_needed is true where an instance names the VMM: then run the update saga. Locks VMMs by id and no instance; writes no migration side. A sled that only rebooted may run VMMs that started since: call fail_sled_vmms for such a sled.

Outcomes:
- applied: the VMM of this row became failed.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/operator/fail_sled.sql

-- copy of sql/verbs/operator/fail_sled_vmms.sql
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
DECLARE
  v_verb pg_catalog.text := set_config('vmstate.verb', 'fail_sled_vmms', true);
BEGIN
  IF num_nulls(p_sled_id, p_propolis_ids, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('fail_sled_vmms', jsonb_build_object(
      'p_sled_id', p_sled_id, 'p_propolis_ids', p_propolis_ids, 'p_reason', p_reason));
  ELSIF num_nulls(VARIADIC p_propolis_ids) > 0 THEN
    PERFORM vmstate.raise_invalid_argument('fail_sled_vmms', 'p_propolis_ids', 'p_propolis_ids must not contain null.');
  END IF;
  RETURN QUERY SELECT f.* FROM vmstate.fail_vmms_of_sled(p_sled_id, p_propolis_ids, p_reason) AS f;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_sled_vmms FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_sled_vmms IS 'Fails those of the listed VMMs that are alive and on the sled.

For a sled that has lost these VMMs, as in a reboot: a VMM that started since is not listed and stays alive. Answers one row per VMM that the call failed, ordered by VMM id; a second call answers no row. update_needed is true where an instance names the VMM: then run the update saga. Locks VMMs by id and no instance; writes no migration side.

Outcomes:
- applied: the VMM of this row became failed.
Errors:
- VM001: an argument or an element of p_propolis_ids is null.';
-- end of sql/verbs/operator/fail_sled_vmms.sql

-- copy of sql/verbs/operator/instance_at.sql
CREATE OR REPLACE FUNCTION vmstate.instance_at(p_instance_id uuid, p_time timestamptz) RETURNS vmstate.past_instance_result
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_then pg_catalog.record;
  v_active pg_catalog.record;
  v_destination pg_catalog.record;
  v_source_id pg_catalog.uuid;
  v_is_migrating boolean;
  v_outcome vmstate.outcome := 'applied';
BEGIN
  IF num_nulls(p_instance_id, p_time) > 0 THEN
    PERFORM vmstate.raise_null_argument('instance_at', jsonb_build_object('p_instance_id', p_instance_id, 'p_time', p_time));
  END IF;
  -- What the newest change before says, else what the first change after says was before it, else the row itself.
  SELECT a.* INTO v_then
    FROM (
      (SELECT 1, h.time, h.state, h.generation, h.intended_state, h.active_propolis_id, h.destination_propolis_id, h.migration_id, h.deleted
        FROM vmstate.history AS h
        WHERE h.instance_id = p_instance_id AND h.row_id = p_instance_id AND h.kind = 'instance' AND h.time <= p_time
        ORDER BY h.id DESC LIMIT 1)
      UNION ALL
      (SELECT 2, NULL, h.old_state,
          CASE WHEN (h.old_state, h.old_active_propolis_id, h.old_destination_propolis_id, h.old_migration_id)
            IS NOT DISTINCT FROM (h.state, h.active_propolis_id, h.destination_propolis_id, h.migration_id) THEN h.generation END,
          h.old_intended_state, h.old_active_propolis_id, h.old_destination_propolis_id, h.old_migration_id, false
        FROM vmstate.history AS h
        WHERE h.instance_id = p_instance_id AND h.row_id = p_instance_id AND h.kind = 'instance' AND h.time > p_time
        ORDER BY h.id LIMIT 1)
      UNION ALL
      (SELECT 3, NULL, CASE WHEN i.time_created <= p_time THEN i.state::pg_catalog.text END,
          i.state_generation, i.intended_state, i.active_propolis_id, i.destination_propolis_id, i.migration_id, i.time_deleted IS NOT NULL
        FROM vmstate.instance AS i
        WHERE i.id = p_instance_id)
    ) AS a (place, changed, state, generation, intended_state, active_id, destination_id, migration_id, deleted)
    ORDER BY a.place LIMIT 1;
  IF v_then.state IS NULL THEN
    RETURN ROW('not_found', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.past_instance_result;
  END IF;
  SELECT max(a.state) AS state, (array_agg(a.sled_id))[1] AS sled_id, max(a.changed) AS changed INTO v_active
    FROM vmstate.vmm_at(p_instance_id, v_then.active_id, p_time) AS a;
  SELECT max(a.state) AS state, (array_agg(a.sled_id))[1] AS sled_id, max(a.changed) AS changed INTO v_destination
    FROM vmstate.vmm_at(p_instance_id, v_then.destination_id, p_time) AS a;
  -- The ends of a migration never change.
  SELECT coalesce(
      (SELECT h.source_propolis_id FROM vmstate.history AS h
        WHERE h.instance_id = p_instance_id AND h.row_id = v_then.migration_id AND h.kind = 'migration' ORDER BY h.id LIMIT 1),
      (SELECT m.source_propolis_id FROM vmstate.migration AS m WHERE m.instance_id = p_instance_id AND m.id = v_then.migration_id))
    INTO v_source_id;
  -- Only now, after the rows were read: what another session drops is noted here before it is gone.
  IF p_time < coalesce((SELECT e.since FROM vmstate.history_extent AS e), clock_timestamp()) THEN
    RETURN ROW('conflict', 'not_recorded', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.past_instance_result;
  ELSIF v_then.deleted THEN
    v_outcome := 'gone';
  END IF;
  v_is_migrating := vmstate.is_migrating(v_then.active_id, v_source_id, v_then.destination_id, v_destination.state);
  RETURN ROW(v_outcome, NULL, greatest(v_then.changed, v_active.changed, v_destination.changed),
    vmstate.effective_instance_state(v_then.state::vmstate.instance_state, v_active.state, v_is_migrating),
    v_then.state, v_then.generation, v_then.intended_state, v_then.active_id, v_active.state, v_active.sled_id,
    v_then.destination_id, v_destination.state, v_destination.sled_id, v_then.migration_id)::vmstate.past_instance_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.instance_at FROM PUBLIC;
COMMENT ON FUNCTION vmstate.instance_at IS 'Shows an instance and its VMMs as they were at a time, from the history.

p_time is compared with the times at which changes were written, which is before they were committed. api_state is what vmstate.api_instance showed; active_state and destination_state are those of the rows, saga_unwound included. time is when the newest of these changes before p_time was written, and null if none is recorded. state_generation is null where only the change that followed is recorded. For the present, any time in the future does.

Outcomes:
- applied: the instance existed at that time.
- conflict/not_recorded: the time is before vmstate.history_extent begins.
- gone: the instance had been deleted by then; the columns show the deleted instance.
- not_found: the instance did not exist yet, or no instance has this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/operator/instance_at.sql

-- copy of sql/verbs/operator/maintain_history.sql
CREATE OR REPLACE FUNCTION vmstate.maintain_history(
  p_keep interval DEFAULT '90 days',
  p_width interval DEFAULT '7 days',
  p_force boolean DEFAULT false
) RETURNS vmstate.maintenance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET timezone = 'UTC'
SET lock_timeout = '100ms'
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_from pg_catalog.timestamptz;
  v_to pg_catalog.timestamptz;
  v_partition pg_catalog.record;
  v_reason pg_catalog.text;
  v_result vmstate.maintenance_result := ROW('unchanged', NULL, 0, 0, 0);
BEGIN
  IF num_nulls(p_keep, p_width, p_force) > 0 THEN
    PERFORM vmstate.raise_null_argument('maintain_history', jsonb_build_object('p_keep', p_keep, 'p_width', p_width, 'p_force', p_force));
  END IF;
  PERFORM vmstate.require_history_width(p_keep, p_width);
  IF NOT pg_try_advisory_xact_lock('vmstate.maintain_history'::pg_catalog.regproc::bigint) THEN
    RETURN v_result;
  END IF;

  -- Verbs and readers queue behind a lock that this call waits for: so each wait is short, and what is not locked in time is
  -- left to the next call. The locks of a drop come last, because all verbs wait for them until the end of the transaction.
  BEGIN
    v_result.deleted := vmstate.delete_old_history(v_now - p_keep);
  EXCEPTION
    WHEN lock_not_available THEN
      v_reason := 'locked';
  END;

  SELECT max(p.upper) INTO v_from FROM vmstate.history_partitions() AS p;
  v_from := coalesce(v_from, date_bin(p_width, v_now, '2000-01-03 00:00:00+00'));
  IF v_from + p_width <= v_now THEN
    v_from := date_bin(p_width, v_now, v_from);
  END IF;
  WHILE v_from < v_now + 2 * p_width LOOP
    IF NOT p_force AND (SELECT count(*) FROM (SELECT FROM vmstate.history_default LIMIT 100001) AS h) > 100000 THEN
      IF v_reason IS NULL THEN
        v_reason := 'default_full';
      END IF;
      EXIT;
    END IF;
    v_to := v_from + p_width;
    IF NOT EXISTS (SELECT FROM vmstate.history_default AS h WHERE h.time >= v_from AND h.time < v_to) THEN
      BEGIN
        PERFORM vmstate.add_history_partition(v_from, v_to);
        v_result.created := v_result.created + 1;
      EXCEPTION
        WHEN lock_not_available OR check_violation THEN -- the latter: a row of the default came into the range
          v_reason := 'locked';
          EXIT;
      END;
    END IF;
    v_from := v_to;
  END LOOP;

  FOR v_partition IN SELECT p.name, p.upper FROM vmstate.history_partitions() AS p WHERE p.upper <= v_now - p_keep ORDER BY p.lower LOOP
    BEGIN
      PERFORM vmstate.drop_history_partition(v_partition.name, v_partition.upper);
      v_result.dropped := v_result.dropped + 1;
    EXCEPTION
      WHEN lock_not_available THEN
        v_reason := 'locked';
        EXIT;
    END;
  END LOOP;
  v_result.outcome := CASE
    WHEN v_reason IS NOT NULL THEN 'conflict'
    WHEN v_result.created + v_result.dropped + v_result.deleted > 0 THEN 'applied'
    ELSE 'unchanged'
  END;
  v_result.reason := v_reason;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.maintain_history FROM PUBLIC;
COMMENT ON FUNCTION vmstate.maintain_history IS 'Makes the partitions of the history that come next, and drops old ones.

Call it once an hour or a day. Makes what is missing up to two times p_width (default 7 days; at least 1 hour, at most p_keep, without months) ahead, so that no verb writes to history_default. Drops partitions that are wholly older than p_keep (default 90 days; at least 1 day), and deletes rows of history_default that are older, 10,000 in a call: vmstate.history_extent says what is left. A range of time of which history_default has a row gets no partition. Verbs wait at most 100 ms for a lock of this call, and then while it ends its transaction: call it outside of a transaction. p_force makes partitions although history_default has more than 100,000 rows, which PostgreSQL reads while writers of that table wait. If it is never called, nothing breaks and nothing is dropped.

Outcomes:
- applied: partitions were made or dropped, or rows deleted: created, dropped and deleted say how many.
- unchanged: there was nothing to do, or another session is doing it.
- conflict/locked: another session held a lock, or wrote to history_default: what was left is for the next call. What was done stays.
- conflict/default_full: history_default has more than 100,000 rows, so no partition was made. What was deleted stays.
Errors:
- VM001: an argument is null, p_keep or p_width is out of its range, or the history would have more than 20 partitions.';
-- end of sql/verbs/operator/maintain_history.sql

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
        WHEN 'control_plane' THEN (p.prosecdef AND p.prorettype <> 'trigger'::regtype) OR p.oid IN (SELECT c.id FROM called AS c)
        WHEN 'reader' THEN p.proname IN ('explain_update', 'instances_in_state', 'instance_at') OR p.oid IN (SELECT c.id FROM called AS c)
        WHEN 'sled_agent' THEN p.proname IN ('report_vmm', 'report_vmms', 'report_vmm_batch', 'report_sled')
        -- The kind operator: the schema migration that adds the label may not use it.
        ELSE p.proname IN ('explain_update', 'instances_in_state', 'instance_at', 'maintain_history') OR p.oid IN (SELECT c.id FROM called AS c)
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

The one place that says what is public. Verbs are the functions that run with the rights of their owner and are no triggers; views are public but for those that other views are made of.';
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

control_plane: every verb and every public view. sled_agent: report_vmm, report_vmms and report_vmm_batch, of the VMMs of the sled that bind_sled_agent names, report_sled of that sled, and the view schema_version. reader: every public view, explain_update, instances_in_state and instance_at. operator: what a reader has, and maintain_history. No kind may touch a table. A role may have several kinds. Members of the role have its access, too: for many sleds, grant once to a group role, since PostgreSQL has room for about 2,400 roles on one object. Call grant_access again after a migration of the schema, which may bring new functions and views. revoke_access takes the access away. For the owner of the schema only, with whose rights grant_access runs.

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

Takes effect at once, also in transactions that are under way. What another kind of the role needs stays, where the role has all of that kind and p_kind does not include that kind: control_plane includes the other kinds and operator includes reader, so grant those again if they should stay. What the role has as a member of other roles stays, and so does the binding of a sled agent, which bind_sled_agent ends. For the owner of the schema only.

Outcomes:
- applied: access was taken away.
- unchanged: there was nothing to take away.
Errors:
- VM001: an argument is null, no such role exists, or the role owns the schema.
- 42501: the caller is not the owner of the schema.';
-- end of sql/verbs/access/revoke_access.sql

-- Rows of history_default are deleted for age, and no column of a row is a key: a publication could not tell which row is meant.
ALTER TABLE vmstate.history REPLICA IDENTITY FULL;
-- The partitions begin with the present week; maintain_history makes those that follow. What was before is not recorded.
DO $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_from pg_catalog.timestamptz := date_bin('7 days', v_now, '2000-01-03 00:00:00+00');
BEGIN
  PERFORM setval('vmstate.history_dropped_time', trunc(extract(epoch FROM v_now) * 1000000)::bigint);
  FOR v_week IN 0..1 LOOP
    PERFORM vmstate.add_history_partition(v_from + v_week * interval '168 hours', v_from + (v_week + 1) * interval '168 hours');
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

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (21, '0021_history', false);
