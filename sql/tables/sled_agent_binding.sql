CREATE TABLE vmstate.sled_agent_binding (
  role name PRIMARY KEY,
  sled_id uuid NOT NULL
);

COMMENT ON TABLE vmstate.sled_agent_binding IS 'The sled whose VMMs a role may report: written by vmstate.bind_sled_agent.';
COMMENT ON COLUMN vmstate.sled_agent_binding.role IS 'The very role that reports, not one it is a member of. A name, so that a dump can be restored into another cluster: it does not follow a role that is renamed or dropped.';
