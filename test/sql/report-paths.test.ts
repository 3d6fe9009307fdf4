import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beginStart } from "../../src/index.js";
import { createDatabase, type TestDatabase } from "../support/database.js";
import { applied, say, stopped } from "./scenario.js";

/** What a report's generation is compared with. */
const GENERATION = 5;
/** By the sled's clock. */
const TIME = "2026-01-02T03:04:05.678Z";
const SLED = randomUUID();
const AGENT = `agent_${randomUUID().slice(0, 8)}`;
/** States, reported states, generations, and five things that a row has or has not. */
const CASES = 10 * 8 * 3 * 2 ** 4;

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
  await db.sql.unsafe(`create role ${AGENT}`);
  await db.sql`select vmstate.grant_access(${AGENT}, 'sled_agent')`;
  await db.sql`select vmstate.bind_sled_agent(${AGENT}, ${SLED})`;
});
afterAll(async () => {
  await db.sql.unsafe(`drop owned by ${AGENT}; drop role ${AGENT}`);
  await db.drop();
});

/** One VMM and one report for every combination, and what vmm_report_outcome and counts_as_running say of them. */
async function plantEveryCase(sql: postgres.Sql): Promise<void> {
  await sql.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    await sql`
      create table report as
      select gen_random_uuid() as instance_id, gen_random_uuid() as propolis_id, old_state, state, generation,
          is_deleted, is_unlinked, is_destination, has_started, random() as place
        from unnest(enum_range(null::vmstate.vmm_state)) as old_state,
          unnest(enum_range(null::vmstate.reported_vmm_state)) as state,
          generate_series(${GENERATION - 1}::bigint, ${GENERATION + 1}::bigint) as generation,
          (values (true), (false)) as d (is_deleted), (values (true), (false)) as u (is_unlinked),
          (values (true), (false)) as m (is_destination), (values (true), (false)) as s (has_started)`;
    await sql.unsafe(`grant select on report to ${AGENT}`);
    await sql`
      insert into vmstate.instance (id, project_id, name, intended_state)
        select instance_id, instance_id, 'of-a-vmm', 'running' from report`;
    await sql`
      insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, state, state_generation, time_state_updated,
          failure_reason, time_deleted, time_unlinked, migration_id, time_started)
        select instance_id, propolis_id, ${SLED}, '10.0.0.1', propolis_id, old_state, ${GENERATION}, '2026-01-01',
            case when old_state = 'failed' then 'operator'::vmstate.failure_reason end, case when is_deleted then '2026-01-01'::timestamptz end,
            case when is_unlinked then '2026-01-01'::timestamptz end, case when is_destination then propolis_id end,
            case when has_started then '2026-01-01'::timestamptz end
          from report`;
    await sql`
      create table expected as
      select r.*, outcome = 'applied' as is_applied, outcome as vmm_outcome,
          outcome = 'applied' and not is_unlinked and vmstate.is_absorbing(vmstate.from_report(state)) as update_needed,
          case when outcome = 'applied' then vmstate.from_report(state) else old_state end as new_state,
          case when outcome = 'applied' then generation else ${GENERATION} end as new_generation,
          has_started or (outcome = 'applied' and vmstate.counts_as_running(state, is_destination)) as will_have_started,
          case when outcome <> 'applied' and old_state = 'failed' then 'operator'
            when outcome = 'applied' and state = 'failed' then 'sled_agent_report' end as failure
        from report as r, lateral (select vmstate.vmm_report_outcome(old_state, ${GENERATION},
          case when is_deleted then now() end, generation) as outcome) as o`;
  });
}

const ELEMENTS = `jsonb_build_object('instance_id', instance_id, 'propolis_id', propolis_id, 'state', state,
  'generation', generation, 'time', '${TIME}')`;
const COLUMNS = "vmm_outcome, update_needed, state, state_generation";

/** A step, which only the owner may call. */
const OF_SETTLE = "apply_report, of settle,";

