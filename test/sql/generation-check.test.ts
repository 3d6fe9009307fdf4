import type postgres from "postgres";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.js";

/** What a report's generation is compared with. */
const GENERATION = 5;

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase();
});
afterAll(() => db.drop());

/** One VMM for each state, deleted or not, and each older, equal and newer generation of a report. */
async function plantEveryVmm(sql: postgres.Sql): Promise<void> {
  await sql.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    await sql`
      create table report as
      select gen_random_uuid() as instance_id, gen_random_uuid() as propolis_id, state, is_deleted, generation
        from unnest(enum_range(null::vmstate.vmm_state)) as state, (values (true), (false)) as d (is_deleted),
          generate_series(${GENERATION - 1}::bigint, ${GENERATION + 1}::bigint) as generation`;
    await sql`
      insert into vmstate.instance (id, project_id, name, intended_state)
        select instance_id, instance_id, 'of-a-vmm', 'running' from report`;
    await sql`
      insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, state, state_generation, failure_reason, time_deleted)
        select instance_id, propolis_id, propolis_id, '10.0.0.1', propolis_id, state, ${GENERATION},
            case when state = 'failed' then 'operator'::vmstate.failure_reason end, case when is_deleted then now() end
          from report`;
  });
}

/** Of each VMM: what vmm_report_outcome says, what the call answers, and whether the row was written. */
const PATHS: Record<string, string> = {
  report_vmm: `select r.propolis_id, (vmstate.report_vmm(r.instance_id, r.propolis_id, 'running', r.generation, now())).vmm_outcome
    from report as r`,
  "a batch of report_vmms": `select b.propolis_id, b.vmm_outcome from vmstate.report_vmms((select jsonb_agg(jsonb_build_object(
    'instance_id', instance_id, 'propolis_id', propolis_id, 'state', 'running', 'generation', generation, 'time', now()))
    from report)) as b`,
  "a batch that names a VMM twice": `select b.propolis_id, b.vmm_outcome from vmstate.report_vmms((select jsonb_agg(
    jsonb_build_object('instance_id', instance_id, 'propolis_id', coalesce(other, propolis_id), 'state', 'running',
      'generation', generation, 'time', now()))
    from report, (values (null::uuid), (gen_random_uuid())) as twice (other))) as b where b.propolis_id in (select propolis_id from report)`,
};

it.each(Object.entries(PATHS))(
  "%s writes a VMM if and only if vmm_report_outcome returns applied",
  async (_, path) => {
    await plantEveryVmm(db.sql);
    try {
      // The write and the look at it are two statements: the snapshot of the first does not show what it writes.
      await db.sql`create table answered (propolis_id uuid, vmm_outcome vmstate.outcome)`;
      await db.sql`set statement_timeout = '20s'`;
      await db.sql.unsafe(`insert into answered ${path}`);
      const rows = await db.sql<{ expected: string; answered: string; isWritten: boolean }[]>`
      select vmstate.vmm_report_outcome(r.state, ${GENERATION}, case when r.is_deleted then now() end, r.generation) as expected,
          a.vmm_outcome as answered, v.time_reported is not null and v.state_generation = r.generation as "isWritten"
        from report as r join answered as a using (propolis_id) join vmstate.vmm as v on v.id = r.propolis_id`;
      expect(rows).toHaveLength(60);
      expect(new Set(rows.map(({ expected }) => expected))).toEqual(
        new Set(["applied", "stale", "terminal", "gone"]),
      );
      for (const { expected, answered, isWritten } of rows)
        expect({ answered, isWritten }).toEqual({ answered: expected, isWritten: expected === "applied" });
    } finally {
      await db.sql`drop table report, answered`;
    }
  },
);
