CREATE OR REPLACE FUNCTION vmstate.bind_sled_agent(p_role name, p_sled_id uuid DEFAULT NULL, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- the binding of a role that was dropped can still be removed
  IF p_sled_id IS NOT NULL OR NOT EXISTS (SELECT FROM vmstate.sled_agent_binding AS b WHERE b.role = p_role) THEN
    PERFORM vmstate.require_role('bind_sled_agent', p_role);
  END IF;
  IF p_sled_id IS NULL THEN
    DELETE FROM vmstate.sled_agent_binding AS b WHERE b.role = p_role;
  ELSE
    INSERT INTO vmstate.sled_agent_binding AS b (role, sled_id)
      VALUES (p_role, p_sled_id)
      ON CONFLICT (role) DO UPDATE SET sled_id = excluded.sled_id WHERE b.sled_id <> excluded.sled_id;
  END IF;
  outcome := CASE WHEN FOUND THEN 'applied' ELSE 'unchanged' END;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.bind_sled_agent FROM PUBLIC;
COMMENT ON FUNCTION vmstate.bind_sled_agent IS 'Says which sled a role of kind sled_agent reports for, in place of any before; p_sled_id NULL: none, so that it may report nothing. A transaction that reads an older snapshot still goes by the old one: to fence a sled at once, first take its access away: REVOKE its membership of the group role, or revoke_access. It counts for the role that logs in, or that SET ROLE names, not for its members. unchanged: it was so already. For the owner of the schema only. VM001: no such role.';
