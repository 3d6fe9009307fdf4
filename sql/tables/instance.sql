CREATE TABLE vmstate.instance (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  name vmstate.instance_name NOT NULL,
  state vmstate.instance_state NOT NULL DEFAULT 'creating',
  state_generation vmstate.generation NOT NULL DEFAULT 1,
  time_state_updated timestamptz NOT NULL DEFAULT clock_timestamp(),
  active_propolis_id uuid,
  destination_propolis_id uuid,
  migration_id uuid,
  intended_state vmstate.intended_state NOT NULL,
  auto_restart_policy vmstate.auto_restart_policy,
  auto_restart_cooldown interval,
  time_last_auto_restarted timestamptz,
  updater_id uuid,
  updater_generation vmstate.generation NOT NULL DEFAULT 1,
  updater_lease_until timestamptz,
  committed_updater_generation vmstate.generation,
  time_created timestamptz NOT NULL DEFAULT clock_timestamp(),
  time_modified timestamptz NOT NULL DEFAULT clock_timestamp(),
  time_deleted timestamptz,
  committed_updater_id uuid,
  committed_plan_token text,
  released_updater_id uuid,
  updater_parent_id uuid,
  time_updater_released timestamptz,
  auto_restart_attempts integer NOT NULL DEFAULT 0,
  CONSTRAINT state_is_vmm_iff_it_has_an_active_vmm
    CHECK ((state = 'vmm') = (active_propolis_id IS NOT NULL)),
  CONSTRAINT destination_and_migration_are_linked_together
    CHECK ((destination_propolis_id IS NULL) = (migration_id IS NULL)),
  CONSTRAINT migrates_only_with_an_active_vmm
    CHECK (migration_id IS NULL OR active_propolis_id IS NOT NULL),
  CONSTRAINT state_is_destroyed_iff_deleted
    CHECK ((state = 'destroyed') = (time_deleted IS NOT NULL)),
  CONSTRAINT updater_holds_a_lease
    CHECK ((updater_id IS NULL) = (updater_lease_until IS NULL)),
  CONSTRAINT committed_by_a_past_updater
    CHECK (committed_updater_generation <= updater_generation),
  CONSTRAINT cooldown_is_not_negative
    CHECK (auto_restart_cooldown >= interval '0')
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX instance_name_in_project ON vmstate.instance (project_id, name) WHERE time_deleted IS NULL;
CREATE INDEX instance_of_project_in_state ON vmstate.instance (project_id, state, name) WHERE time_deleted IS NULL;
CREATE INDEX instance_with_migration ON vmstate.instance (id) WHERE migration_id IS NOT NULL;
CREATE INDEX instance_in_creation ON vmstate.instance (id) WHERE state = 'creating';
CREATE INDEX instance_down_against_intent ON vmstate.instance (id)
  WHERE state IN ('no_vmm', 'failed') AND intended_state = 'running' AND auto_restart_policy IS DISTINCT FROM 'never'
    -- Redundant on purpose, as in the indexes of vmm: the planner has no statistics on these predicates.
    AND coalesce(time_deleted, 'infinity') = 'infinity' AND least(time_deleted, 'infinity') = 'infinity';

CREATE INDEX instance_deleted ON vmstate.instance (time_deleted) WHERE time_deleted IS NOT NULL;

COMMENT ON TABLE vmstate.instance IS 'Keeps the instances that users see.

An instance names its active VMM and, during a live migration, the destination VMM and the migration.';
COMMENT ON COLUMN vmstate.instance.state_generation IS 'Rises with every change of the state or of a linked id.

A change of the intent or of the configuration does not raise the generation.';
COMMENT ON COLUMN vmstate.instance.active_propolis_id IS 'The VMM that runs the guest, or will run it, or ran it last.

Only the update saga sets the id to NULL; a start replaces NULL or a saga_unwound VMM.';
COMMENT ON COLUMN vmstate.instance.destination_propolis_id IS 'The VMM that the guest is moving to.

Only the update saga sets the id to NULL; a migration replaces NULL or a saga_unwound VMM.';
COMMENT ON COLUMN vmstate.instance.auto_restart_policy IS 'Whether the instance may be restarted automatically; NULL means best_effort.';
COMMENT ON COLUMN vmstate.instance.auto_restart_cooldown IS 'Least time between two automatic restarts; NULL means 5 minutes.';
COMMENT ON COLUMN vmstate.instance.updater_id IS 'The saga that holds the updater lock; NULL if no saga does.

The saga holds the lock until updater_lease_until, and after that until another saga takes the expired lease over.';
COMMENT ON COLUMN vmstate.instance.updater_generation IS 'Fencing token of the updater lock.

Rises with each lock, inheritance and take-over, and never falls.';
COMMENT ON COLUMN vmstate.instance.committed_updater_generation IS 'The updater_generation of the last committed update.';
COMMENT ON COLUMN vmstate.instance.committed_updater_id IS 'The saga that committed the last update.

With committed_updater_generation and committed_plan_token, the id tells a replayed commit from the commit of another saga: after a failover to a lagging replica, a fencing token can be handed out twice.';
COMMENT ON COLUMN vmstate.instance.committed_plan_token IS 'The plan_token of the last committed update.';
COMMENT ON COLUMN vmstate.instance.released_updater_id IS 'The saga that held the updater lock when the lock was last released.

Tells a replayed unlock_update from that of another saga.';
COMMENT ON COLUMN vmstate.instance.updater_parent_id IS 'The saga from which updater_id inherited the updater lock.

NULL if updater_id took the lock itself.';
COMMENT ON COLUMN vmstate.instance.time_updater_released IS 'When the updater lock was last released without a commit.

The instance then waits anew in vmstate.pending_update.';
COMMENT ON COLUMN vmstate.instance.auto_restart_attempts IS 'Number of automatic restarts in a row.

Reset by a user''s start and by a VMM that ran for 10 minutes; vmstate.auto_restart_wait says how the number slows the next automatic restart down.';
