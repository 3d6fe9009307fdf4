CREATE OR REPLACE FUNCTION vmstate.plan_token(
  p_state_generation bigint,
  p_active_id uuid,
  p_destination_id uuid,
  p_migration_id uuid,
  p_unlinked_ids uuid[],
  p_terminate_ids uuid[]
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_state_generation::text || '.'
  || to_hex(hash_record_extended(ROW(p_active_id, p_destination_id, p_migration_id, p_unlinked_ids, p_terminate_ids), 0));
REVOKE ALL ON FUNCTION vmstate.plan_token FROM PUBLIC;
COMMENT ON FUNCTION vmstate.plan_token IS 'Computes the token that names an update plan.

The token has the generation of the instance that the plan was made for, and a hash of the ids that the plan sets, unlinks and terminates. State and intent are no part of the token: they are decided at the commit.';
