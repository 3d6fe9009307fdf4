import { describe, expect, it } from "vitest";
import { createDatabase, withDatabase } from "../../support/database.js";
import { fuzzBatches } from "./batches.js";
import type { Finding } from "./finding.js";
import { fuzz } from "./fuzz.js";

const SEED = 1;

describe("a small run", () => {
  it("finds nothing wrong with any function, view or wrapper", async () => {
    await using db = await createDatabase();
    const { totals, findings } = await fuzz(db, { seed: SEED, calls: 2 });
    expect(findings).toEqual([]);
    expect(totals.size).toBeGreaterThan(100);
  });

  it("finds nothing wrong with large batches", async () => {
    await using db = await createDatabase();
    expect(await fuzzBatches(db, 1_000)).toMatchObject({ findings: [] });
  });
});

describe("a planted fault is found:", () => {
  const db = withDatabase();

  /** What is wrong with one function. */
  const findingsIn = async (name: string, calls = 40): Promise<Finding[]> => {
    const { findings } = await fuzz(db, { seed: SEED, calls }, (target) => target.name === name);
    return findings;
  };

  it("a function with an internal error", async () => {
    await db.sql`
      create function vmstate.fails_inside(p_count bigint) returns bigint language plpgsql as $$
      begin
        if p_count > 2147483647 then raise exception using errcode = 'XX000', message = 'cache lookup failed'; end if;
        return p_count;
      end $$`;
    expect(await findingsIn("fails_inside")).toMatchObject([
      {
        fault: "internal error",
        problem: expect.stringContaining("XX000") as string,
        call: expect.stringMatching(/p_count => '\d{10,}'/) as string,
      },
    ]);
  });

  it("a function with SQL injection", async () => {
    await db.sql`
      create function vmstate.concatenates(p_name text) returns text language plpgsql as $$
      declare
        v_name text;
      begin
        execute 'select ''' || p_name || '''' into v_name;
        return v_name;
      end $$`;
    expect(await findingsIn("concatenates")).toContainEqual(
      expect.objectContaining({ fault: "internal error", problem: expect.stringMatching(/^42/) as string }),
    );
  });

  it("a verb that writes and then returns conflict", async () => {
    await db.sql`
      create function vmstate.writes_first(p_instance_id uuid, p_expected_generation bigint)
      returns vmstate.instance_result language plpgsql security definer as $$
      begin
        update vmstate.instance set time_modified = clock_timestamp() where id = p_instance_id;
        if p_expected_generation < 100 then
          return vmstate.to_instance_result('conflict', 'stale_generation', p_instance_id);
        end if;
        return vmstate.to_instance_result('applied', null, p_instance_id);
      end $$`;
    await db.sql`comment on function vmstate.writes_first is 'conflict: stale_generation.'`;
    expect(await findingsIn("writes_first")).toMatchObject([{ fault: "changed row", problem: "conflict" }]);
  });

  it("a verb with a reason that its COMMENT does not list", async () => {
    await db.sql`
      create function vmstate.explains_nothing(p_instance_id uuid) returns vmstate.instance_result
      language sql security definer
      return vmstate.to_instance_result('conflict', 'because', p_instance_id)`;
    expect(await findingsIn("explains_nothing", 5)).toMatchObject([
      { fault: "wrong answer", problem: expect.stringContaining("because") as string },
      { fault: "gap", problem: "no call was accepted" },
    ]);
  });

  it("a verb whose error names another verb", async () => {
    await db.sql`
      create function vmstate.blames_another(p_propolis_port integer) returns void
      language plpgsql security definer as $$
      begin
        perform vmstate.require_port('begin_start', p_propolis_port);
      end $$`;
    expect(await findingsIn("blames_another")).toMatchObject([
      { fault: "unclear error", problem: expect.stringContaining("begin_start") as string },
    ]);
  });

  it("a name that is stored shortened", async () => {
    await db.sql`
      create function vmstate.cut_name() returns trigger language plpgsql as $$
      begin
        new.name := left(new.name, 20);
        return new;
      end $$`;
    await db.sql`
      create trigger cut_name before insert on vmstate.instance
        for each row execute function vmstate.cut_name()`;
    const changed = { fault: "wrong answer", problem: "the name is another one" };
    expect(await findingsIn("create_instance")).toMatchObject([changed]);
    expect(await findingsIn("createInstance")).toMatchObject([changed]);
  });
});
