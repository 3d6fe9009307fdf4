CREATE OR REPLACE FUNCTION vmstate.other_kinds(p_role name, p_kind vmstate.access_kind) RETURNS vmstate.access_kind[]
LANGUAGE plpgsql STABLE
SET search_path = ''
AS $$
BEGIN
  RETURN array(
    SELECT k
      FROM unnest(enum_range(NULL::vmstate.access_kind)) AS k
      WHERE k <> p_kind
        AND NOT EXISTS (SELECT FROM vmstate.role_access(p_role, k) AS r WHERE NOT r.is_held)
        -- Leaves out a kind that p_kind includes: whoever has p_kind has these rights, whether or not k was granted as well.
        AND EXISTS (
          SELECT r.privilege, r.object FROM vmstate.access_rights(k) AS r
          EXCEPT
          SELECT r.privilege, r.object FROM vmstate.access_rights(p_kind) AS r
        )
  );
END;
$$;
REVOKE ALL ON FUNCTION vmstate.other_kinds FROM PUBLIC;
COMMENT ON FUNCTION vmstate.other_kinds IS 'Lists the other kinds that a role was granted in full.

p_kind and the kinds that p_kind includes are left out.';
