import type postgres from "postgres";
import { expect } from "vitest";
import { forgottenVerbs, type Place } from "./verbs.js";

const PLANTED = "planted_verb";

class RolledBack extends Error {}

/** Expects that the place covers every verb of the database, and that it would name one that is added to the database. */
export async function expectEveryVerb(
  sql: postgres.Sql,
  place: Place,
  covered: Iterable<string>,
): Promise<void> {
  const found = [...covered];
  expect(await forgottenVerbs(sql, place, found)).toEqual([]);
  const forgotten = await withPlantedVerb(sql, (planted) => forgottenVerbs(planted, place, found));
  expect(forgotten).toEqual([expect.stringContaining(`${place} lacks ${PLANTED}:`)]);
}

/** Acts in a transaction that is rolled back, in which the database has one verb more. */
async function withPlantedVerb<T>(sql: postgres.Sql, act: (sql: postgres.ISql) => Promise<T>): Promise<T> {
  let answer: { is: T } | undefined;
  const planting = sql.begin(async (transaction) => {
    await transaction.unsafe(`
      create function vmstate.${PLANTED}(p_instance_id uuid) returns vmstate.instance_result
      language sql security definer set search_path = ''
      return vmstate.to_instance_result('applied', null, p_instance_id)`);
    answer = { is: await act(transaction) };
    throw new RolledBack();
  });
  await expect(planting).rejects.toThrow(RolledBack);
  if (answer === undefined) throw new Error("nothing was planted");
  return answer.is;
}
