CREATE OR REPLACE FUNCTION vmstate.session_role() RETURNS name
LANGUAGE sql STABLE
RETURN coalesce(nullif(current_setting('role'), 'none')::name, session_user);
REVOKE ALL ON FUNCTION vmstate.session_role FROM PUBLIC;
COMMENT ON FUNCTION vmstate.session_role IS 'Who calls, also seen from a function that runs with its owner''s rights: the role of SET ROLE, else the one that logged in.';
