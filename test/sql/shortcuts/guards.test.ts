import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../../support/database.js";
import { mutate } from "../../verification/mutants/mutate.js";
import { OTHER_SAGA, OWN_SAGA, plantSituations } from "./population.js";

/** Two databases with the same rows: in the second, no guard has its shortcut. */
let quick: TestDatabase;
let general: TestDatabase;

/** What a guard begins with, from its comment to the last line of its condition. */
const SHORTCUTS = {
  guard_instance_links: [/ {2}-- Judges the two commonest[^]*?\n {2}END IF;\n(?= {2}IF \(OLD)/, "links"],
  guard_instance_state: [/ {2}-- Accepts at once[^]*?\n {2}END IF;\n/, "state"],
  guard_updater: [/ {2}-- Accepts at once[^]*?\n {2}END IF;\n/, "updater"],
} as const;

beforeAll(async () => {
  quick = await createDatabase();
  general = await createDatabase();
  for (const { sql } of [quick, general]) {
    await plantSituations(sql);
    // Only the guard under test shall judge.
    await sql`alter table vmstate.instance disable trigger user`;
    await sql.unsafe(CHANGED);
  }
  for (const [file, [shortcut]] of Object.entries(SHORTCUTS)) {
    const text = readFileSync(new URL(`../../../sql/guards/${file}.sql`, import.meta.url), "utf8");
    expect(text).toMatch(shortcut);
    await general.sql.unsafe(text.replace(shortcut, "").replace(/CREATE OR REPLACE TRIGGER[^]*/, ""));
  }
}, 60_000);
afterAll(() => Promise.all([quick.drop(), general.drop()]));

/** Makes the rows what they are before the change, which no trigger judges, and then changes them. */
const CHANGED = `
CREATE FUNCTION public.changed(p_before text, p_change text, p_instance_id uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  SET LOCAL session_replication_role = replica;
  EXECUTE p_before;
  SET LOCAL session_replication_role = origin;
  EXECUTE p_change;
  RETURN to_jsonb(p_instance_id);
END
$$`;

/**
 * What becomes of each write, given as statements by a query over the situations, in both databases: the words of the
 * refusal, or of the rows afterwards. Only the guard judges.
 */
async function judged(trigger: string, writes: string): Promise<[string[], string[]]> {
  const answers = async ({ sql }: TestDatabase): Promise<string[]> => {
    await sql.unsafe(`alter table vmstate.instance enable trigger ${trigger}`);
    try {
      const rows = await sql.unsafe<{ answer: string }[]>(`
        select instance_id || ': ' || write || ' => ' || coalesce(t ->> 'refused', 'accepted') || coalesce(t ->> 'detail', '') as answer
          from (${writes}) as w, lateral (select public.tried(write, instance_id) as t offset 0) as o
          order by 1`);
      return rows.map(({ answer }) => answer);
    } finally {
      await sql.unsafe(`alter table vmstate.instance disable trigger ${trigger}`);
    }
  };
  return [await answers(quick), await answers(general)];
}

function expectEqual([one, other]: [string[], string[]]): void {
  expect(one.filter((answer, at) => answer !== other[at]).slice(0, 3)).toEqual([]);
  expect(one.length).toBe(other.length);
  const accepted = one.filter((answer) => answer.includes("=> accepted")).length;
  expect(accepted).toBeGreaterThan(20);
  expect(one.length - accepted).toBeGreaterThan(20);
}

const SET = "update vmstate.instance set state_generation = state_generation + 1,";
const RETURNING = "where id = $1 returning to_jsonb(id)";

const UNLINKED = `
      select instance_id, format('${SET} state = ''no_vmm'', active_propolis_id = null%s ${RETURNING}', rest) as write
        from situation, unnest(array['', ', destination_propolis_id = null, migration_id = null']) as rest
        where lock = 'none' and intent = 'running' and state <> 'destroyed'`;

/** Every lock, after every other one. */
function relocked(): string {
  const holder = `unnest(array[null, '${OTHER_SAGA}', '${OWN_SAGA}']::uuid[])`;
  const lock = (
    row: string,
  ): string => `format('update vmstate.instance set updater_id = %L, updater_lease_until = %L,
      updater_generation = %s, committed_updater_generation = %L, committed_updater_id = %L, committed_plan_token = %L where id = %L',
      ${row}.holder, case when ${row}.holder is not null then '2100-01-01' end, ${row}.token, ${row}.committed, ${row}.saga,
      'plan', instance_id)`;
  const locks = `(select holder, token, committed, saga
      from ${holder} as holder, generate_series(4, 6) as token, unnest(array[null, 4, 5, 6]) as committed, ${holder} as saga
      where coalesce(committed, 0) <= token)`;
  return `
      select instance_id, format('select public.changed(%L, %L, $1)', ${lock("o")}, ${lock("c")}) as write
        from situation, ${locks} as o, ${locks} as c where n = 1 and o.token = 5`;
}

describe("a guard of the instance judges as without its shortcut", () => {
  it("guard_links, when a VMM is unlinked", async () => {
    expectEqual(await judged("guard_links", UNLINKED));
  }, 60_000);

  it("guard_links, when another VMM is linked", async () => {
    // The VMM of another situation moves to this instance, linked or not: in every state, however it came about.
    const writes = `
      select s.instance_id, format('select public.changed(%L, %L, $1)',
          format('update vmstate.vmm set instance_id = %L, time_unlinked = %L where id = %L;
              update vmstate.migration set instance_id = %L where id = %L', s.instance_id, unlinked, v.a_id, s.instance_id, v.m_id),
          format($$${SET} state = 'vmm', active_propolis_id = %L where id = %L$$, v.a_id, s.instance_id)) as write
        from situation as s, situation as v, unnest(array[null, '2020-01-01']) as unlinked
        where s.lock = 'none' and s.intent = 'running' and coalesce(s.ran, 'never') = 'never'
          and s.state <> 'destroyed' and (s.a is null or s.a in ('running', 'destroyed', 'saga_unwound'))
          and v.a in ('creating', 'running', 'destroyed', 'saga_unwound') and v.lock = 'none' and v.intent = 'running' and v.ran = 'never' and v.origin <> 'linked'
      union all
      select s.instance_id, format('select public.changed(%L, %L, $1)',
          format('update vmstate.vmm set instance_id = %L, time_unlinked = ''2020-01-01'' where id in (%L, %L);
              update vmstate.migration set instance_id = %L where id = %L', s.instance_id, v.a_id, v.t_id, s.instance_id, v.m_id),
          format($$${SET} state = 'vmm', active_propolis_id = %L, destination_propolis_id = %L, migration_id = %L where id = %L$$,
            v.a_id, v.t_id, v.m_id, s.instance_id)) as write
        from situation as s, situation as v
        where s.lock = 'none' and s.intent = 'running' and s.state in ('no_vmm', 'failed')
          and v.a in ('creating', 'running') and v.lock = 'none' and v.intent = 'running' and v.ran = 'never' and v.origin = 'linked'`;
    expectEqual(await judged("guard_links", writes));
  }, 120_000);

  it("guard_state, for every two states, times of deletion and generations", async () => {
    const writes = `
      select instance_id, format($$update vmstate.instance set state_generation = state_generation + %s, state = %L,
            time_deleted = %L, time_state_updated = time_state_updated + %L, active_propolis_id = %s ${RETURNING}$$,
          step, new_state, deleted, later, case new_state when 'vmm' then 'active_propolis_id' else 'null' end) as write
        from situation, generate_series(-1, 1) as step, unnest(enum_range(null::vmstate.instance_state)) as new_state,
          unnest(array[null, '2020-01-01 00:00+00', '2020-01-02']::timestamptz[]) as deleted,
          unnest(array['0', '1s']) as later
        where lock = 'none' and intent = 'running' and n > 1 and (a is null or (a = 'running' and ran = 'never' and origin = 'start'))`;
    expectEqual(await judged("guard_state", writes));
  }, 60_000);

  it("guard_updater, for every two holders, fencing tokens and commits", async () => {
    expectEqual(await judged("guard_updater", relocked()));
  }, 60_000);

  it.each([
    {
      change: { file: "guards/guard_instance_links", from: " AND vmstate.is_absorbing(v.state)", to: "" },
      trigger: "guard_links",
      writes: UNLINKED,
    },
    {
      change: {
        file: "guards/guard_updater",
        from: "NEW.updater_generation > OLD.updater_generation AND",
        to: "NEW.updater_generation >= OLD.updater_generation AND",
      },
      trigger: "guard_updater",
      writes: relocked(),
    },
  ])("$trigger, whose shortcut is found to accept too much", async ({ change, trigger, writes }) => {
    await mutate(quick.sql, change);
    await quick.sql`alter table vmstate.instance disable trigger user`;
    const [one, other] = await judged(trigger, writes);
    expect(one.filter((answer, at) => answer !== other[at])).not.toEqual([]);
  });
});
