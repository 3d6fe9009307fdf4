import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { describe, expect, it } from "vitest";
import { withDatabase } from "../../support/database.js";
import { migrating, running, type Scenario, starting, unwound, vmm } from "../scenario.js";

const db = withDatabase();

interface Element {
  of: Pick<Scenario, "instanceId" | "propolisId">;
  state?: string | null;
  generation?: number | null;
  time?: string;
}

/** The answer as the function gives it: the rows of the reports that were not simply applied. */
async function batch(sql: postgres.ISql, elements: readonly Element[]): Promise<postgres.Row[]> {
  const array = (value: (element: Element) => unknown): string =>
    `{${elements.map(value).map(String).join()}}`;
  return await sql`
    select ordinal, propolis_id, vmm_outcome, update_needed, state, state_generation::int from vmstate.report_vmm_batch(
      ${array(({ of }) => of.instanceId)}::text::uuid[], ${array(({ of }) => of.propolisId)}::text::uuid[],
      ${array(({ state = "running" }) => state)}::text::vmstate.reported_vmm_state[],
      ${array(({ generation = 9 }) => generation)}::text::bigint[],
      ${array(({ time = "2026-01-01Z" }) => time)}::text::timestamptz[])`;
}

it("applied: answers no row, and writes every report", async () => {
  const all = [await running(db.sql), await starting(db.sql), await running(db.sql)];
  expect(
    await batch(
      db.sql,
      all.map((of) => ({ of })),
    ),
  ).toEqual([]);
  for (const s of all)
    expect(await vmm(db.sql, s.propolisId)).toMatchObject({ state: "running", state_generation: 9 });
});

it("answers what was not applied, and what makes an update necessary, by their places", async () => {
  const [well, late, ends] = [await running(db.sql), await running(db.sql), await running(db.sql)];
  const [dead, unknown] = [await unwound(db.sql), { ...well, propolisId: randomUUID() }];
  const rows = await batch(db.sql, [
    { of: late, generation: 2 },
    { of: well },
    { of: ends, state: "destroyed" },
    { of: dead },
    { of: unknown },
  ]);
  expect(
    rows.map((row) => Object.values(row as Record<string, unknown>).filter((_, at) => at !== 1)),
  ).toEqual([
    [1, "stale", false, "running", 2],
    [3, "applied", true, "destroyed", 9],
    [4, "terminal", false, "saga_unwound", 2],
    [5, "not_found", false, null, null],
  ]);
});

it("answers the one VMM that ended, though every report was applied", async () => {
  const [well, ends] = [await running(db.sql), await running(db.sql)];
  expect(await batch(db.sql, [{ of: well }, { of: ends, state: "destroyed" }])).toMatchObject([
    { ordinal: 2, vmm_outcome: "applied", update_needed: true, state: "destroyed" },
  ]);
});

it("writes no other VMM of the instance", async () => {
  const s = await migrating(db.sql);
  expect(await batch(db.sql, [{ of: s, state: "rebooting" }])).toEqual([]);
  expect(await vmm(db.sql, s.propolisId)).toMatchObject({ state: "rebooting" });
  expect(await vmm(db.sql, s.destinationId)).toMatchObject({ state: "creating", state_generation: 1 });
});

it.each([9, 1])("not_found: the VMM of another instance, reported with generation %i", async (generation) => {
  const [s, other] = [await running(db.sql), await running(db.sql)];
  const of = { instanceId: s.instanceId, propolisId: other.propolisId };
  expect(await batch(db.sql, [{ of, generation }])).toMatchObject([
    { vmm_outcome: "not_found", update_needed: false, state: null, state_generation: null },
  ]);
  expect(await vmm(db.sql, other.propolisId)).toMatchObject({ state_generation: 2 });
});

it("a VMM that is named several times: later reports are judged after earlier ones, and all are answered", async () => {
  const of = await running(db.sql);
  const rows = await batch(db.sql, [
    { of, generation: 3 },
    { of, state: "rebooting", generation: 3 },
    { of, state: "destroyed", generation: 4 },
    { of, generation: 5 },
  ]);
  expect(rows.map((row) => row["vmm_outcome"] as unknown)).toEqual([
    "applied",
    "stale",
    "applied",
    "terminal",
  ]);
});

it.each([
  [{ state: null }, "Element 2: state must not be null."],
  [{ generation: null }, "Element 2: generation must not be null."],
  [{ generation: 2 ** 53 }, "Element 2: generation must be from 1 to 2^53-1, not 9007199254740992."],
  [{ time: "infinity" }, "Element 2: time must be within the years 1970 to 9999, not infinity."],
])("VM001: an element is %j, and nothing is written", async (wrong, detail) => {
  const [s, other] = [await running(db.sql), await running(db.sql)];
  const twice = [{ of: s }, { of: other, ...wrong }, { of: other }];
  for (const elements of [twice.slice(0, 2), twice])
    await expect(batch(db.sql, elements)).rejects.toMatchObject({ code: "VM001", detail });
  expect(await vmm(db.sql, s.propolisId)).toMatchObject({ state_generation: 2 });
});

const ARRAYS = ["p_instance_ids", "p_propolis_ids", "p_states", "p_generations", "p_times"];

describe.each(ARRAYS)("VM001: %s", (name) => {
  /** Calls the function with two reports, but for one of the arrays. */
  async function withArray(value: string, { instanceId, propolisId }: Scenario): Promise<unknown> {
    const two = (element: string): string => `array[${element}, ${element}]`;
    const arrays: Record<string, string> = {
      p_instance_ids: two(`'${instanceId}'::uuid`),
      p_propolis_ids: `array['${propolisId}', '${randomUUID()}']::uuid[]`,
      p_states: two("'running'::vmstate.reported_vmm_state"),
      p_generations: two("9::bigint"),
      p_times: two("'2026-01-01Z'::timestamptz"),
    };
    const all = { ...arrays, [name]: value.replaceAll("array", String(arrays[name])) };
    const list = Object.entries(all).map(([argument, array]) => `${argument} => ${array}`);
    return await db.sql.unsafe(`select * from vmstate.report_vmm_batch(${list.join()})`);
  }

  it.each([
    ["is null", "null"],
    ["is shorter than the other arrays", "(array)[1:1]"],
    ["is longer than the other arrays", "(array) || (array)[1:1]"],
  ])("%s, and nothing is written", async (_, value) => {
    const s = await running(db.sql);
    await expect(withArray(value, s)).rejects.toMatchObject({
      code: "VM001",
      detail: "The five arrays must not be null, and must have as many elements as each other.",
    });
    expect(await vmm(db.sql, s.propolisId)).toMatchObject({ state_generation: 2 });
  });
});

it("an empty batch answers no row", async () => {
  expect(await batch(db.sql, [])).toEqual([]);
});
