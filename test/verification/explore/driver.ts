import type postgres from "postgres";
import { COOLDOWN } from "./ages.js";
import { INSTANCE, PROJECT, STRANGER } from "./actors.js";
import type { Step } from "./steps.js";

/**
 * Installs, in a schema of their own, the functions that play a path of steps, try every next step in a
 * subtransaction, and roll everything back: one round trip per state.
 */
export async function installDriver(sql: postgres.Sql, steps: readonly Step[]): Promise<void> {
  await sql.unsafe(`
    CREATE SCHEMA proof;
    ${stepFunction(steps)}
    ${FUNCTIONS}
  `);
}

/** Answers the updated memory, and the verb's answer in \`answer\`. */
function stepFunction(steps: readonly Step[]): string {
  const branches = steps.map((step, i) => `WHEN ${i} THEN ${statements(step)}`);
  return `
    CREATE FUNCTION proof.step(p_step integer, INOUT m jsonb, OUT answer jsonb) LANGUAGE plpgsql AS $$
    DECLARE
      v_rows integer;
    BEGIN
      CASE p_step
        ${branches.join("\n        ")}
      END CASE;
    END;
    $$;`;
}

function statements({ kind, sql, remembers, unguarded }: Step): string {
  const call = sql.replaceAll(/\{(\w+)\.(generation|token)\}/g, (_, updater: string, what: string) =>
    what === "generation" ? `(m -> '${updater}' ->> 0)::bigint` : `m -> '${updater}' ->> 1`,
  );
  if (unguarded) return `${UNGUARDED}; ${call}; ${GUARDED}; answer := jsonb_build_object('outcome', 'psql');`;
  if (!call.startsWith("vmstate."))
    return `${call}; GET DIAGNOSTICS v_rows = ROW_COUNT; answer := jsonb_build_object('outcome', 'psql', 'rows', v_rows);`;
  if (MANY_ROWS.has(kind)) return `answer := (SELECT jsonb_agg(to_jsonb(f)) FROM ${call} AS f);`;
  const remember = `IF answer ->> 'outcome' = 'applied' THEN
    m := m || jsonb_build_object('${remembers ?? ""}', jsonb_build_array(answer -> 'updater_generation', answer -> 'plan_token'));
  END IF;`;
  return `answer := to_jsonb(${call});${remembers === undefined ? "" : remember}`;
}

const MANY_ROWS = new Set(["fail_sled", "fail_sled_vmms", "late_reports", "misuse"]);

const UNGUARDED = "SET session_replication_role = replica";
const GUARDED = "SET session_replication_role = origin";

