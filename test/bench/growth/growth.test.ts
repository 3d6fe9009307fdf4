import { expect, inject, it } from "vitest";
import { Random } from "../../../src/simulator/random.js";
import { createDatabase } from "../../support/database.js";
import { expectEveryVerb } from "../../support/every-verb.js";
import { expectPlots, expectToFitTerminal } from "../expect.js";
import { targetsText } from "../print.js";
import { Clock } from "./clock.js";
import { runGrowth } from "./growth.js";
import { plotsOf } from "./plots.js";
import { loadPopulation } from "./population.js";
import { growthText } from "./print.js";
import { growthSchema } from "./results.js";

it("npm run bench:growth: its results match their schema, fit 80 columns and have plots", async () => {
  const server = { label: "the tests'", url: inject("serverUrl"), stop: () => Promise.resolve() };
  const sizes = [1_000, 2_000];
  const rounds = { lists: 2, lives: 2, sleds: 2 };
  let loaded = 0;
  const onLoaded = (vmms: number): void => void (loaded += vmms);
  const growth = await runGrowth(server, { sizes, rounds, quick: false, seed: 1, onLoaded });

  expect(loaded).toBe(3_000);
  expect(growthSchema.parse(JSON.parse(JSON.stringify(growth)))).toEqual(growth);
  expect(growth.sizes.map(({ vmms }) => vmms)).toEqual(sizes);
  expect(growth.calls.filter(({ kind }) => kind === "list")).toHaveLength(12);
  await using database = await createDatabase();
  const verbs = growth.calls
    .filter(({ kind }) => kind === "verb")
    .map(({ name }) => name.split(",", 1).join());
  await expectEveryVerb(database.sql, "test/bench/growth/life.ts", verbs);
  for (const { p50Micros, buffers, growth: ratios } of growth.calls) {
    expect([p50Micros.length, buffers.length, ratios.length]).toEqual([2, 2, 2]);
    expect(Math.min(...p50Micros, ...buffers)).toBeGreaterThan(0);
    expect(ratios[0]).toEqual({ median: 1, low: 1, high: 1 });
  }
  expect(growth.targets).toHaveLength(7);
  expectToFitTerminal(`${growthText(growth)}\n${targetsText(growth.targets)}`);
  expectPlots(plotsOf(growth), 2);
});

it("loads the same rows from the same seed, with known ids", async () => {
  const load = async (seed: number): Promise<{ digest: string; known: number }> => {
    await using database = await createDatabase();
    const population = await loadPopulation(database.sql, { vmms: 2_000, seed });
    const vmms = population.sleds().flatMap(({ sledId, vmms }) => vmms.map((vmm) => ({ sledId, ...vmm })));
    const [row] = await database.sql<[{ digest: string; known: number }]>`
      select md5(string_agg(v::text, '' order by v.id)) as digest, count(k.id)::int as known
      from vmstate.vmm as v
      left join unnest(
        ${vmms.map(({ instanceId }) => instanceId)}::uuid[],
        ${vmms.map(({ propolisId }) => propolisId)}::uuid[],
        ${vmms.map(({ sledId }) => sledId)}::uuid[]
      ) as k (instance_id, id, sled_id)
        on (k.instance_id, k.id, k.sled_id) = (v.instance_id, v.id, v.sled_id) and v.state = 'running'`;
    return row;
  };
  const [first, again, other] = [await load(1), await load(1), await load(2)];
  expect(first.known).toBe(1_600);
  expect(again).toEqual(first);
  expect(other.digest).not.toBe(first.digest);
});

it("refuses a number of VMMs that does not fill its projects", async () => {
  await using database = await createDatabase();
  await expect(loadPopulation(database.sql, { vmms: 150, seed: 1 })).rejects.toThrow(/150 VMMs/);
});

it("a call under EXPLAIN is not timed, and reports its buffers and WAL", async () => {
  await using database = await createDatabase();
  const population = await loadPopulation(database.sql, { vmms: 100, seed: 1 });
  const clock = new Clock(database.connect({ max: 1 }));
  const { propolisId } = population.take(new Random(1));
  const read = (): Promise<unknown> =>
    clock.call("read", async (sql) => {
      const rows: unknown[][] = await sql`select id from vmstate.vmm where id = ${propolisId}`.raw();
      return rows.length;
    });
  expect(await read()).toBe(1);
  clock.isExplaining = true;
  expect(await read()).toBeUndefined();
  const { micros, efforts } = clock.samples.get("read") ?? {};
  expect(micros).toHaveLength(1);
  expect(efforts).toMatchObject([{ walBytes: 0 }]);
  expect(efforts?.[0]?.buffers).toBeGreaterThan(0);
});
