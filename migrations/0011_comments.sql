-- 0011_comments: every comment begins with a short summary and lists outcomes and errors; every error says what was refused,
-- what was found and what to do.
-- Why: psql's \df+ and \d+ and docs/reference.md show the comments; an operator has to understand comments and errors at first reading.
-- Objects: the comments of all objects; functions, views and triggers are made again as they are, but for the texts of their errors.
-- Locks: instance, vmm and migration (EXCLUSIVE: reads of the tables go on), the views (ACCESS EXCLUSIVE).
-- Breaking: no. SQLSTATEs stay. ENABLE ALWAYS on a guard is reset; set it again.
-- With psql, in one transaction that ends at the first error: psql -1 -v ON_ERROR_STOP=1 -f 0011_comments.sql

-- Names resolve in pg_catalog, whatever the session's search_path is (CVE-2018-1058); the end of the file sets it back.
DO $$
BEGIN
  PERFORM pg_catalog.set_config('vmstate.search_path', pg_catalog.current_setting('search_path'), false);
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
END;
$$;
-- Without a transaction block, the setting ended with the statement: then it is the session's until the end of the file.
DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)
    WHERE pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) 'pg_catalog, pg_temp';
END;
$$;

LOCK TABLE vmstate.instance, vmstate.vmm, vmstate.migration IN EXCLUSIVE MODE;

-- No verb is under way now. Views are locked before the tables, outer ones first, as whoever reads them does: a reader that
-- holds a view and waits for a table would else be in a deadlock with this file. RESET of what is not set locks, and no more.
ALTER VIEW vmstate.api_instance RESET (security_barrier);
ALTER VIEW vmstate.api_vmm RESET (security_barrier);
ALTER VIEW vmstate.pending_update RESET (security_barrier);
ALTER VIEW vmstate.abandoned_vmm RESET (security_barrier);
ALTER VIEW vmstate.orphaned_vmm RESET (security_barrier);
ALTER VIEW vmstate.restartable_instance RESET (security_barrier);
ALTER VIEW vmstate.watched_vmm RESET (security_barrier);
ALTER VIEW vmstate.stuck_instance RESET (security_barrier);
ALTER VIEW vmstate.invariant_violation RESET (security_barrier);
ALTER VIEW vmstate.instance_plan RESET (security_barrier);
ALTER VIEW vmstate.resolved_instance RESET (security_barrier);

COMMENT ON SCHEMA vmstate IS 'Holds the lifecycle of VM instances: its rows, its verbs, its views.

The tables keep an instance, its VMMs and its migrations. The verbs are the only functions that change these rows. The views show them.';
COMMENT ON DOMAIN vmstate.generation IS 'Numbers the versions of a row, from 1 to 2^53-1; a generation only rises.

A JavaScript number holds every generation exactly.';
COMMENT ON DOMAIN vmstate.instance_name IS 'Names an instance, in 1 to 63 characters.';
COMMENT ON DOMAIN vmstate.port IS 'Numbers a TCP port, 0 to 65535.';
COMMENT ON TYPE vmstate.vmm_state IS 'Names the state of a VMM; failed, destroyed and saga_unwound are absorbing.

saga_unwound is set only by an unwinding start or migrate saga and never leaves the database.';
COMMENT ON TYPE vmstate.reported_vmm_state IS 'Names what a sled agent can say of a VMM: neither creating nor saga_unwound.';
COMMENT ON TYPE vmstate.api_vmm_state IS 'Names the state of a VMM as the API shows it: saga_unwound appears as destroyed.';
COMMENT ON TYPE vmstate.instance_state IS 'Names the state of an instance row.

While the state is vmm, what the user sees derives from the VMMs of the instance: vmstate.effective_instance_state.';
COMMENT ON TYPE vmstate.api_instance_state IS 'Names the state of an instance as the API shows it.';
COMMENT ON TYPE vmstate.migration_state IS 'Names the state of one side of a migration; failed and completed are terminal.';
COMMENT ON TYPE vmstate.migration_verdict IS 'Says what a linked migration amounts to, by its two sides and its VMMs.

The function vmstate.migration_verdict decides.';
COMMENT ON TYPE vmstate.intended_state IS 'Says what an instance should be.

The user decides, but guest_shutdown follows when the guest ended its VM itself.';
COMMENT ON TYPE vmstate.auto_restart_policy IS 'Says whether the control plane may restart an instance automatically.

NULL in a row means best_effort.';
COMMENT ON TYPE vmstate.failure_reason IS 'Says why a VMM is failed.';
COMMENT ON TYPE vmstate.outcome IS 'Says what became of a call.

Values:
- applied: the call wrote what was asked.
- unchanged: the call is a replay, or there is nothing to do.
- stale: the generation is not newer than the recorded one.
- terminal: the VMM is dead, or the side of the migration has ended.
- conflict: the call is refused, and the column reason says why.
- wrong_side: the VMM is not that side of the migration.
- gone: the row was deleted.
- not_found: the row never existed, or belongs to another instance.';
COMMENT ON TYPE vmstate.access_kind IS 'Names what vmstate.grant_access makes of a role.

Values:
- control_plane: every verb and every public view.
- sled_agent: the reports, of the VMMs of its own sled, and the view schema_version.
- reader: every public view, and explain_update.';
COMMENT ON TYPE vmstate.instance_result IS 'Answers an instance verb: the outcome, and the instance after the call.

The columns of the instance are null if the outcome is not_found.';
COMMENT ON TYPE vmstate.start_result IS 'Answers begin_start.

Has the columns of vmstate.instance_result, and the unwound VMM that the new VMM replaced, if any.';
COMMENT ON TYPE vmstate.command_result IS 'Answers request_stop and request_reboot.

Has the columns of vmstate.instance_result, and the live VMMs whose sled agents must be told.';
COMMENT ON TYPE vmstate.update_result IS 'Answers a verb of the update saga: the instance, the updater lock and the plan.

Has the columns of vmstate.instance_result, then the fencing token and the lease of the updater lock, and the saga that holds the lock (updater_id; null: nobody). The plan: the row as it will be (new_…), what to do with the network (keep, move or delete; network_propolis_id is where the network belongs afterwards), the VMMs that lose their link, those of them to terminate on their sleds, and plan_token, which names this plan.';
COMMENT ON TYPE vmstate.vmm_result IS 'Answers a VMM verb: the outcome, and the VMM after the call.

The columns of the VMM are null if the outcome is not_found.';
COMMENT ON TYPE vmstate.fail_result IS 'Answers fail_vmm.

Has the columns of vmstate.vmm_result, and whether the update saga has to run because an instance still names the VMM.';
COMMENT ON TYPE vmstate.report_result IS 'Answers report_vmm: the outcome of each part, and the VMM as it stands.

The outcome of a part that the report does not have is null. update_needed is true if this very report made a linked row terminal, so that the update saga has to run.';
COMMENT ON TYPE vmstate.vmm_report IS 'Holds one report of a sled agent, as vmstate.report_vmms takes it.

Its attributes are the arguments of vmstate.report_vmm without p_.';
COMMENT ON TYPE vmstate.batch_report IS 'Holds one report of a batch, with its place in the batch, from 1.

The attribute of type vmm_report is null if the report says nothing of a migration.';
COMMENT ON TYPE vmstate.batch_result IS 'Says what became of one report of a batch: a row of vmstate.report_vmms.

ordinal is the place of the report in the batch, from 1.';
COMMENT ON TABLE vmstate.instance IS 'Keeps the instances that users see.

An instance names its active VMM and, during a live migration, the destination VMM and the migration.';
COMMENT ON COLUMN vmstate.instance.state_generation IS 'Rises with every change of the state or of a linked id.

A change of the intent or of the configuration does not raise the generation.';
COMMENT ON COLUMN vmstate.instance.active_propolis_id IS 'The VMM that runs the guest, or will run it, or ran it last.

Only the update saga sets the id to NULL; a start replaces NULL or a saga_unwound VMM.';
COMMENT ON COLUMN vmstate.instance.destination_propolis_id IS 'The VMM that the guest is moving to.

Only the update saga sets the id to NULL; a migration replaces NULL or a saga_unwound VMM.';
COMMENT ON COLUMN vmstate.instance.auto_restart_policy IS 'Whether the instance may be restarted automatically; NULL means best_effort.';
COMMENT ON COLUMN vmstate.instance.auto_restart_cooldown IS 'Least time between two automatic restarts; NULL means 5 minutes.';
COMMENT ON COLUMN vmstate.instance.updater_id IS 'The saga that holds the updater lock; NULL if no saga does.

The saga holds the lock until updater_lease_until, and after that until another saga takes the expired lease over.';
COMMENT ON COLUMN vmstate.instance.updater_generation IS 'Fencing token of the updater lock.

Rises with each lock, inheritance and take-over, and never falls.';
COMMENT ON COLUMN vmstate.instance.committed_updater_generation IS 'The updater_generation of the last committed update.';
COMMENT ON COLUMN vmstate.instance.committed_updater_id IS 'The saga that committed the last update.

With committed_updater_generation and committed_plan_token, the id tells a replayed commit from the commit of another saga: after a failover to a lagging replica, a fencing token can be handed out twice.';
COMMENT ON COLUMN vmstate.instance.committed_plan_token IS 'The plan_token of the last committed update.';
COMMENT ON COLUMN vmstate.instance.released_updater_id IS 'The saga that held the updater lock when the lock was last released.

Tells a replayed unlock_update from that of another saga.';
COMMENT ON COLUMN vmstate.instance.updater_parent_id IS 'The saga from which updater_id inherited the updater lock.

NULL if updater_id took the lock itself.';
COMMENT ON COLUMN vmstate.instance.time_updater_released IS 'When the updater lock was last released without a commit.

The instance then waits anew in vmstate.pending_update.';
COMMENT ON COLUMN vmstate.instance.auto_restart_attempts IS 'Number of automatic restarts in a row.

Reset by a user''s start and by a VMM that ran for 10 minutes; vmstate.auto_restart_wait says how the number slows the next automatic restart down.';
COMMENT ON TABLE vmstate.vmm IS 'Keeps the incarnations of instances: each a Propolis process on a sled.';
COMMENT ON COLUMN vmstate.vmm.saga_id IS 'The start or migrate saga that created the VMM, the only one that may unwind it.';
COMMENT ON COLUMN vmstate.vmm.time_state_updated IS 'When the sled saw the state, by the clock of the sled, which may be wrong.

By the clock of the database where a verb set the state.';
COMMENT ON COLUMN vmstate.vmm.time_reported IS 'When the VMM was last heard of, by the clock of the database.

That is when a report was accepted, or when fail_vmm, fail_sled, fail_sled_vmms or an unwind ended the VMM. NULL before the first report. Every age is reckoned from this time.';
COMMENT ON COLUMN vmstate.vmm.time_started IS 'When the database first heard that the guest ran in the VMM, by its own clock.

The function vmstate.counts_as_running says which reports show that.';
COMMENT ON COLUMN vmstate.vmm.time_unlinked IS 'When the last link to the VMM was removed; NULL while an instance names the VMM.

Set by trigger mark_links; guard_link rejects any other value.';
COMMENT ON COLUMN vmstate.vmm.migration_id IS 'The migration that the VMM was made for, as its destination; NULL after a start.

Set by trigger guard_destination when the migration is inserted, and never changed; the migration itself may be purged. Also NULL if the VMM came by logical replication from a release without this column.';
COMMENT ON TABLE vmstate.migration IS 'Keeps the live migrations of instances, each between two VMMs of one instance.

Each side is reported by its own sled and has its own generation.';
COMMENT ON COLUMN vmstate.migration.time_source_updated IS 'When the sled of the source saw source_state, by the clock of that sled.';
COMMENT ON COLUMN vmstate.migration.time_destination_updated IS 'When the sled of the destination saw destination_state, by its own clock.';
COMMENT ON COLUMN vmstate.migration.time_reported IS 'When a report of either side was last accepted, by the clock of the database.

Also when the migration was unwound. NULL before.';
COMMENT ON TABLE vmstate.sled_agent_binding IS 'Keeps the sled whose VMMs a role may report; vmstate.bind_sled_agent writes it.';
COMMENT ON COLUMN vmstate.sled_agent_binding.role IS 'The role that reports: the very role, not one that it is a member of.

A name, so that a dump can be restored into another cluster: the binding does not follow a role that is renamed or dropped.';
COMMENT ON TABLE vmstate.schema_change IS 'Keeps the changes of this schema that were applied, whichever tool applied them.

The last statement of each change writes its row.';
COMMENT ON COLUMN vmstate.schema_change.name IS 'Name of the migration file, without .sql.';
COMMENT ON COLUMN vmstate.schema_change.is_breaking IS 'True if services built for an earlier schema stop working.';

-- by hand: SCHEMA vmstate of sql/schema.sql as of 6ef804f2544d2d42b7a701e1fb1174ca0eb29127761538d5faed7b49d8a3909f
-- by hand: DOMAIN vmstate.generation of sql/types/domains.sql as of f1b0a7f3888059c213b321a4c26ff1b8124d925b9dad895050b6d7506000e466
-- by hand: DOMAIN vmstate.instance_name of sql/types/domains.sql as of a0ab3418b260c51076cc092a837393c2d7fd6079a2ed8eae29a7bb5070d827d8
-- by hand: DOMAIN vmstate.port of sql/types/domains.sql as of d6b833054dc217e24a814b96c99aad67bf3fc26d87e7a1582f95b60e0769c496
-- by hand: TYPE vmstate.vmm_state of sql/types/states.sql as of 326b4b81354776c31a7e809f9afb70e53adc854bd07a2a900d7fdd723578a8c9
-- by hand: TYPE vmstate.reported_vmm_state of sql/types/states.sql as of 176ff849a9579f475a00c71fe5a12a5f9b9183a0d25d9aa7d4e5c09ba19c3c99
-- by hand: TYPE vmstate.api_vmm_state of sql/types/states.sql as of 79c74712a45ccf9f9cfd3c0abe3a0b62537bf9eece5b120933d69a1d6aa3a516
-- by hand: TYPE vmstate.instance_state of sql/types/states.sql as of d7ad5e597ce636da23dc0fa314b4387d19b49373364569a042ce98e144da5047
-- by hand: TYPE vmstate.api_instance_state of sql/types/states.sql as of 4ff3f8076db6dd30d386463bf1fb2b95d618104c53ebdffdd856a432a3bf8926
-- by hand: TYPE vmstate.migration_state of sql/types/states.sql as of 63654d010f535952f3793cf7c169ee845cd198da2a1ba15d46b7af7dcd7efa34
-- by hand: TYPE vmstate.migration_verdict of sql/types/states.sql as of e40c2e6267d7f66faca7c13ddba921cefe6e113a547cbbb6bef5e61473dc4fde
-- by hand: TYPE vmstate.intended_state of sql/types/states.sql as of 0beaabfe6bcaa8ade43ef020a4c5a5f3e13f3d3b4e39fde2ff1f174ce0f11219
-- by hand: TYPE vmstate.auto_restart_policy of sql/types/states.sql as of 9ffd10af9281a619bc56fc28c8ea85bb3067ea15bf7fc539bfbccc888bf306e3
-- by hand: TYPE vmstate.failure_reason of sql/types/states.sql as of a4daa06756530125c188e32af74ed80075a68653c0c20d819c2db3196e5d301f
-- by hand: TYPE vmstate.outcome of sql/types/states.sql as of e9f4f2b4a32f35fa04ca506430d814755673b1a8a439583fe452e310de40a54f
-- by hand: TYPE vmstate.access_kind of sql/types/states.sql as of a8b8d72bb9fa81b00b4da83fa287b7e82a2bdd5efb4109783046535c45110ac0
-- by hand: TYPE vmstate.instance_result of sql/types/results.sql as of 4352ce3dad1bf0c8b37e3f43dd725136bf252e76d1c286527b7346cf1f6770ab
-- by hand: TYPE vmstate.start_result of sql/types/results.sql as of 4f9b1404913053d3d74df0092c6404937426e2956929eb41f78f45a088adfed2
-- by hand: TYPE vmstate.command_result of sql/types/results.sql as of affeec79c30fe1d4df4310a892357eec4c2e442aa0481ad55856f169842f8c58
-- by hand: TYPE vmstate.update_result of sql/types/results.sql as of 858a255e49545f01274ba53738c9102a42a56b4b94a39e0cca0ef51fc4c8603e
-- by hand: TYPE vmstate.vmm_result of sql/types/results.sql as of 5767591ad2c20b568c67f9d65d5374c186a5f4c1c234ed95e8ec46dcc3012b4d
-- by hand: TYPE vmstate.fail_result of sql/types/results.sql as of 3418940e43b378551ef81e4002216e79e41a09ecb3437adac163f8f22e098ff6
-- by hand: TYPE vmstate.report_result of sql/types/results.sql as of 1744fd59b1a46655ecedb201c2da616ac2b942c8ab3af3c2bac073761cf2ae3c
-- by hand: TYPE vmstate.vmm_report of sql/types/results.sql as of 7dca5e7a073eeab4fc6754a7337a55ea6d77bc458cb0f37abc8ff432ce77e4a7
-- by hand: TYPE vmstate.batch_report of sql/types/results.sql as of 12b42d4e24ed101610eb580db49296cdf4a77a3fa5e6902de38bbe39a5659f4c
-- by hand: TYPE vmstate.batch_result of sql/types/results.sql as of 0c847d5bf1c67cad5b7bb3351366262a863f28a6ba5c105d6a15755a2b37d3b0
-- by hand: TABLE vmstate.instance of sql/tables/instance.sql as of 3a5641bb03f667ed45714f5d221aec77337ad4b25f1967c989bc83380b3f255a
-- by hand: TABLE vmstate.vmm of sql/tables/vmm.sql as of 92d6d6c276201d727d7eabf342cb1aa53af6e9123c332fd5164366b5e97267dc
-- by hand: TABLE vmstate.migration of sql/tables/migration.sql as of 2501710e038892a6a74d7c3824c9e2ad1d0bb763ce7835761aed3fd660f0e3f3
-- by hand: TABLE vmstate.sled_agent_binding of sql/tables/sled_agent_binding.sql as of 0740ecf3c2b04b2b7a2e70a41108f566542c1ca19e15915a13ce6d689e727953
-- by hand: TABLE vmstate.schema_change of sql/tables/schema_change.sql as of 5cdc70100119fa9c570b8c6f5074cd7736d334f43f3f370062d5aa620a719d4c

-- copy of sql/rules/is_absorbing.sql
CREATE OR REPLACE FUNCTION vmstate.is_absorbing(p_state vmstate.vmm_state) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_state IN ('failed', 'destroyed', 'saga_unwound');
REVOKE ALL ON FUNCTION vmstate.is_absorbing FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_absorbing IS 'Tells whether a VMM in this state is dead.

A dead VMM never lives again, and may be deleted once no instance names it.';
-- end of sql/rules/is_absorbing.sql

-- copy of sql/rules/is_on_sled.sql
CREATE OR REPLACE FUNCTION vmstate.is_on_sled(p_state vmstate.vmm_state) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_state NOT IN ('creating', 'saga_unwound', 'destroyed');
REVOKE ALL ON FUNCTION vmstate.is_on_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_on_sled IS 'Tells whether a VMM in this state may hold resources of its sled.';
-- end of sql/rules/is_on_sled.sql

-- copy of sql/rules/is_watched.sql
CREATE OR REPLACE FUNCTION vmstate.is_watched(p_state vmstate.vmm_state) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN vmstate.is_on_sled(p_state) AND NOT vmstate.is_absorbing(p_state);
REVOKE ALL ON FUNCTION vmstate.is_watched FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_watched IS 'Tells whether the instance watcher asks the sled about a VMM in this state.';
-- end of sql/rules/is_watched.sql

-- copy of sql/rules/is_terminal.sql
CREATE OR REPLACE FUNCTION vmstate.is_terminal(p_state vmstate.migration_state) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_state IN ('failed', 'completed');
REVOKE ALL ON FUNCTION vmstate.is_terminal FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_terminal IS 'Tells whether a migration side in this state has ended and never changes again.';
-- end of sql/rules/is_terminal.sql

-- copy of sql/rules/from_report.sql
CREATE OR REPLACE FUNCTION vmstate.from_report(p_state vmstate.reported_vmm_state) RETURNS vmstate.vmm_state
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_state
  WHEN 'starting' THEN 'starting'::vmstate.vmm_state
  WHEN 'running' THEN 'running'
  WHEN 'stopping' THEN 'stopping'
  WHEN 'stopped' THEN 'stopped'
  WHEN 'rebooting' THEN 'rebooting'
  WHEN 'migrating' THEN 'migrating'
  WHEN 'failed' THEN 'failed'
  WHEN 'destroyed' THEN 'destroyed'
END;
REVOKE ALL ON FUNCTION vmstate.from_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.from_report IS 'Converts a state that a sled agent reports to a VMM state.';
-- end of sql/rules/from_report.sql

-- copy of sql/rules/to_api_vmm_state.sql
CREATE OR REPLACE FUNCTION vmstate.to_api_vmm_state(p_state vmstate.vmm_state) RETURNS vmstate.api_vmm_state
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_state
  WHEN 'creating' THEN 'creating'::vmstate.api_vmm_state
  WHEN 'starting' THEN 'starting'
  WHEN 'running' THEN 'running'
  WHEN 'stopping' THEN 'stopping'
  WHEN 'stopped' THEN 'stopped'
  WHEN 'rebooting' THEN 'rebooting'
  WHEN 'migrating' THEN 'migrating'
  WHEN 'failed' THEN 'failed'
  WHEN 'destroyed' THEN 'destroyed'
  WHEN 'saga_unwound' THEN 'destroyed'
END;
REVOKE ALL ON FUNCTION vmstate.to_api_vmm_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_api_vmm_state IS 'Converts a VMM state to what the API shows: saga_unwound appears as destroyed.';
-- end of sql/rules/to_api_vmm_state.sql

