import { randomInt } from "node:crypto";
import { expect, it } from "vitest";
import { createDatabase } from "../../support/database.js";
import { expectEveryVerb } from "../../support/every-verb.js";
import { explore } from "./explore.js";
import { SCOPES, SMALL_SCOPES } from "./scopes.js";
import { exploredVerbs } from "./steps.js";
import { psqlScript } from "./psql-script.js";

const seed = randomInt(2 ** 31);

it.each(SMALL_SCOPES)(
  "no step of $starts start sagas, $migrations migrate sagas and all other actors breaks a property ($name)",
  async (scope) => {
    await using first = await createDatabase();
    await using second = await createDatabase();
    const clients = [first, second].map(({ connect }) => connect({ max: 1 }));
    const { states, failures } = await explore(clients, { ...scope, states: 100_000, seed });
    expect(
      failures.map(({ property, path }) => `${property}\n${psqlScript(path)}`),
      `seed ${seed}`,
    ).toEqual([]);
    expect(states).toBeGreaterThan(100);
  },
);

it.each([
  ["full", SCOPES],
  ["small", SMALL_SCOPES],
])("every verb is a step in some scope of the %s setting", async (_, scopes) => {
  await using database = await createDatabase();
  await expectEveryVerb(database.sql, "test/verification/explore/steps.ts", exploredVerbs(scopes));
});
