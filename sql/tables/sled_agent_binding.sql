CREATE TABLE vmstate.sled_agent_binding (
  role name PRIMARY KEY,
  sled_id uuid NOT NULL
);

COMMENT ON TABLE vmstate.sled_agent_binding IS 'Keeps the sled whose VMMs a role may report; vmstate.bind_sled_agent writes it.';
COMMENT ON COLUMN vmstate.sled_agent_binding.role IS 'The role that reports: the very role, not one that it is a member of.

A name, so that a dump can be restored into another cluster: the binding does not follow a role that is renamed or dropped.';
