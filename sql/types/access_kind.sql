CREATE TYPE vmstate.access_kind AS ENUM ('control_plane', 'sled_agent', 'reader');
COMMENT ON TYPE vmstate.access_kind IS 'What vmstate.grant_access makes of a role. control_plane: every verb and every public view. sled_agent: the reports, of the VMMs of its own sled, and schema_version. reader: every public view, and explain_update.';
