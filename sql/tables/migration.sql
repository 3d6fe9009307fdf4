CREATE TABLE vmstate.migration (
  instance_id uuid NOT NULL REFERENCES vmstate.instance (id) DEFERRABLE,
  id uuid NOT NULL UNIQUE,
  saga_id uuid NOT NULL,
  source_propolis_id uuid NOT NULL,
  source_state vmstate.migration_state NOT NULL DEFAULT 'pending',
  source_generation vmstate.generation NOT NULL DEFAULT 1,
  time_source_updated timestamptz NOT NULL DEFAULT clock_timestamp(),
  destination_propolis_id uuid NOT NULL,
  destination_state vmstate.migration_state NOT NULL DEFAULT 'pending',
  destination_generation vmstate.generation NOT NULL DEFAULT 1,
  time_destination_updated timestamptz NOT NULL DEFAULT clock_timestamp(),
  time_created timestamptz NOT NULL DEFAULT clock_timestamp(),
  time_deleted timestamptz,
  time_reported timestamptz,
  PRIMARY KEY (instance_id, id),
  FOREIGN KEY (instance_id, source_propolis_id) REFERENCES vmstate.vmm (instance_id, id) DEFERRABLE,
  FOREIGN KEY (instance_id, destination_propolis_id) REFERENCES vmstate.vmm (instance_id, id) DEFERRABLE,
  CONSTRAINT source_is_not_the_destination CHECK (source_propolis_id <> destination_propolis_id)
) WITH (fillfactor = 80);

CREATE INDEX migration_deleted ON vmstate.migration (time_deleted) WHERE time_deleted IS NOT NULL;

COMMENT ON TABLE vmstate.migration IS 'Keeps the live migrations of instances, each between two VMMs of one instance.

Each side is reported by its own sled and has its own generation.';
COMMENT ON COLUMN vmstate.migration.time_source_updated IS 'When the sled of the source saw source_state, by the clock of that sled.';
COMMENT ON COLUMN vmstate.migration.time_destination_updated IS 'When the sled of the destination saw destination_state, by its own clock.';
COMMENT ON COLUMN vmstate.migration.time_reported IS 'When a report of either side was last accepted, by the clock of the database.

Also when the migration was unwound. NULL before.';
