CREATE TABLE vmstate.vmm (
  instance_id uuid NOT NULL REFERENCES vmstate.instance (id) DEFERRABLE,
  id uuid NOT NULL UNIQUE,
  sled_id uuid NOT NULL,
  propolis_ip inet NOT NULL,
  propolis_port vmstate.port NOT NULL DEFAULT 12400,
  saga_id uuid NOT NULL,
  state vmstate.vmm_state NOT NULL DEFAULT 'creating',
  state_generation vmstate.generation NOT NULL DEFAULT 1,
  time_state_updated timestamptz NOT NULL DEFAULT clock_timestamp(),
  time_started timestamptz,
  failure_reason vmstate.failure_reason,
  time_unlinked timestamptz DEFAULT clock_timestamp(),
  time_created timestamptz NOT NULL DEFAULT clock_timestamp(),
  time_deleted timestamptz,
  time_reported timestamptz,
  migration_id uuid,
  PRIMARY KEY (instance_id, id)
) WITH (fillfactor = 70);

CREATE INDEX vmm_on_sled ON vmstate.vmm (sled_id, id) WHERE time_deleted IS NULL;
-- The work lists read these indexes. The coalesce and least predicates are redundant on purpose: the planner has no statistics on
-- them, so it estimates few rows and uses these indexes instead of scanning every deleted row.
CREATE INDEX vmm_unlinked ON vmstate.vmm (instance_id, id)
  WHERE time_unlinked IS NOT NULL AND time_deleted IS NULL
    AND coalesce(time_deleted, 'infinity') = 'infinity' AND least(time_deleted, 'infinity') = 'infinity';
CREATE INDEX vmm_linked_not_running ON vmstate.vmm (state, instance_id, id)
  WHERE state <> 'running' AND time_unlinked IS NULL AND time_deleted IS NULL
    AND coalesce(time_deleted, 'infinity') = 'infinity' AND least(time_deleted, 'infinity') = 'infinity';
CREATE INDEX vmm_deleted ON vmstate.vmm (time_deleted) WHERE time_deleted IS NOT NULL;

COMMENT ON TABLE vmstate.vmm IS 'Keeps the incarnations of instances: each a Propolis process on a sled.';
COMMENT ON COLUMN vmstate.vmm.saga_id IS 'The start or migrate saga that created the VMM, the only one that may unwind it.';
COMMENT ON COLUMN vmstate.vmm.time_state_updated IS 'When the sled saw the state, by the clock of the sled, which may be wrong.

By the clock of the database where a verb set the state.';
COMMENT ON COLUMN vmstate.vmm.time_reported IS 'When the VMM was last heard of, by the clock of the database.

That is when a report was accepted, or when fail_vmm, fail_sled, fail_sled_vmms or an unwind ended the VMM. NULL before the first report. Every age is reckoned from this time.';
COMMENT ON COLUMN vmstate.vmm.time_started IS 'When the database first heard that the guest ran in the VMM, by its own clock.

The function vmstate.counts_as_running says which reports show that.';
COMMENT ON COLUMN vmstate.vmm.time_unlinked IS 'When the last link to the VMM was removed; NULL while an instance names the VMM.

Set by trigger mark_links; guard_link rejects any other value.';
COMMENT ON COLUMN vmstate.vmm.migration_id IS 'The migration that the VMM was made for, as its destination; NULL after a start.

Set by trigger guard_destination when the migration is inserted, and never changed; the migration itself may be purged. Also NULL if the VMM came by logical replication from a release without this column.';
