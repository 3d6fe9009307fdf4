import { beforeAll, describe, expect, it } from "vitest";
import { withDatabase } from "../../support/database.js";
import { OWN_SAGA, plantSituations } from "./population.js";

/**
 * VMM states, how long the guest ran, intents, locks and origins of an active VMM; states, intents and locks of an instance
 * without one.
 */
const SITUATIONS = 10 * 3 * 3 * 4 * 4 + 4 * 4 * 4;
const NEW_VMM = "'e0000000-0000-4000-8000-000000000000'";

const db = withDatabase();
beforeAll(() => plantSituations(db.sql), 60_000);

/** The first situations in which the two statements answer, or leave, something different; $1 is the instance. */
async function differences(one: string, other: string): Promise<unknown[]> {
  const rows = await db.sql`
    select s.*, one, other
      from situation as s,
        lateral (select public.tried(${one}, s.instance_id) as one offset 0) as o,
        lateral (select public.tried(${other}, s.instance_id) as other offset 0) as p
      where one is distinct from other or one is null
      order by s.n limit 3`;
  return [...rows];
}

/** By answer, the number of situations in which the statement gives that answer. */
async function counts(statement: string): Promise<Record<string, number>> {
  const rows = await db.sql<{ answer: string; count: number }[]>`
    select coalesce(t ->> 'refused', concat_ws(' ', t -> 'answer' ->> 'outcome', t -> 'answer' ->> 'reason')) as answer,
        count(*)::int as count
      from situation as s, lateral (select public.tried(${statement}, s.instance_id) as t offset 0) as o
      group by 1 order by 1`;
  return Object.fromEntries(rows.map(({ answer, count }) => [answer, count]));
}

const runUpdate = (name: string): string => `select to_jsonb(vmstate.${name}($1, '${OWN_SAGA}'))`;

describe("run_update", () => {
  it("answers and writes in every situation what run_planned_update does", async () => {
    expect(await db.sql`select count(*)::int from situation`).toEqual([{ count: SITUATIONS }]);
    expect(await differences(runUpdate("run_update"), runUpdate("run_planned_update"))).toEqual([]);
    expect(Object.keys(await counts(runUpdate("run_update")))).toEqual([
      "applied",
      "conflict locked",
      "gone",
      "unchanged",
    ]);
  }, 120_000);

  it("decides without a plan about each dead VMM whose guest ran or did not shut down, without a migration and a lock", async () => {
    const [expected] = await db.sql<[{ count: number }]>`
      select count(*)::int from situation
        where origin <> 'linked' and lock = 'none' and (a in ('failed', 'saga_unwound') or (a = 'destroyed' and ran <> 'never'))`;
    await db.sql`alter function vmstate.run_planned_update rename to moved_run_planned_update`;
    try {
      const { applied } = await counts(runUpdate("run_update"));
      expect(applied).toBe(expected.count);
    } finally {
      await db.sql`alter function vmstate.moved_run_planned_update rename to run_planned_update`;
    }
  }, 60_000);
});

/**
 * Makes two functions that call a verb on instance p; returns the statements that call these.
 *
 * One returns the answer of the verb. The other returns, if the verb succeeded, what `read` finds in the rows afterwards.
 */
async function answerAndReading(call: string, read: string, before = ""): Promise<[string, string]> {
  await db.sql.unsafe(`
    create or replace function public.answer(p uuid) returns jsonb language plpgsql as $$
    begin
      ${before}
      return to_jsonb(${call});
    end $$;
    create or replace function public.reading(p uuid) returns jsonb language plpgsql as $$
    declare v record;
    begin
      ${before}
      select (a).* into v from (select ${call} as a offset 0) as c;
      return case when v.outcome in ('applied', 'unchanged') then to_jsonb(${read}) else to_jsonb(v) end;
    end $$`);
  return ["select public.answer($1)", "select public.reading($1)"];
}

describe("a verb answers what is stored after its writes", () => {
  const saga = `'${OWN_SAGA}'`;

  it("begin_start", async () => {
    const [answer, reading] = await answerAndReading(
      `vmstate.begin_start(p, ${saga}, ${NEW_VMM}, ${saga}, '10.0.0.1')`,
      "vmstate.to_start_result(v.outcome, v.reason, p, v.replaced_propolis_id)",
    );
    expect(await differences(answer, reading)).toEqual([]);
    expect(Object.keys(await counts(answer))).toEqual([
      "applied",
      "conflict already_started",
      "conflict creating",
      "conflict not_stopped",
      "gone",
    ]);
  }, 120_000);

  it("request_stop", async () => {
    const [answer, reading] = await answerAndReading(
      "vmstate.request_stop(p)",
      `vmstate.to_command_result(v.outcome, v.reason, p,
        (select array[i.active_propolis_id, i.destination_propolis_id] from vmstate.instance as i where i.id = p))`,
    );
    expect(await differences(answer, reading)).toEqual([]);
    expect(Object.keys(await counts(answer))).toEqual(["applied", "conflict creating", "gone", "unchanged"]);
  }, 120_000);

  it("delete_vmm", async () => {
    const vmm = "(select s.a_id from situation as s where s.instance_id = p)";
    const [answer, reading] = await answerAndReading(
      `vmstate.delete_vmm(p, ${vmm})`,
      `vmstate.to_vmm_result(v.outcome, v.reason, p, ${vmm})`,
      `perform vmstate.run_planned_update(p, ${saga});`,
    );
    expect(await differences(answer, reading)).toEqual([]);
    expect(Object.keys(await counts(answer))).toEqual(["applied", "conflict linked", "not_found"]);
  }, 120_000);
});
