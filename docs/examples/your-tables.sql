\ir setup.sql
-- Your tables beside vmstate's
--
-- A shop keeps what it sells in tables of its own, keyed by the instance id.
-- ON DELETE says what purge does with a row: CASCADE deletes it, SET NULL
-- keeps it and forgets the instance, and without either the row is a hold.
CREATE SCHEMA shop;
CREATE TABLE shop.machine (
  instance_id uuid PRIMARY KEY
    REFERENCES vmstate.instance (id) ON DELETE CASCADE,
  vcpus integer NOT NULL);
CREATE TABLE shop.invoice (
  number integer PRIMARY KEY,
  instance_id uuid REFERENCES vmstate.instance (id) ON DELETE SET NULL,
  cents integer NOT NULL);
CREATE TABLE shop.hold (
  instance_id uuid PRIMARY KEY REFERENCES vmstate.instance (id));
CREATE INDEX ON shop.invoice (instance_id);

-- A view of yours reads the public views of vmstate, and names its columns.
CREATE VIEW shop.overview AS
SELECT a.id, a.name, a.state, m.vcpus
FROM vmstate.api_instance AS a JOIN shop.machine AS m ON m.instance_id = a.id;

-- A trigger of yours writes down each change that users can see. It runs in the
-- transaction of the verb, and after it: it never changes a row of vmstate.
CREATE TABLE shop.change (
  id integer GENERATED ALWAYS AS IDENTITY, name text, generation bigint);
CREATE FUNCTION shop.note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$ BEGIN
  INSERT INTO shop.change (name, generation)
    VALUES (NEW.name, NEW.state_generation); RETURN NULL; END $$;
CREATE TRIGGER note_change AFTER UPDATE ON vmstate.instance FOR EACH ROW
  WHEN (OLD.state_generation <> NEW.state_generation)
  EXECUTE FUNCTION shop.note_change();

INSERT INTO shop.machine VALUES (:'web', 4);
INSERT INTO shop.invoice VALUES (1, :'web', 1200);
INSERT INTO shop.hold VALUES (:'web');
SELECT outcome, api_state FROM vmstate.begin_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A',
  p_sled_id => :'sled_1', p_propolis_ip => 'fd00::1');
SELECT name, state, vcpus FROM shop.overview;
TABLE api_and_rows;

-- A delete of vmstate is a mark: the API shows the instance no more, and every
-- row of the shop stays.
SELECT outcome FROM vmstate.unwind_start(
  p_instance_id => :'web', p_saga_id => :'saga_1', p_propolis_id => :'A');
SELECT outcome FROM vmstate.delete_instance(p_instance_id => :'web');
SELECT outcome FROM vmstate.delete_vmm(
  p_instance_id => :'web', p_propolis_id => :'A');
SELECT (SELECT count(*) FROM shop.overview) AS shown,
  (SELECT count(*) FROM shop.machine) AS machines;
SELECT name, generation FROM shop.change ORDER BY id;
TABLE api_and_rows;

-- A month later purge deletes the rows for good, as these statements do. The
-- hold refuses it, and its table is named.
DELETE FROM vmstate.vmm WHERE instance_id = :'web';
SAVEPOINT refused;
DELETE FROM vmstate.instance WHERE id = :'web';
ROLLBACK TO refused;

-- Without the hold, the machine goes with its instance, and the invoice stays.
DELETE FROM shop.hold;
DELETE FROM vmstate.instance WHERE id = :'web';
SELECT (SELECT count(*) FROM shop.machine) AS machines,
  (SELECT count(*) FROM shop.invoice WHERE instance_id IS NULL) AS invoices;

ROLLBACK;
