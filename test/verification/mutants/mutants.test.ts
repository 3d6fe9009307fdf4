import { randomInt } from "node:crypto";
import { expect, it } from "vitest";
import { createDatabase } from "../../support/database.js";
import { hunt } from "./hunt.js";
import { CONTROL, MUTANTS } from "./mutants.js";

const seed = randomInt(2 ** 31);

it("the exploration finds no broken property in the rules as they are", async () => {
  await using database = await createDatabase();
  const { found } = await hunt(database, CONTROL, seed, 250);
  expect(found.failures, `seed ${seed}`).toEqual([]);
});

it.each(MUTANTS.filter(({ near }) => near))("the exploration catches: $name", async (mutant) => {
  await using database = await createDatabase();
  const { found } = await hunt(database, mutant, seed);
  expect(found.failures, `seed ${seed}`).not.toEqual([]);
});
