import { randomInt } from "node:crypto";
import { expect, it } from "vitest";
import { createDatabase } from "../../harness/database.js";
import { hunt } from "./hunt.js";
import { MUTANTS } from "./mutants.js";

const seed = randomInt(2 ** 31);

it.each(MUTANTS.filter(({ near }) => near))("the exploration catches: $name", async (mutant) => {
  await using database = await createDatabase();
  const { found } = await hunt(database, mutant, seed);
  expect(found.failures, `seed ${seed}`).not.toEqual([]);
});
