import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, inject, it } from "vitest";
import { createDatabase } from "../../support/database.js";
import { runControls, detect } from "./detect.js";
import { exploreMutant } from "./explore-mutant.js";
import { statementsOf } from "./mutate.js";
import { CONTROL, MUTANTS } from "./mutants.js";

const seed = randomInt(2 ** 31);

it("the exploration finds no broken property in the rules as they are", async () => {
  await using database = await createDatabase();
  const { found } = await exploreMutant(database, CONTROL, seed, 250);
  expect(found.failures, `seed ${seed}`).toEqual([]);
});

it("every mutant changes a text that stands in sql/", () => {
  const changes = MUTANTS.flatMap(({ change }) =>
    change === undefined || "trigger" in change ? [] : [change],
  );
  expect(changes.length).toBeGreaterThan(200);
  for (const change of changes) expect(statementsOf(change)).not.toBe("");
});

it.each(MUTANTS.filter(({ near }) => near))("the exploration catches: $name", async (mutant) => {
  await using database = await createDatabase();
  const { found } = await exploreMutant(database, mutant, seed);
  expect(found.failures, `seed ${seed}`).not.toEqual([]);
});

it("every mutant that a test detects names a test file, and has a name of its own", () => {
  const tests = new Set(MUTANTS.flatMap(({ test }) => test ?? []));
  expect(tests.size).toBeGreaterThan(10);
  for (const test of tests)
    expect(existsSync(fileURLToPath(new URL(`../../${test}`, import.meta.url))), test).toBe(true);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

it("a test detects a mutant, and finds nothing wrong in the rules as they are", async () => {
  const mutants = MUTANTS.filter(
    ({ name }) => name === "a batch that names a VMM twice is written in one pass",
  );
  const context = { seed, serverUrl: inject("serverUrl") };
  const [control, ...others] = await runControls(mutants, context);
  expect(others).toEqual([]);
  expect(control?.shownBy).toBeUndefined();
  for (const mutant of mutants)
    expect((await detect(mutant, context)).shownBy).toContain("a VMM that is named several times");
});
