-- The tables of vmstate once more, in bench_plain: the same columns, defaults, checks, keys, indexes, fillfactors, rows
-- and foreign keys, but no triggers. Nobody keeps vmm.time_unlinked there, so a new VMM has none.
CREATE SCHEMA bench_plain;

DO $$
DECLARE
  v_name text;
  v_options text;
  v_constraint text;
  v_definition text;
BEGIN
  FOREACH v_name IN ARRAY ARRAY['instance', 'vmm', 'migration'] LOOP
    SELECT array_to_string(c.reloptions, ', ') INTO v_options
      FROM pg_class AS c WHERE c.oid = format('vmstate.%I', v_name)::regclass;
    EXECUTE format('CREATE TABLE bench_plain.%1$I (LIKE vmstate.%1$I INCLUDING ALL) WITH (%2$s)', v_name, v_options);
    EXECUTE format('INSERT INTO bench_plain.%1$I TABLE vmstate.%1$I', v_name);
  END LOOP;
  FOR v_name, v_constraint, v_definition IN
    SELECT t.relname, c.conname, pg_get_constraintdef(c.oid)
    FROM pg_constraint AS c JOIN pg_class AS t ON t.oid = c.conrelid
    WHERE c.contype = 'f' AND t.relnamespace = 'vmstate'::regnamespace
  LOOP
    EXECUTE format('ALTER TABLE bench_plain.%I ADD CONSTRAINT %I %s', v_name, v_constraint,
      replace(v_definition, 'REFERENCES vmstate.', 'REFERENCES bench_plain.'));
  END LOOP;
END;
$$;

ALTER TABLE bench_plain.vmm ALTER COLUMN time_unlinked DROP DEFAULT;
