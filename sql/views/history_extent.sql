CREATE OR REPLACE VIEW vmstate.history_extent AS
SELECT
  CASE
    WHEN d.last_value > 0 THEN timestamptz '1970-01-01 00:00:00+00' + d.last_value * interval '1 microsecond'
    ELSE (SELECT h."time" FROM vmstate.history AS h ORDER BY h.id LIMIT 1)
  END AS since,
  i.last_value AS last_dropped_id
FROM vmstate.history_dropped_time AS d
CROSS JOIN vmstate.history_dropped_id AS i;
COMMENT ON VIEW vmstate.history_extent IS 'Shows since when the history is whole, and the greatest id that was removed.

since is when the history began, or the time of the newest change that maintain_history removed. In a copy of the schema without its sequences: the time of the oldest change. last_dropped_id is 0 if nothing was removed.';