-- copy of sql/rules/is_point_in_time.sql
CREATE OR REPLACE FUNCTION vmstate.is_point_in_time(p_time timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_time BETWEEN timestamptz '1970-01-01 00:00+00' AND timestamptz '9999-12-31 00:00+00';
REVOKE ALL ON FUNCTION vmstate.is_point_in_time FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_point_in_time IS 'Tells whether a time is within the years 1970 to 9999.

A sled can have seen something only then, and every client can read such a time. Infinity is no point in time.';
-- end of sql/rules/is_point_in_time.sql

-- copy of sql/rules/stuck_after.sql
CREATE OR REPLACE FUNCTION vmstate.stuck_after() RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN interval '10 minutes';
REVOKE ALL ON FUNCTION vmstate.stuck_after FROM PUBLIC;
COMMENT ON FUNCTION vmstate.stuck_after IS 'Returns how long an instance may stay in a transitional state: 10 minutes.

After that vmstate.stuck_instance lists the instance.';
-- end of sql/rules/stuck_after.sql

-- copy of sql/rules/last_heard.sql
CREATE OR REPLACE FUNCTION vmstate.last_heard(p_time_reported timestamptz, p_time_state_updated timestamptz, p_now timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_time_reported, CASE WHEN p_time_state_updated IS NOT NULL THEN least(p_time_state_updated, p_now) END);
REVOKE ALL ON FUNCTION vmstate.last_heard FROM PUBLIC;
COMMENT ON FUNCTION vmstate.last_heard IS 'Tells since when there has been no news of a VMM, by the clock of the database.

A VMM without a report has only the time of its state, which a sled may have written: a time in the future counts as now. NULL if there is no VMM.';
-- end of sql/rules/last_heard.sql

-- copy of sql/rules/report_keys.sql
CREATE OR REPLACE FUNCTION vmstate.report_keys() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[
  'instance_id', 'propolis_id', 'state', 'generation', 'time',
  'migration_in_id', 'migration_in_state', 'migration_in_generation', 'migration_in_time',
  'migration_out_id', 'migration_out_state', 'migration_out_generation', 'migration_out_time'
];
REVOKE ALL ON FUNCTION vmstate.report_keys FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_keys IS 'Lists the keys that an element of report_vmms may have.

The keys are the attributes of vmstate.vmm_report.';
-- end of sql/rules/report_keys.sql

-- copy of sql/rules/is_migrating.sql
CREATE OR REPLACE FUNCTION vmstate.is_migrating(
  p_active_id uuid,
  p_source_id uuid,
  p_destination_id uuid,
  p_destination_state vmstate.vmm_state
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_active_id IN (p_source_id, p_destination_id) AND p_destination_state <> 'saga_unwound', false);
REVOKE ALL ON FUNCTION vmstate.is_migrating FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_migrating IS 'Tells whether an instance shows migrating.

True if the active VMM takes part in the linked migration (whose two VMM ids are null without one) and the destination VMM is not saga_unwound.';
-- end of sql/rules/is_migrating.sql

-- copy of sql/rules/effective_instance_state.sql
CREATE OR REPLACE FUNCTION vmstate.effective_instance_state(
  p_state vmstate.instance_state,
  p_active_state vmstate.vmm_state,
  p_migrating boolean
) RETURNS vmstate.api_instance_state
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_state
  WHEN 'creating' THEN 'creating'::vmstate.api_instance_state
  WHEN 'no_vmm' THEN 'stopped'
  WHEN 'failed' THEN 'failed'
  WHEN 'destroyed' THEN 'destroyed'
  WHEN 'vmm' THEN
    CASE
      WHEN p_active_state = 'saga_unwound' THEN 'stopped'::vmstate.api_instance_state
      WHEN p_migrating THEN 'migrating'
      WHEN p_active_state IN ('creating', 'starting') THEN 'starting'
      WHEN p_active_state IN ('stopping', 'stopped', 'failed', 'destroyed') THEN 'stopping'
      WHEN p_active_state = 'running' THEN 'running'
      WHEN p_active_state = 'rebooting' THEN 'rebooting'
      WHEN p_active_state = 'migrating' THEN 'migrating'
    END
END;
REVOKE ALL ON FUNCTION vmstate.effective_instance_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.effective_instance_state IS 'Derives the state that the user sees from the instance row and its active VMM.

p_migrating says whether the instance is migrating. A dead active VMM shows stopping until the update saga unlinks it; a saga_unwound one shows stopped at once.';
-- end of sql/rules/effective_instance_state.sql

-- copy of sql/rules/migration_verdict.sql
CREATE OR REPLACE FUNCTION vmstate.migration_verdict(
  p_active_state vmstate.vmm_state,
  p_active_takes_part boolean,
  p_destination_vmm_state vmstate.vmm_state,
  p_source_side vmstate.migration_state,
  p_destination_side vmstate.migration_state
) RETURNS vmstate.migration_verdict
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN p_active_takes_part IS NULL THEN 'none'::vmstate.migration_verdict
  WHEN p_active_state = 'saga_unwound' OR NOT p_active_takes_part THEN 'void'
  WHEN p_destination_side = 'completed'
    AND NOT (p_source_side = 'failed' AND NOT vmstate.is_absorbing(p_active_state)) THEN 'completed'
  WHEN p_source_side = 'failed' OR p_destination_side = 'failed' OR vmstate.is_absorbing(p_destination_vmm_state) THEN 'failed'
  WHEN p_source_side = 'completed' THEN 'handed_over'
  ELSE 'in_progress'
END;
REVOKE ALL ON FUNCTION vmstate.migration_verdict FROM PUBLIC;
COMMENT ON FUNCTION vmstate.migration_verdict IS 'Decides what a linked migration amounts to.

p_active_takes_part says whether the active VMM is one of the two sides; null without a migration. A source that failed although its guest still runs there overrules a completed destination.';
-- end of sql/rules/migration_verdict.sql

-- copy of sql/rules/update_plan.sql
CREATE OR REPLACE FUNCTION vmstate.update_plan(
  p_state vmstate.instance_state,
  p_intended_state vmstate.intended_state,
  p_active_id uuid,
  p_active_state vmstate.vmm_state,
  p_active_was_running boolean,
  p_destination_id uuid,
  p_destination_vmm_state vmstate.vmm_state,
  p_destination_was_running boolean,
  p_migration_id uuid,
  p_active_takes_part boolean,
  p_source_side vmstate.migration_state,
  p_destination_side vmstate.migration_state
) RETURNS TABLE (
  needed boolean,
  verdict vmstate.migration_verdict,
  new_state vmstate.instance_state,
  new_active_propolis_id uuid,
  new_destination_propolis_id uuid,
  new_migration_id uuid,
  new_intended_state vmstate.intended_state,
  network text,
  network_propolis_id uuid,
  unlinked_propolis_ids uuid[],
  terminate_propolis_ids uuid[]
)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT
    (p_active_id, p_destination_id, p_migration_id)
      IS DISTINCT FROM (ids.active_id, ids.destination_id, ids.migration_id),
    fate.verdict,
    CASE
      WHEN p_state <> 'vmm' THEN p_state
      WHEN ids.active_id IS NOT NULL THEN 'vmm'::vmstate.instance_state
      WHEN carrier.state = 'failed' OR carrier.is_lost THEN 'failed'
      ELSE 'no_vmm'
    END,
    ids.active_id,
    ids.destination_id,
    ids.migration_id,
    CASE
      WHEN p_intended_state = 'running' AND ids.active_id IS NULL
        AND carrier.state = 'destroyed' AND carrier.was_running THEN 'guest_shutdown'::vmstate.intended_state
      ELSE p_intended_state
    END,
    CASE
      WHEN ids.active_id IS NOT DISTINCT FROM p_active_id THEN 'keep'
      WHEN ids.active_id IS NULL THEN 'delete'
      ELSE 'move'
    END,
    ids.active_id,
    array_remove(ARRAY[
      CASE WHEN leaves.active THEN p_active_id END,
      CASE WHEN leaves.destination THEN p_destination_id END
    ], NULL),
    array_remove(ARRAY[
      -- the source of a migration that got through ends by itself
      CASE WHEN leaves.active AND alive.active AND fate.verdict NOT IN ('completed', 'handed_over') THEN p_active_id END,
      CASE WHEN leaves.destination AND alive.destination THEN p_destination_id END
    ], NULL)
  FROM (
    SELECT vmstate.migration_verdict(
      p_active_state, p_active_takes_part, p_destination_vmm_state, p_source_side, p_destination_side
    ) AS verdict
    OFFSET 0
  ) AS fate
  CROSS JOIN LATERAL (
    SELECT
      NOT vmstate.is_absorbing(p_active_state) AS active,
      NOT vmstate.is_absorbing(p_destination_vmm_state) AS destination
    OFFSET 0
  ) AS alive
  CROSS JOIN LATERAL (
    SELECT fate.verdict = 'completed'
      OR (p_source_side = 'completed' AND fate.verdict NOT IN ('void', 'none')) AS went
    OFFSET 0
  ) AS guest
  CROSS JOIN LATERAL (
    SELECT
      CASE WHEN guest.went THEN p_destination_vmm_state ELSE p_active_state END AS state,
      -- a guest that moved has run, whether or not its new VMM was ever heard to run
      fate.verdict = 'completed' OR coalesce(p_active_was_running, false)
        OR (guest.went AND coalesce(p_destination_was_running, false)) AS was_running,
      fate.verdict = 'failed' AND guest.went AND alive.destination AS is_lost
    OFFSET 0
  ) AS carrier
  CROSS JOIN LATERAL (
    SELECT
      CASE
        WHEN fate.verdict = 'in_progress' THEN p_active_id
        WHEN fate.verdict = 'handed_over' THEN p_destination_id
        WHEN fate.verdict = 'completed' AND alive.destination THEN p_destination_id
        WHEN fate.verdict = 'completed' OR guest.went THEN NULL
        WHEN alive.active THEN p_active_id
      END AS active_id,
      CASE WHEN fate.verdict IN ('in_progress', 'handed_over') THEN p_destination_id END AS destination_id,
      CASE WHEN fate.verdict IN ('in_progress', 'handed_over') THEN p_migration_id END AS migration_id
    OFFSET 0
  ) AS ids
  CROSS JOIN LATERAL (
    SELECT
      p_active_id IS DISTINCT FROM ids.active_id
        AND p_active_id IS DISTINCT FROM ids.destination_id AS active,
      p_destination_id IS DISTINCT FROM ids.active_id
        AND p_destination_id IS DISTINCT FROM ids.destination_id
        AND p_destination_id IS DISTINCT FROM p_active_id AS destination
    OFFSET 0
  ) AS leaves;
END;
REVOKE ALL ON FUNCTION vmstate.update_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.update_plan IS 'Decides what the update saga has to make of an instance.

The one decision on which VMM has the guest, which ids are cleared, the state and intent that follow, and what happens to the VMMs that lose their link. needed is false if no id would change. The carrier is the VMM that had the guest last.';
-- end of sql/rules/update_plan.sql

-- copy of sql/rules/plan_token.sql
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
-- end of sql/rules/plan_token.sql

-- copy of sql/rules/auto_restart_wait.sql
CREATE OR REPLACE FUNCTION vmstate.auto_restart_wait(p_cooldown interval, p_attempts integer) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(
  coalesce(p_cooldown, interval '5 minutes'),
  -- in seconds, since an interval overflows; capped before it is raised, since a power does, too
  make_interval(secs => least(
    3600,
    CASE
      WHEN p_cooldown = interval '0' AND p_attempts >= 2 THEN 1
      ELSE extract(epoch FROM coalesce(p_cooldown, interval '5 minutes'))
    END * power(2, least(greatest(p_attempts, 1) - 1, 32))
  )::double precision)
);
REVOKE ALL ON FUNCTION vmstate.auto_restart_wait FROM PUBLIC;
COMMENT ON FUNCTION vmstate.auto_restart_wait IS 'Tells how long the next automatic restart waits after the last one.

The cooldown (NULL: 5 minutes), doubled with each attempt after the first, up to 1 hour unless the cooldown is longer. A cooldown of 0 counts as 1 second from the second attempt on, so that a VM that cannot boot is slowed down as well.';
-- end of sql/rules/auto_restart_wait.sql

-- copy of sql/shared/rows/auto_restart_time.sql
CREATE OR REPLACE FUNCTION vmstate.auto_restart_time(p_time_last timestamptz, p_cooldown interval, p_attempts integer) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- In seconds, at most 3,168 years of them: one cooldown that overflows must not take the work list from all others.
RETURN to_timestamp((extract(epoch FROM p_time_last)
  + least(extract(epoch FROM vmstate.auto_restart_wait(p_cooldown, p_attempts)), 100000000000))::double precision);
REVOKE ALL ON FUNCTION vmstate.auto_restart_time FROM PUBLIC;
COMMENT ON FUNCTION vmstate.auto_restart_time IS 'Returns from when on the next automatic restart is allowed.

That is the time of the last automatic restart and vmstate.auto_restart_wait after it; null if there was none.';
-- end of sql/shared/rows/auto_restart_time.sql

-- copy of sql/rules/ran_long.sql
CREATE OR REPLACE FUNCTION vmstate.ran_long(p_time_started timestamptz, p_time_reported timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(p_time_reported - p_time_started >= interval '10 minutes', false);
REVOKE ALL ON FUNCTION vmstate.ran_long FROM PUBLIC;
COMMENT ON FUNCTION vmstate.ran_long IS 'Tells whether a VMM ran for 10 minutes, by the clock of the database.

If so, the automatic restarts before it no longer count as a boot loop.';
-- end of sql/rules/ran_long.sql

-- copy of sql/rules/may_auto_restart.sql
CREATE OR REPLACE FUNCTION vmstate.may_auto_restart(
  p_state vmstate.instance_state,
  p_active_state vmstate.vmm_state,
  p_intended_state vmstate.intended_state,
  p_policy vmstate.auto_restart_policy,
  p_cooldown interval,
  p_time_last timestamptz,
  p_updater_lease_until timestamptz,
  p_now timestamptz
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (p_state IN ('no_vmm', 'failed') OR (p_state = 'vmm' AND p_active_state = 'saga_unwound'))
  AND p_intended_state = 'running'
  AND p_policy IS DISTINCT FROM 'never'
  AND coalesce(p_now - p_time_last >= coalesce(p_cooldown, interval '5 minutes'), true)
  AND coalesce(p_updater_lease_until <= p_now, true);
REVOKE ALL ON FUNCTION vmstate.may_auto_restart FROM PUBLIC;
COMMENT ON FUNCTION vmstate.may_auto_restart IS 'Tells whether the control plane may restart an instance automatically.

The instance has no active VMM, or a saga_unwound one; it should run; its policy allows the restart (NULL: best_effort); p_cooldown (vmstate.auto_restart_wait; NULL: 5 minutes) has passed since the last automatic restart; and no update saga holds an unexpired lock. Reads its arguments only, all of them durable facts.';
-- end of sql/rules/may_auto_restart.sql

-- copy of sql/rules/counts_as_running.sql
CREATE OR REPLACE FUNCTION vmstate.counts_as_running(p_state vmstate.reported_vmm_state, p_is_destination boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE p_state
  WHEN 'running' THEN true
  WHEN 'rebooting' THEN true
  WHEN 'migrating' THEN NOT p_is_destination
  ELSE false
END;
REVOKE ALL ON FUNCTION vmstate.counts_as_running FROM PUBLIC;
COMMENT ON FUNCTION vmstate.counts_as_running IS 'Tells whether a report of this state shows that the guest ran in the VMM.

The guest runs there, or did: agents report the latest state, not each, and a VMM that reboots or migrates away has run. The destination of a migration (p_is_destination) reports migrating before the guest arrives.';
-- end of sql/rules/counts_as_running.sql

-- copy of sql/rules/vmm_report_outcome.sql
CREATE OR REPLACE FUNCTION vmstate.vmm_report_outcome(
  p_state vmstate.vmm_state,
  p_state_generation bigint,
  p_time_deleted timestamptz,
  p_generation bigint
) RETURNS vmstate.outcome
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN p_state IS NULL THEN 'not_found'::vmstate.outcome
  WHEN p_time_deleted IS NOT NULL THEN 'gone'
  WHEN vmstate.is_absorbing(p_state) THEN 'terminal'
  WHEN p_generation <= p_state_generation THEN 'stale'
  ELSE 'applied'
END;
REVOKE ALL ON FUNCTION vmstate.vmm_report_outcome FROM PUBLIC;
COMMENT ON FUNCTION vmstate.vmm_report_outcome IS 'Judges the VMM part of a report that has generation p_generation.

The other arguments are the row of the VMM; p_state is null if there is no such row. A dead VMM is terminal whatever the generation.';
-- end of sql/rules/vmm_report_outcome.sql

-- copy of sql/rules/migration_report_outcome.sql
CREATE OR REPLACE FUNCTION vmstate.migration_report_outcome(
  p_reporting_propolis_id uuid,
  p_side_propolis_id uuid,
  p_side_state vmstate.migration_state,
  p_side_generation bigint,
  p_time_deleted timestamptz,
  p_generation bigint
) RETURNS vmstate.outcome
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN p_side_propolis_id IS NULL THEN 'not_found'::vmstate.outcome
  WHEN p_time_deleted IS NOT NULL THEN 'gone'
  WHEN p_side_propolis_id <> p_reporting_propolis_id THEN 'wrong_side'
  WHEN p_generation <= p_side_generation THEN 'stale'
  WHEN vmstate.is_terminal(p_side_state) THEN 'terminal'
  ELSE 'applied'
END;
REVOKE ALL ON FUNCTION vmstate.migration_report_outcome FROM PUBLIC;
COMMENT ON FUNCTION vmstate.migration_report_outcome IS 'Judges the migration part of a report that has generation p_generation.

The other arguments are the row of that side of the migration; p_side_propolis_id is null if there is no such row.';
-- end of sql/rules/migration_report_outcome.sql

-- copy of sql/rules/next_generation.sql
CREATE OR REPLACE FUNCTION vmstate.next_generation(p_generation bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN least(p_generation + 1, 9007199254740991);
REVOKE ALL ON FUNCTION vmstate.next_generation FROM PUBLIC;
COMMENT ON FUNCTION vmstate.next_generation IS 'Returns the generation that follows p_generation.

2^53-1 is followed by itself, so that a row whose generation a sled agent set to 2^53-1 can still end.';
-- end of sql/rules/next_generation.sql

-- copy of sql/views/resolved_instance.sql
CREATE OR REPLACE VIEW vmstate.resolved_instance AS
SELECT
  i.id AS instance_id,
  i.project_id,
  i.name,
  i.state,
  i.state_generation,
  i.time_state_updated,
  i.active_propolis_id,
  i.destination_propolis_id,
  i.migration_id,
  i.intended_state,
  i.auto_restart_policy,
  i.auto_restart_cooldown,
  i.time_last_auto_restarted,
  i.updater_id,
  i.updater_generation,
  i.updater_lease_until,
  i.committed_updater_generation,
  i.time_created,
  i.time_modified,
  i.time_deleted,
  a.state AS active_state,
  a.sled_id AS active_sled_id,
  a.time_state_updated AS active_time_updated,
  -- A VMM that was made for a migration is active only if the guest, which ran, went there, though no report said running.
  a.time_started IS NOT NULL OR CASE
    WHEN m.destination_propolis_id = a.id THEN 'completed' IN (m.source_state, m.destination_state)
    ELSE a.migration_id IS NOT NULL OR EXISTS (
      SELECT FROM vmstate.migration AS c WHERE c.instance_id = i.id AND c.destination_propolis_id = a.id
    )
  END AS active_was_running,
  d.state AS destination_vmm_state,
  d.time_state_updated AS destination_time_updated,
  d.time_started IS NOT NULL OR coalesce(m.destination_propolis_id = d.id AND 'completed' IN (m.source_state, m.destination_state), false)
    AS destination_was_running,
  i.active_propolis_id IN (m.source_propolis_id, m.destination_propolis_id) AS active_takes_part,
  m.source_state AS source_side,
  m.destination_state AS destination_side,
  m.time_source_updated,
  m.time_destination_updated,
  vmstate.effective_instance_state(
    i.state,
    a.state,
    vmstate.is_migrating(i.active_propolis_id, m.source_propolis_id, m.destination_propolis_id, d.state)
  ) AS api_state,
  vmstate.last_heard(a.time_reported, a.time_state_updated, statement_timestamp()) AS active_last_heard,
  vmstate.last_heard(d.time_reported, d.time_state_updated, statement_timestamp()) AS destination_last_heard,
  m.time_reported AS migration_last_heard,
  CASE
    WHEN vmstate.ran_long(a.time_started, a.time_reported) OR vmstate.ran_long(d.time_started, d.time_reported) THEN 0
    ELSE i.auto_restart_attempts
  END AS auto_restart_attempts,
  i.time_updater_released
FROM vmstate.instance AS i
LEFT JOIN vmstate.vmm AS a ON a.instance_id = i.id AND a.id = i.active_propolis_id
LEFT JOIN vmstate.vmm AS d ON d.instance_id = i.id AND d.id = i.destination_propolis_id
LEFT JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id;
COMMENT ON VIEW vmstate.resolved_instance IS 'Shows every instance with its VMMs, its migration and the state that follows.

The active VMM, the destination VMM and the linked migration stand side by side. For the functions of this schema and for people; services read vmstate.api_instance.';
-- end of sql/views/resolved_instance.sql

-- copy of sql/views/instance_plan.sql
CREATE OR REPLACE VIEW vmstate.instance_plan AS
SELECT
  r.instance_id,
  r.state,
  r.state_generation,
  r.active_propolis_id,
  r.destination_propolis_id,
  r.migration_id,
  r.updater_id,
  r.updater_generation,
  r.updater_lease_until,
  r.active_state,
  r.api_state,
  p.needed,
  p.verdict,
  p.new_state,
  p.new_active_propolis_id,
  p.new_destination_propolis_id,
  p.new_migration_id,
  p.new_intended_state,
  p.network,
  p.network_propolis_id,
  p.unlinked_propolis_ids,
  p.terminate_propolis_ids,
  vmstate.plan_token(
    r.state_generation,
    p.new_active_propolis_id,
    p.new_destination_propolis_id,
    p.new_migration_id,
    p.unlinked_propolis_ids,
    p.terminate_propolis_ids
  ) AS plan_token,
  r.auto_restart_attempts
FROM vmstate.resolved_instance AS r
CROSS JOIN LATERAL vmstate.update_plan(
  r.state,
  r.intended_state,
  r.active_propolis_id,
  r.active_state,
  r.active_was_running,
  r.destination_propolis_id,
  r.destination_vmm_state,
  r.destination_was_running,
  r.migration_id,
  r.active_takes_part,
  r.source_side,
  r.destination_side
) AS p;
COMMENT ON VIEW vmstate.instance_plan IS 'Shows for every instance what the update saga would make of it now.

Calls vmstate.update_plan on each row of vmstate.resolved_instance. For the functions of this schema; no kind of role may read it.';
-- end of sql/views/instance_plan.sql

-- copy of sql/views/api_instance.sql
CREATE OR REPLACE VIEW vmstate.api_instance AS
SELECT
  r.instance_id AS id,
  r.api_state AS state,
  r.project_id,
  r.name,
  r.intended_state,
  r.auto_restart_policy,
  r.auto_restart_cooldown,
  least(coalesce(r.active_time_updated, r.time_state_updated), statement_timestamp()) AS time_state_updated,
  r.time_created,
  r.time_modified
FROM vmstate.resolved_instance AS r
WHERE r.time_deleted IS NULL;
COMMENT ON VIEW vmstate.api_instance IS 'Lists instances as the API shows them, without deleted ones.

time_state_updated is that of the active VMM, if there is one; a time in the future, from a sled whose clock is ahead, is shown as now.';
-- end of sql/views/api_instance.sql

-- copy of sql/views/api_vmm.sql
CREATE OR REPLACE VIEW vmstate.api_vmm AS
SELECT
  v.id,
  vmstate.to_api_vmm_state(v.state) AS state,
  v.instance_id,
  v.sled_id,
  v.propolis_ip,
  v.propolis_port,
  v.failure_reason,
  least(v.time_state_updated, statement_timestamp()) AS time_state_updated,
  v.time_created
FROM vmstate.vmm AS v
WHERE v.time_deleted IS NULL;
COMMENT ON VIEW vmstate.api_vmm IS 'Lists VMMs as the API shows them, without deleted ones.

A VMM in state saga_unwound is shown as destroyed. A time in the future, from a sled whose clock is ahead, is shown as now.';
-- end of sql/views/api_vmm.sql

-- copy of sql/views/pending_update.sql
CREATE OR REPLACE VIEW vmstate.pending_update AS
SELECT c.instance_id, p.verdict, p.state_generation, p.updater_generation, c.since
FROM (
  SELECT u.instance_id, u.since
  FROM (
    SELECT i.id, greatest(i.time_state_updated, m.time_reported,
      CASE WHEN vmstate.is_absorbing(a.state) THEN vmstate.last_heard(a.time_reported, a.time_state_updated, statement_timestamp()) END,
      CASE WHEN vmstate.is_absorbing(d.state) THEN vmstate.last_heard(d.time_reported, d.time_state_updated, statement_timestamp()) END,
      i.updater_lease_until, i.time_updater_released)
    FROM vmstate.instance AS i
    LEFT JOIN vmstate.vmm AS a ON a.instance_id = i.id AND a.id = i.active_propolis_id
    LEFT JOIN vmstate.vmm AS d ON d.instance_id = i.id AND d.id = i.destination_propolis_id
    LEFT JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id
    WHERE i.migration_id IS NOT NULL
    UNION ALL
    SELECT i.id, greatest(i.time_state_updated,
      vmstate.last_heard(v.time_reported, v.time_state_updated, statement_timestamp()),
      i.updater_lease_until, i.time_updater_released)
    FROM vmstate.vmm AS v
    JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.active_propolis_id = v.id AND i.migration_id IS NULL
    WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
      AND v.state IN ('failed', 'destroyed', 'saga_unwound')
      AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
  ) AS u (instance_id, since)
  ORDER BY u.since, u.instance_id
  OFFSET 0
) AS c
CROSS JOIN LATERAL (
  SELECT p.verdict, p.state_generation, p.updater_generation
  FROM vmstate.instance_plan AS p
  WHERE p.instance_id = c.instance_id AND p.needed AND coalesce(p.updater_lease_until <= statement_timestamp(), true)
  -- one candidate after the other: merged, there are more tables than the planner reorders, and it would read them all
  OFFSET 0
) AS p
ORDER BY c.since, c.instance_id;
COMMENT ON VIEW vmstate.pending_update IS 'Lists instances with something to update that no unexpired updater lock holds.

The work list of the update saga, oldest first: call begin_update or run_update on each. since is when the need arose, or when the last updater lock ended without a commit, by the clock of the database, so that an instance whose updates fail does not keep others waiting.';
-- end of sql/views/pending_update.sql

-- copy of sql/views/abandoned_vmm.sql
CREATE OR REPLACE VIEW vmstate.abandoned_vmm AS
SELECT v.instance_id, v.id AS propolis_id, v.sled_id, v.state, v.time_unlinked,
  greatest(v.time_unlinked, vmstate.last_heard(v.time_reported, v.time_state_updated, statement_timestamp())) AS since
FROM vmstate.vmm AS v
WHERE v.time_unlinked IS NOT NULL AND v.time_deleted IS NULL AND vmstate.is_absorbing(v.state)
  AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
ORDER BY since, v.id;
COMMENT ON VIEW vmstate.abandoned_vmm IS 'Lists dead VMMs that no instance names: delete each with delete_vmm.

A work list, oldest first. A VMM here is dead; a VMM that no instance names and that is still alive is in vmstate.orphaned_vmm. since is when the VMM was both dead and unlinked, by the clock of the database.';
-- end of sql/views/abandoned_vmm.sql

-- copy of sql/views/orphaned_vmm.sql
CREATE OR REPLACE VIEW vmstate.orphaned_vmm AS
SELECT
  v.instance_id,
  v.id AS propolis_id,
  v.sled_id,
  v.propolis_ip,
  v.propolis_port,
  v.state,
  v.time_unlinked,
  EXISTS (
    SELECT FROM vmstate.migration AS m
    WHERE m.instance_id = v.instance_id AND m.source_propolis_id = v.id
      AND 'completed' IN (m.source_state, m.destination_state)
      AND 'failed' NOT IN (m.source_state, m.destination_state)
      AND (m.destination_state = 'completed' OR NOT EXISTS (
        SELECT FROM vmstate.vmm AS t
        WHERE t.instance_id = m.instance_id AND t.id = m.destination_propolis_id AND vmstate.is_absorbing(t.state)
      ))
  ) AS expected_to_end,
  v.time_unlinked AS since
FROM (
  SELECT w.instance_id, w.id, w.sled_id, w.propolis_ip, w.propolis_port, w.state, w.time_unlinked
  FROM vmstate.vmm AS w
  WHERE w.time_unlinked IS NOT NULL AND w.time_deleted IS NULL AND NOT vmstate.is_absorbing(w.state)
    AND coalesce(w.time_deleted, 'infinity') = 'infinity' AND least(w.time_deleted, 'infinity') = 'infinity'
  -- sorted before expected_to_end is looked up, so that the first rows cost only their own
  ORDER BY w.time_unlinked, w.id
  OFFSET 0
) AS v;
COMMENT ON VIEW vmstate.orphaned_vmm IS 'Lists live VMMs that no instance names: terminate each on its sled.

A work list, oldest first. A VMM here is alive; a VMM that no instance names and that is dead is in vmstate.abandoned_vmm. Terminate the VMM on its sled; then the sled reports destroyed, or fail_vmm declares the VMM dead. since is when the last link to the VMM was removed. expected_to_end is true if the VMM ends by itself: it is the source of a migration that completed, or whose destination has the guest and is alive.';
-- end of sql/views/orphaned_vmm.sql

-- copy of sql/views/restartable_instance.sql
CREATE OR REPLACE VIEW vmstate.restartable_instance AS
SELECT
  c.instance_id,
  vmstate.effective_instance_state(c.state, c.active_state, false) AS api_state,
  c.state_generation,
  c.time_last_auto_restarted,
  greatest(c.time_state_updated, c.active_last_heard, c.updater_lease_until, c.time_updater_released,
    vmstate.auto_restart_time(c.time_last_auto_restarted, c.auto_restart_cooldown, c.auto_restart_attempts)) AS since,
  c.auto_restart_attempts,
  coalesce(vmstate.auto_restart_time(c.time_last_auto_restarted, c.auto_restart_cooldown, c.auto_restart_attempts),
    c.time_state_updated) AS time_next_auto_restart
FROM (
  SELECT i.id AS instance_id, i.state, NULL::vmstate.vmm_state AS active_state, NULL::timestamptz AS active_last_heard,
    i.state_generation, i.time_state_updated, i.intended_state, i.auto_restart_policy, i.auto_restart_cooldown,
    i.auto_restart_attempts, i.time_last_auto_restarted, i.updater_lease_until, i.time_updater_released
  FROM vmstate.instance AS i
  WHERE i.state IN ('no_vmm', 'failed') AND i.intended_state = 'running'
    AND i.auto_restart_policy IS DISTINCT FROM 'never'
    AND coalesce(i.time_deleted, 'infinity') = 'infinity' AND least(i.time_deleted, 'infinity') = 'infinity'
  UNION ALL
  SELECT i.id, i.state, v.state, vmstate.last_heard(v.time_reported, v.time_state_updated, statement_timestamp()),
    i.state_generation, i.time_state_updated, i.intended_state, i.auto_restart_policy, i.auto_restart_cooldown,
    CASE WHEN vmstate.ran_long(v.time_started, v.time_reported) THEN 0 ELSE i.auto_restart_attempts END,
    i.time_last_auto_restarted, i.updater_lease_until, i.time_updater_released
  FROM vmstate.vmm AS v
  JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.active_propolis_id = v.id
  WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
    AND v.state = 'saga_unwound'
    AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
) AS c
WHERE vmstate.may_auto_restart(c.state, c.active_state, c.intended_state, c.auto_restart_policy,
  vmstate.auto_restart_wait(c.auto_restart_cooldown, c.auto_restart_attempts), c.time_last_auto_restarted, c.updater_lease_until, statement_timestamp())
ORDER BY since, instance_id;
COMMENT ON VIEW vmstate.restartable_instance IS 'Lists instances that should run, do not run, and may be restarted now.

A work list, oldest first: call begin_start with p_start_reason auto_restart, which checks once more. since is when the restart became possible, by the clock of the database. auto_restart_attempts is the number of automatic restarts in a row. time_next_auto_restart is from when on cooldown and back-off allow the next one.';
-- end of sql/views/restartable_instance.sql

-- copy of sql/views/watched_vmm.sql
CREATE OR REPLACE VIEW vmstate.watched_vmm AS
SELECT
  v.instance_id,
  v.id AS propolis_id,
  v.sled_id,
  v.propolis_ip,
  v.propolis_port,
  v.state,
  v.state_generation,
  least(v.time_state_updated, statement_timestamp()) AS time_state_updated,
  v.time_unlinked IS NULL AS linked,
  v.time_reported
FROM vmstate.vmm AS v
WHERE v.time_deleted IS NULL AND vmstate.is_watched(v.state);
COMMENT ON VIEW vmstate.watched_vmm IS 'Lists every VMM that a sled should know of: ask the sled agents about them.

Linked VMMs and unlinked ones, those of deleted instances too: the whole fleet. time_reported is when the last report was accepted, by the clock of the database, and null before the first one: an old time_reported shows a silent sled, or a sled that counts its generations anew and whose reports are refused as stale.';
-- end of sql/views/watched_vmm.sql

-- copy of sql/views/stuck_instance.sql
CREATE OR REPLACE VIEW vmstate.stuck_instance AS
SELECT c.instance_id, s.api_state, statement_timestamp() - s.since AS age, s.waits_for, s.since
FROM (
  SELECT i.id
  FROM vmstate.instance AS i
  WHERE i.state = 'creating'
  UNION ALL
  SELECT i.id
  FROM vmstate.instance AS i
  WHERE i.migration_id IS NOT NULL
  UNION ALL
  SELECT i.id
  FROM vmstate.vmm AS v
  -- linked, and nothing to migrate: it is the active one; to say so makes the planner expect but one row
  JOIN vmstate.instance AS i ON i.id = v.instance_id AND i.migration_id IS NULL
  WHERE v.state <> 'running' AND v.time_unlinked IS NULL AND v.time_deleted IS NULL
    AND coalesce(v.time_deleted, 'infinity') = 'infinity' AND least(v.time_deleted, 'infinity') = 'infinity'
) AS c (instance_id)
CROSS JOIN LATERAL (
  SELECT
    p.api_state,
    CASE
      WHEN p.state = 'creating' THEN 'finish_instance_creation'
      WHEN p.needed THEN 'update saga'
      WHEN p.migration_id IS NOT NULL AND r.destination_vmm_state = 'creating' THEN 'migrate saga'
      WHEN p.migration_id IS NOT NULL AND p.verdict <> 'void' THEN 'migration'
      WHEN p.active_state = 'creating' THEN 'start saga'
      ELSE 'sled agent'
    END AS waits_for,
    greatest(r.time_state_updated, r.active_last_heard, r.destination_last_heard, r.migration_last_heard) AS since
  FROM vmstate.resolved_instance AS r
  CROSS JOIN vmstate.instance_plan AS p
  WHERE r.instance_id = c.instance_id AND p.instance_id = c.instance_id
    AND p.api_state IN ('creating', 'starting', 'stopping', 'rebooting', 'migrating')
  OFFSET 0
) AS s
WHERE s.since < statement_timestamp() - vmstate.stuck_after();
COMMENT ON VIEW vmstate.stuck_instance IS 'Lists instances that have been in a transitional state for more than 10 minutes.

The transitional states are creating, starting, stopping, rebooting and migrating; vmstate.stuck_after() is the threshold. age is how long there has been no news of the instance, by the clock of the database; waits_for names what has to act.';
-- end of sql/views/stuck_instance.sql

-- copy of sql/views/invariant_violation.sql
CREATE OR REPLACE VIEW vmstate.invariant_violation AS
SELECT i.id AS instance_id, i.active_propolis_id AS propolis_id, 'active_vmm_is_its_own' AS invariant,
  'the active VMM does not exist or is another instance''s' AS detail
FROM vmstate.instance AS i
WHERE i.active_propolis_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM vmstate.vmm AS v WHERE v.instance_id = i.id AND v.id = i.active_propolis_id)
UNION ALL
SELECT i.id, i.destination_propolis_id, 'destination_vmm_is_its_own',
  'the destination VMM does not exist or is another instance''s'
FROM vmstate.instance AS i
WHERE i.destination_propolis_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM vmstate.vmm AS v WHERE v.instance_id = i.id AND v.id = i.destination_propolis_id)
UNION ALL
SELECT i.id, i.destination_propolis_id, 'migration_is_its_own',
  'the linked migration does not exist, is another instance''s or leads to another VMM'
FROM vmstate.instance AS i
WHERE i.migration_id IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM vmstate.migration AS m
    WHERE m.instance_id = i.id AND m.id = i.migration_id AND m.destination_propolis_id = i.destination_propolis_id
  )
UNION ALL
SELECT v.instance_id, v.id, 'vmm_has_an_instance', 'the instance of the VMM does not exist'
FROM vmstate.vmm AS v
WHERE NOT EXISTS (SELECT FROM vmstate.instance AS i WHERE i.id = v.instance_id)
UNION ALL
SELECT m.instance_id, m.destination_propolis_id, 'migration_has_its_vmms', 'a side of the migration names no VMM of the instance'
FROM vmstate.migration AS m
WHERE (
    SELECT count(*) FROM vmstate.vmm AS v
    WHERE v.instance_id = m.instance_id AND v.id IN (m.source_propolis_id, m.destination_propolis_id)
  ) <> 2
UNION ALL
SELECT v.instance_id, v.id, 'time_unlinked_iff_unlinked',
  CASE WHEN v.time_unlinked IS NULL THEN 'no instance names the VMM' ELSE 'an instance names the VMM' END
FROM vmstate.vmm AS v
LEFT JOIN vmstate.instance AS i ON i.id = v.instance_id
WHERE (v.time_unlinked IS NULL) <> coalesce(v.id IN (i.active_propolis_id, i.destination_propolis_id), false)
UNION ALL
SELECT v.instance_id, v.id, 'linked_vmm_is_not_deleted', 'an instance names the deleted VMM'
FROM vmstate.vmm AS v
JOIN vmstate.instance AS i ON i.id = v.instance_id AND v.id IN (i.active_propolis_id, i.destination_propolis_id)
WHERE v.time_deleted IS NOT NULL
UNION ALL
SELECT v.instance_id, v.id, 'deleted_vmm_is_dead', format('the deleted VMM is %s', v.state)
FROM vmstate.vmm AS v
WHERE v.time_deleted IS NOT NULL AND NOT vmstate.is_absorbing(v.state)
UNION ALL
SELECT v.instance_id, v.id, 'failure_reason_iff_failed',
  format('the VMM is %s, its reason %s', v.state, coalesce(v.failure_reason::text, 'null'))
FROM vmstate.vmm AS v
WHERE (v.state = 'failed') <> (v.failure_reason IS NOT NULL)
UNION ALL
SELECT i.id, i.destination_propolis_id, 'linked_migration_is_not_deleted', 'the instance names the deleted migration'
FROM vmstate.instance AS i
JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id
WHERE m.time_deleted IS NOT NULL
UNION ALL
SELECT v.instance_id, v.id, 'migration_id_leads_to_the_vmm', format('migration %s leads to the VMM, not %s', m.id, v.migration_id)
FROM vmstate.migration AS m
JOIN vmstate.vmm AS v ON v.instance_id = m.instance_id AND v.id = m.destination_propolis_id
WHERE v.migration_id <> m.id
UNION ALL
SELECT v.instance_id, v.id, 'unwound_migration_failed', format('its sides are %s and %s', m.source_state, m.destination_state)
FROM vmstate.vmm AS v
JOIN vmstate.migration AS m ON m.instance_id = v.instance_id AND m.destination_propolis_id = v.id
WHERE v.state = 'saga_unwound' AND NOT (m.source_state = 'failed' AND m.destination_state = 'failed')
UNION ALL
SELECT v.instance_id, v.id, 'migration_changes_the_sled', 'both sides of the linked migration are on one sled'
FROM vmstate.instance AS i
JOIN vmstate.migration AS m ON m.instance_id = i.id AND m.id = i.migration_id
JOIN vmstate.vmm AS v ON v.instance_id = m.instance_id AND v.id = m.destination_propolis_id
JOIN vmstate.vmm AS s ON s.instance_id = m.instance_id AND s.id = m.source_propolis_id
WHERE v.sled_id = s.sled_id;
COMMENT ON VIEW vmstate.invariant_violation IS 'Lists breaches of the invariants, one row each: empty in a sound database.

A row means that triggers or foreign keys were switched off. Reads whole tables.';
-- end of sql/views/invariant_violation.sql

-- copy of sql/views/schema_version.sql
CREATE OR REPLACE VIEW vmstate.schema_version AS
SELECT
  c.number,
  c.name,
  c.time_applied,
  coalesce((SELECT max(b.number) FROM vmstate.schema_change AS b WHERE b.is_breaking), 0) AS breaking_number
FROM vmstate.schema_change AS c
WHERE c.number = (SELECT max(l.number) FROM vmstate.schema_change AS l);
COMMENT ON VIEW vmstate.schema_version IS 'Shows the newest change of the schema that was applied.

A service that was built for a schema older than breaking_number does not work with this database; breaking_number 0 means that no change was breaking. The function assertCompatible of the client checks this.';
-- end of sql/views/schema_version.sql

-- copy of sql/shared/arguments/raise_invalid_argument.sql
CREATE OR REPLACE FUNCTION vmstate.raise_invalid_argument(p_function text, p_argument text, p_problem text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM001',
    MESSAGE = format('vmstate.%s: invalid argument %s', p_function, p_argument),
    DETAIL = CASE WHEN length(p_problem) > 500 THEN left(p_problem, 500) || '...' ELSE p_problem END,
    HINT = format(E'Nothing was changed. Arguments: \\df+ vmstate.%s, or docs/reference.md.', p_function);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_invalid_argument FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_invalid_argument IS 'Raises VM001 for an invalid argument.

Errors:
- VM001: the caller passed an argument that the function does not take. Nothing was changed.';
-- end of sql/shared/arguments/raise_invalid_argument.sql

-- copy of sql/shared/arguments/raise_null_argument.sql
CREATE OR REPLACE FUNCTION vmstate.raise_null_argument(p_function text, p_arguments jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
DECLARE
  v_argument pg_catalog.text;
BEGIN
  FOR v_argument IN SELECT a.key FROM jsonb_each(p_arguments) AS a WHERE a.value = 'null' ORDER BY a.key LOOP
    PERFORM vmstate.raise_invalid_argument(p_function, v_argument, format('%s must not be null.', v_argument));
  END LOOP;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_null_argument FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_null_argument IS 'Raises VM001 for the first by name of the arguments that are null.';
-- end of sql/shared/arguments/raise_null_argument.sql

-- copy of sql/shared/arguments/require_name.sql
CREATE OR REPLACE FUNCTION vmstate.require_name(p_function text, p_name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF char_length(p_name) NOT BETWEEN 1 AND 63 THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_name', format('p_name must have 1 to 63 characters, not %s.', char_length(p_name)));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_name FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_name IS 'Raises VM001 if the name of an instance does not have 1 to 63 characters.';
-- end of sql/shared/arguments/require_name.sql

-- copy of sql/shared/arguments/require_port.sql
CREATE OR REPLACE FUNCTION vmstate.require_port(p_function text, p_port integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_port NOT BETWEEN 0 AND 65535 THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_propolis_port', format('p_propolis_port must be from 0 to 65535, not %s.', p_port));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_port FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_port IS 'Raises VM001 if a port is not 0 to 65535.';
-- end of sql/shared/arguments/require_port.sql

-- copy of sql/shared/arguments/require_cooldown.sql
CREATE OR REPLACE FUNCTION vmstate.require_cooldown(p_function text, p_cooldown interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_cooldown < interval '0' OR NOT isfinite(p_cooldown) THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_auto_restart_cooldown', format('p_auto_restart_cooldown must be at least 0 and finite, not %s.', p_cooldown));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_cooldown FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_cooldown IS 'Raises VM001 if a cooldown is negative or infinite.';
-- end of sql/shared/arguments/require_cooldown.sql

-- copy of sql/shared/arguments/require_lease.sql
CREATE OR REPLACE FUNCTION vmstate.require_lease(p_function text, p_lease interval) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  IF p_lease <= interval '0' OR p_lease > interval '1 day'
      -- A month less 29 days compares as 1 day, and may be none or two.
      OR extract(year FROM p_lease) <> 0 OR extract(month FROM p_lease) <> 0 THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_lease', format('p_lease must be more than 0 and at most 1 day, not %s.', p_lease));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_lease FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_lease IS 'Raises VM001 if a lease is not more than 0 and at most 1 day.';
-- end of sql/shared/arguments/require_lease.sql

-- copy of sql/shared/arguments/require_role.sql
CREATE OR REPLACE FUNCTION vmstate.require_role(p_function text, p_role name) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF p_role IS NULL THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_role', 'p_role must not be null.');
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = p_role) THEN
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_role', format('p_role must name a role; there is no role "%s".', p_role));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_role FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_role IS 'Raises VM001 if a role is null or does not exist.';
-- end of sql/shared/arguments/require_role.sql

-- copy of sql/shared/locks/lock_instance.sql
CREATE OR REPLACE FUNCTION vmstate.lock_instance(p_instance_id uuid) RETURNS vmstate.instance
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_instance vmstate.instance;
BEGIN
  SELECT i.* INTO v_instance FROM vmstate.instance AS i WHERE i.id = p_instance_id FOR NO KEY UPDATE;
  RETURN v_instance;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_instance IS 'Locks an instance row and returns the row as it is then.

All columns are null if no instance has this id. First in the lock order: instance, VMMs by id, migrations by id.';
-- end of sql/shared/locks/lock_instance.sql

-- copy of sql/shared/locks/lock_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.lock_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
BEGIN
  SELECT v.* INTO v_vmm FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id FOR NO KEY UPDATE;
  RETURN v_vmm;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_vmm IS 'Locks one VMM and returns the row as it is then.

All columns are null if the instance has no such VMM.';
-- end of sql/shared/locks/lock_vmm.sql

-- copy of sql/shared/locks/lock_links.sql
CREATE OR REPLACE FUNCTION vmstate.lock_links(p_instance_id uuid, p_propolis_ids uuid[], p_migration_ids uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF num_nonnulls(VARIADIC p_propolis_ids) > 0 THEN
    PERFORM FROM vmstate.vmm AS v
      WHERE v.instance_id = p_instance_id AND v.id = ANY (p_propolis_ids)
      ORDER BY v.id FOR NO KEY UPDATE;
  END IF;
  IF num_nonnulls(VARIADIC p_migration_ids) > 0 THEN
    PERFORM FROM vmstate.migration AS m
      WHERE m.instance_id = p_instance_id AND m.id = ANY (p_migration_ids)
      ORDER BY m.id FOR NO KEY UPDATE;
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_links FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_links IS 'Locks VMMs, then migrations, of one instance, each by id.

Decide in a later statement: the snapshot of this one is older than its locks.';
-- end of sql/shared/locks/lock_links.sql

-- copy of sql/shared/locks/lock_migrations_of_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.lock_migrations_of_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND p_propolis_id IN (m.source_propolis_id, m.destination_propolis_id)
    ORDER BY m.id FOR NO KEY UPDATE;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_migrations_of_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_migrations_of_vmm IS 'Locks every migration that names a VMM, by id.

The caller has locked the VMM already, so no new migration of the VMM can be inserted.';
-- end of sql/shared/locks/lock_migrations_of_vmm.sql

-- copy of sql/shared/plan/read_plan.sql
CREATE OR REPLACE FUNCTION vmstate.read_plan(p_instance_id uuid) RETURNS vmstate.instance_plan
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_plan vmstate.instance_plan;
BEGIN
  SELECT p.* INTO v_plan FROM vmstate.instance_plan AS p WHERE p.instance_id = p_instance_id;
  RETURN v_plan;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.read_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.read_plan IS 'Reads an instance and its plan in one snapshot.

All columns are null if no instance has this id.';
-- end of sql/shared/plan/read_plan.sql

-- copy of sql/shared/plan/lock_and_read_plan.sql
CREATE OR REPLACE FUNCTION vmstate.lock_and_read_plan(p_instance vmstate.instance) RETURNS vmstate.instance_plan
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.lock_links(
    p_instance.id,
    ARRAY[p_instance.active_propolis_id, p_instance.destination_propolis_id],
    ARRAY[p_instance.migration_id]
  );
  RETURN vmstate.read_plan(p_instance.id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_and_read_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_and_read_plan IS 'Locks what a locked instance links to, and reads the plan of the instance.';
-- end of sql/shared/plan/lock_and_read_plan.sql

-- copy of sql/shared/plan/apply_plan.sql
CREATE OR REPLACE FUNCTION vmstate.apply_plan(p_plan vmstate.instance_plan, p_updater_generation bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  UPDATE vmstate.instance AS i
    SET state = p_plan.new_state,
      state_generation = CASE WHEN p_plan.needed THEN i.state_generation + 1 ELSE i.state_generation END,
      time_state_updated = CASE WHEN p_plan.needed THEN v_now ELSE i.time_state_updated END,
      active_propolis_id = p_plan.new_active_propolis_id,
      destination_propolis_id = p_plan.new_destination_propolis_id,
      migration_id = p_plan.new_migration_id,
      intended_state = p_plan.new_intended_state,
      updater_id = NULL,
      updater_generation = p_updater_generation,
      updater_lease_until = NULL,
      updater_parent_id = NULL,
      released_updater_id = p_plan.updater_id,
      committed_updater_generation = p_updater_generation,
      committed_updater_id = p_plan.updater_id,
      committed_plan_token = p_plan.plan_token,
      auto_restart_attempts = p_plan.auto_restart_attempts
    WHERE i.id = p_plan.instance_id;
  -- delete_vmm leaves a linked migration of the VMM to the update that unlinks it.
  IF p_plan.migration_id IS DISTINCT FROM p_plan.new_migration_id THEN
    UPDATE vmstate.migration AS m
      SET time_deleted = v_now
      WHERE m.instance_id = p_plan.instance_id AND m.id = p_plan.migration_id AND m.time_deleted IS NULL
        AND EXISTS (SELECT FROM vmstate.vmm AS v
          WHERE v.instance_id = m.instance_id AND v.id IN (m.source_propolis_id, m.destination_propolis_id)
            AND v.time_deleted IS NOT NULL);
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_plan FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_plan IS 'Writes an update plan and releases the updater lock.

The only code that sets VMM ids to NULL. Soft-deletes the migration that it unlinks if one of the VMMs of the migration is deleted. The caller holds the instance and its links locked, has read the plan under these locks, and has set updater_id of the plan to the saga that commits.';
-- end of sql/shared/plan/apply_plan.sql

-- copy of sql/shared/rows/is_handed_over.sql
CREATE OR REPLACE FUNCTION vmstate.is_handed_over(p_vmm vmstate.vmm) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM vmstate.migration AS m
      LEFT JOIN vmstate.instance AS i ON i.id = m.instance_id AND i.migration_id = m.id
      WHERE m.instance_id = p_vmm.instance_id AND m.source_propolis_id = p_vmm.id
        AND 'completed' IN (m.source_state, m.destination_state)
        AND (i.id IS NOT NULL OR p_vmm.time_unlinked IS NOT NULL));
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_handed_over FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_handed_over IS 'Tells whether the guest of a VMM has left the VMM.

That is so if the VMM is the source of the linked migration and a side of that migration completed, or if such a hand-over unlinked the VMM.';
-- end of sql/shared/rows/is_handed_over.sql

-- copy of sql/shared/rows/replayed_begin.sql
CREATE OR REPLACE FUNCTION vmstate.replayed_begin(
  p_instance_id uuid,
  p_saga_id uuid,
  p_propolis_id uuid,
  p_migration_id uuid,
  p_source_propolis_id uuid
) RETURNS vmstate.outcome
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
  v_migration vmstate.migration;
BEGIN
  SELECT v.* INTO v_vmm FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND v.saga_id = p_saga_id;
  IF v_vmm.id IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT m.* INTO v_migration FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.destination_propolis_id = p_propolis_id;
  IF coalesce(v_migration.id, v_vmm.migration_id) IS DISTINCT FROM p_migration_id
      OR v_migration.source_propolis_id <> p_source_propolis_id THEN
    RETURN NULL;
  END IF;
  RETURN CASE
    WHEN v_vmm.time_deleted IS NOT NULL OR v_migration.time_deleted IS NOT NULL
      OR (p_migration_id IS NOT NULL AND v_migration.id IS NULL) THEN 'gone' -- deleted, or purged by now
    WHEN v_vmm.state <> 'saga_unwound' THEN 'unchanged'
  END;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.replayed_begin FROM PUBLIC;
COMMENT ON FUNCTION vmstate.replayed_begin IS 'Tells whether this very begin_start or begin_migration was done before.

p_migration_id and p_source_propolis_id are null for begin_start. Answers unchanged if it was done, gone if its rows were deleted since, else NULL. NULL also after the same saga has unwound the VMM: a replay never resurrects.';
-- end of sql/shared/rows/replayed_begin.sql

-- copy of sql/shared/rows/insert_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.insert_vmm(
  p_instance_id uuid,
  p_saga_id uuid,
  p_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer,
  p_now timestamptz
) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  INSERT INTO vmstate.vmm (instance_id, id, sled_id, propolis_ip, propolis_port, saga_id,
      time_state_updated, time_unlinked, time_created)
    VALUES (p_instance_id, p_propolis_id, p_sled_id, p_propolis_ip, coalesce(p_propolis_port, 12400), p_saga_id,
      p_now, p_now, p_now)
    ON CONFLICT DO NOTHING;
  RETURN FOUND;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.insert_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.insert_vmm IS 'Inserts a VMM in state creating, at generation 1, not yet linked.

Answers false if a VMM with this id exists, whichever instance owns that VMM.';
-- end of sql/shared/rows/insert_vmm.sql

-- copy of sql/shared/rows/insert_migration.sql
CREATE OR REPLACE FUNCTION vmstate.insert_migration(
  p_instance_id uuid,
  p_saga_id uuid,
  p_migration_id uuid,
  p_source_propolis_id uuid,
  p_destination_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer,
  p_now timestamptz
) RETURNS text
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF NOT vmstate.insert_vmm(p_instance_id, p_saga_id, p_destination_propolis_id, p_sled_id, p_propolis_ip,
      p_propolis_port, p_now) THEN
    RETURN 'propolis_id_taken';
  END IF;
  INSERT INTO vmstate.migration (instance_id, id, saga_id, source_propolis_id, destination_propolis_id,
      time_source_updated, time_destination_updated, time_created)
    VALUES (p_instance_id, p_migration_id, p_saga_id, p_source_propolis_id, p_destination_propolis_id,
      p_now, p_now, p_now)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'VM900', MESSAGE = 'the migration id is taken, so the inserted VMM is rolled back';
  END IF;
  RETURN NULL;
EXCEPTION
  WHEN SQLSTATE 'VM900' THEN -- takes the VMM back
    RETURN 'migration_id_taken';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.insert_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.insert_migration IS 'Inserts the destination VMM and the migration, both or neither.

Answers NULL, or propolis_id_taken or migration_id_taken if neither was inserted.';
-- end of sql/shared/rows/insert_migration.sql

-- copy of sql/shared/rows/delete_migrations.sql
CREATE OR REPLACE FUNCTION vmstate.delete_migrations(p_instance_id uuid, p_propolis_id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_ids pg_catalog.uuid[] := array(
    SELECT m.id FROM vmstate.migration AS m
      WHERE m.instance_id = p_instance_id AND m.time_deleted IS NULL
        AND (p_propolis_id IS NULL OR p_propolis_id IN (m.source_propolis_id, m.destination_propolis_id)));
BEGIN
  IF v_ids = '{}' THEN
    RETURN;
  END IF;
  PERFORM vmstate.lock_links(p_instance_id, NULL, v_ids);
  -- Judged under the lock that an update saga holds until it has unlinked the migration.
  UPDATE vmstate.migration AS m
    SET time_deleted = v_now
    WHERE m.instance_id = p_instance_id AND m.id = ANY (v_ids) AND m.time_deleted IS NULL
      AND NOT EXISTS (SELECT FROM vmstate.instance AS i WHERE i.id = p_instance_id AND i.migration_id = m.id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_migrations FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_migrations IS 'Soft-deletes the migrations of an instance that no link needs.

All of them if p_propolis_id is NULL, else those that name this VMM. The instance needs no lock: an unlinked migration is never linked again, and apply_plan deletes a linked one when it unlinks it.';
-- end of sql/shared/rows/delete_migrations.sql

-- copy of sql/shared/rows/release_updater.sql
CREATE OR REPLACE FUNCTION vmstate.release_updater(p_instance_id uuid) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  UPDATE vmstate.instance AS i
    SET updater_id = NULL,
      updater_lease_until = NULL,
      updater_parent_id = NULL,
      released_updater_id = i.updater_id,
      time_updater_released = v_now
    WHERE i.id = p_instance_id;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.release_updater FROM PUBLIC;
COMMENT ON FUNCTION vmstate.release_updater IS 'Ends the updater lock without a commit.

The caller holds the instance locked and has found the lock held. The fencing token stays, so that the next lock has a higher one.';
-- end of sql/shared/rows/release_updater.sql

-- copy of sql/shared/results/to_instance_result.sql
CREATE OR REPLACE FUNCTION vmstate.to_instance_result(p_outcome vmstate.outcome, p_reason text, p_instance_id uuid)
RETURNS vmstate.instance_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_result vmstate.instance_result;
BEGIN
  SELECT p_outcome, p_reason, r.instance_id, r.api_state, r.state, r.state_generation,
      r.active_propolis_id, r.destination_propolis_id, r.migration_id
    INTO v_result
    FROM vmstate.resolved_instance AS r
    -- Do not show a row inserted after the lock attempt: the outcome is not_found.
    WHERE r.instance_id = p_instance_id AND p_outcome <> 'not_found';
  v_result.outcome := p_outcome;
  v_result.reason := p_reason;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_instance_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_instance_result IS 'Builds the answer of an instance verb, with the instance as it stands.';
-- end of sql/shared/results/to_instance_result.sql

-- copy of sql/shared/results/to_start_result.sql
CREATE OR REPLACE FUNCTION vmstate.to_start_result(
  p_outcome vmstate.outcome,
  p_reason text,
  p_instance_id uuid,
  p_replaced_propolis_id uuid DEFAULT NULL
) RETURNS vmstate.start_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_answer vmstate.instance_result := vmstate.to_instance_result(p_outcome, p_reason, p_instance_id);
BEGIN
  RETURN ROW(v_answer.*, p_replaced_propolis_id)::vmstate.start_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_start_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_start_result IS 'Builds the answer of begin_start, with the instance as it stands.';
-- end of sql/shared/results/to_start_result.sql

-- copy of sql/shared/results/to_command_result.sql
CREATE OR REPLACE FUNCTION vmstate.to_command_result(
  p_outcome vmstate.outcome,
  p_reason text,
  p_instance_id uuid,
  p_propolis_ids uuid[] DEFAULT '{}'
) RETURNS vmstate.command_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_result vmstate.command_result;
BEGIN
  -- in one statement: what is shown and who is to be told are of one moment
  SELECT p_outcome, p_reason, r.instance_id, r.api_state, r.state, r.state_generation,
      r.active_propolis_id, r.destination_propolis_id, r.migration_id,
      array_remove(ARRAY[
        CASE WHEN r.active_propolis_id = ANY (p_propolis_ids)
          AND NOT vmstate.is_absorbing(r.active_state) THEN r.active_propolis_id END,
        CASE WHEN r.destination_propolis_id = ANY (p_propolis_ids) AND r.destination_propolis_id <> r.active_propolis_id
          AND NOT vmstate.is_absorbing(r.destination_vmm_state) THEN r.destination_propolis_id END
      ], NULL)
    INTO v_result
    FROM vmstate.resolved_instance AS r
    -- Do not show a row inserted after the lock attempt: the outcome is not_found.
    WHERE r.instance_id = p_instance_id AND p_outcome <> 'not_found';
  v_result.outcome := p_outcome;
  v_result.reason := p_reason;
  v_result.command_propolis_ids := coalesce(v_result.command_propolis_ids, '{}');
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_command_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_command_result IS 'Builds the answer of request_stop and request_reboot.

Of p_propolis_ids, the live VMMs are to be commanded, the active one first.';
-- end of sql/shared/results/to_command_result.sql

-- copy of sql/shared/results/to_update_result.sql
CREATE OR REPLACE FUNCTION vmstate.to_update_result(p_outcome vmstate.outcome, p_reason text, p_plan vmstate.instance_plan)
RETURNS vmstate.update_result
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RETURN ROW(
    p_outcome, p_reason, p_plan.instance_id, p_plan.api_state, p_plan.state, p_plan.state_generation,
    p_plan.active_propolis_id, p_plan.destination_propolis_id, p_plan.migration_id,
    p_plan.updater_generation, p_plan.updater_lease_until,
    p_plan.new_state, p_plan.new_active_propolis_id, p_plan.new_destination_propolis_id,
    p_plan.new_migration_id, p_plan.new_intended_state,
    p_plan.network, p_plan.network_propolis_id,
    p_plan.unlinked_propolis_ids, p_plan.terminate_propolis_ids, p_plan.plan_token, p_plan.updater_id
  )::vmstate.update_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_update_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_update_result IS 'Builds the answer of a verb of the update saga from an instance and its plan.

The verb read both once; all columns are null if no instance has the id.';
-- end of sql/shared/results/to_update_result.sql

-- copy of sql/shared/results/to_vmm_result.sql
CREATE OR REPLACE FUNCTION vmstate.to_vmm_result(p_outcome vmstate.outcome, p_reason text, p_instance_id uuid, p_propolis_id uuid)
RETURNS vmstate.vmm_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_result vmstate.vmm_result;
BEGIN
  SELECT p_outcome, p_reason, v.state, v.state_generation
    INTO v_result
    FROM vmstate.vmm AS v
    -- Do not show a row inserted after the lock attempt: the outcome is not_found.
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND p_outcome <> 'not_found';
  v_result.outcome := p_outcome;
  v_result.reason := p_reason;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.to_vmm_result FROM PUBLIC;
COMMENT ON FUNCTION vmstate.to_vmm_result IS 'Builds the answer of a VMM verb, with the VMM as it stands.';
-- end of sql/shared/results/to_vmm_result.sql

-- copy of sql/guards/raise_old_generation.sql
CREATE OR REPLACE FUNCTION vmstate.raise_old_generation(p_row text, p_actual bigint, p_attempted bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM101',
    MESSAGE = format('the generation of %s must rise with this change', p_row),
    DETAIL = format('Found: generation %s. Attempted: generation %s.',
      coalesce(p_actual::pg_catalog.text, 'null'), coalesce(p_attempted::pg_catalog.text, 'null')),
    HINT = 'Use a verb, such as begin_start, report_vmm or commit_update: every verb compares and raises the generation.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_old_generation FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_old_generation IS 'Raises VM101 for a guarded change without a newer generation.';
-- end of sql/guards/raise_old_generation.sql

-- copy of sql/guards/raise_invalid_transition.sql
CREATE OR REPLACE FUNCTION vmstate.raise_invalid_transition(p_row text, p_actual text, p_attempted text, p_hint text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM102',
    MESSAGE = format('%s cannot change from %s to %s', p_row, p_actual, p_attempted),
    DETAIL = format('Found: %s. Attempted: %s.', p_actual, p_attempted),
    HINT = p_hint;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_invalid_transition FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_invalid_transition IS 'Raises VM102 for a state that cannot follow the present one.';
-- end of sql/guards/raise_invalid_transition.sql

-- copy of sql/guards/raise_link_protected.sql
CREATE OR REPLACE FUNCTION vmstate.raise_link_protected(p_row text, p_actual text, p_attempted text, p_hint text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'VM104',
    MESSAGE = format('cannot change %s', p_row),
    DETAIL = format('Found: %s. Attempted: %s.', p_actual, p_attempted),
    HINT = p_hint;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_link_protected FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_link_protected IS 'Raises VM104 for a change that the links of an instance do not allow.';
-- end of sql/guards/raise_link_protected.sql

-- copy of sql/guards/is_replaceable.sql
CREATE OR REPLACE FUNCTION vmstate.is_replaceable(p_instance_id uuid, p_propolis_id uuid) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF p_propolis_id IS NULL THEN
    RETURN true;
  END IF;
  RETURN EXISTS (SELECT FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND v.state = 'saga_unwound');
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_replaceable FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_replaceable IS 'Tells whether a link may be replaced: it is NULL or names a saga_unwound VMM.';
-- end of sql/guards/is_replaceable.sql

-- copy of sql/guards/is_new_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.is_new_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id AND v.state = 'creating' AND v.time_unlinked IS NOT NULL);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.is_new_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.is_new_vmm IS 'Tells whether a VMM of the instance is new: still creating, and not linked.';
-- end of sql/guards/is_new_vmm.sql

-- copy of sql/guards/links_change_as_start.sql
CREATE OR REPLACE FUNCTION vmstate.links_change_as_start(p_old vmstate.instance, p_new vmstate.instance) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF (p_old.destination_propolis_id, p_old.migration_id) IS DISTINCT FROM (p_new.destination_propolis_id, p_new.migration_id)
      OR p_old.state = 'creating'
      OR p_old.active_propolis_id IS NOT DISTINCT FROM p_new.active_propolis_id
      OR NOT vmstate.is_replaceable(p_old.id, p_old.active_propolis_id)
      OR NOT vmstate.is_new_vmm(p_new.id, p_new.active_propolis_id) THEN
    RETURN false;
  END IF;
  -- A VMM that was made for a migration is active only with the guest of the migration.
  RETURN EXISTS (SELECT FROM vmstate.vmm AS v
    WHERE v.instance_id = p_new.id AND v.id = p_new.active_propolis_id AND v.migration_id IS NULL);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.links_change_as_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.links_change_as_start IS 'Tells whether a change of links is that of a start.

The active VMM, NULL or saga_unwound, is replaced by a new one, and no other link changes. An instance that is still being created has no start.';
-- end of sql/guards/links_change_as_start.sql

-- copy of sql/guards/links_change_as_migration.sql
CREATE OR REPLACE FUNCTION vmstate.links_change_as_migration(p_old vmstate.instance, p_new vmstate.instance) RETURNS boolean
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF p_old.active_propolis_id IS DISTINCT FROM p_new.active_propolis_id
      OR p_old.destination_propolis_id IS NOT DISTINCT FROM p_new.destination_propolis_id THEN
    RETURN false;
  END IF;
  RETURN vmstate.is_replaceable(p_old.id, p_old.destination_propolis_id)
    AND vmstate.is_new_vmm(p_new.id, p_new.destination_propolis_id)
    AND EXISTS (SELECT FROM vmstate.migration AS m
      JOIN vmstate.vmm AS s ON s.instance_id = m.instance_id AND s.id = m.source_propolis_id
      JOIN vmstate.vmm AS d ON d.instance_id = m.instance_id AND d.id = m.destination_propolis_id
      WHERE m.instance_id = p_new.id AND m.id = p_new.migration_id AND m.time_deleted IS NULL
        AND m.source_state = 'pending' AND m.destination_state = 'pending' AND s.state IN ('running', 'rebooting')
        AND s.id = p_new.active_propolis_id AND d.id = p_new.destination_propolis_id AND s.sled_id <> d.sled_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.links_change_as_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.links_change_as_migration IS 'Tells whether a change of links is that of a migration.

The destination VMM, NULL or saga_unwound, is replaced by a new one, together with the migration that leads to the new VMM from the active VMM, which is on another sled.';
-- end of sql/guards/links_change_as_migration.sql

-- copy of sql/guards/guard_identity.sql
CREATE OR REPLACE FUNCTION vmstate.guard_identity() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_old pg_catalog.jsonb := to_jsonb(OLD);
  v_new pg_catalog.jsonb := to_jsonb(NEW);
  v_column pg_catalog.text;
BEGIN
  FOREACH v_column IN ARRAY TG_ARGV LOOP
    IF v_old -> v_column IS DISTINCT FROM v_new -> v_column THEN
      RAISE EXCEPTION USING
        ERRCODE = 'VM103',
        MESSAGE = format('vmstate.%I.%I cannot be changed', TG_TABLE_NAME, v_column),
        DETAIL = format('%s is %s; the attempted value is %s.', v_column, v_old -> v_column, v_new -> v_column),
        HINT = 'This column identifies the row and is immutable. Create a new row with begin_start, begin_migration or create_instance.';
    END IF;
  END LOOP;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_identity FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_identity IS 'Refuses changes of the columns that identify a row.

Errors:
- VM103: the columns that identify a row never change.';

CREATE OR REPLACE TRIGGER guard_identity BEFORE UPDATE OF id, project_id ON vmstate.instance
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('id', 'project_id');

-- after, as the other guards of vmm: a trigger before each row locks it first, which is written to the WAL. In capitals, since
-- triggers fire in the order of their names, and the foreign keys' would say less.
CREATE OR REPLACE TRIGGER "GUARD_identity" AFTER UPDATE OF id, instance_id, sled_id, saga_id, propolis_ip, propolis_port ON vmstate.vmm
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('id', 'instance_id', 'sled_id', 'saga_id', 'propolis_ip', 'propolis_port');

CREATE OR REPLACE TRIGGER guard_identity BEFORE UPDATE OF id, instance_id, saga_id, source_propolis_id, destination_propolis_id ON vmstate.migration
  FOR EACH ROW
  EXECUTE FUNCTION vmstate.guard_identity('id', 'instance_id', 'saga_id', 'source_propolis_id', 'destination_propolis_id');
-- end of sql/guards/guard_identity.sql

-- copy of sql/guards/guard_insert.sql
CREATE OR REPLACE FUNCTION vmstate.guard_insert() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_begins boolean;
BEGIN
  CASE TG_TABLE_NAME
    WHEN 'instance' THEN
      v_begins := NEW.state = 'creating' AND NEW.state_generation = 1
        AND num_nonnulls(NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id, NEW.time_last_auto_restarted,
          NEW.updater_id, NEW.updater_parent_id, NEW.released_updater_id, NEW.time_updater_released,
          NEW.committed_updater_generation, NEW.committed_updater_id, NEW.committed_plan_token, NEW.time_deleted) = 0
        AND NEW.auto_restart_attempts = 0;
    WHEN 'vmm' THEN
      v_begins := NEW.state = 'creating' AND NEW.state_generation = 1 AND NEW.time_unlinked IS NOT NULL
        AND num_nonnulls(NEW.time_started, NEW.time_reported, NEW.failure_reason, NEW.migration_id, NEW.time_deleted) = 0;
    WHEN 'migration' THEN
      v_begins := NEW.source_state = 'pending' AND NEW.source_generation = 1
        AND NEW.destination_state = 'pending' AND NEW.destination_generation = 1
        AND num_nonnulls(NEW.time_reported, NEW.time_deleted) = 0;
  END CASE;
  IF NOT v_begins THEN
    RAISE EXCEPTION USING
      ERRCODE = 'VM102',
      MESSAGE = format('a new row in vmstate.%I must be in its initial state', TG_TABLE_NAME),
      -- A text of any length may stand in the row.
      DETAIL = format('The attempted row is %s.', left(to_jsonb(NEW)::pg_catalog.text, 1500)),
      HINT = format('A new row has its first state, generation 1, no link, no updater lock and no time of deletion. Insert the row with %s.', TG_ARGV[0]);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_insert FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_insert IS 'Refuses new rows that are not in their initial state.

Errors:
- VM102: a row is inserted in its initial state, at generation 1, unlinked, held by no saga and not deleted.';

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('create_instance');

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('begin_start or begin_migration');

CREATE OR REPLACE TRIGGER guard_insert BEFORE INSERT ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_insert('begin_migration');
-- end of sql/guards/guard_insert.sql

-- copy of sql/guards/guard_instance_state.sql
CREATE OR REPLACE FUNCTION vmstate.guard_instance_state() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF NEW.state <> OLD.state AND (NEW.state = 'creating' OR OLD.state = 'destroyed') THEN
    PERFORM vmstate.raise_invalid_transition(format('instance %s', OLD.id), OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'A destroyed instance stays destroyed, and no instance becomes creating again. Create another instance with create_instance.');
  ELSIF OLD.time_deleted <> NEW.time_deleted THEN
    PERFORM vmstate.raise_invalid_transition(format('the time of deletion of instance %s', OLD.id),
      OLD.time_deleted::pg_catalog.text, NEW.time_deleted::pg_catalog.text,
      'A deletion is final. Create another instance with create_instance.');
  ELSIF NEW.state_generation < OLD.state_generation
      OR (NEW.state_generation = OLD.state_generation
        AND (OLD.state, OLD.time_state_updated, OLD.active_propolis_id, OLD.destination_propolis_id, OLD.migration_id)
          IS DISTINCT FROM
          (NEW.state, NEW.time_state_updated, NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id)) THEN
    PERFORM vmstate.raise_old_generation(format('instance %s', OLD.id), OLD.state_generation, NEW.state_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_instance_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_instance_state IS 'Refuses changes of an instance that are backward or raise no generation.

Errors:
- VM101: a change of the state or of a link raises the generation, which never falls.
- VM102: no instance becomes creating again, and destroyed stays, with its time of deletion.';

CREATE OR REPLACE TRIGGER guard_state BEFORE UPDATE OF
    state, state_generation, time_state_updated, active_propolis_id, destination_propolis_id, migration_id, time_deleted
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_instance_state();
-- end of sql/guards/guard_instance_state.sql

-- copy of sql/guards/guard_instance_links.sql
CREATE OR REPLACE FUNCTION vmstate.guard_instance_links() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF (OLD.active_propolis_id, OLD.destination_propolis_id, OLD.migration_id)
      IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id) THEN
    RETURN NEW;
  END IF;
  -- the new ids too: they are judged below, and another session may be ending or deleting them
  PERFORM vmstate.lock_links(OLD.id,
    ARRAY[OLD.active_propolis_id, OLD.destination_propolis_id, NEW.active_propolis_id, NEW.destination_propolis_id],
    ARRAY[OLD.migration_id, NEW.migration_id]);
  IF vmstate.links_change_as_start(OLD, NEW) OR vmstate.links_change_as_migration(OLD, NEW) THEN
    RETURN NEW;
  END IF;
  IF EXISTS (SELECT FROM vmstate.instance_plan AS p
      WHERE p.instance_id = OLD.id
        AND (p.new_active_propolis_id, p.new_destination_propolis_id, p.new_migration_id)
          IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id, NEW.migration_id)) THEN
    RETURN NEW;
  END IF;
  PERFORM vmstate.raise_link_protected(
    format('the links of instance %s: the current update plan does not allow it', OLD.id),
    format('active %s, destination %s, migration %s',
      coalesce(OLD.active_propolis_id::pg_catalog.text, 'none'),
      coalesce(OLD.destination_propolis_id::pg_catalog.text, 'none'),
      coalesce(OLD.migration_id::pg_catalog.text, 'none')),
    format('active %s, destination %s, migration %s',
      coalesce(NEW.active_propolis_id::pg_catalog.text, 'none'),
      coalesce(NEW.destination_propolis_id::pg_catalog.text, 'none'),
      coalesce(NEW.migration_id::pg_catalog.text, 'none')),
    'begin_start and begin_migration replace NULL or a saga_unwound VMM by a new VMM; run_update writes the plan that explain_update shows. Nothing else changes a link.');
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_instance_links FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_instance_links IS 'Refuses changes of the links of an instance that no rule allows.

Errors:
- VM104: links change only to the ids of the current update plan, or when a start or a migration replaces NULL or a saga_unwound VMM and leaves the other ids alone.';

CREATE OR REPLACE TRIGGER guard_links BEFORE UPDATE OF active_propolis_id, destination_propolis_id, migration_id
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_instance_links();
-- end of sql/guards/guard_instance_links.sql

-- copy of sql/guards/mark_links.sql
CREATE OR REPLACE FUNCTION vmstate.mark_links() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  IF (OLD.active_propolis_id, OLD.destination_propolis_id)
      IS NOT DISTINCT FROM (NEW.active_propolis_id, NEW.destination_propolis_id) THEN
    RETURN NULL;
  END IF;
  UPDATE vmstate.vmm AS v
    SET time_unlinked = CASE WHEN v.id IN (NEW.active_propolis_id, NEW.destination_propolis_id) THEN NULL ELSE v_now END
    WHERE v.instance_id = NEW.id
      AND v.id IN (OLD.active_propolis_id, OLD.destination_propolis_id, NEW.active_propolis_id, NEW.destination_propolis_id)
      AND (v.time_unlinked IS NULL) <> coalesce(v.id IN (NEW.active_propolis_id, NEW.destination_propolis_id), false);
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.mark_links FROM PUBLIC;
COMMENT ON FUNCTION vmstate.mark_links IS 'Keeps vmm.time_unlinked equal to what the links of the instances say.';

CREATE OR REPLACE TRIGGER mark_links AFTER UPDATE OF active_propolis_id, destination_propolis_id
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.mark_links();
-- end of sql/guards/mark_links.sql

-- copy of sql/guards/guard_updater.sql
CREATE OR REPLACE FUNCTION vmstate.guard_updater() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF coalesce(NEW.committed_updater_generation, 0) < coalesce(OLD.committed_updater_generation, 0) THEN
    PERFORM vmstate.raise_old_generation(format('the last commit of instance %s', OLD.id),
      OLD.committed_updater_generation, NEW.committed_updater_generation);
  END IF;
  IF NEW.committed_updater_generation IS NOT DISTINCT FROM OLD.committed_updater_generation
      AND (NEW.committed_updater_id, NEW.committed_plan_token)
        IS DISTINCT FROM (OLD.committed_updater_id, OLD.committed_plan_token) THEN
    PERFORM vmstate.raise_old_generation(format('the last commit of instance %s', OLD.id),
      OLD.committed_updater_generation, NEW.committed_updater_generation);
  END IF;
  IF NEW.updater_id IS NOT NULL AND NEW.committed_updater_generation IS DISTINCT FROM OLD.committed_updater_generation THEN
    PERFORM vmstate.raise_link_protected(
      format('the last commit of instance %s: a saga holds the updater lock', OLD.id),
      format('last commit %s', coalesce(OLD.committed_updater_generation::pg_catalog.text, 'none')),
      format('last commit %s', coalesce(NEW.committed_updater_generation::pg_catalog.text, 'none')),
      'commit_update and run_update record the commit and release the updater lock in one write.');
  END IF;
  IF NEW.updater_generation < OLD.updater_generation
      OR (NEW.updater_generation = OLD.updater_generation
        AND NEW.updater_id IS NOT NULL AND NEW.updater_id IS DISTINCT FROM OLD.updater_id) THEN
    PERFORM vmstate.raise_old_generation(format('the updater lock of instance %s', OLD.id), OLD.updater_generation, NEW.updater_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_updater FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_updater IS 'Refuses changes of the updater lock that break its fencing token.

Errors:
- VM101: the fencing token of the updater lock rises when another saga takes the lock, and never falls; nor does the fencing token of the last commit.
- VM104: a commit is recorded only by the write that releases the lock.';

CREATE OR REPLACE TRIGGER guard_updater BEFORE UPDATE OF
    updater_id, updater_generation, committed_updater_generation, committed_updater_id, committed_plan_token
  ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_updater();
-- end of sql/guards/guard_updater.sql

-- copy of sql/guards/guard_vmm_state.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_state() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_row pg_catalog.text;
BEGIN
  -- what nothing below refuses; without functions, for a role that has rights on the table may have none on them
  IF NEW.state_generation > OLD.state_generation AND NEW.state NOT IN ('creating', 'saga_unwound')
      AND OLD.state NOT IN ('failed', 'destroyed', 'saga_unwound') AND (NEW.state = 'failed') = (NEW.failure_reason IS NOT NULL) THEN
    RETURN NULL;
  END IF;
  v_row := format('VMM %s', OLD.id);
  IF NEW.state <> OLD.state AND (NEW.state = 'creating' OR vmstate.is_absorbing(OLD.state))
      AND NOT (OLD.state IN ('failed', 'destroyed') AND NEW.state = 'saga_unwound' AND NEW.time_unlinked IS NULL) THEN
    PERFORM vmstate.raise_invalid_transition(v_row, OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'No VMM becomes creating again, and a dead VMM stays dead: begin_start inserts a new VMM. Only unwind_start and unwind_migration mark a dead VMM saga_unwound, while an instance names the VMM.');
  ELSIF NEW.state = 'saga_unwound' AND OLD.state <> 'saga_unwound' AND (
      vmstate.is_handed_over(OLD)
      OR EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = OLD.instance_id AND m.destination_propolis_id = OLD.id
          AND NOT (m.source_state = 'failed' AND m.destination_state = 'failed'))
      -- Its migration was purged: the guest went there.
      OR (OLD.migration_id IS NOT NULL AND NOT EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = OLD.instance_id AND m.id = OLD.migration_id))
    ) THEN
    PERFORM vmstate.raise_invalid_transition(v_row, OLD.state::pg_catalog.text, NEW.state::pg_catalog.text,
      'The guest of a migration may run in the VMM. unwind_migration first fails both sides of a migration to the VMM; unwind_start refuses a VMM whose guest was handed over.');
  ELSIF NEW.state_generation < OLD.state_generation
      OR (NEW.state_generation = OLD.state_generation
        AND (OLD.state, OLD.time_state_updated, OLD.time_started, OLD.failure_reason)
          IS DISTINCT FROM (NEW.state, NEW.time_state_updated, NEW.time_started, NEW.failure_reason)
        AND NOT (NEW.state <> OLD.state AND vmstate.is_absorbing(NEW.state)
          AND NEW.state_generation = vmstate.next_generation(OLD.state_generation))) THEN
    PERFORM vmstate.raise_old_generation(v_row, OLD.state_generation, NEW.state_generation);
  ELSIF (NEW.state = 'failed') <> (NEW.failure_reason IS NOT NULL) THEN
    -- no constraint of the table, which would come before a dead VMM is refused as such
    RAISE EXCEPTION USING
      ERRCODE = 'check_violation',
      MESSAGE = format('%s cannot be %s with failure_reason %s', v_row, NEW.state, coalesce(NEW.failure_reason::pg_catalog.text, 'null')),
      DETAIL = format('Found: state %s. Attempted: state %s with failure_reason %s.',
        OLD.state, NEW.state, coalesce(NEW.failure_reason::pg_catalog.text, 'null')),
      HINT = 'A VMM has a failure_reason if and only if its state is failed; fail_vmm writes both columns.',
      SCHEMA = 'vmstate', TABLE = 'vmm', CONSTRAINT = 'failure_reason_iff_failed';
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_state FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_state IS 'Refuses changes of a VMM that are backward or raise no generation.

Errors:
- 23514: a VMM has a failure_reason if and only if its state is failed.
- VM101: what a report changes raises the generation, which never falls.
- VM102: no VMM becomes creating again, and a dead VMM stays dead, but failed or destroyed may become saga_unwound while linked; the destination of a migration becomes saga_unwound only after both sides failed, and a VMM whose guest was handed over never does.';

-- the only condition outside of its function: health reports, which are almost all writes, do without the call. It is short,
-- for every statement copies the conditions of all triggers of its table, as text, and parses those it evaluates.
CREATE OR REPLACE TRIGGER guard_state AFTER UPDATE OF state, state_generation, time_state_updated, time_started, failure_reason
  ON vmstate.vmm
  FOR EACH ROW WHEN (
    NEW.state_generation <= OLD.state_generation
    OR NEW.state <> OLD.state
    OR NEW.failure_reason IS DISTINCT FROM OLD.failure_reason
  )
  EXECUTE FUNCTION vmstate.guard_vmm_state();
-- end of sql/guards/guard_vmm_state.sql

-- copy of sql/guards/guard_vmm_link.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_link() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_linked boolean;
BEGIN
  IF OLD.time_unlinked IS NOT DISTINCT FROM NEW.time_unlinked THEN
    RETURN NULL;
  END IF;
  v_linked := EXISTS (SELECT FROM vmstate.instance AS i
    WHERE i.id = NEW.instance_id AND NEW.id IN (i.active_propolis_id, i.destination_propolis_id));
  IF v_linked <> (NEW.time_unlinked IS NULL) OR num_nulls(OLD.time_unlinked, NEW.time_unlinked) <> 1 THEN
    PERFORM vmstate.raise_link_protected(
      format('time_unlinked of VMM %s: the value contradicts the links of the instance', OLD.id),
      coalesce(OLD.time_unlinked::pg_catalog.text, 'null (linked)'),
      coalesce(NEW.time_unlinked::pg_catalog.text, 'null (linked)'),
      'Trigger mark_links writes time_unlinked when begin_start, begin_migration or run_update changes the links of the instance.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_link FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_link IS 'Refuses a time_unlinked that contradicts the links of the instances.

Errors:
- VM104: time_unlinked is NULL while an instance names the VMM, and else says since when no instance does.';

CREATE OR REPLACE TRIGGER guard_link AFTER UPDATE OF time_unlinked ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_vmm_link();
-- end of sql/guards/guard_vmm_link.sql

-- copy of sql/guards/guard_vmm_migration.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_migration() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.migration_id IS DISTINCT FROM NEW.migration_id AND NOT (
      OLD.migration_id IS NULL AND EXISTS (SELECT FROM vmstate.migration AS m
        WHERE m.instance_id = NEW.instance_id AND m.id = NEW.migration_id AND m.destination_propolis_id = NEW.id)) THEN
    PERFORM vmstate.raise_link_protected(
      format('migration_id of VMM %s: the value is not the migration that leads to the VMM', OLD.id),
      coalesce(OLD.migration_id::pg_catalog.text, 'null'),
      coalesce(NEW.migration_id::pg_catalog.text, 'null'),
      'Trigger guard_destination writes migration_id when begin_migration inserts the migration; afterwards the column never changes.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_migration IS 'Refuses a migration_id of a VMM that is not the migration which leads there.

A migration_id that is set never changes, also after the migration was purged.

Errors:
- VM104: migration_id changes to another value than the migration whose destination is the VMM.';

CREATE OR REPLACE TRIGGER guard_migration AFTER UPDATE OF migration_id ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_vmm_migration();
-- end of sql/guards/guard_vmm_migration.sql

-- copy of sql/guards/guard_vmm_deletion.sql
CREATE OR REPLACE FUNCTION vmstate.guard_vmm_deletion() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.time_deleted IS NOT DISTINCT FROM NEW.time_deleted THEN
    RETURN NULL;
  ELSIF OLD.time_deleted IS NOT NULL THEN
    PERFORM vmstate.raise_invalid_transition(format('the time of deletion of VMM %s', OLD.id),
      OLD.time_deleted::pg_catalog.text, coalesce(NEW.time_deleted::pg_catalog.text, 'null'),
      'A deletion is final. Start the instance with begin_start, which inserts a new VMM.');
  ELSIF NEW.time_unlinked IS NULL OR NOT vmstate.is_absorbing(NEW.state) THEN
    PERFORM vmstate.raise_link_protected(
      format('VMM %s: %s', OLD.id, CASE WHEN NEW.time_unlinked IS NULL THEN 'an instance names the VMM' ELSE 'the VMM is alive' END),
      format('%s, %s', NEW.state, CASE WHEN NEW.time_unlinked IS NULL THEN 'linked' ELSE 'not linked' END),
      'deletion',
      'fail_vmm declares a VMM dead, run_update unlinks a dead VMM, and delete_vmm then deletes the VMM.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_vmm_deletion FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_vmm_deletion IS 'Refuses the deletion of a VMM that an instance names or that is alive.

Errors:
- VM102: the deletion of a VMM is final.
- VM104: a VMM that an instance names, or that is alive, is not deleted.';

CREATE OR REPLACE TRIGGER guard_deletion AFTER UPDATE OF time_deleted ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_vmm_deletion();
-- end of sql/guards/guard_vmm_deletion.sql

-- copy of sql/guards/guard_migration_destination.sql
CREATE OR REPLACE FUNCTION vmstate.guard_migration_destination() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_actual pg_catalog.text;
BEGIN
  -- It also fails a session that ends the VMM, or leads to it, with a snapshot too old to see this migration.
  UPDATE vmstate.vmm AS v SET migration_id = coalesce(v.migration_id, NEW.id)
    WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id;
  IF NOT vmstate.is_new_vmm(NEW.instance_id, NEW.destination_propolis_id) THEN
    SELECT format('%s, %s', v.state, CASE WHEN v.time_unlinked IS NULL THEN 'linked' ELSE 'not linked' END) INTO v_actual
      FROM vmstate.vmm AS v WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id;
  ELSE
    SELECT format('the destination of migration %s', v.migration_id) INTO v_actual
      FROM vmstate.vmm AS v
      WHERE v.instance_id = NEW.instance_id AND v.id = NEW.destination_propolis_id AND v.migration_id <> NEW.id;
  END IF;
  IF v_actual IS NOT NULL THEN
    PERFORM vmstate.raise_invalid_transition(format('VMM %s', NEW.destination_propolis_id), v_actual,
      format('the destination of migration %s', NEW.id), 'The destination of a migration is a new VMM: begin_migration inserts both the VMM and the migration.');
  END IF;
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_migration_destination FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_migration_destination IS 'Refuses a new migration whose destination VMM is not new.

Errors:
- VM102: the destination VMM of a new migration is still creating, and no link and no other migration names it.';

-- after, when the foreign keys have said that there is such a VMM
CREATE OR REPLACE TRIGGER guard_destination AFTER INSERT ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_migration_destination();
-- end of sql/guards/guard_migration_destination.sql

-- copy of sql/guards/guard_migration_sides.sql
CREATE OR REPLACE FUNCTION vmstate.guard_migration_sides() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_row pg_catalog.text;
BEGIN
  IF (OLD.source_state, OLD.source_generation, OLD.time_source_updated,
      OLD.destination_state, OLD.destination_generation, OLD.time_destination_updated)
      IS NOT DISTINCT FROM
      (NEW.source_state, NEW.source_generation, NEW.time_source_updated,
        NEW.destination_state, NEW.destination_generation, NEW.time_destination_updated) THEN
    RETURN NEW;
  END IF;
  v_row := format('the source side of migration %s', OLD.id);
  IF vmstate.is_terminal(OLD.source_state) AND NEW.source_state <> OLD.source_state THEN
    PERFORM vmstate.raise_invalid_transition(v_row, OLD.source_state::pg_catalog.text, NEW.source_state::pg_catalog.text,
      'A side that has ended never changes its state. Begin another migration with begin_migration.');
  ELSIF NEW.source_generation < OLD.source_generation
      OR (NEW.source_generation = OLD.source_generation
        AND (OLD.source_state, OLD.time_source_updated) IS DISTINCT FROM (NEW.source_state, NEW.time_source_updated)
        AND NOT (NEW.source_state <> OLD.source_state AND vmstate.is_terminal(NEW.source_state)
          AND NEW.source_generation = vmstate.next_generation(OLD.source_generation))) THEN
    PERFORM vmstate.raise_old_generation(v_row, OLD.source_generation, NEW.source_generation);
  END IF;

  v_row := format('the destination side of migration %s', OLD.id);
  IF vmstate.is_terminal(OLD.destination_state) AND NEW.destination_state <> OLD.destination_state THEN
    PERFORM vmstate.raise_invalid_transition(v_row, OLD.destination_state::pg_catalog.text, NEW.destination_state::pg_catalog.text,
      'A side that has ended never changes its state. Begin another migration with begin_migration.');
  ELSIF NEW.destination_generation < OLD.destination_generation
      OR (NEW.destination_generation = OLD.destination_generation
        AND (OLD.destination_state, OLD.time_destination_updated)
          IS DISTINCT FROM (NEW.destination_state, NEW.time_destination_updated)
        AND NOT (NEW.destination_state <> OLD.destination_state AND vmstate.is_terminal(NEW.destination_state)
          AND NEW.destination_generation = vmstate.next_generation(OLD.destination_generation))) THEN
    PERFORM vmstate.raise_old_generation(v_row, OLD.destination_generation, NEW.destination_generation);
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_migration_sides FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_migration_sides IS 'Refuses changes of a migration side that are backward or raise no generation.

Errors:
- VM101: a change of a side raises the generation of that side, which never falls.
- VM102: a side that has ended stays as it is.';

CREATE OR REPLACE TRIGGER guard_sides BEFORE UPDATE OF
    source_state, source_generation, time_source_updated,
    destination_state, destination_generation, time_destination_updated
  ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_migration_sides();
-- end of sql/guards/guard_migration_sides.sql

-- copy of sql/guards/guard_migration_deletion.sql
CREATE OR REPLACE FUNCTION vmstate.guard_migration_deletion() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.time_deleted IS NOT DISTINCT FROM NEW.time_deleted THEN
    RETURN NEW;
  ELSIF OLD.time_deleted IS NOT NULL THEN
    PERFORM vmstate.raise_invalid_transition(format('the time of deletion of migration %s', OLD.id),
      OLD.time_deleted::pg_catalog.text, coalesce(NEW.time_deleted::pg_catalog.text, 'null'),
      'A deletion is final. Begin another migration with begin_migration.');
  ELSIF EXISTS (SELECT FROM vmstate.instance AS i WHERE i.id = NEW.instance_id AND i.migration_id = NEW.id) THEN
    PERFORM vmstate.raise_link_protected(format('migration %s: an instance names the migration', OLD.id), 'linked', 'deletion',
      'run_update unlinks a migration that has ended, and delete_vmm or delete_instance then deletes the migration.');
  END IF;
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_migration_deletion FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_migration_deletion IS 'Refuses the deletion of a migration that its instance names.

Errors:
- VM102: the deletion of a migration is final.
- VM104: a migration that its instance names is not deleted.';

CREATE OR REPLACE TRIGGER guard_deletion BEFORE UPDATE OF time_deleted ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_migration_deletion();
-- end of sql/guards/guard_migration_deletion.sql

-- copy of sql/guards/guard_delete.sql
CREATE OR REPLACE FUNCTION vmstate.guard_delete() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF OLD.time_deleted IS NULL THEN
    PERFORM vmstate.raise_link_protected(
      format('%s %s: the row is not marked as deleted', TG_TABLE_NAME, OLD.id), 'not deleted', 'DELETE',
      'delete_instance and delete_vmm mark rows as deleted, and purge then removes such rows.');
  END IF;
  RETURN OLD;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_delete FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_delete IS 'Refuses the DELETE of a row that is not marked as deleted.

Errors:
- VM104: only rows that are marked as deleted can be purged.';

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.instance
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete();

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.vmm
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete();

CREATE OR REPLACE TRIGGER guard_delete BEFORE DELETE ON vmstate.migration
  FOR EACH ROW EXECUTE FUNCTION vmstate.guard_delete();
-- end of sql/guards/guard_delete.sql

-- copy of sql/guards/guard_truncate.sql
CREATE OR REPLACE FUNCTION vmstate.guard_truncate() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.raise_link_protected(format('table vmstate.%I: no row is removed unless it is marked as deleted', TG_TABLE_NAME), 'a table in use', 'TRUNCATE',
    'delete_instance and delete_vmm mark rows as deleted, and purge then removes such rows.');
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.guard_truncate FROM PUBLIC;
COMMENT ON FUNCTION vmstate.guard_truncate IS 'Refuses TRUNCATE.

Errors:
- VM104: no table is emptied without the verbs.';

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.instance
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate();

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.vmm
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate();

CREATE OR REPLACE TRIGGER guard_truncate BEFORE TRUNCATE ON vmstate.migration
  FOR EACH STATEMENT EXECUTE FUNCTION vmstate.guard_truncate();
-- end of sql/guards/guard_truncate.sql

-- copy of sql/verbs/control_plane/steps/can_unwind.sql
CREATE OR REPLACE FUNCTION vmstate.can_unwind(p_vmm vmstate.vmm) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RETURN p_vmm.state <> 'saga_unwound'
    AND NOT (vmstate.is_absorbing(p_vmm.state) AND p_vmm.time_unlinked IS NOT NULL);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.can_unwind FROM PUBLIC;
COMMENT ON FUNCTION vmstate.can_unwind IS 'Tells whether a VMM can be unwound.

True unless the VMM is already saga_unwound, or is dead and unlinked.';
-- end of sql/verbs/control_plane/steps/can_unwind.sql

-- copy of sql/verbs/control_plane/create_instance.sql
CREATE OR REPLACE FUNCTION vmstate.create_instance(
  p_id uuid,
  p_project_id uuid,
  p_name text,
  p_intended_state vmstate.intended_state,
  p_auto_restart_policy vmstate.auto_restart_policy DEFAULT NULL,
  p_auto_restart_cooldown interval DEFAULT NULL
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_project_id pg_catalog.uuid;
  v_time_deleted pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_id, p_project_id, p_name, p_intended_state) > 0 THEN
    PERFORM vmstate.raise_null_argument('create_instance', jsonb_build_object(
      'p_id', p_id, 'p_project_id', p_project_id, 'p_name', p_name, 'p_intended_state', p_intended_state));
  END IF;
  PERFORM vmstate.require_name('create_instance', p_name);
  IF p_intended_state NOT IN ('running', 'stopped') THEN
    PERFORM vmstate.raise_invalid_argument('create_instance', 'p_intended_state',
      format('p_intended_state must be running or stopped, not %s.', p_intended_state));
  END IF;
  PERFORM vmstate.require_cooldown('create_instance', p_auto_restart_cooldown);

  INSERT INTO vmstate.instance (id, project_id, name, intended_state, auto_restart_policy, auto_restart_cooldown,
      time_state_updated, time_created, time_modified)
    VALUES (p_id, p_project_id, p_name, p_intended_state, p_auto_restart_policy, p_auto_restart_cooldown,
      v_now, v_now, v_now)
    ON CONFLICT DO NOTHING;
  IF FOUND THEN
    RETURN vmstate.to_instance_result('applied', NULL, p_id);
  END IF;

  SELECT i.project_id, i.time_deleted INTO v_project_id, v_time_deleted FROM vmstate.instance AS i WHERE i.id = p_id;
  IF v_project_id IS NULL THEN
    RETURN vmstate.to_instance_result('conflict', 'name_taken', NULL);
  ELSIF v_project_id <> p_project_id THEN
    RETURN vmstate.to_instance_result('conflict', 'instance_id_taken', NULL);
  ELSIF v_time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_id);
  END IF;
  RETURN vmstate.to_instance_result('unchanged', NULL, p_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.create_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.create_instance IS 'Creates an instance in state creating.

The saga that creates the instance calls finish_instance_creation at its end. p_name has 1 to 63 characters. p_intended_state is running or stopped. p_auto_restart_policy NULL means best_effort, p_auto_restart_cooldown NULL means 5 minutes. The same id in the same project makes a replay, whatever the other arguments are.

Outcomes:
- applied: the instance was created.
- unchanged: the project has an instance with this id already; nothing was written.
- conflict/name_taken: another instance of the project, which is not deleted, has the name.
- conflict/instance_id_taken: an instance of another project has the id.
- gone: the project had an instance with this id, and that instance was deleted.
Errors:
- VM001: an argument without a default is null, p_name does not have 1 to 63 characters, p_intended_state is neither running nor stopped, or p_auto_restart_cooldown is negative or infinite.';
-- end of sql/verbs/control_plane/create_instance.sql

-- copy of sql/verbs/control_plane/finish_instance_creation.sql
CREATE OR REPLACE FUNCTION vmstate.finish_instance_creation(p_id uuid) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('finish_instance_creation', 'p_id', 'p_id must not be null.');
  END IF;
  v_instance := vmstate.lock_instance(p_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_id);
  ELSIF v_instance.state <> 'creating' THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET state = 'no_vmm', state_generation = i.state_generation + 1, time_state_updated = v_now
    WHERE i.id = p_id;
  RETURN vmstate.to_instance_result('applied', NULL, p_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.finish_instance_creation FROM PUBLIC;
COMMENT ON FUNCTION vmstate.finish_instance_creation IS 'Ends the creation of an instance: its state creating becomes no_vmm.

Outcomes:
- applied: the instance is created and may be started.
- unchanged: the creation of the instance ended before.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_id is null.';
-- end of sql/verbs/control_plane/finish_instance_creation.sql

-- copy of sql/verbs/control_plane/configure_instance.sql
CREATE OR REPLACE FUNCTION vmstate.configure_instance(
  p_instance_id uuid,
  p_auto_restart_policy vmstate.auto_restart_policy DEFAULT NULL,
  p_auto_restart_cooldown interval DEFAULT NULL
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('configure_instance', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  PERFORM vmstate.require_cooldown('configure_instance', p_auto_restart_cooldown);
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF (v_instance.auto_restart_policy, v_instance.auto_restart_cooldown)
      IS NOT DISTINCT FROM (p_auto_restart_policy, p_auto_restart_cooldown) THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET auto_restart_policy = p_auto_restart_policy, auto_restart_cooldown = p_auto_restart_cooldown, time_modified = v_now
    WHERE i.id = p_instance_id;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.configure_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.configure_instance IS 'Sets both parts of the auto-restart configuration of an instance.

Allowed in every state, also under an updater lock. Does not raise the generation of the instance. p_auto_restart_policy NULL restores the default best_effort; p_auto_restart_cooldown NULL restores the default of 5 minutes.

Outcomes:
- applied: the configuration was written.
- unchanged: the instance had this configuration already.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null, or p_auto_restart_cooldown is negative or infinite.';
-- end of sql/verbs/control_plane/configure_instance.sql

-- copy of sql/verbs/control_plane/rename_instance.sql
CREATE OR REPLACE FUNCTION vmstate.rename_instance(p_instance_id uuid, p_name text) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_name) > 0 THEN
    PERFORM vmstate.raise_null_argument('rename_instance', jsonb_build_object('p_instance_id', p_instance_id, 'p_name', p_name));
  END IF;
  PERFORM vmstate.require_name('rename_instance', p_name);
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.name = p_name THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  -- Looked at before the write, so that two instances that swap their names do not wait for each other in the index.
  ELSIF EXISTS (SELECT FROM vmstate.instance AS i
      WHERE i.project_id = v_instance.project_id AND i.name = p_name AND i.time_deleted IS NULL) THEN
    RETURN vmstate.to_instance_result('conflict', 'name_taken', p_instance_id);
  END IF;

  v_now := clock_timestamp();
  BEGIN
    UPDATE vmstate.instance AS i SET name = p_name, time_modified = v_now WHERE i.id = p_instance_id;
  EXCEPTION
    WHEN unique_violation THEN -- another session took the name meanwhile
      RETURN vmstate.to_instance_result('conflict', 'name_taken', p_instance_id);
  END;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.rename_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.rename_instance IS 'Gives an instance another name.

Allowed in every state. Does not raise the generation of the instance. p_name has 1 to 63 characters.

Outcomes:
- applied: the name was written.
- unchanged: the instance has this name already.
- conflict/name_taken: another instance of the project, which is not deleted, has the name.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null, or p_name does not have 1 to 63 characters.';
-- end of sql/verbs/control_plane/rename_instance.sql

-- copy of sql/verbs/control_plane/begin_start.sql
CREATE OR REPLACE FUNCTION vmstate.begin_start(
  p_instance_id uuid,
  p_saga_id uuid,
  p_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer DEFAULT 12400,
  p_start_reason text DEFAULT 'user',
  p_expected_generation bigint DEFAULT NULL
) RETURNS vmstate.start_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_auto_restart boolean := coalesce(p_start_reason = 'auto_restart', false);
  v_instance vmstate.instance;
  v_active vmstate.vmm;
  v_attempts integer;
  v_reason pg_catalog.text;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip) > 0 THEN
    PERFORM vmstate.raise_null_argument('begin_start', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_propolis_id', p_propolis_id,
      'p_sled_id', p_sled_id, 'p_propolis_ip', p_propolis_ip));
  END IF;
  PERFORM vmstate.require_port('begin_start', p_propolis_port);
  IF p_start_reason NOT IN ('user', 'auto_restart') THEN
    PERFORM vmstate.raise_invalid_argument('begin_start', 'p_start_reason',
      format('p_start_reason must be ''user'' or ''auto_restart'', not %L.', p_start_reason));
  END IF;

  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_start_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_start_result('gone', NULL, p_instance_id);
  END IF;
  CASE vmstate.replayed_begin(p_instance_id, p_saga_id, p_propolis_id, NULL, NULL)
    WHEN 'gone' THEN RETURN vmstate.to_start_result('gone', NULL, p_instance_id);
    WHEN 'unchanged' THEN RETURN vmstate.to_start_result('unchanged', NULL, p_instance_id);
    ELSE NULL;
  END CASE;

  SELECT v.* INTO v_active FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  v_attempts := CASE WHEN vmstate.ran_long(v_active.time_started, v_active.time_reported) THEN 0 ELSE v_instance.auto_restart_attempts END;
  v_now := clock_timestamp();
  v_reason := CASE
    WHEN v_instance.state = 'creating' THEN 'creating'
    WHEN v_active.state IN ('creating', 'starting', 'running', 'rebooting', 'migrating') THEN 'already_started'
    WHEN v_active.state <> 'saga_unwound' THEN 'not_stopped'
    WHEN v_instance.state_generation <> p_expected_generation THEN 'stale_generation'
    WHEN v_auto_restart AND NOT vmstate.may_auto_restart(
        v_instance.state, v_active.state, v_instance.intended_state, v_instance.auto_restart_policy,
        vmstate.auto_restart_wait(v_instance.auto_restart_cooldown, v_attempts),
        v_instance.time_last_auto_restarted, v_instance.updater_lease_until, v_now)
      THEN 'restart_not_permitted'
  END;
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_start_result('conflict', v_reason, p_instance_id);
  END IF;

  IF NOT vmstate.insert_vmm(p_instance_id, p_saga_id, p_propolis_id, p_sled_id, p_propolis_ip, p_propolis_port, v_now) THEN
    RETURN vmstate.to_start_result('conflict', 'propolis_id_taken', p_instance_id);
  END IF;

  UPDATE vmstate.instance AS i
    SET state = 'vmm',
      state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      active_propolis_id = p_propolis_id,
      intended_state = 'running',
      auto_restart_attempts = CASE WHEN v_auto_restart THEN least(v_attempts, 2147483646) + 1 ELSE 0 END,
      time_last_auto_restarted = CASE WHEN v_auto_restart THEN v_now ELSE i.time_last_auto_restarted END,
      time_modified = v_now
    WHERE i.id = p_instance_id;
  RETURN vmstate.to_start_result('applied', NULL, p_instance_id, v_instance.active_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_start IS 'Starts an instance: inserts its VMM and links it as the active one.

First step of a start saga. The VMM is inserted in state creating, at generation 1; in the same write it replaces NULL or a saga_unwound VMM, which replaced_propolis_id then names. The intent becomes running. A migration that is still linked is left to the next update. p_propolis_port is 12400 if NULL. p_start_reason is user or auto_restart, and user if NULL: an automatic restart adds 1 to auto_restart_attempts, a user''s start resets auto_restart_attempts to 0. p_expected_generation is the generation of the instance; NULL means no check. The same instance, saga and VMM id make a replay.

Outcomes:
- applied: the VMM was inserted and linked.
- unchanged: the same saga and VMM id were given before; nothing was written.
- conflict/creating: the instance is still being created; finish_instance_creation comes first.
- conflict/already_started: the active VMM is creating, starting, running, rebooting or migrating.
- conflict/not_stopped: the active VMM is stopping, stopped, failed or destroyed, and the update saga has yet to unlink that VMM.
- conflict/stale_generation: the generation of the instance is not p_expected_generation.
- conflict/restart_not_permitted: the intent, the policy, vmstate.auto_restart_wait or the updater lock forbids the automatic restart; a user''s start never gets this reason.
- conflict/propolis_id_taken: a VMM with the id p_propolis_id exists, also when this saga inserted and has unwound that VMM.
- gone: the instance was deleted, or a replay names a VMM that was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument without a default is null, p_propolis_port is not 0 to 65535, or p_start_reason is neither user nor auto_restart.';
-- end of sql/verbs/control_plane/begin_start.sql

-- copy of sql/verbs/control_plane/unwind_start.sql
CREATE OR REPLACE FUNCTION vmstate.unwind_start(p_instance_id uuid, p_saga_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_vmm vmstate.vmm;
  v_reason pg_catalog.text;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_propolis_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('unwind_start', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_propolis_id', p_propolis_id));
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, p_propolis_id);
  IF v_vmm.id IS NULL THEN
    RETURN vmstate.to_vmm_result('not_found', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('gone', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.saga_id <> p_saga_id THEN
    RETURN vmstate.to_vmm_result('conflict', 'wrong_saga', p_instance_id, p_propolis_id);
  END IF;

  PERFORM vmstate.lock_migrations_of_vmm(p_instance_id, p_propolis_id);
  IF v_vmm.migration_id IS NOT NULL OR EXISTS (SELECT FROM vmstate.migration AS m
      WHERE m.instance_id = p_instance_id AND m.destination_propolis_id = p_propolis_id) THEN
    v_reason := 'migration_destination';
  ELSIF NOT vmstate.can_unwind(v_vmm) THEN
    RETURN vmstate.to_vmm_result('unchanged', NULL, p_instance_id, p_propolis_id);
  ELSIF vmstate.is_handed_over(v_vmm) THEN
    v_reason := 'handed_over';
  END IF;
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('conflict', v_reason, p_instance_id, p_propolis_id);
  END IF;

  PERFORM vmstate.unwind_vmm(p_instance_id, p_propolis_id);
  RETURN vmstate.to_vmm_result('applied', NULL, p_instance_id, p_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unwind_start FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unwind_start IS 'Undoes begin_start: the VMM becomes saga_unwound.

Undo of a start saga. A VMM is unwound from any live state, and from failed or destroyed while an instance still names the VMM. The instance is never written, so a running update keeps its generation; the instance shows stopped from then on. Call unwind_start first, and only then unregister the VMM from its sled.

Outcomes:
- applied: the VMM is saga_unwound.
- unchanged: the VMM was saga_unwound before, or is dead and no instance names it.
- conflict/wrong_saga: another saga inserted the VMM.
- conflict/migration_destination: a migration has the VMM as its destination; use unwind_migration.
- conflict/handed_over: the guest of the VMM has moved to another VMM.
- gone: the VMM was deleted.
- not_found: the instance has no VMM with this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/control_plane/unwind_start.sql

-- copy of sql/verbs/control_plane/begin_migration.sql
CREATE OR REPLACE FUNCTION vmstate.begin_migration(
  p_instance_id uuid,
  p_saga_id uuid,
  p_migration_id uuid,
  p_source_propolis_id uuid,
  p_destination_propolis_id uuid,
  p_sled_id uuid,
  p_propolis_ip inet,
  p_propolis_port integer DEFAULT 12400,
  p_expected_generation bigint DEFAULT NULL
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_active vmstate.vmm;
  v_destination_state vmstate.vmm_state;
  v_reason pg_catalog.text;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_migration_id, p_source_propolis_id, p_destination_propolis_id,
      p_sled_id, p_propolis_ip) > 0 THEN
    PERFORM vmstate.raise_null_argument('begin_migration', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_migration_id', p_migration_id,
      'p_source_propolis_id', p_source_propolis_id, 'p_destination_propolis_id', p_destination_propolis_id,
      'p_sled_id', p_sled_id, 'p_propolis_ip', p_propolis_ip));
  END IF;
  PERFORM vmstate.require_port('begin_migration', p_propolis_port);

  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  END IF;
  CASE vmstate.replayed_begin(p_instance_id, p_saga_id, p_destination_propolis_id, p_migration_id, p_source_propolis_id)
    WHEN 'gone' THEN RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
    WHEN 'unchanged' THEN RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
    ELSE NULL;
  END CASE;

  PERFORM vmstate.lock_links(p_instance_id,
    ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id], ARRAY[v_instance.migration_id]);
  SELECT v.* INTO v_active FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.active_propolis_id;
  SELECT v.state INTO v_destination_state FROM vmstate.vmm AS v
    WHERE v.instance_id = p_instance_id AND v.id = v_instance.destination_propolis_id;
  v_reason := CASE
    WHEN (v_active.state IN ('running', 'rebooting')) IS NOT TRUE THEN 'not_running'
    WHEN v_active.id <> p_source_propolis_id THEN 'wrong_source'
    WHEN v_destination_state <> 'saga_unwound' THEN 'migration_in_progress'
    WHEN v_active.sled_id = p_sled_id THEN 'same_sled'
    WHEN v_instance.state_generation <> p_expected_generation THEN 'stale_generation'
  END;
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_instance_result('conflict', v_reason, p_instance_id);
  END IF;

  v_now := clock_timestamp();
  v_reason := vmstate.insert_migration(p_instance_id, p_saga_id, p_migration_id, p_source_propolis_id,
    p_destination_propolis_id, p_sled_id, p_propolis_ip, p_propolis_port, v_now);
  IF v_reason IS NOT NULL THEN
    RETURN vmstate.to_instance_result('conflict', v_reason, p_instance_id);
  END IF;

  -- changes nothing, but fails an unwind_start of the source whose snapshot is too old to see the migration
  UPDATE vmstate.vmm AS v SET time_created = v.time_created WHERE v.instance_id = p_instance_id AND v.id = p_source_propolis_id;
  UPDATE vmstate.instance AS i
    SET state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      destination_propolis_id = p_destination_propolis_id,
      migration_id = p_migration_id
    WHERE i.id = p_instance_id;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_migration IS 'Begins a migration: inserts the destination VMM and the migration, links both.

First step of a migrate saga. The destination VMM is inserted in state creating, at generation 1, and the migration with both sides pending; in the same write they replace NULL or a saga_unwound destination VMM. p_propolis_port is 12400 if NULL. p_expected_generation is the generation of the instance; NULL means no check. The same instance, saga, migration, source and destination make a replay.

Outcomes:
- applied: the destination VMM and the migration were inserted and linked.
- unchanged: this saga began this migration between these two VMMs before; nothing was written.
- conflict/not_running: the instance has no active VMM that is running or rebooting.
- conflict/wrong_source: the active VMM is another than p_source_propolis_id.
- conflict/migration_in_progress: a migration is linked whose destination VMM is not saga_unwound.
- conflict/same_sled: the active VMM is on p_sled_id already.
- conflict/stale_generation: the generation of the instance is not p_expected_generation.
- conflict/propolis_id_taken: a VMM with the id p_destination_propolis_id exists, also when this saga inserted and has unwound that VMM.
- conflict/migration_id_taken: a migration with the id p_migration_id exists.
- gone: the instance was deleted, or a replay names a VMM or a migration that was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument without a default is null, or p_propolis_port is not 0 to 65535.';
-- end of sql/verbs/control_plane/begin_migration.sql

-- copy of sql/verbs/control_plane/unwind_migration.sql
CREATE OR REPLACE FUNCTION vmstate.unwind_migration(p_instance_id uuid, p_saga_id uuid, p_migration_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_propolis_id pg_catalog.uuid;
  v_vmm vmstate.vmm;
  v_migration vmstate.migration;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_migration_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('unwind_migration', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_migration_id', p_migration_id));
  END IF;
  SELECT m.destination_propolis_id INTO v_propolis_id FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  IF v_propolis_id IS NULL THEN
    RETURN vmstate.to_vmm_result('not_found', NULL, p_instance_id, NULL);
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, v_propolis_id);
  PERFORM vmstate.lock_links(p_instance_id, NULL, ARRAY[p_migration_id]);
  SELECT m.* INTO v_migration FROM vmstate.migration AS m WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;

  IF v_migration.time_deleted IS NOT NULL OR v_vmm.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('gone', NULL, p_instance_id, v_propolis_id);
  ELSIF v_migration.saga_id <> p_saga_id THEN
    RETURN vmstate.to_vmm_result('conflict', 'wrong_saga', p_instance_id, v_propolis_id);
  ELSIF NOT vmstate.can_unwind(v_vmm) THEN
    RETURN vmstate.to_vmm_result('unchanged', NULL, p_instance_id, v_propolis_id);
  ELSIF 'completed' IN (v_migration.source_state, v_migration.destination_state) THEN
    RETURN vmstate.to_vmm_result('conflict', 'handed_over', p_instance_id, v_propolis_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.migration AS m
    SET source_state = 'failed', source_generation = vmstate.next_generation(m.source_generation), time_source_updated = v_now,
      time_reported = v_now
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id AND m.source_state <> 'failed';
  UPDATE vmstate.migration AS m
    SET destination_state = 'failed', destination_generation = vmstate.next_generation(m.destination_generation), time_destination_updated = v_now,
      time_reported = v_now
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id AND m.destination_state <> 'failed';
  PERFORM vmstate.unwind_vmm(p_instance_id, v_propolis_id);
  RETURN vmstate.to_vmm_result('applied', NULL, p_instance_id, v_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unwind_migration FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unwind_migration IS 'Undoes begin_migration: the destination VMM becomes saga_unwound.

Undo of a migrate saga. Both sides of the migration become failed in the same transaction. The instance is never written: its state goes on deriving from the active VMM. The columns state and state_generation are those of the destination VMM. Call unwind_migration first, and only then unregister the VMM from its sled.

Outcomes:
- applied: the destination VMM is saga_unwound, and both sides of the migration are failed.
- unchanged: the destination VMM was saga_unwound before, or is dead and no instance names it.
- conflict/wrong_saga: another saga began the migration.
- conflict/handed_over: a side of the migration completed, so the guest may run on the destination.
- gone: the migration or its destination VMM was deleted.
- not_found: the instance has no migration with this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/control_plane/unwind_migration.sql

-- copy of sql/verbs/control_plane/request_stop.sql
CREATE OR REPLACE FUNCTION vmstate.request_stop(p_instance_id uuid) RETURNS vmstate.command_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_outcome vmstate.outcome := 'unchanged';
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('request_stop', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_command_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_command_result('gone', NULL, p_instance_id);
  ELSIF v_instance.state = 'creating' THEN
    RETURN vmstate.to_command_result('conflict', 'creating', p_instance_id);
  END IF;

  v_now := clock_timestamp();
  IF v_instance.intended_state <> 'stopped' THEN
    v_instance.intended_state := 'stopped';
    v_instance.time_modified := v_now;
    v_outcome := 'applied';
  END IF;
  IF v_instance.state = 'failed' THEN
    v_instance.state := 'no_vmm';
    v_instance.state_generation := v_instance.state_generation + 1;
    v_instance.time_state_updated := v_now;
    v_outcome := 'applied';
  END IF;
  IF v_outcome = 'applied' THEN
    UPDATE vmstate.instance AS i
      SET state = v_instance.state,
        state_generation = v_instance.state_generation,
        time_state_updated = v_instance.time_state_updated,
        intended_state = v_instance.intended_state,
        time_modified = v_instance.time_modified
      WHERE i.id = p_instance_id;
  END IF;
  RETURN vmstate.to_command_result(v_outcome, NULL, p_instance_id,
    ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id]);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.request_stop FROM PUBLIC;
COMMENT ON FUNCTION vmstate.request_stop IS 'Records that the user wants the instance stopped: the intent becomes stopped.

Allowed in every state but creating. An instance in state failed becomes no_vmm, which raises its generation. command_propolis_ids names the live VMMs, the active one first and during a migration both: tell their sled agents to stop the guest, also when the outcome is unchanged.

Outcomes:
- applied: the intent became stopped, or the state failed became no_vmm.
- unchanged: the intent was stopped already; command the VMMs all the same.
- conflict/creating: the instance is still being created; nothing was written.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null.';
-- end of sql/verbs/control_plane/request_stop.sql

-- copy of sql/verbs/control_plane/request_reboot.sql
CREATE OR REPLACE FUNCTION vmstate.request_reboot(p_instance_id uuid) RETURNS vmstate.command_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_api_state vmstate.api_instance_state;
  v_outcome vmstate.outcome := 'unchanged';
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('request_reboot', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_command_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_command_result('gone', NULL, p_instance_id);
  END IF;
  SELECT r.api_state INTO v_api_state FROM vmstate.resolved_instance AS r WHERE r.instance_id = p_instance_id;
  IF v_api_state NOT IN ('starting', 'running', 'rebooting', 'migrating') THEN
    RETURN vmstate.to_command_result('conflict', 'not_running', p_instance_id);
  END IF;

  IF v_instance.intended_state <> 'running' THEN
    v_now := clock_timestamp();
    UPDATE vmstate.instance AS i SET intended_state = 'running', time_modified = v_now WHERE i.id = p_instance_id;
    v_outcome := 'applied';
  END IF;
  RETURN vmstate.to_command_result(v_outcome, NULL, p_instance_id, ARRAY[v_instance.active_propolis_id]);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.request_reboot FROM PUBLIC;
COMMENT ON FUNCTION vmstate.request_reboot IS 'Records that the user wants the guest rebooted: the intent becomes running.

Allowed while the instance shows starting, running, rebooting or migrating. command_propolis_ids names the active VMM, if that VMM is alive: tell its sled agent to reboot the guest, also when the outcome is unchanged.

Outcomes:
- applied: the intent became running.
- unchanged: the intent was running already; command the VMM all the same.
- conflict/not_running: the instance shows none of the four states; nothing was written.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null.';
-- end of sql/verbs/control_plane/request_reboot.sql

-- copy of sql/verbs/control_plane/delete_instance.sql
CREATE OR REPLACE FUNCTION vmstate.delete_instance(p_instance_id uuid) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
  v_now pg_catalog.timestamptz;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('delete_instance', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  END IF;
  PERFORM vmstate.lock_links(
    p_instance_id,
    ARRAY[v_instance.active_propolis_id, v_instance.destination_propolis_id],
    array(SELECT m.id FROM vmstate.migration AS m WHERE m.instance_id = p_instance_id AND m.time_deleted IS NULL)
  );
  v_plan := vmstate.lock_and_read_plan(v_instance);
  IF v_instance.state = 'vmm' AND v_plan.active_state <> 'saga_unwound' THEN
    RETURN vmstate.to_instance_result('conflict', 'not_stopped', p_instance_id);
  END IF;

  IF v_plan.needed THEN
    v_plan.updater_id := NULL;
    PERFORM vmstate.apply_plan(v_plan, v_instance.updater_generation + 1);
  END IF;
  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET state = 'destroyed',
      state_generation = i.state_generation + 1,
      time_state_updated = v_now,
      intended_state = 'destroyed',
      updater_id = NULL,
      updater_lease_until = NULL,
      updater_parent_id = NULL,
      time_modified = v_now,
      time_deleted = v_now
    WHERE i.id = p_instance_id;
  PERFORM vmstate.delete_migrations(p_instance_id, NULL);
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_instance FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_instance IS 'Soft-deletes an instance that shows creating, stopped or failed.

The migrations of the instance are soft-deleted, too, and a saga_unwound active VMM is unlinked on the way. Allowed under an updater lock: the update saga that holds the lock then gets gone.

Outcomes:
- applied: the instance was deleted.
- unchanged: the instance was deleted before.
- conflict/not_stopped: the instance has an active VMM that is not saga_unwound.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null.';
-- end of sql/verbs/control_plane/delete_instance.sql

-- copy of sql/verbs/control_plane/delete_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.delete_vmm(p_instance_id uuid, p_propolis_id uuid) RETURNS vmstate.vmm_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_vmm vmstate.vmm;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_propolis_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('delete_vmm', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_propolis_id', p_propolis_id));
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, p_propolis_id);
  IF v_vmm.id IS NULL THEN
    RETURN vmstate.to_vmm_result('not_found', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_vmm_result('unchanged', NULL, p_instance_id, p_propolis_id);
  ELSIF v_vmm.time_unlinked IS NULL THEN
    RETURN vmstate.to_vmm_result('conflict', 'linked', p_instance_id, p_propolis_id);
  ELSIF NOT vmstate.is_absorbing(v_vmm.state) THEN
    RETURN vmstate.to_vmm_result('conflict', 'not_destroyable', p_instance_id, p_propolis_id);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.vmm AS v SET time_deleted = v_now WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id;
  PERFORM vmstate.delete_migrations(p_instance_id, p_propolis_id);
  RETURN vmstate.to_vmm_result('applied', NULL, p_instance_id, p_propolis_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.delete_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.delete_vmm IS 'Soft-deletes a dead VMM that no instance names.

The work list of such VMMs is vmstate.abandoned_vmm. The migrations that name the VMM and that no instance links are soft-deleted, too.

Outcomes:
- applied: the VMM was deleted.
- unchanged: the VMM was deleted before.
- conflict/linked: an instance still names the VMM.
- conflict/not_destroyable: the VMM is alive: neither failed nor destroyed nor saga_unwound.
- not_found: the instance has no VMM with this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/control_plane/delete_vmm.sql

-- copy of sql/verbs/sled_agent/steps/require_report.sql
CREATE OR REPLACE FUNCTION vmstate.require_report(p_function text, p_report vmstate.vmm_report, p_where text DEFAULT '')
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
DECLARE
  v_argument pg_catalog.text;
  v_problem pg_catalog.text;
BEGIN
  SELECT c.argument, c.problem
    INTO v_argument, v_problem
    FROM (VALUES
      ('instance_id', p_report.instance_id IS NULL, 'must not be null.'),
      ('propolis_id', p_report.propolis_id IS NULL, 'must not be null.'),
      ('state', p_report.state IS NULL, 'must not be null.'),
      ('generation', p_report.generation IS NULL, 'must not be null.'),
      ('time', p_report.time IS NULL, 'must not be null.'),
      ('generation', NOT p_report.generation BETWEEN 1 AND 9007199254740991,
        format('must be from 1 to 2^53-1, not %s.', p_report.generation)),
      ('time', NOT vmstate.is_point_in_time(p_report.time),
        format('must be within the years 1970 to 9999, not %s.', p_report.time)),
      ('migration_in_id', num_nulls(p_report.migration_in_id, p_report.migration_in_state,
          p_report.migration_in_generation, p_report.migration_in_time) NOT IN (0, 4),
        'must be given together with the three other migration_in arguments.'),
      ('migration_in_generation', NOT p_report.migration_in_generation BETWEEN 1 AND 9007199254740991,
        format('must be from 1 to 2^53-1, not %s.', p_report.migration_in_generation)),
      ('migration_in_time', NOT vmstate.is_point_in_time(p_report.migration_in_time),
        format('must be within the years 1970 to 9999, not %s.', p_report.migration_in_time)),
      ('migration_out_id', num_nulls(p_report.migration_out_id, p_report.migration_out_state,
          p_report.migration_out_generation, p_report.migration_out_time) NOT IN (0, 4),
        'must be given together with the three other migration_out arguments.'),
      ('migration_out_generation', NOT p_report.migration_out_generation BETWEEN 1 AND 9007199254740991,
        format('must be from 1 to 2^53-1, not %s.', p_report.migration_out_generation)),
      ('migration_out_time', NOT vmstate.is_point_in_time(p_report.migration_out_time),
        format('must be within the years 1970 to 9999, not %s.', p_report.migration_out_time)),
      ('migration_out_id', p_report.migration_out_id = p_report.migration_in_id,
        format('must not be %s, too, as migration_in_id is: no VMM is both sides of one migration.', p_report.migration_out_id))
    ) AS c (argument, is_violated, problem)
    WHERE c.is_violated
    LIMIT 1;
  IF FOUND THEN
    -- an element of report_vmms has keys without p_
    PERFORM vmstate.raise_invalid_argument(p_function, 'p_' || v_argument,
      format('%s%s%s %s', p_where, CASE p_where WHEN '' THEN 'p_' END, v_argument, v_problem));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_report IS 'Raises VM001 if a report says nothing that a sled agent could say.';
-- end of sql/verbs/sled_agent/steps/require_report.sql

-- copy of sql/verbs/sled_agent/steps/lock_reported_migrations.sql
CREATE OR REPLACE FUNCTION vmstate.lock_reported_migrations(p_instance_id uuid, p_propolis_id uuid, p_migration_ids uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.id = ANY (p_migration_ids)
      AND p_propolis_id IN (m.source_propolis_id, m.destination_propolis_id)
    ORDER BY m.id FOR NO KEY UPDATE;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.lock_reported_migrations FROM PUBLIC;
COMMENT ON FUNCTION vmstate.lock_reported_migrations IS 'Locks those of the migrations that the VMM is a side of, by id.

The other migrations stay unlocked, so that a report never delays writers of other VMMs.';
-- end of sql/verbs/sled_agent/steps/lock_reported_migrations.sql

-- copy of sql/verbs/sled_agent/steps/report_source_side.sql
CREATE OR REPLACE FUNCTION vmstate.report_source_side(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_migration_id uuid,
  p_state vmstate.migration_state,
  p_generation bigint,
  p_time timestamptz
) RETURNS vmstate.outcome
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_outcome vmstate.outcome;
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  IF p_migration_id IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT vmstate.migration_report_outcome(
      p_propolis_id, m.source_propolis_id, m.source_state, m.source_generation, m.time_deleted, p_generation)
    INTO v_outcome
    FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  IF v_outcome = 'applied' THEN
    UPDATE vmstate.migration AS m
      SET source_state = p_state, source_generation = p_generation, time_source_updated = p_time, time_reported = v_now
      WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  END IF;
  RETURN coalesce(v_outcome, 'not_found');
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_source_side FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_source_side IS 'Judges and writes the report on a migration out of the reporting VMM.

The caller has locked the migration.';
-- end of sql/verbs/sled_agent/steps/report_source_side.sql

-- copy of sql/verbs/sled_agent/steps/report_destination_side.sql
CREATE OR REPLACE FUNCTION vmstate.report_destination_side(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_migration_id uuid,
  p_state vmstate.migration_state,
  p_generation bigint,
  p_time timestamptz
) RETURNS vmstate.outcome
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_outcome vmstate.outcome;
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  IF p_migration_id IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT vmstate.migration_report_outcome(
      p_propolis_id, m.destination_propolis_id, m.destination_state, m.destination_generation, m.time_deleted, p_generation)
    INTO v_outcome
    FROM vmstate.migration AS m
    WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  IF v_outcome = 'applied' THEN
    UPDATE vmstate.migration AS m
      SET destination_state = p_state, destination_generation = p_generation, time_destination_updated = p_time, time_reported = v_now
      WHERE m.instance_id = p_instance_id AND m.id = p_migration_id;
  END IF;
  RETURN coalesce(v_outcome, 'not_found');
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_destination_side FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_destination_side IS 'Judges and writes the report on a migration into the reporting VMM.

The caller has locked the migration.';
-- end of sql/verbs/sled_agent/steps/report_destination_side.sql

-- copy of sql/verbs/sled_agent/steps/session_role.sql
CREATE OR REPLACE FUNCTION vmstate.session_role() RETURNS name
LANGUAGE sql STABLE
RETURN coalesce(nullif(current_setting('role'), 'none')::name, session_user);
REVOKE ALL ON FUNCTION vmstate.session_role FROM PUBLIC;
COMMENT ON FUNCTION vmstate.session_role IS 'Returns the role that calls: that of SET ROLE, else the one that logged in.

Also in a function that runs with the rights of its owner.';
-- end of sql/verbs/sled_agent/steps/session_role.sql

-- copy of sql/verbs/sled_agent/steps/reportable_sleds.sql
CREATE OR REPLACE FUNCTION vmstate.reportable_sleds() RETURNS uuid[]
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_role pg_catalog.name := vmstate.session_role();
BEGIN
  -- refused where PostgreSQL runs one role's functions in another's session, as ANALYZE does with those of an index
  UNLISTEN vmstate;
  IF has_function_privilege(v_role, to_regproc('vmstate.fail_vmm'), 'EXECUTE') THEN
    RETURN NULL;
  END IF;
  RETURN array(SELECT b.sled_id FROM vmstate.sled_agent_binding AS b WHERE b.role = v_role);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.reportable_sleds FROM PUBLIC;
COMMENT ON FUNCTION vmstate.reportable_sleds IS 'Lists the sleds whose VMMs the caller may report.

NULL, which means any sled, for a role that may declare every VMM dead with fail_vmm; else the sled that the role is bound to, or none.';
-- end of sql/verbs/sled_agent/steps/reportable_sleds.sql

-- copy of sql/verbs/sled_agent/steps/raise_foreign_report.sql
CREATE OR REPLACE FUNCTION vmstate.raise_foreign_report(
  p_function text,
  p_propolis_id uuid,
  p_sleds uuid[],
  p_where text DEFAULT ''
) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'insufficient_privilege',
    MESSAGE = format('vmstate.%s: this role may not report VMM %s', p_function, p_propolis_id),
    DETAIL = format('%sRole "%s" is bound to %s.', p_where, vmstate.session_role(), coalesce('sled ' || p_sleds[1], 'no sled')),
    HINT = 'Nothing was changed. vmstate.bind_sled_agent binds a role to the sled whose VMMs the role may report.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.raise_foreign_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.raise_foreign_report IS 'Raises 42501 for a report of a VMM that the caller may not report.

The error does not say on which sled the VMM is.

Errors:
- 42501: the VMM is on another sled than the caller reports for. Nothing was changed.';
-- end of sql/verbs/sled_agent/steps/raise_foreign_report.sql

-- copy of sql/verbs/sled_agent/steps/require_reportable.sql
CREATE OR REPLACE FUNCTION vmstate.require_reportable(p_reports vmstate.batch_report[], p_sleds uuid[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_report vmstate.batch_report;
BEGIN
  SELECT r.* INTO v_report
    FROM unnest(p_reports) AS r
    JOIN vmstate.vmm AS v ON v.instance_id = r.instance_id AND v.id = r.propolis_id
    WHERE v.sled_id <> ALL (p_sleds)
    ORDER BY r.ordinal LIMIT 1;
  IF FOUND THEN
    PERFORM vmstate.raise_foreign_report('report_vmms', v_report.propolis_id, p_sleds,
      format('Element %s: ', v_report.ordinal));
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_reportable FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_reportable IS 'Raises 42501 for the first report of a batch whose VMM is on none of p_sleds.';
-- end of sql/verbs/sled_agent/steps/require_reportable.sql

-- copy of sql/verbs/sled_agent/steps/explain_refused_report.sql
CREATE OR REPLACE FUNCTION vmstate.explain_refused_report(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_state vmstate.reported_vmm_state,
  p_generation bigint,
  p_time timestamptz,
  p_sleds uuid[]
) RETURNS vmstate.report_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
BEGIN
  PERFORM vmstate.require_report('report_vmm', ROW(p_instance_id, p_propolis_id, p_state, p_generation, p_time,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.vmm_report);
  SELECT v.* INTO v_vmm FROM vmstate.vmm AS v WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id;
  IF FOUND AND v_vmm.sled_id <> ALL (p_sleds) THEN
    PERFORM vmstate.raise_foreign_report('report_vmm', p_propolis_id, p_sleds);
  END IF;
  RETURN ROW(vmstate.vmm_report_outcome(v_vmm.state, v_vmm.state_generation, v_vmm.time_deleted, p_generation),
    NULL, NULL, false, v_vmm.state, v_vmm.state_generation)::vmstate.report_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.explain_refused_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.explain_refused_report IS 'Tells why the VMM part of a report was not written.

Reads in a snapshot that is newer than the attempt. Raises VM001 if the report says nothing that a sled agent could say, and 42501 if the VMM is on none of p_sleds (NULL: any sled).';
-- end of sql/verbs/sled_agent/steps/explain_refused_report.sql

-- copy of sql/verbs/sled_agent/steps/apply_migration_parts.sql
CREATE OR REPLACE FUNCTION vmstate.apply_migration_parts(p_function text, p_report vmstate.vmm_report, p_sleds uuid[])
RETURNS vmstate.report_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_in vmstate.outcome;
  v_out vmstate.outcome;
  v_update_needed boolean;
BEGIN
  v_in := vmstate.report_destination_side(p_report.instance_id, p_report.propolis_id, p_report.migration_in_id,
    p_report.migration_in_state, p_report.migration_in_generation, p_report.migration_in_time);
  v_out := vmstate.report_source_side(p_report.instance_id, p_report.propolis_id, p_report.migration_out_id,
    p_report.migration_out_state, p_report.migration_out_generation, p_report.migration_out_time);
  IF p_sleds IS NOT NULL AND EXISTS (
      SELECT FROM vmstate.vmm AS v
        WHERE v.instance_id = p_report.instance_id AND v.id = p_report.propolis_id AND v.sled_id <> ALL (p_sleds)) THEN
    -- it came after the report was checked, and before its sides were judged
    PERFORM vmstate.raise_foreign_report(p_function, p_report.propolis_id, p_sleds);
  END IF;
  v_update_needed := EXISTS (
    SELECT FROM vmstate.instance AS i
      WHERE i.id = p_report.instance_id
        AND (
          (v_in = 'applied' AND vmstate.is_terminal(p_report.migration_in_state) AND i.migration_id = p_report.migration_in_id)
          OR (v_out = 'applied' AND vmstate.is_terminal(p_report.migration_out_state) AND i.migration_id = p_report.migration_out_id)
        ));
  RETURN ROW(NULL, v_in, v_out, v_update_needed, NULL, NULL)::vmstate.report_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_migration_parts FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_migration_parts IS 'Judges and writes the migration parts of a report.

The columns of the VMM are null in the answer. The caller has locked the migrations. Raises 42501 if the VMM is on none of p_sleds (NULL: any sled).';
-- end of sql/verbs/sled_agent/steps/apply_migration_parts.sql

-- copy of sql/verbs/sled_agent/steps/parse_report.sql
CREATE OR REPLACE FUNCTION vmstate.parse_report(p_element jsonb, p_ordinal bigint) RETURNS vmstate.vmm_report
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_key pg_catalog.text;
BEGIN
  IF jsonb_typeof(p_element) <> 'object' THEN
    PERFORM vmstate.raise_invalid_argument('report_vmms', 'p_reports',
      format('Element %s must be a JSON object, not a JSON %s.', p_ordinal, jsonb_typeof(p_element)));
  END IF;
  FOR v_key IN SELECT k.key FROM jsonb_object_keys(p_element - vmstate.report_keys()) AS k (key) ORDER BY k.key LOOP
    PERFORM vmstate.raise_invalid_argument('report_vmms', 'p_reports',
      format('Element %s has the unknown key %s. Known keys: %s.', p_ordinal, to_jsonb(v_key), array_to_string(vmstate.report_keys(), ', ')));
  END LOOP;
  RETURN jsonb_populate_record(NULL::vmstate.vmm_report, p_element);
EXCEPTION
  WHEN data_exception THEN
    PERFORM vmstate.raise_invalid_argument('report_vmms', 'p_reports', format('Element %s: %s.', p_ordinal, SQLERRM));
END;
$$;
REVOKE ALL ON FUNCTION vmstate.parse_report FROM PUBLIC;
COMMENT ON FUNCTION vmstate.parse_report IS 'Converts one JSON object to a report.

Raises VM001, which names the ordinal, if the element is no object, has an unknown key, or has a value of the wrong type.';
-- end of sql/verbs/sled_agent/steps/parse_report.sql

-- copy of sql/verbs/sled_agent/steps/parse_batch.sql
CREATE OR REPLACE FUNCTION vmstate.parse_batch(p_reports jsonb) RETURNS vmstate.batch_report[]
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- Element by element where one is malformed, so that the first is named, whether the JSON or a value is wrong.
  IF EXISTS (SELECT FROM jsonb_array_elements(p_reports) AS e
      WHERE CASE WHEN jsonb_typeof(e.value) = 'object' THEN e.value - vmstate.report_keys() <> '{}' END) THEN
    PERFORM vmstate.require_report('report_vmms', vmstate.parse_report(e.value, e.ordinality), format('Element %s: ', e.ordinality))
      FROM jsonb_array_elements(p_reports) WITH ORDINALITY AS e;
  END IF;
  RETURN array(
    SELECT ROW(
        r.ordinality, r.instance_id, r.propolis_id, r.state, r.generation, r.time,
        CASE WHEN num_nonnulls(r.migration_in_id, r.migration_in_state, r.migration_in_generation, r.migration_in_time,
            r.migration_out_id, r.migration_out_state, r.migration_out_generation, r.migration_out_time) > 0 THEN
          ROW(r.instance_id, r.propolis_id, r.state, r.generation, r.time,
            r.migration_in_id, r.migration_in_state, r.migration_in_generation, r.migration_in_time,
            r.migration_out_id, r.migration_out_state, r.migration_out_generation, r.migration_out_time)::vmstate.vmm_report
        END
      )::vmstate.batch_report
      FROM jsonb_populate_recordset(NULL::vmstate.vmm_report, p_reports) WITH ORDINALITY AS r);
EXCEPTION
  WHEN data_exception THEN
    PERFORM vmstate.require_report('report_vmms', vmstate.parse_report(e.value, e.ordinality), format('Element %s: ', e.ordinality))
      FROM jsonb_array_elements(p_reports) WITH ORDINALITY AS e;
    RAISE;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.parse_batch FROM PUBLIC;
COMMENT ON FUNCTION vmstate.parse_batch IS 'Converts the elements of a JSON array to reports.

Raises VM001 if any element is no object, has an unknown key, or has a value of the wrong type; the error names the first malformed element.';
-- end of sql/verbs/sled_agent/steps/parse_batch.sql

-- copy of sql/verbs/sled_agent/steps/require_batch.sql
CREATE OR REPLACE FUNCTION vmstate.require_batch(p_reports vmstate.batch_report[]) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM vmstate.require_report(
      'report_vmms',
      coalesce(r.report, ROW(r.instance_id, r.propolis_id, r.state, r.generation, r.time,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::vmstate.vmm_report),
      format('Element %s: ', r.ordinal))
    FROM unnest(p_reports) AS r
    WHERE num_nulls(r.instance_id, r.propolis_id, r.state) > 0
      OR (r.generation BETWEEN 1 AND 9007199254740991 AND vmstate.is_point_in_time(r.time)) IS NOT TRUE
      OR r.report IS DISTINCT FROM NULL
    ORDER BY r.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_batch FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_batch IS 'Raises VM001 for the first report of a batch that no sled agent could make.

The error names the element. Plain, valid reports of a VMM alone are skipped cheaply.';
-- end of sql/verbs/sled_agent/steps/require_batch.sql

-- copy of sql/verbs/sled_agent/steps/apply_vmm_parts.sql
CREATE OR REPLACE FUNCTION vmstate.apply_vmm_parts(p_reports vmstate.batch_report[], p_sleds uuid[])
RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY
    WITH judged AS MATERIALIZED (
      SELECT r.ordinal, r.instance_id, r.propolis_id, vmstate.from_report(r.state) AS new_state,
          vmstate.counts_as_running(r.state, v.migration_id IS NOT NULL) AS counts_as_running,
          r.generation, r.time,
          v.state AS old_state, v.state_generation, v.time_unlinked IS NULL AS linked,
          vmstate.vmm_report_outcome(v.state, v.state_generation, v.time_deleted, r.generation) AS outcome
        FROM (SELECT u.* FROM unnest(p_reports) AS u ORDER BY u.propolis_id) AS r
        -- Locks in that order; of a row it had to wait for, it reads what the others left.
        LEFT JOIN LATERAL (
          SELECT w.state, w.state_generation, w.time_deleted, w.time_unlinked, w.migration_id
            FROM vmstate.vmm AS w
            WHERE w.instance_id = r.instance_id AND w.id = r.propolis_id
              -- A VMM that was inserted after the sleds of the batch were checked is not there yet.
              AND (p_sleds IS NULL OR w.sled_id = ANY (p_sleds))
            FOR NO KEY UPDATE
        ) AS v ON true
    ),
    apply_reports AS (
      UPDATE vmstate.vmm AS v
        SET state = j.new_state,
          state_generation = j.generation,
          time_state_updated = j.time,
          time_reported = v_now,
          time_started = CASE WHEN j.counts_as_running THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
          failure_reason = CASE WHEN j.new_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
        FROM judged AS j
        WHERE v.instance_id = j.instance_id AND v.id = j.propolis_id
          -- The generation check: what vmm_report_outcome calls applied, spelled out in the statement that writes.
          AND v.state_generation < j.generation AND NOT vmstate.is_absorbing(v.state) AND v.time_deleted IS NULL
          AND j.outcome = 'applied'
    )
    SELECT j.ordinal, j.instance_id, j.propolis_id, j.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        j.outcome = 'applied' AND j.linked AND vmstate.is_absorbing(j.new_state),
        CASE WHEN j.outcome = 'applied' THEN j.new_state ELSE j.old_state END,
        CASE WHEN j.outcome = 'applied' THEN j.generation ELSE j.state_generation END
      FROM judged AS j
      ORDER BY j.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_vmm_parts FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_vmm_parts IS 'Judges and writes the VMM parts of a batch that names no VMM twice.

Locks the VMMs by id in the one statement that judges them: a VMM that is inserted meanwhile is not_found. The caller has refused VMMs that are on none of p_sleds (NULL: any sled).';
-- end of sql/verbs/sled_agent/steps/apply_vmm_parts.sql

-- copy of sql/verbs/sled_agent/steps/apply_vmm_parts_with_repeats.sql
CREATE OR REPLACE FUNCTION vmstate.apply_vmm_parts_with_repeats(p_reports vmstate.batch_report[], p_sleds uuid[])
RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
SET plan_cache_mode = 'force_generic_plan'
AS $$
DECLARE
  v_now pg_catalog.timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY
    -- newest: the generation that a report has to beat, the row's or that of a report before it.
    WITH ranked AS (
      SELECT r.*, vmstate.from_report(r.state) AS new_state,
          v.state AS old_state, v.state_generation, v.time_deleted, v.time_unlinked IS NULL AS linked,
          vmstate.counts_as_running(r.state, v.migration_id IS NOT NULL) AS counts_as_running,
          greatest(v.state_generation, max(r.generation) OVER earlier) AS newest
        FROM (SELECT u.* FROM unnest(p_reports) AS u ORDER BY u.propolis_id) AS r
        -- Locks in that order; of a row it had to wait for, it reads what the others left.
        LEFT JOIN LATERAL (
          SELECT w.state, w.state_generation, w.time_deleted, w.time_unlinked, w.migration_id
            FROM vmstate.vmm AS w
            WHERE w.instance_id = r.instance_id AND w.id = r.propolis_id
              -- A VMM that was inserted after the sleds of the batch were checked is not there yet.
              AND (p_sleds IS NULL OR w.sled_id = ANY (p_sleds))
            FOR NO KEY UPDATE
        ) AS v ON true
        WINDOW earlier AS (PARTITION BY r.propolis_id, r.instance_id ORDER BY r.ordinal
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ),
    judged AS (
      SELECT r.*,
          CASE
            WHEN r.old_state IS NOT NULL AND r.time_deleted IS NULL
              AND bool_or(vmstate.is_absorbing(r.new_state) AND r.generation > r.newest) OVER earlier THEN 'terminal'
            ELSE vmstate.vmm_report_outcome(r.old_state, r.newest, r.time_deleted, r.generation)
          END AS outcome
        FROM ranked AS r
        WINDOW earlier AS (PARTITION BY r.propolis_id, r.instance_id ORDER BY r.ordinal
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ),
    -- change: how many reports of the VMM were applied up to this one; 0 where it stands as the row had it.
    numbered AS MATERIALIZED (
      SELECT j.*, count(*) FILTER (WHERE j.outcome = 'applied')
            OVER (PARTITION BY j.propolis_id, j.instance_id ORDER BY j.ordinal) AS change
        FROM judged AS j
    ),
    apply_reports AS (
      UPDATE vmstate.vmm AS v
        SET state = c.state,
          state_generation = c.generation,
          time_state_updated = c.time,
          time_reported = v_now,
          time_started = CASE WHEN c.counts_as_running THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
          failure_reason = CASE WHEN c.state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
        FROM (
          SELECT n.instance_id, n.propolis_id, max(n.generation) AS generation,
              (array_agg(n.new_state ORDER BY n.ordinal DESC))[1] AS state,
              (array_agg(n.time ORDER BY n.ordinal DESC))[1] AS time,
              bool_or(n.counts_as_running) AS counts_as_running
            FROM numbered AS n
            WHERE n.outcome = 'applied'
            GROUP BY n.instance_id, n.propolis_id
        ) AS c
        WHERE v.instance_id = c.instance_id AND v.id = c.propolis_id
    )
    SELECT n.ordinal, n.instance_id, n.propolis_id, n.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        n.outcome = 'applied' AND n.linked AND vmstate.is_absorbing(n.new_state),
        CASE WHEN n.change > 0 THEN first_value(n.new_state) OVER latest ELSE n.old_state END,
        CASE WHEN n.change > 0 THEN first_value(n.generation) OVER latest ELSE n.state_generation::bigint END
      FROM numbered AS n
      WINDOW latest AS (PARTITION BY n.propolis_id, n.instance_id, n.change ORDER BY n.ordinal)
      ORDER BY n.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_vmm_parts_with_repeats FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_vmm_parts_with_repeats IS 'Judges and writes the VMM parts of a batch that names a VMM several times.

Does what apply_vmm_parts does; later reports of a VMM are judged after earlier ones, and each VMM is written once.';
-- end of sql/verbs/sled_agent/steps/apply_vmm_parts_with_repeats.sql

-- copy of sql/verbs/sled_agent/steps/explain_refused_parts.sql
CREATE OR REPLACE FUNCTION vmstate.explain_refused_parts(p_report vmstate.vmm_report) RETURNS vmstate.report_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_outcomes vmstate.outcome[];
BEGIN
  v_outcomes := array(
    SELECT CASE WHEN p.migration_id IS NOT NULL THEN
        coalesce(
          CASE WHEN p_report.propolis_id NOT IN (m.source_propolis_id, m.destination_propolis_id) THEN
            vmstate.migration_report_outcome(p_report.propolis_id, m.source_propolis_id, m.source_state, m.source_generation,
              m.time_deleted, NULL)
          END,
          'not_found')
      END
      FROM unnest(ARRAY[p_report.migration_in_id, p_report.migration_out_id]) WITH ORDINALITY AS p (migration_id, place)
      LEFT JOIN vmstate.migration AS m ON m.instance_id = p_report.instance_id AND m.id = p.migration_id
      ORDER BY p.place);
  RETURN ROW(NULL, v_outcomes[1], v_outcomes[2], false, NULL, NULL)::vmstate.report_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.explain_refused_parts FROM PUBLIC;
COMMENT ON FUNCTION vmstate.explain_refused_parts IS 'Explains why migration parts are refused whose VMM was not found.

A migration that names the VMM was inserted after the VMM part was judged, so the migration is not_found as well.';
-- end of sql/verbs/sled_agent/steps/explain_refused_parts.sql

-- copy of sql/verbs/sled_agent/steps/apply_batch_migration_parts.sql
CREATE OR REPLACE FUNCTION vmstate.apply_batch_migration_parts(
  p_reports vmstate.batch_report[],
  p_results vmstate.batch_result[],
  p_sleds uuid[]
) RETURNS SETOF vmstate.batch_result
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  PERFORM FROM unnest(p_results) AS s
    JOIN unnest(p_reports) AS r ON r.ordinal = s.ordinal AND r.report IS DISTINCT FROM NULL
    JOIN vmstate.migration AS m ON m.instance_id = r.instance_id
      AND m.id IN ((r.report).migration_in_id, (r.report).migration_out_id)
      AND r.propolis_id IN (m.source_propolis_id, m.destination_propolis_id)
    -- A migration of a VMM that was not found was inserted since. Another batch may have locked it, after greater ids.
    WHERE s.vmm_outcome <> 'not_found'
    ORDER BY m.id FOR NO KEY UPDATE OF m;
  RETURN QUERY
    SELECT b.ordinal, b.instance_id, b.propolis_id, b.vmm_outcome,
        (b.parts).migration_in_outcome, (b.parts).migration_out_outcome,
        b.update_needed OR coalesce((b.parts).update_needed, false), b.state, b.state_generation
      FROM (
        SELECT s.*,
            CASE
              WHEN s.report IS NOT DISTINCT FROM NULL THEN NULL::vmstate.report_result
              WHEN s.vmm_outcome = 'not_found' THEN vmstate.explain_refused_parts(s.report)
              ELSE vmstate.apply_migration_parts('report_vmms', s.report, p_sleds)
            END AS parts
          FROM (
            SELECT o.*, r.report FROM unnest(p_results) AS o JOIN unnest(p_reports) AS r ON r.ordinal = o.ordinal
              ORDER BY o.ordinal OFFSET 0
          ) AS s
          OFFSET 0
      ) AS b
      ORDER BY b.ordinal;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.apply_batch_migration_parts FROM PUBLIC;
COMMENT ON FUNCTION vmstate.apply_batch_migration_parts IS 'Judges and writes the migration parts of a batch, in the order of the batch.

Completes the results that the VMM parts have. The caller has locked the VMMs; this function locks by id the migrations of which a reporting VMM is a side.';
-- end of sql/verbs/sled_agent/steps/apply_batch_migration_parts.sql

-- copy of sql/verbs/sled_agent/report_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.report_vmm(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_state vmstate.reported_vmm_state,
  p_generation bigint,
  p_time timestamptz,
  p_migration_in_id uuid DEFAULT NULL,
  p_migration_in_state vmstate.migration_state DEFAULT NULL,
  p_migration_in_generation bigint DEFAULT NULL,
  p_migration_in_time timestamptz DEFAULT NULL,
  p_migration_out_id uuid DEFAULT NULL,
  p_migration_out_state vmstate.migration_state DEFAULT NULL,
  p_migration_out_generation bigint DEFAULT NULL,
  p_migration_out_time timestamptz DEFAULT NULL
) RETURNS vmstate.report_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_sleds pg_catalog.uuid[] := vmstate.reportable_sleds();
  v_now pg_catalog.timestamptz := clock_timestamp();
  v_report vmstate.vmm_report;
  v_result vmstate.report_result;
  v_sides vmstate.report_result;
BEGIN
  IF num_nonnulls(p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time) > 0 THEN
    v_report := ROW(p_instance_id, p_propolis_id, p_state, p_generation, p_time,
      p_migration_in_id, p_migration_in_state, p_migration_in_generation, p_migration_in_time,
      p_migration_out_id, p_migration_out_state, p_migration_out_generation, p_migration_out_time);
    PERFORM vmstate.require_report('report_vmm', v_report);
  END IF;

  LOOP
    UPDATE vmstate.vmm AS v
      SET state = vmstate.from_report(p_state),
        state_generation = p_generation,
        time_state_updated = p_time,
        time_reported = v_now,
        time_started = CASE WHEN vmstate.counts_as_running(p_state, v.migration_id IS NOT NULL)
          THEN coalesce(v.time_started, v_now) ELSE v.time_started END,
        failure_reason = CASE WHEN p_state = 'failed' THEN 'sled_agent_report'::vmstate.failure_reason END
      WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
        -- The generation check: what vmm_report_outcome calls applied, spelled out in the statement that writes.
        AND v.state_generation < p_generation AND NOT vmstate.is_absorbing(v.state) AND v.time_deleted IS NULL
        AND (v_sleds IS NULL OR v.sled_id = ANY (v_sleds))
        AND p_state IS NOT NULL AND vmstate.is_point_in_time(p_time) AND p_generation <= 9007199254740991
      RETURNING 'applied'::vmstate.outcome, NULL::vmstate.outcome, NULL::vmstate.outcome,
        v.time_unlinked IS NULL AND vmstate.is_absorbing(v.state), v.state, v.state_generation::bigint
      INTO v_result;
    EXIT WHEN FOUND;
    v_result := vmstate.explain_refused_report(p_instance_id, p_propolis_id, p_state, p_generation, p_time, v_sleds);
    -- applied here: the VMM was inserted between the two statements
    EXIT WHEN v_result.vmm_outcome <> 'applied';
  END LOOP;

  IF num_nonnulls(p_migration_in_id, p_migration_out_id) > 0 THEN
    PERFORM vmstate.lock_reported_migrations(p_instance_id, p_propolis_id, ARRAY[p_migration_in_id, p_migration_out_id]);
    v_sides := vmstate.apply_migration_parts('report_vmm', v_report, v_sleds);
    v_result.migration_in_outcome := v_sides.migration_in_outcome;
    v_result.migration_out_outcome := v_sides.migration_out_outcome;
    v_result.update_needed := v_result.update_needed OR v_sides.update_needed;
  END IF;
  RETURN v_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_vmm IS 'Records what a sled agent reports of one VMM and of its migrations.

A report has a VMM part, and may have a part on a migration into the VMM (migration_in) and a part on a migration out of the VMM (migration_out); the four arguments of a migration part are given together. Each part is judged by its own generation (1 to 2^53-1) and has its own outcome; a migration part that is refused never discards the VMM part. vmm_outcome is never wrong_side; the outcome of a migration part that was not given is null. p_time, p_migration_in_time and p_migration_out_time say when the sled saw the state, within the years 1970 to 9999. update_needed is true if this very report made a linked VMM, or a side of the linked migration, terminal: then run the update saga. A role that may call fail_vmm reports for every sled; any other role reports for the sled that bind_sled_agent bound the role to.

Outcomes:
- applied: the part was written.
- stale: the generation of the part is not newer than the recorded one.
- terminal: the VMM is dead, whatever the generation, or the side of the migration has ended.
- wrong_side: the VMM is not that side of the migration.
- gone: the VMM or the migration was deleted.
- not_found: the instance has no such VMM or no such migration.
Errors:
- VM001: an argument without a default is null, a generation is not 1 to 2^53-1, a time is not within the years 1970 to 9999, some but not all arguments of a migration part are given, or both migration parts name one migration.
- 42501: the VMM is on another sled than the one the caller is bound to, or the caller is bound to none.';
-- end of sql/verbs/sled_agent/report_vmm.sql

-- copy of sql/verbs/sled_agent/report_vmms.sql
CREATE OR REPLACE FUNCTION vmstate.report_vmms(p_reports jsonb)
RETURNS TABLE (
  ordinal integer,
  instance_id uuid,
  propolis_id uuid,
  vmm_outcome vmstate.outcome,
  migration_in_outcome vmstate.outcome,
  migration_out_outcome vmstate.outcome,
  update_needed boolean,
  state vmstate.vmm_state,
  state_generation bigint
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_reports vmstate.batch_report[];
  v_with_repeats boolean;
  v_with_migrations boolean;
  v_results vmstate.batch_result[];
  v_sleds pg_catalog.uuid[] := vmstate.reportable_sleds();
BEGIN
  IF jsonb_typeof(p_reports) IS DISTINCT FROM 'array' THEN
    PERFORM vmstate.raise_invalid_argument('report_vmms', 'p_reports',
      format('p_reports must be a JSON array, not %s.', coalesce('a JSON ' || jsonb_typeof(p_reports), 'null')));
  END IF;
  v_reports := vmstate.parse_batch(p_reports);
  PERFORM vmstate.require_batch(v_reports);
  IF v_sleds IS NOT NULL THEN
    PERFORM vmstate.require_reportable(v_reports, v_sleds);
  END IF;

  SELECT count(DISTINCT r.propolis_id) < count(*), bool_or(r.report IS DISTINCT FROM NULL)
    INTO v_with_repeats, v_with_migrations
    FROM unnest(v_reports) AS r;
  IF NOT v_with_repeats AND NOT v_with_migrations THEN
    RETURN QUERY SELECT p.* FROM vmstate.apply_vmm_parts(v_reports, v_sleds) AS p;
    RETURN;
  END IF;
  v_results := CASE
    WHEN v_with_repeats THEN array(SELECT p FROM vmstate.apply_vmm_parts_with_repeats(v_reports, v_sleds) AS p)
    ELSE array(SELECT p FROM vmstate.apply_vmm_parts(v_reports, v_sleds) AS p)
  END;
  RETURN QUERY SELECT p.* FROM vmstate.apply_batch_migration_parts(v_reports, v_results, v_sleds) AS p;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.report_vmms FROM PUBLIC;
COMMENT ON FUNCTION vmstate.report_vmms IS 'Records many reports of sled agents in one call, each as report_vmm does.

p_reports is an array of objects. Their keys are the arguments of report_vmm without p_; a key may be absent or null where that argument may be. Answers one row per element, in order: the place of the element (ordinal, from 1), its ids, and the columns of report_vmm. Of several reports of one VMM, later ones are judged after earlier ones. Locks all VMMs by id, then all migrations by id. An error writes nothing of the whole batch.

Outcomes:
- applied: the part was written.
- stale: the generation of the part is not newer than the recorded one.
- terminal: the VMM is dead, whatever the generation, or the side of the migration has ended.
- wrong_side: the VMM is not that side of the migration.
- gone: the VMM or the migration was deleted.
- not_found: the instance has no such VMM or no such migration.
Errors:
- VM001: p_reports is not an array, or an element is no object, has an unknown key (whatever its value), or is not what report_vmm takes; the DETAIL names the element.
- 42501: the VMM of an element, which the DETAIL names, is on another sled than the one the caller is bound to, or the caller is bound to none.';
-- end of sql/verbs/sled_agent/report_vmms.sql

-- copy of sql/verbs/update_saga/steps/holds_updater_lock.sql
CREATE OR REPLACE FUNCTION vmstate.holds_updater_lock(p_instance vmstate.instance, p_saga_id uuid, p_updater_generation bigint)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = ''
AS $$
BEGIN
  RETURN coalesce(p_instance.updater_id = p_saga_id AND p_instance.updater_generation = p_updater_generation, false);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.holds_updater_lock FROM PUBLIC;
COMMENT ON FUNCTION vmstate.holds_updater_lock IS 'Tells whether a saga holds the updater lock that the fencing token names.

A saga still holds an expired lease that no other saga took over.';
-- end of sql/verbs/update_saga/steps/holds_updater_lock.sql

-- copy of sql/verbs/update_saga/begin_update.sql
CREATE OR REPLACE FUNCTION vmstate.begin_update(p_instance_id uuid, p_saga_id uuid, p_lease interval) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
  v_is_holder boolean;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_lease) > 0 THEN
    PERFORM vmstate.raise_null_argument('begin_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_lease', p_lease));
  END IF;
  PERFORM vmstate.require_lease('begin_update', p_lease);
  v_instance := vmstate.lock_instance(p_instance_id);
  v_plan := vmstate.read_plan(p_instance_id);
  v_now := clock_timestamp();
  v_is_holder := v_instance.updater_id IS NOT DISTINCT FROM p_saga_id;
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_update_result('not_found', NULL, NULL);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_update_result('gone', NULL, v_plan);
  ELSIF NOT v_is_holder AND v_instance.updater_lease_until > v_now THEN
    RETURN vmstate.to_update_result('conflict', 'locked', v_plan);
  END IF;

  IF NOT v_plan.needed THEN
    IF v_is_holder THEN
      PERFORM vmstate.release_updater(p_instance_id);
      v_plan.updater_id := NULL;
      v_plan.updater_lease_until := NULL;
    END IF;
    RETURN vmstate.to_update_result('unchanged', NULL, v_plan);
  END IF;

  UPDATE vmstate.instance AS i
    SET updater_id = p_saga_id,
      updater_generation = CASE WHEN v_is_holder THEN i.updater_generation ELSE i.updater_generation + 1 END,
      updater_parent_id = CASE WHEN v_is_holder THEN i.updater_parent_id END,
      updater_lease_until = CASE WHEN v_is_holder THEN greatest(i.updater_lease_until, v_now + p_lease) ELSE v_now + p_lease END
    WHERE i.id = p_instance_id
    RETURNING i.updater_id, i.updater_generation, i.updater_lease_until
      INTO v_plan.updater_id, v_plan.updater_generation, v_plan.updater_lease_until;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.begin_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.begin_update IS 'Takes the updater lock of an instance and answers the update plan.

First step of an update saga. The lock is a lease of p_lease (more than 0, at most 1 day); an expired lease may be taken over by another saga. updater_generation is the fencing token that commit_update, inherit_update and unlock_update ask for. The saga that holds the lock may call again and gets applied, with the same updater_generation and a lease that never gets shorter.

Outcomes:
- applied: the saga holds the lock, and the plan is to be carried out.
- unchanged: there is nothing to update, and the saga holds no lock.
- conflict/locked: another saga holds an unexpired lease.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null, or p_lease is not more than 0 and at most 1 day.';
-- end of sql/verbs/update_saga/begin_update.sql

-- copy of sql/verbs/update_saga/inherit_update.sql
CREATE OR REPLACE FUNCTION vmstate.inherit_update(
  p_instance_id uuid,
  p_parent_saga_id uuid,
  p_updater_generation bigint,
  p_saga_id uuid,
  p_lease interval
) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_parent_saga_id, p_updater_generation, p_saga_id, p_lease) > 0 THEN
    PERFORM vmstate.raise_null_argument('inherit_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_parent_saga_id', p_parent_saga_id,
      'p_updater_generation', p_updater_generation, 'p_saga_id', p_saga_id, 'p_lease', p_lease));
  END IF;
  PERFORM vmstate.require_lease('inherit_update', p_lease);
  v_instance := vmstate.lock_instance(p_instance_id);
  v_plan := vmstate.read_plan(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_update_result('not_found', NULL, NULL);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_update_result('gone', NULL, v_plan);
  ELSIF v_instance.updater_id = p_saga_id AND v_instance.updater_parent_id = p_parent_saga_id
      AND v_instance.updater_generation - 1 = p_updater_generation THEN
    RETURN vmstate.to_update_result('unchanged', NULL, v_plan);
  ELSIF NOT vmstate.holds_updater_lock(v_instance, p_parent_saga_id, p_updater_generation) THEN
    RETURN vmstate.to_update_result('conflict', 'lock_lost', v_plan);
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.instance AS i
    SET updater_id = p_saga_id,
      updater_parent_id = p_parent_saga_id,
      updater_generation = i.updater_generation + 1,
      updater_lease_until = greatest(i.updater_lease_until, v_now + p_lease)
    WHERE i.id = p_instance_id
    RETURNING i.updater_id, i.updater_generation, i.updater_lease_until
      INTO v_plan.updater_id, v_plan.updater_generation, v_plan.updater_lease_until;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.inherit_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.inherit_update IS 'Hands the updater lock of a parent saga over to a child saga.

p_updater_generation proves that the parent holds the lock; the answer has a new updater_generation for the child, and the plan. The lock is kept even when there is nothing to update any more. The lease (p_lease: more than 0, at most 1 day) never gets shorter.

Outcomes:
- applied: p_saga_id holds the lock.
- unchanged: this parent handed the lock to this saga before.
- conflict/lock_lost: p_parent_saga_id does not hold the lock that p_updater_generation names.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null, or p_lease is not more than 0 and at most 1 day.';
-- end of sql/verbs/update_saga/inherit_update.sql

-- copy of sql/verbs/update_saga/commit_update.sql
CREATE OR REPLACE FUNCTION vmstate.commit_update(
  p_instance_id uuid,
  p_saga_id uuid,
  p_updater_generation bigint,
  p_plan_token text
) RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_updater_generation, p_plan_token) > 0 THEN
    PERFORM vmstate.raise_null_argument('commit_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id,
      'p_updater_generation', p_updater_generation, 'p_plan_token', p_plan_token));
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.committed_updater_generation = p_updater_generation
      AND v_instance.committed_updater_id = p_saga_id AND v_instance.committed_plan_token = p_plan_token THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  ELSIF NOT vmstate.holds_updater_lock(v_instance, p_saga_id, p_updater_generation) THEN
    RETURN vmstate.to_instance_result('conflict', 'lock_lost', p_instance_id);
  END IF;

  v_plan := vmstate.lock_and_read_plan(v_instance);
  IF v_plan.plan_token <> p_plan_token THEN
    RETURN vmstate.to_instance_result(
      'conflict',
      CASE
        WHEN v_plan.state_generation::pg_catalog.text <> substring(p_plan_token FROM '^([0-9]+)[.]') THEN 'stale_generation'
        ELSE 'plan_changed'
      END,
      p_instance_id);
  END IF;

  PERFORM vmstate.apply_plan(v_plan, p_updater_generation);
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.commit_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.commit_update IS 'Writes the plan that p_plan_token names and releases the updater lock.

Last step of an update saga. The ids are written exactly as planned. State and intent are decided at the commit, so a VMM that was unwound meanwhile counts as unwound, and a user''s stop is never overwritten. A lease that expired and that no other saga took over still commits. After stale_generation or plan_changed, plan again with begin_update.

Outcomes:
- applied: the plan was written and the lock released.
- unchanged: this saga committed this plan with this fencing token before.
- conflict/lock_lost: the saga does not hold the lock that p_updater_generation names; also for another saga or another plan with the fencing token of a committed update. Nothing was written.
- conflict/stale_generation: a start or a migration replaced an unwound VMM meanwhile. Nothing was written.
- conflict/plan_changed: other ids would be written, or other VMMs unlinked or to terminate. Nothing was written.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/update_saga/commit_update.sql

-- copy of sql/verbs/update_saga/unlock_update.sql
CREATE OR REPLACE FUNCTION vmstate.unlock_update(p_instance_id uuid, p_saga_id uuid, p_updater_generation bigint)
RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id, p_updater_generation) > 0 THEN
    PERFORM vmstate.raise_null_argument('unlock_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id, 'p_updater_generation', p_updater_generation));
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.updater_id IS NULL AND v_instance.updater_generation = p_updater_generation
      AND v_instance.released_updater_id = p_saga_id THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  ELSIF NOT vmstate.holds_updater_lock(v_instance, p_saga_id, p_updater_generation) THEN
    RETURN vmstate.to_instance_result('conflict', 'lock_lost', p_instance_id);
  END IF;

  PERFORM vmstate.release_updater(p_instance_id);
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.unlock_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.unlock_update IS 'Undoes begin_update: releases the updater lock and applies nothing.

Undo of an update saga.

Outcomes:
- applied: the lock was released.
- unchanged: the lock of this saga was released before, also by its commit.
- conflict/lock_lost: the saga does not hold the lock that p_updater_generation names.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/update_saga/unlock_update.sql

-- copy of sql/verbs/update_saga/run_update.sql
CREATE OR REPLACE FUNCTION vmstate.run_update(p_instance_id uuid, p_saga_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
  v_plan vmstate.instance_plan;
BEGIN
  IF num_nulls(p_instance_id, p_saga_id) > 0 THEN
    PERFORM vmstate.raise_null_argument('run_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_saga_id', p_saga_id));
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  v_plan := vmstate.lock_and_read_plan(v_instance);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_update_result('not_found', NULL, NULL);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_update_result('gone', NULL, v_plan);
  ELSIF v_instance.updater_id <> p_saga_id AND v_instance.updater_lease_until > clock_timestamp() THEN
    RETURN vmstate.to_update_result('conflict', 'locked', v_plan);
  END IF;

  IF NOT v_plan.needed THEN
    IF v_instance.updater_id = p_saga_id THEN
      PERFORM vmstate.release_updater(p_instance_id);
      v_plan.updater_id := NULL;
      v_plan.updater_lease_until := NULL;
    END IF;
    RETURN vmstate.to_update_result('unchanged', NULL, v_plan);
  END IF;

  v_plan.updater_id := p_saga_id;
  PERFORM vmstate.apply_plan(v_plan, v_instance.updater_generation + 1);
  SELECT r.api_state, r.state, r.state_generation, r.active_propolis_id, r.destination_propolis_id, r.migration_id,
      r.updater_id, r.updater_generation, r.updater_lease_until
    INTO v_plan.api_state, v_plan.state, v_plan.state_generation, v_plan.active_propolis_id,
      v_plan.destination_propolis_id, v_plan.migration_id, v_plan.updater_id, v_plan.updater_generation, v_plan.updater_lease_until
    FROM vmstate.resolved_instance AS r
    WHERE r.instance_id = p_instance_id;
  RETURN vmstate.to_update_result('applied', NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.run_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.run_update IS 'Plans and commits an update of an instance in one call.

For callers that have nothing to do between plan and commit. Answers the columns of begin_update, with the plan that was applied. Terminate the VMMs in terminate_propolis_ids afterwards; until then vmstate.orphaned_vmm lists them.

Outcomes:
- applied: the plan was written.
- unchanged: there is nothing to update, and the saga holds no lock.
- conflict/locked: another saga holds an unexpired lease.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/update_saga/run_update.sql

-- copy of sql/verbs/update_saga/explain_update.sql
CREATE OR REPLACE FUNCTION vmstate.explain_update(p_instance_id uuid) RETURNS vmstate.update_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_plan vmstate.instance_plan;
BEGIN
  IF p_instance_id IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('explain_update', 'p_instance_id', 'p_instance_id must not be null.');
  END IF;
  v_plan := vmstate.read_plan(p_instance_id);
  RETURN vmstate.to_update_result(
    CASE
      WHEN v_plan.instance_id IS NULL THEN 'not_found'::vmstate.outcome
      WHEN v_plan.state = 'destroyed' THEN 'gone'
      WHEN v_plan.needed THEN 'applied'
      ELSE 'unchanged'
    END, NULL, v_plan);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.explain_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.explain_update IS 'Shows the update plan that begin_update would answer now, read only.

Also shows who holds the updater lock: updater_id (null: nobody), updater_generation and updater_lease_until.

Outcomes:
- applied: there is a plan to carry out.
- unchanged: there is nothing to update.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: p_instance_id is null.';
-- end of sql/verbs/update_saga/explain_update.sql

-- copy of sql/verbs/operator/steps/fail_vmms_of_sled.sql
CREATE OR REPLACE FUNCTION vmstate.fail_vmms_of_sled(p_sled_id uuid, p_propolis_ids uuid[], p_reason vmstate.failure_reason)
RETURNS TABLE (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.vmm_state,
  state_generation bigint,
  update_needed boolean
)
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_ids pg_catalog.uuid[];
  v_now pg_catalog.timestamptz;
BEGIN
  WITH live AS (
    SELECT v.id FROM vmstate.vmm AS v
      WHERE v.sled_id = p_sled_id AND v.time_deleted IS NULL AND NOT vmstate.is_absorbing(v.state)
        AND (p_propolis_ids IS NULL OR v.id = ANY (p_propolis_ids))
      ORDER BY v.id FOR NO KEY UPDATE
  )
  SELECT array_agg(l.id) INTO v_ids FROM live AS l;
  v_now := clock_timestamp();
  RETURN QUERY
    WITH failed AS (
      UPDATE vmstate.vmm AS v
        SET state = 'failed', state_generation = vmstate.next_generation(v.state_generation), time_state_updated = v_now,
          time_reported = v_now, failure_reason = p_reason
        WHERE v.sled_id = p_sled_id AND v.id = ANY (v_ids)
        RETURNING v.instance_id, v.id, v.state, v.state_generation::bigint, v.time_unlinked IS NULL AS linked
    )
    SELECT 'applied'::vmstate.outcome, NULL::pg_catalog.text, f.instance_id, f.id, f.state, f.state_generation, f.linked
      FROM failed AS f ORDER BY f.id;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_vmms_of_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_vmms_of_sled IS 'Fails the live VMMs of a sled, or those of p_propolis_ids among them.

p_propolis_ids NULL means all. Locks VMMs by id and no instance.';
-- end of sql/verbs/operator/steps/fail_vmms_of_sled.sql

-- copy of sql/verbs/operator/fail_vmm.sql
CREATE OR REPLACE FUNCTION vmstate.fail_vmm(
  p_instance_id uuid,
  p_propolis_id uuid,
  p_reason vmstate.failure_reason,
  p_expected_generation bigint DEFAULT NULL
) RETURNS vmstate.fail_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_vmm vmstate.vmm;
  v_generation bigint;
  v_now pg_catalog.timestamptz;
BEGIN
  IF num_nulls(p_instance_id, p_propolis_id, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('fail_vmm', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_propolis_id', p_propolis_id, 'p_reason', p_reason));
  END IF;
  v_vmm := vmstate.lock_vmm(p_instance_id, p_propolis_id);
  IF v_vmm.id IS NULL THEN
    RETURN ROW('not_found', NULL, NULL, NULL, false)::vmstate.fail_result;
  ELSIF v_vmm.time_deleted IS NOT NULL THEN
    RETURN ROW('gone', NULL, v_vmm.state, v_vmm.state_generation, false)::vmstate.fail_result;
  ELSIF vmstate.is_absorbing(v_vmm.state) THEN
    RETURN ROW('terminal', NULL, v_vmm.state, v_vmm.state_generation, false)::vmstate.fail_result;
  ELSIF v_vmm.state_generation <> p_expected_generation THEN
    RETURN ROW('conflict', 'stale_generation', v_vmm.state, v_vmm.state_generation, false)::vmstate.fail_result;
  END IF;

  v_now := clock_timestamp();
  UPDATE vmstate.vmm AS v
    SET state = 'failed', state_generation = vmstate.next_generation(v.state_generation), time_state_updated = v_now,
      time_reported = v_now, failure_reason = p_reason
    WHERE v.instance_id = p_instance_id AND v.id = p_propolis_id
    RETURNING v.state_generation INTO v_generation;
  RETURN ROW('applied', NULL, 'failed', v_generation, v_vmm.time_unlinked IS NULL)::vmstate.fail_result;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_vmm FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_vmm IS 'Declares a VMM dead, for a watcher or an operator: the VMM becomes failed.

Never writes a migration side: a dead destination is enough for the plan, and a dead source must not decide the plan, since the guest may run on the destination already. p_expected_generation is the generation of the VMM; NULL means no check. update_needed is true if an instance names the VMM: then run the update saga.

Outcomes:
- applied: the VMM became failed.
- terminal: the VMM was dead already, also on a replay.
- conflict/stale_generation: the generation of the VMM is not p_expected_generation.
- gone: the VMM was deleted.
- not_found: the instance has no VMM with this id.
Errors:
- VM001: an argument without a default is null.';
-- end of sql/verbs/operator/fail_vmm.sql

-- copy of sql/verbs/operator/fail_sled.sql
CREATE OR REPLACE FUNCTION vmstate.fail_sled(p_sled_id uuid, p_reason vmstate.failure_reason)
RETURNS TABLE (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.vmm_state,
  state_generation bigint,
  update_needed boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
BEGIN
  IF num_nulls(p_sled_id, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('fail_sled', jsonb_build_object('p_sled_id', p_sled_id, 'p_reason', p_reason));
  END IF;
  RETURN QUERY SELECT f.* FROM vmstate.fail_vmms_of_sled(p_sled_id, NULL, p_reason) AS f;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_sled FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_sled IS 'Fails every live VMM of a dead sled, those in state creating too.

Answers one row per VMM that the call failed, ordered by VMM id; a second call answers no row. update_needed is true where an instance names the VMM: then run the update saga. Locks VMMs by id and no instance; writes no migration side. A sled that only rebooted may run VMMs that started since: call fail_sled_vmms for such a sled.

Outcomes:
- applied: the VMM of this row became failed.
Errors:
- VM001: an argument is null.';
-- end of sql/verbs/operator/fail_sled.sql

-- copy of sql/verbs/operator/fail_sled_vmms.sql
CREATE OR REPLACE FUNCTION vmstate.fail_sled_vmms(p_sled_id uuid, p_propolis_ids uuid[], p_reason vmstate.failure_reason)
RETURNS TABLE (
  outcome vmstate.outcome,
  reason text,
  instance_id uuid,
  propolis_id uuid,
  state vmstate.vmm_state,
  state_generation bigint,
  update_needed boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
BEGIN
  IF num_nulls(p_sled_id, p_propolis_ids, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('fail_sled_vmms', jsonb_build_object(
      'p_sled_id', p_sled_id, 'p_propolis_ids', p_propolis_ids, 'p_reason', p_reason));
  ELSIF num_nulls(VARIADIC p_propolis_ids) > 0 THEN
    PERFORM vmstate.raise_invalid_argument('fail_sled_vmms', 'p_propolis_ids', 'p_propolis_ids must not contain null.');
  END IF;
  RETURN QUERY SELECT f.* FROM vmstate.fail_vmms_of_sled(p_sled_id, p_propolis_ids, p_reason) AS f;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.fail_sled_vmms FROM PUBLIC;
COMMENT ON FUNCTION vmstate.fail_sled_vmms IS 'Fails those of the listed VMMs that are alive and on the sled.

For a sled that has lost these VMMs, as in a reboot: a VMM that started since is not listed and stays alive. Answers one row per VMM that the call failed, ordered by VMM id; a second call answers no row. update_needed is true where an instance names the VMM: then run the update saga. Locks VMMs by id and no instance; writes no migration side.

Outcomes:
- applied: the VMM of this row became failed.
Errors:
- VM001: an argument or an element of p_propolis_ids is null.';
-- end of sql/verbs/operator/fail_sled_vmms.sql

-- copy of sql/verbs/operator/break_update.sql
CREATE OR REPLACE FUNCTION vmstate.break_update(p_instance_id uuid, p_updater_generation bigint, p_reason text)
RETURNS vmstate.instance_result
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_instance vmstate.instance;
BEGIN
  IF num_nulls(p_instance_id, p_updater_generation, p_reason) > 0 THEN
    PERFORM vmstate.raise_null_argument('break_update', jsonb_build_object(
      'p_instance_id', p_instance_id, 'p_updater_generation', p_updater_generation, 'p_reason', p_reason));
  ELSIF btrim(p_reason) = '' THEN
    PERFORM vmstate.raise_invalid_argument('break_update', 'p_reason', 'p_reason must not be empty.');
  END IF;
  v_instance := vmstate.lock_instance(p_instance_id);
  IF v_instance.id IS NULL THEN
    RETURN vmstate.to_instance_result('not_found', NULL, p_instance_id);
  ELSIF v_instance.time_deleted IS NOT NULL THEN
    RETURN vmstate.to_instance_result('gone', NULL, p_instance_id);
  ELSIF v_instance.updater_id IS NULL AND v_instance.updater_generation >= p_updater_generation THEN
    RETURN vmstate.to_instance_result('unchanged', NULL, p_instance_id);
  ELSIF v_instance.updater_id IS NULL OR v_instance.updater_generation <> p_updater_generation THEN
    RETURN vmstate.to_instance_result('conflict', 'lock_lost', p_instance_id);
  END IF;

  PERFORM vmstate.release_updater(p_instance_id);
  RAISE LOG 'vmstate.break_update: ended updater lock % of instance %, which saga % held: %',
    p_updater_generation, p_instance_id, v_instance.updater_id, p_reason;
  RETURN vmstate.to_instance_result('applied', NULL, p_instance_id);
END;
$$;
REVOKE ALL ON FUNCTION vmstate.break_update FROM PUBLIC;
COMMENT ON FUNCTION vmstate.break_update IS 'Ends an updater lock for an operator, whoever holds it and for however long.

explain_update shows the fencing token of the lock, which p_updater_generation names. The commit of the saga that held the lock is then conflict/lock_lost. p_reason goes to the log of the server.

Outcomes:
- applied: the lock was ended.
- unchanged: that lock has ended before, and no saga holds another.
- conflict/lock_lost: a saga holds another lock by now, or no lock ever had that fencing token.
- gone: the instance was deleted.
- not_found: no instance has this id.
Errors:
- VM001: an argument is null, or p_reason is empty.';
-- end of sql/verbs/operator/break_update.sql

-- copy of sql/verbs/operator/purge.sql
CREATE OR REPLACE FUNCTION vmstate.purge(
  p_before timestamptz,
  p_limit integer DEFAULT 1000
) RETURNS TABLE (
  migrations integer,
  vmms integer,
  instances integer,
  left_over boolean
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
  v_room integer := p_limit;
  v_due integer;
BEGIN
  IF num_nulls(p_before, p_limit) > 0 THEN
    PERFORM vmstate.raise_null_argument('purge', jsonb_build_object('p_before', p_before, 'p_limit', p_limit));
  ELSIF p_before > clock_timestamp() - interval '1 hour' THEN
    PERFORM vmstate.raise_invalid_argument('purge', 'p_before', format('p_before must be at least 1 hour ago, not %s.', p_before));
  ELSIF p_limit NOT BETWEEN 1 AND 100000 THEN
    PERFORM vmstate.raise_invalid_argument('purge', 'p_limit', format('p_limit must be from 1 to 100000, not %s.', p_limit));
  END IF;

  -- What another session has locked is passed over, so that purge never waits and cannot deadlock, although foreign keys
  -- make it delete in the opposite of the lock order. Each part finds one row more than it may delete: left_over.
  -- OFFSET 0: row by row by index, however many rows are expected to be due.
  WITH due AS MATERIALIZED (
    SELECT d.instance_id, d.id FROM vmstate.migration AS d
      WHERE d.time_deleted < p_before
        AND NOT EXISTS (SELECT FROM vmstate.vmm AS v
          WHERE v.instance_id = d.instance_id AND v.id IN (d.source_propolis_id, d.destination_propolis_id)
            AND v.time_deleted IS NULL
            -- A destination that came by logical replication from an older release does not know its migration.
            AND (v.time_unlinked IS NOT NULL OR (v.id = d.destination_propolis_id AND v.migration_id IS NULL))
          OFFSET 0)
      ORDER BY d.time_deleted LIMIT v_room + 1 FOR UPDATE SKIP LOCKED
  ),
  purged AS (
    DELETE FROM vmstate.migration AS m USING (SELECT d.* FROM due AS d LIMIT v_room) AS c
      WHERE m.instance_id = c.instance_id AND m.id = c.id RETURNING m.id
  )
  SELECT (SELECT count(*) FROM purged), (SELECT count(*) FROM due) INTO migrations, v_due;
  left_over := v_due > v_room;
  v_room := v_room - migrations;

  WITH due AS MATERIALIZED (
    SELECT d.instance_id, d.id FROM vmstate.vmm AS d
      WHERE d.time_deleted < p_before
        AND NOT EXISTS (SELECT FROM vmstate.migration AS m
          WHERE m.instance_id = d.instance_id AND d.id IN (m.source_propolis_id, m.destination_propolis_id)
          OFFSET 0)
      ORDER BY d.time_deleted LIMIT v_room + 1 FOR UPDATE SKIP LOCKED
  ),
  purged AS (
    DELETE FROM vmstate.vmm AS v USING (SELECT d.* FROM due AS d LIMIT v_room) AS c
      WHERE v.instance_id = c.instance_id AND v.id = c.id RETURNING v.id
  )
  SELECT (SELECT count(*) FROM purged), (SELECT count(*) FROM due) INTO vmms, v_due;
  left_over := left_over OR v_due > v_room;
  v_room := v_room - vmms;

  WITH due AS MATERIALIZED (
    SELECT d.id FROM vmstate.instance AS d
      WHERE d.time_deleted < p_before
        AND NOT EXISTS (SELECT FROM vmstate.vmm AS v WHERE v.instance_id = d.id OFFSET 0)
        AND NOT EXISTS (SELECT FROM vmstate.migration AS m WHERE m.instance_id = d.id OFFSET 0)
      ORDER BY d.time_deleted LIMIT v_room + 1 FOR UPDATE SKIP LOCKED
  ),
  purged AS (
    DELETE FROM vmstate.instance AS i USING (SELECT d.* FROM due AS d LIMIT v_room) AS c
      WHERE i.id = c.id RETURNING i.id
  )
  SELECT (SELECT count(*) FROM purged), (SELECT count(*) FROM due) INTO instances, v_due;
  left_over := left_over OR v_due > v_room;
  RETURN NEXT;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.purge FROM PUBLIC;
COMMENT ON FUNCTION vmstate.purge IS 'Hard-deletes rows that were soft-deleted before p_before.

Deletes migrations of which no VMM is in orphaned_vmm or abandoned_vmm, then VMMs that no migration names, then instances that have neither: at most p_limit rows (1 to 100000, default 1000) of all three. Answers one row: how many of each were deleted, and left_over, which is true if more than p_limit rows were due, so that purge must be called again. Skips rows that other sessions have locked, and waits for no lock. Afterwards a late replay of create_instance, begin_start or begin_migration begins anew, and a late report is not_found: let p_before lie further back than any saga or network partition lasts.

Errors:
- VM001: an argument is null, p_before is less than 1 hour ago, or p_limit is not 1 to 100000.';
-- end of sql/verbs/operator/purge.sql

-- copy of sql/verbs/access/steps/access_rights.sql
CREATE OR REPLACE FUNCTION vmstate.access_rights(p_kind vmstate.access_kind)
RETURNS TABLE (privilege text, object text, acl aclitem[])
LANGUAGE sql STABLE
BEGIN ATOMIC
  -- a view runs the functions it calls, and those call, with the rights of who reads it
  WITH RECURSIVE called (id) AS (
    SELECT d.refobjid
      FROM pg_rewrite AS r
      JOIN pg_class AS c ON c.oid = r.ev_class
      JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_proc'::regclass
      WHERE c.relnamespace = 'vmstate'::regnamespace
    UNION
    SELECT d.refobjid
      FROM called AS c
      JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = c.id AND d.refclassid = 'pg_proc'::regclass
  )
  SELECT 'USAGE', 'SCHEMA vmstate', n.nspacl
    FROM pg_namespace AS n
    WHERE n.oid = 'vmstate'::regnamespace
  UNION ALL
  SELECT 'EXECUTE', format('FUNCTION %s', p.oid::regprocedure), p.proacl
    FROM pg_proc AS p
    WHERE p.pronamespace = 'vmstate'::regnamespace
      AND CASE p_kind
        WHEN 'control_plane' THEN p.prosecdef OR p.oid IN (SELECT c.id FROM called AS c)
        WHEN 'reader' THEN p.proname = 'explain_update' OR p.oid IN (SELECT c.id FROM called AS c)
        WHEN 'sled_agent' THEN p.proname IN ('report_vmm', 'report_vmms')
      END
  UNION ALL
  SELECT 'SELECT', format('TABLE %s', c.oid::regclass), c.relacl
    FROM pg_class AS c
    WHERE c.relnamespace = 'vmstate'::regnamespace AND c.relkind = 'v'
      AND c.relname NOT IN ('resolved_instance', 'instance_plan')
      AND (p_kind <> 'sled_agent' OR c.relname = 'schema_version');
END;
REVOKE ALL ON FUNCTION vmstate.access_rights FROM PUBLIC;
COMMENT ON FUNCTION vmstate.access_rights IS 'Lists what a kind of role needs, and which roles have been granted that.

The one place that says what is public. Verbs are the functions that run with the rights of their owner; views are public but for those that other views are made of.';
-- end of sql/verbs/access/steps/access_rights.sql

-- copy of sql/verbs/access/steps/role_access.sql
CREATE OR REPLACE FUNCTION vmstate.role_access(p_role name, p_kind vmstate.access_kind)
RETURNS TABLE (privilege text, object text, is_held boolean)
LANGUAGE plpgsql STABLE
SET search_path = ''
AS $$
BEGIN
  RETURN QUERY
    SELECT r.privilege, r.object, EXISTS (
        SELECT FROM aclexplode(r.acl) AS a
          JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
          WHERE g.rolname = p_role AND a.privilege_type = r.privilege
      )
      FROM vmstate.access_rights(p_kind) AS r;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.role_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.role_access IS 'Lists what a kind of role needs, and whether the role itself was granted that.

What the role has as a member of other roles does not count.';
-- end of sql/verbs/access/steps/role_access.sql

-- copy of sql/verbs/access/steps/other_kinds.sql
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
        -- access to what p_kind includes does not tell that k was granted too
        AND EXISTS (
          SELECT r.privilege, r.object FROM vmstate.access_rights(k) AS r
          EXCEPT
          SELECT r.privilege, r.object FROM vmstate.access_rights(p_kind) AS r
        )
  );
END;
$$;
REVOKE ALL ON FUNCTION vmstate.other_kinds FROM PUBLIC;
COMMENT ON FUNCTION vmstate.other_kinds IS 'Lists the kinds of which a role was granted all that they need.

Without p_kind and the kinds that p_kind includes.';
-- end of sql/verbs/access/steps/other_kinds.sql

-- copy of sql/verbs/access/steps/require_owner.sql
CREATE OR REPLACE FUNCTION vmstate.require_owner(p_function text, p_deed text) RETURNS void
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  IF NOT pg_has_role((SELECT n.nspowner FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'vmstate'), 'USAGE') THEN
    RAISE EXCEPTION USING
      ERRCODE = 'insufficient_privilege',
      MESSAGE = format('vmstate.%s: only the owner of schema vmstate %s access', p_function, p_deed),
      DETAIL = format('Role "%s" does not have the rights of the owner.', current_user),
      HINT = format('Nothing was changed. Call vmstate.%s as the role that applied the schema migrations.', p_function);
  END IF;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.require_owner FROM PUBLIC;
COMMENT ON FUNCTION vmstate.require_owner IS 'Raises 42501 unless the caller is the owner of schema vmstate or a member of it.

To any other role GRANT and REVOKE would say only in a warning that they did nothing.

Errors:
- 42501: the caller of grant_access or revoke_access is not the owner of the schema. Nothing was changed.';
-- end of sql/verbs/access/steps/require_owner.sql

-- copy of sql/verbs/access/grant_access.sql
CREATE OR REPLACE FUNCTION vmstate.grant_access(p_role name, p_kind vmstate.access_kind, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_privilege pg_catalog.text;
  v_object pg_catalog.text;
BEGIN
  IF p_kind IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('grant_access', 'p_kind', 'p_kind must not be null.');
  END IF;
  PERFORM vmstate.require_role('grant_access', p_role);
  PERFORM vmstate.require_owner('grant_access', 'grants');
  -- of two sessions that grant on one object, PostgreSQL fails the later one
  PERFORM pg_advisory_xact_lock('vmstate.grant_access'::pg_catalog.regproc::bigint);
  outcome := 'unchanged';
  FOR v_privilege, v_object IN
    SELECT r.privilege, r.object FROM vmstate.role_access(p_role, p_kind) AS r WHERE NOT r.is_held
  LOOP
    EXECUTE format('GRANT %s ON %s TO %I', v_privilege, v_object, p_role);
    outcome := 'applied';
  END LOOP;
EXCEPTION
  WHEN program_limit_exceeded THEN
    RAISE EXCEPTION USING
      ERRCODE = 'program_limit_exceeded',
      MESSAGE = format('vmstate.grant_access: the access list of %s has no room for role "%s"', v_object, p_role),
      DETAIL = format('PostgreSQL keeps the list in one row of at most 8 kB: %s.', SQLERRM),
      HINT = 'Nothing was changed. Call grant_access once for a group role that cannot log in, and GRANT the group role to the other roles. revoke_access removes a role from the list.';
END;
$$;
REVOKE ALL ON FUNCTION vmstate.grant_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.grant_access IS 'Grants a role all that one kind of role needs.

control_plane: every verb and every public view. sled_agent: report_vmm and report_vmms, of the VMMs of the sled that bind_sled_agent names, and the view schema_version. reader: every public view, and explain_update. No kind may touch a table. A role may have several kinds. Members of the role have its access, too: for many sleds, grant once to a group role, since PostgreSQL has room for about 2,400 roles on one object. Call grant_access again after a migration of the schema, which may bring new functions and views. revoke_access takes the access away. For the owner of the schema only, with whose rights grant_access runs.

Outcomes:
- applied: the role was granted what it lacked.
- unchanged: the role had all of the kind already.
Errors:
- VM001: an argument is null, or no such role exists.
- 42501: the caller is not the owner of the schema.
- 54000: PostgreSQL has no room for one more role on an object.';
-- end of sql/verbs/access/grant_access.sql

-- copy of sql/verbs/access/revoke_access.sql
CREATE OR REPLACE FUNCTION vmstate.revoke_access(p_role name, p_kind vmstate.access_kind, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
DECLARE
  v_kept pg_catalog.text[];
  v_privilege pg_catalog.text;
  v_object pg_catalog.text;
BEGIN
  IF p_kind IS NULL THEN
    PERFORM vmstate.raise_invalid_argument('revoke_access', 'p_kind', 'p_kind must not be null.');
  END IF;
  PERFORM vmstate.require_role('revoke_access', p_role);
  PERFORM vmstate.require_owner('revoke_access', 'revokes');
  IF EXISTS (SELECT FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'vmstate' AND pg_get_userbyid(n.nspowner) = p_role) THEN
    PERFORM vmstate.raise_invalid_argument('revoke_access', 'p_role',
      format('p_role must not be "%s", the owner of schema vmstate: the functions of the schema run with the rights of the owner.', p_role));
  END IF;
  -- of two sessions that grant or revoke on one object, PostgreSQL fails the later one
  PERFORM pg_advisory_xact_lock('vmstate.grant_access'::pg_catalog.regproc::bigint);
  v_kept := array(
    SELECT o.privilege || ' ON ' || o.object
      FROM unnest(vmstate.other_kinds(p_role, p_kind)) AS k, vmstate.access_rights(k) AS o
  );
  outcome := 'unchanged';
  FOR v_privilege, v_object IN
    SELECT r.privilege, r.object
      FROM vmstate.role_access(p_role, p_kind) AS r
      WHERE r.is_held AND r.privilege || ' ON ' || r.object <> ALL (v_kept)
  LOOP
    EXECUTE format('REVOKE %s ON %s FROM %I', v_privilege, v_object, p_role);
    outcome := 'applied';
  END LOOP;
END;
$$;
REVOKE ALL ON FUNCTION vmstate.revoke_access FROM PUBLIC;
COMMENT ON FUNCTION vmstate.revoke_access IS 'Revokes from a role what grant_access gave it for one kind.

Takes effect at once, also in transactions that are under way. What another kind of the role needs stays, where the role has all of that kind and p_kind does not include that kind: control_plane includes the other two, so grant those again if they should stay. What the role has as a member of other roles stays, and so does the binding of a sled agent, which bind_sled_agent ends. For the owner of the schema only.

Outcomes:
- applied: access was taken away.
- unchanged: there was nothing to take away.
Errors:
- VM001: an argument is null, no such role exists, or the role owns the schema.
- 42501: the caller is not the owner of the schema.';
-- end of sql/verbs/access/revoke_access.sql

-- copy of sql/verbs/access/bind_sled_agent.sql
CREATE OR REPLACE FUNCTION vmstate.bind_sled_agent(p_role name, p_sled_id uuid DEFAULT NULL, OUT outcome vmstate.outcome)
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  -- the binding of a role that was dropped can still be removed
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
-- end of sql/verbs/access/bind_sled_agent.sql

DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('vmstate.search_path'), true);
END;
$$;
DO $$
BEGIN
  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('vmstate.search_path'), false)
    WHERE pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) pg_catalog.current_setting('vmstate.search_path');
END;
$$;

INSERT INTO vmstate.schema_change (number, name, is_breaking) VALUES (11, '0011_comments', false);
