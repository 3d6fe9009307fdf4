CREATE OR REPLACE FUNCTION vmstate.note_dropped_history(p_id bigint, p_time timestamptz, p_transaction_id bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM setval('vmstate.history_dropped_id', greatest(d.last_value, p_id)) FROM vmstate.history_dropped_id AS d;
  PERFORM setval('vmstate.history_dropped_time', greatest(d.last_value, trunc(extract(epoch FROM p_time) * 1000000)::bigint))
    FROM vmstate.history_dropped_time AS d;
  PERFORM setval('vmstate.history_dropped_transaction', greatest(d.last_value, p_transaction_id)) FROM vmstate.history_dropped_transaction AS d;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.note_dropped_history FROM PUBLIC;
COMMENT ON FUNCTION vmstate.note_dropped_history IS 'Notes what is about to be removed from the history.

Before it is removed, and for all sessions at once. If the removal is rolled back, the note stays: readers then know less than is there, and nothing wrong.';
