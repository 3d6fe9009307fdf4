import fc from "fast-check";
import { expect, it } from "vitest";
import { intervalText } from "../../src/client/interval.js";
import { withDatabase } from "../support/database.js";

const db = withDatabase();

const STYLES = ["postgres", "postgres_verbose", "sql_standard", "iso_8601"];

/** Months, days, microseconds. */
type Parts = [number, number, number];

/** What PostgreSQL writes for each of the intervals under a style. */
async function written(style: string, intervals: readonly Parts[]): Promise<string[]> {
  return await db.sql.begin(async (sql) => {
    await sql.unsafe(`set local intervalstyle = ${style}`);
    const rows = await sql<{ text: string }[]>`
      select (make_interval(months => (p ->> 0)::int, days => (p ->> 1)::int)
        + (p ->> 2)::bigint * interval '1 microsecond')::text as text
      from json_array_elements(${JSON.stringify(intervals)}::text::json) with ordinality as u (p, at) order by at`;
    return rows.map(({ text }) => text);
  });
}

it.each(STYLES)("reads the same interval with IntervalStyle %s", async (style) => {
  const part = (max: number): fc.Arbitrary<number> =>
    fc.oneof(fc.constant(0), fc.integer({ min: -max, max }));
  const interval = fc.tuple(part(1000), part(1000), part(2 ** 50));
  await fc.assert(
    fc.asyncProperty(fc.array(interval, { minLength: 50, maxLength: 200 }), async (intervals) => {
      const expected = await written("postgres", intervals);
      expect((await written(style, intervals)).map(intervalText)).toEqual(expected);
    }),
    { numRuns: 20 },
  );
});

it("leaves an infinite interval as it is", () => {
  expect(["infinity", "-infinity"].map(intervalText)).toEqual(["infinity", "-infinity"]);
});
