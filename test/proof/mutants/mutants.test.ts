import { expect, it } from "vitest";
import { createDatabase } from "../../harness/database.js";
import { hunt } from "./hunt.js";
import { MUTANTS } from "./mutants.js";

it.each(MUTANTS.filter(({ near }) => near))("the exploration catches: $name", async (mutant) => {
  await using database = await createDatabase();
  const { found } = await hunt(database, mutant);
  expect(found.failures).not.toEqual([]);
});
