-- What every story begins with: names for the ids, an instance "web" that is
-- stopped, and the view "api_and_rows". A story includes this file by \ir. From
-- here to its ROLLBACK a story is one transaction, so nothing of it stays.
\set ECHO none
\set QUIET on
\set SHOW_CONTEXT never
\set ON_ERROR_STOP on
\pset footer off

-- Fixed ids, so that the output is the same each time. An error names ids, so
-- that those of the instances and VMMs are made to be recognised.
\set project 00000000-0000-4000-8000-000000000001
\set web 11111111-1111-4111-8111-111111111111
\set db 22222222-2222-4222-8222-222222222222
\set A aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa
\set B bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb
\set C cccccccc-cccc-4ccc-8ccc-cccccccccccc
\set move_1 00000000-0000-4000-8000-000000000011
\set move_2 00000000-0000-4000-8000-000000000012
\set sled_1 00000000-0000-4000-8000-000000000021
\set sled_2 00000000-0000-4000-8000-000000000022
\set sled_3 00000000-0000-4000-8000-000000000023
\set saga_1 00000000-0000-4000-8000-000000000031
\set saga_2 00000000-0000-4000-8000-000000000032
\set saga_3 00000000-0000-4000-8000-000000000033
\set update_1 00000000-0000-4000-8000-000000000041
\set update_2 00000000-0000-4000-8000-000000000042

BEGIN;
-- Functions and operators come from PostgreSQL, whatever schema public holds.
SET LOCAL search_path TO pg_catalog, pg_temp;

CREATE TEMP VIEW known (place, name, id) AS VALUES
  (1, 'web', :'web'::uuid), (2, 'db', :'db'),
  (3, 'A', :'A'), (4, 'B', :'B'), (5, 'C', :'C'),
  (6, 'move_1', :'move_1'), (7, 'move_2', :'move_2');

-- Instances, VMMs and the linked migration: what the API shows of each beside
-- what its row says. Deleted VMMs and earlier migrations are left out.
CREATE TEMP VIEW api_and_rows AS
SELECT k.name, s.api AS "API shows", s.stored AS "stored row"
FROM known AS k
  CROSS JOIN LATERAL (
    SELECT a.state::text,
      format('%s, generation %s', i.state, i.state_generation)
        || coalesce(', active ' || active.name, '')
        || coalesce(', destination ' || destination.name, '')
    FROM vmstate.instance AS i
      LEFT JOIN vmstate.api_instance AS a ON a.id = i.id
      LEFT JOIN known AS active ON active.id = i.active_propolis_id
      LEFT JOIN known AS destination
        ON destination.id = i.destination_propolis_id
    WHERE i.id = k.id
    UNION ALL
    SELECT a.state::text,
      format('%s, generation %s', v.state, v.state_generation)
    FROM vmstate.vmm AS v
      JOIN vmstate.api_vmm AS a USING (instance_id, id)
    WHERE id = k.id AND instance_id IN (:'web', :'db')
    UNION ALL
    SELECT NULL,
      format('source %s, destination %s', m.source_state, m.destination_state)
    FROM vmstate.instance AS i
      JOIN vmstate.migration AS m
        ON m.instance_id = i.id AND m.id = i.migration_id
    WHERE m.id = k.id AND i.id IN (:'web', :'db')
  ) AS s (api, stored)
ORDER BY k.place;

-- web: created, and from then on stopped.
SELECT outcome FROM vmstate.create_instance(
  p_id => :'web', p_project_id => :'project', p_name => 'web',
  p_intended_state => 'running') \gset
SELECT outcome FROM vmstate.finish_instance_creation(p_id => :'web') \gset

\set ON_ERROR_STOP off
\set ECHO all