const FUNCTIONS = `
  CREATE FUNCTION proof.snapshot() RETURNS jsonb LANGUAGE plpgsql AS $$
  BEGIN
    RETURN jsonb_build_object(
      'instance', (SELECT to_jsonb(i) || jsonb_build_object('ctid', i.ctid) FROM vmstate.instance AS i WHERE i.id = '${INSTANCE}'),
      'vmms', (SELECT coalesce(jsonb_agg(to_jsonb(v) || jsonb_build_object('ctid', v.ctid) ORDER BY v.id), '[]') FROM vmstate.vmm AS v),
      'migrations', (SELECT coalesce(jsonb_agg(to_jsonb(m) || jsonb_build_object('ctid', m.ctid) ORDER BY m.id), '[]') FROM vmstate.migration AS m),
      'others', (SELECT count(*) FROM vmstate.instance AS i WHERE i.id <> '${INSTANCE}'));
  END;
  $$;

  CREATE FUNCTION proof.properties() RETURNS jsonb LANGUAGE plpgsql AS $$
  BEGIN
    RETURN jsonb_build_object(
      'violations', (SELECT coalesce(jsonb_agg(to_jsonb(v)), '[]') FROM vmstate.invariant_violation AS v),
      'api', (SELECT to_jsonb(a) FROM vmstate.api_instance AS a),
      'api_vmms', (SELECT coalesce(jsonb_object_agg(a.id, a.state), '{}') FROM vmstate.api_vmm AS a),
      'plan', to_jsonb(vmstate.explain_update('${INSTANCE}')),
      'pending', EXISTS (SELECT FROM vmstate.pending_update),
      'restartable', EXISTS (SELECT FROM vmstate.restartable_instance),
      'abandoned', (SELECT coalesce(jsonb_agg(a.propolis_id ORDER BY a.propolis_id), '[]') FROM vmstate.abandoned_vmm AS a),
      'orphaned', (SELECT coalesce(jsonb_agg(o.propolis_id ORDER BY o.propolis_id), '[]') FROM vmstate.orphaned_vmm AS o));
  END;
  $$;

  -- nobody holds the updater lock any longer, and the update saga runs until it has nothing to do
  CREATE FUNCTION proof.settle() RETURNS integer LANGUAGE plpgsql AS $$
  DECLARE
    v_updates integer := 0;
  BEGIN
    UPDATE vmstate.instance SET updater_lease_until = clock_timestamp() - interval '1 hour' WHERE updater_id IS NOT NULL;
    WHILE (vmstate.run_update('${INSTANCE}', '${STRANGER}')).outcome = 'applied' AND v_updates < 10 LOOP
      v_updates := v_updates + 1;
    END LOOP;
    RETURN v_updates;
  END;
  $$;

  -- every VMM ends; then a new start has to be possible
  CREATE FUNCTION proof.restart() RETURNS jsonb LANGUAGE plpgsql AS $$
  DECLARE
    v_updates integer := proof.settle();
    v_result vmstate.start_result;
  BEGIN
    PERFORM vmstate.fail_vmm(v.instance_id, v.id, 'operator') FROM vmstate.vmm AS v;
    PERFORM proof.settle();
    PERFORM vmstate.finish_instance_creation('${INSTANCE}');
    v_result := vmstate.begin_start('${INSTANCE}', '${STRANGER}', '${STRANGER}', '${STRANGER}', 'fd00::3');
    RETURN jsonb_build_object('updates', v_updates, 'start', v_result.outcome, 'shows', v_result.api_state);
  END;
  $$;

  CREATE FUNCTION proof.age() RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    SET session_replication_role = replica;
    UPDATE vmstate.vmm SET time_deleted = clock_timestamp() - interval '1 day' WHERE time_deleted IS NOT NULL;
    UPDATE vmstate.migration SET time_deleted = clock_timestamp() - interval '1 day' WHERE time_deleted IS NOT NULL;
    UPDATE vmstate.instance SET time_deleted = clock_timestamp() - interval '1 day' WHERE time_deleted IS NOT NULL;
    SET session_replication_role = origin;
  END;
  $$;

  -- every sled says its VMMs are gone; then all of it can be deleted, and a day later purged
  CREATE FUNCTION proof.retire() RETURNS jsonb LANGUAGE plpgsql AS $$
  DECLARE
    v_intent vmstate.intended_state;
    v_restartable boolean;
    v_retired jsonb;
    v_left_over boolean;
  BEGIN
    PERFORM vmstate.report_vmm(v.instance_id, v.id, 'destroyed', v.state_generation + 1, clock_timestamp()) FROM vmstate.vmm AS v;
    PERFORM proof.settle();
    v_intent := (SELECT i.intended_state FROM vmstate.instance AS i WHERE i.id = '${INSTANCE}');
    v_restartable := EXISTS (SELECT FROM vmstate.restartable_instance);
    PERFORM vmstate.delete_instance('${INSTANCE}');
    PERFORM vmstate.delete_vmm(a.instance_id, a.propolis_id) FROM vmstate.abandoned_vmm AS a;
    v_retired := proof.snapshot() || jsonb_build_object(
      'violations', (SELECT count(*) FROM vmstate.invariant_violation),
      'pending', EXISTS (SELECT FROM vmstate.pending_update));
    PERFORM proof.age();
    v_left_over := (vmstate.purge(clock_timestamp() - interval '2 hours', 100000)).left_over;
    RETURN v_retired || jsonb_build_object('intent', v_intent, 'restartable', v_restartable, 'left_over', v_left_over
      OR EXISTS (SELECT FROM vmstate.instance) OR EXISTS (SELECT FROM vmstate.vmm) OR EXISTS (SELECT FROM vmstate.migration));
  END;
  $$;

  -- all that is deleted grows old, and is purged if nobody needs it
  CREATE FUNCTION proof.purge() RETURNS jsonb LANGUAGE plpgsql AS $$
  DECLARE
    v_purged jsonb;
  BEGIN
    PERFORM proof.age();
    v_purged := to_jsonb(vmstate.purge(clock_timestamp() - interval '2 hours', 100000));
    RETURN v_purged || proof.snapshot();
  END;
  $$;

  CREATE FUNCTION proof.expand(p_path integer[], p_steps integer[]) RETURNS jsonb LANGUAGE plpgsql AS $$
  DECLARE
    v_memory jsonb := '{}';
    v_told jsonb;
    v_answer jsonb;
    v_before jsonb;
    v_after jsonb;
    v_properties jsonb;
    v_restart jsonb;
    v_purge jsonb;
    v_retire jsonb;
    v_step integer;
    v_code text;
    v_message text;
    v_results jsonb[] := '{}';
  BEGIN
    BEGIN
      PERFORM vmstate.create_instance('${INSTANCE}', '${PROJECT}', 'web', 'running', NULL, '${COOLDOWN}');
      FOREACH v_step IN ARRAY p_path LOOP
        SELECT s.m INTO v_memory FROM proof.step(v_step, v_memory) AS s;
      END LOOP;
      v_before := proof.snapshot();
      v_properties := proof.properties();

      FOREACH v_step IN ARRAY p_steps LOOP
        BEGIN
          SELECT s.m, s.answer INTO v_told, v_answer FROM proof.step(v_step, v_memory) AS s;
          v_after := proof.snapshot();
          v_results := v_results || jsonb_build_object('step', v_step, 'answer', v_answer,
            'after', CASE WHEN v_after <> v_before THEN v_after END,
            'memory', CASE WHEN v_told <> v_memory THEN v_told END);
          RAISE SQLSTATE 'ZZ001';
        EXCEPTION
          WHEN SQLSTATE 'ZZ001' THEN NULL;
          WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS v_code = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT;
            v_results := v_results || jsonb_build_object('step', v_step, 'code', v_code, 'message', v_message);
        END;
      END LOOP;

      BEGIN
        v_restart := proof.restart();
        RAISE SQLSTATE 'ZZ001';
      EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL;
      END;
      IF jsonb_path_exists(v_before, '$.**.time_deleted ? (@ != null)') THEN
        BEGIN
          v_purge := proof.purge();
          RAISE SQLSTATE 'ZZ001';
        EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL;
        END;
      END IF;
      v_retire := proof.retire();
      RAISE SQLSTATE 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL;
    END;
    RETURN jsonb_build_object('state', v_before, 'memory', v_memory, 'properties', v_properties, 'restart', v_restart,
      'purge', v_purge, 'retire', v_retire, 'results', to_jsonb(v_results));
  END;
  $$;`;
