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
