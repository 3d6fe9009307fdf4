CREATE SCHEMA IF NOT EXISTS vmstate;
COMMENT ON SCHEMA vmstate IS 'VM instance lifecycle: the rows an instance, its VMMs and its migrations are kept in, the only functions that change them, and the views that show them.';
