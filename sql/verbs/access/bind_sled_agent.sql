CREATE OR REPLACE FUNCTION vmstate.bind_sled_agent(p_role name, p_sled_id uuid DEFAULT NULL, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- Requires no role where a binding is to be removed: the role may have been dropped.
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
COMMENT ON FUNCTION vmstate.bind_sled_agent IS 'Binds a role of kind sled_agent to the sled whose VMMs the role may report.

The binding replaces any earlier one of the role. p_sled_id NULL removes the binding, so that the role may report nothing. The binding counts for the role that logs in, or that SET ROLE names, not for the members of that role. A transaction that reads an older snapshot still goes by the old binding: to fence a sled at once, first take its access away, by REVOKE of its membership in the group role or by revoke_access. For the owner of the schema only.

Outcomes:
- applied: the binding was written or removed.
- unchanged: the role was bound to this sled, or to none, already.
Errors:
- VM001: p_role is null or no such role exists; the binding of a role that was dropped can still be removed.';
