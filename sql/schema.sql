CREATE SCHEMA IF NOT EXISTS vmstate;
COMMENT ON SCHEMA vmstate IS 'Holds the lifecycle of VM instances: its rows, its verbs, its views.

The tables keep an instance, its VMMs and its migrations. The verbs are the only functions that change these rows. The views show them.';
