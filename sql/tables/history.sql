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
