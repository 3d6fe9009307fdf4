CREATE OR REPLACE FUNCTION vmstate.guard_identity() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_old pg_catalog.jsonb := to_jsonb(OLD);
  v_new pg_catalog.jsonb := to_jsonb(NEW);
  v_column pg_catalog.text;
BEGIN
  FOREACH v_column IN ARRAY TG_ARGV[1:] LOOP
    IF v_old -> v_column IS DISTINCT FROM v_new -> v_column THEN
      RAISE EXCEPTION USING
        ERRCODE = 'VM103',
        MESSAGE = format('vmstate.%I.%I cannot be changed', TG_ARGV[0], v_column),
        DETAIL = format('%s is %s; the attempted value is %s.', v_column, v_old -> v_column, v_new -> v_column),
        HINT = 'This column identifies the row and is immutable. Create a new row with begin_start, begin_migration or create_instance.';
    END IF;
  END LOOP;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_identity FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_identity IS 'Refuses changes of the columns that identify a row.

Errors:
- VM103: the columns that identify a row never change.';

CREATE OR REPLACE TRIGGER guard_identity BEFORE UPDATE OF id, project_id ON vmstate.instance
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('instance', 'id', 'project_id');

-- AFTER, like the other guards of vmm: PostgreSQL locks a row for a BEFORE trigger, and writes that lock to the WAL. The name
-- has capitals because triggers fire in the order of their names: the triggers of the foreign keys come later, as their errors
-- say less.
CREATE OR REPLACE TRIGGER "GUARD_identity" AFTER UPDATE OF id, instance_id, sled_id, saga_id, propolis_ip, propolis_port ON vmstate.vmm
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('vmm', 'id', 'instance_id', 'sled_id', 'saga_id', 'propolis_ip', 'propolis_port');

CREATE OR REPLACE TRIGGER guard_identity BEFORE UPDATE OF id, instance_id, saga_id, source_propolis_id, destination_propolis_id ON vmstate.migration
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('migration', 'id', 'instance_id', 'saga_id', 'source_propolis_id', 'destination_propolis_id');
