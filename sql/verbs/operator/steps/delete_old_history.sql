CREATE OR REPLACE FUNCTION vmstate.delete_old_history(p_before timestamptz) RETURNS integer
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_ids bigint[] := array(SELECT h.id FROM vmstate.history_default AS h WHERE h.time < p_before ORDER BY h.time, h.id LIMIT 10000);
  v_newest pg_catalog.timestamptz;
  v_deleted integer;
BEGIN
  IF v_ids = '{}' THEN
    RETURN 0;
  END IF;
  SELECT max(h.time) INTO v_newest FROM vmstate.history_default AS h WHERE h.id = ANY (v_ids) AND h.time < p_before;
  PERFORM vmstate.note_dropped_history(max(h.id), v_newest, max(h.transaction_id::pg_catalog.text::bigint))
    FROM vmstate.history_default AS h WHERE h.id = ANY (v_ids) AND h.time <= v_newest;
  DELETE FROM vmstate.history_default AS h WHERE h.id = ANY (v_ids) AND h.time <= v_newest;
  GET DIAGNOSTICS v_deleted = ROW_COUNT;
  RETURN v_deleted;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_old_history FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_old_history IS 'Deletes the oldest rows of history_default before a time, at most 10,000.

Answers how many.';
