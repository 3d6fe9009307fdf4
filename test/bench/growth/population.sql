-- A fleet as it is at rest. Of the 100 instances of a project 80 run, 12 of them after a migration, 6 were stopped, 12 never
-- started, 2 are deleted: 100 VMMs, of which 80 live. Rows come in the order of their creation, ids are random.
CREATE SCHEMA bench_population;

CREATE FUNCTION bench_population.key(p_seed bigint, p_kind text, p_n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN md5(p_seed || p_kind || p_n)::uuid;

CREATE VIEW bench_population.kind AS
SELECT place,
  CASE WHEN place < 80 THEN 'running' WHEN place < 86 THEN 'stopped' WHEN place < 98 THEN 'new' ELSE 'deleted' END AS kind,
  place < 12 AS has_moved
FROM generate_series(0, 99) AS place;

CREATE FUNCTION bench_population.member(p_seed bigint, p_total bigint, p_from bigint, p_to bigint)
RETURNS TABLE (
  n bigint,
  kind text,
  has_moved boolean,
  id uuid,
  project_id uuid,
  vmm_id uuid,
  source_id uuid,
  migration_id uuid,
  saga_id uuid,
  sled_id uuid,
  source_sled_id uuid,
  generation bigint,
  created timestamptz,
  ended timestamptz,
  reported timestamptz
)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT
    m.n,
    k.kind,
    k.has_moved,
    bench_population.key(p_seed, 'instance', m.n),
    bench_population.key(p_seed, 'project', m.n / 100),
    bench_population.key(p_seed, 'vmm', m.n),
    bench_population.key(p_seed, 'source', m.n),
    bench_population.key(p_seed, 'migration', m.n),
    bench_population.key(p_seed, 'saga', m.n),
    bench_population.key(p_seed, 'sled', m.live % s.sleds),
    bench_population.key(p_seed, 'sled', (m.live + 1) % s.sleds),
    3 + abs(hashint8extended(m.n, p_seed) % 100000),
    m.created,
    m.created + interval '1 day',
    timestamptz '2026-01-02 00:00+00' - interval '1 millisecond' * abs(hashint8extended(m.n, p_seed + 1) % 10000)
  FROM (SELECT ceil(p_total * 0.8 / 30)::bigint AS sleds) AS s
  CROSS JOIN LATERAL (
    SELECT n, (n / 100) * 80 + n % 100 AS live,
      timestamptz '2025-01-01 00:00+00' + interval '364 days' * (n::float8 / p_total) AS created
    FROM generate_series(p_from, p_to - 1) AS n
  ) AS m
  JOIN bench_population.kind AS k ON k.place = m.n % 100;
END;

-- Members p_from up to, but not including, p_to. The caller switches the triggers off, which begin every row at its beginning.
CREATE FUNCTION bench_population.load(p_seed bigint, p_total bigint, p_from bigint, p_to bigint) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO vmstate.instance (id, project_id, name, state, state_generation, time_state_updated, active_propolis_id,
      intended_state, updater_generation, committed_updater_generation, time_created, time_modified, time_deleted)
    SELECT m.id, m.project_id, 'instance-' || m.n,
        CASE m.kind WHEN 'running' THEN 'vmm' WHEN 'deleted' THEN 'destroyed' ELSE 'no_vmm' END::vmstate.instance_state,
        CASE m.kind WHEN 'running' THEN 3 WHEN 'stopped' THEN 4 WHEN 'new' THEN 2 ELSE 5 END,
        CASE WHEN m.kind IN ('running', 'new') THEN m.created ELSE m.ended END,
        CASE WHEN m.kind = 'running' THEN m.vmm_id END,
        CASE m.kind WHEN 'running' THEN 'running' WHEN 'deleted' THEN 'destroyed' ELSE 'stopped' END::vmstate.intended_state,
        CASE WHEN m.kind IN ('stopped', 'deleted') OR m.has_moved THEN 2 ELSE 1 END,
        CASE WHEN m.kind IN ('stopped', 'deleted') OR m.has_moved THEN 2 END,
        m.created, m.created, CASE WHEN m.kind = 'deleted' THEN m.ended END
      FROM bench_population.member(p_seed, p_total, p_from, p_to) AS m;

  INSERT INTO vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, state, state_generation, time_state_updated,
      time_started, time_unlinked, time_created, migration_id)
    SELECT m.id, m.vmm_id, m.sled_id, inet 'fd00::' + m.n, m.saga_id, 'running', m.generation, m.reported,
        m.created, NULL, m.created, CASE WHEN m.has_moved THEN m.migration_id END
      FROM bench_population.member(p_seed, p_total, p_from, p_to) AS m
      WHERE m.kind = 'running';

  INSERT INTO vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, state, state_generation, time_state_updated,
      time_started, time_unlinked, time_created, time_deleted)
    SELECT m.id, CASE WHEN m.has_moved THEN m.source_id ELSE m.vmm_id END, m.source_sled_id, inet 'fd00::' + m.n, m.saga_id,
        'destroyed', m.generation, m.ended, m.created, m.ended, m.created, m.ended
      FROM bench_population.member(p_seed, p_total, p_from, p_to) AS m
      WHERE m.has_moved OR m.kind IN ('stopped', 'deleted');

  INSERT INTO vmstate.migration (instance_id, id, saga_id, source_propolis_id, source_state, source_generation,
      time_source_updated, destination_propolis_id, destination_state, destination_generation, time_destination_updated,
      time_created, time_deleted)
    SELECT m.id, m.migration_id, m.saga_id, m.source_id, 'completed', 3, m.ended, m.vmm_id, 'completed', 3, m.ended,
        m.ended, m.ended
      FROM bench_population.member(p_seed, p_total, p_from, p_to) AS m
      WHERE m.has_moved;
END;