/** By path: a query of the id of each VMM and of what was answered. */
const PATHS: Record<string, string> = {
  report_vmm: `select propolis_id, (a.answer).vmm_outcome, (a.answer).update_needed, (a.answer).state, (a.answer).state_generation
    from (select propolis_id, vmstate.report_vmm(instance_id, propolis_id, state, generation, '${TIME}') as answer
      from report offset 0) as a`,
  [OF_SETTLE]: `select propolis_id, (a.answer).vmm_outcome, (a.answer).update_needed, (a.answer).state, (a.answer).state_generation
    from (select propolis_id, vmstate.apply_report(instance_id, propolis_id, state, generation, '${TIME}') as answer
      from report offset 0) as a`,
  "report_vmms of VMMs alone": `select propolis_id, ${COLUMNS}
    from vmstate.report_vmms((select jsonb_agg(${ELEMENTS} order by place) from report))`,
  "report_vmms with a migration part": `select propolis_id, ${COLUMNS}
    from vmstate.report_vmms((select jsonb_agg(${ELEMENTS} order by place) from report) || jsonb_build_array(jsonb_build_object(
      'instance_id', gen_random_uuid(), 'propolis_id', gen_random_uuid(), 'state', 'running', 'generation', 2, 'time', '${TIME}',
      'migration_in_id', gen_random_uuid(), 'migration_in_state', 'failed', 'migration_in_generation', 2, 'migration_in_time', '${TIME}')))
    where propolis_id in (select propolis_id from report)`,
  "report_vmms that names a VMM twice": `select propolis_id, ${COLUMNS}
    from vmstate.report_vmms((select jsonb_agg(${ELEMENTS} order by place) from report)
      || (select jsonb_agg(jsonb_build_object('instance_id', '${SLED}', 'propolis_id', '${SLED}', 'state', 'running', 'generation', 2,
        'time', '${TIME}')) from generate_series(1, 2)))
    where propolis_id in (select propolis_id from report)`,
  report_vmm_batch: `select r.propolis_id, coalesce(b.vmm_outcome::text, 'applied'), coalesce(b.update_needed, false),
      coalesce(b.state::text, r.state::text), coalesce(b.state_generation, r.generation)
    from report as r
    left join (select b.* from (select array_agg(instance_id order by place) as i, array_agg(propolis_id order by place) as p,
        array_agg(state order by place) as s, array_agg(generation order by place) as g,
        array_agg('${TIME}'::timestamptz order by place) as t from report offset 0) as a,
      vmstate.report_vmm_batch(a.i, a.p, a.s, a.g, a.t) as b offset 0) as b on b.propolis_id = r.propolis_id`,
};

describe.each([
  ["a role that may report for every sled", undefined],
  ["the agent of the sled", AGENT],
])("as %s", (_, role) => {
  const paths = Object.entries(PATHS).filter(([name]) => role === undefined || name !== OF_SETTLE);
  it.each(paths)("%s decides every case as the rules do", async (_, path) => {
    await plantEveryCase(db.sql);
    try {
      // The write and the look at it are two statements: the snapshot of the first does not show what it writes.
      const answers = await db.sql.begin(async (sql) => {
        if (role !== undefined) await sql.unsafe(`set local role ${role}`);
        return await sql.unsafe(path).values();
      });
      await db.sql`create table answered (propolis_id uuid, vmm_outcome text, update_needed text, state text, generation bigint)`;
      await db.sql`insert into answered select * from unnest(${column(answers, 0)}::uuid[], ${column(answers, 1)}::text[],
        ${column(answers, 2)}::text[], ${column(answers, 3)}::text[], ${column(answers, 4)}::bigint[])`;
      expect(await summary(db.sql)).toEqual({
        answered: CASES,
        asAnswered: CASES,
        asWritten: CASES,
        applied: 7 * 8 * 2 ** 3,
      });
    } finally {
      await db.sql`drop table if exists report, expected, answered`;
    }
  });

  it.each([
    ["p_time", "6", "infinity"],
    ["p_generation", "9007199254740992", TIME],
  ])(
    "report_vmm refuses the %s of a health report that is out of range",
    async (argument, generation, time) => {
      const s = await stopped(db.sql);
      await applied(beginStart(db.sql, { ...s.start, sledId: SLED }));
      await say(db.sql, s, "active", "running");
      const report = db.sql.begin(async (sql) => {
        if (role !== undefined) await sql.unsafe(`set local role ${role}`);
        await sql.unsafe(
          `select vmstate.report_vmm('${s.instanceId}', '${s.propolisId}', 'running', ${generation}, '${time}')`,
        );
      });
      await expect(report).rejects.toMatchObject({
        code: "VM001",
        message: expect.stringContaining(argument) as unknown,
      });
    },
  );
});

function column(rows: readonly unknown[][], at: number): string[] {
  return rows.map((row) => String(row[at]));
}

/** Counts the cases that were answered, the answers and rows that are as expected, and the reports to be applied. */
async function summary(sql: postgres.Sql): Promise<object | undefined> {
  const [row] = await sql`
    select count(a.propolis_id)::int as answered,
        count(*) filter (where (a.vmm_outcome, a.update_needed, a.state, a.generation) is not distinct from
          (e.vmm_outcome::text, e.update_needed::text, e.new_state::text, e.new_generation))::int as "asAnswered",
        count(*) filter (where (v.state, v.state_generation::bigint, v.failure_reason::text, v.time_started is not null,
            v.time_state_updated, v.time_reported is not null, v.time_deleted is not null, v.time_unlinked is not null)
          is not distinct from (e.new_state, e.new_generation, e.failure, e.will_have_started,
            case when e.is_applied then ${TIME}::timestamptz else '2026-01-01' end, e.is_applied, e.is_deleted, e.is_unlinked)
          and (not e.has_started or v.time_started = '2026-01-01')
          -- These two are by the database's clock, whatever the sled's clock says.
          and ${TIME} is distinct from v.time_reported and ${TIME} is distinct from v.time_started)::int as "asWritten",
        count(*) filter (where e.is_applied)::int as applied
      from expected as e left join answered as a using (propolis_id) join vmstate.vmm as v on v.id = e.propolis_id`;
  return row;
}
