CREATE OR REPLACE FUNCTION vmstate.session_role() RETURNS name
LANGUAGE sql STABLE
RETURN coalesce(nullif(current_setting('role'), 'none')::name, session_user);
REVOKE ALL ON FUNCTION vmstate.session_role FROM PUBLIC;
COMMENT ON FUNCTION vmstate.session_role IS 'Returns the role that calls: that of SET ROLE, else the one that logged in.

Also in a function that runs with the rights of its owner.';
