import fc from "fast-check";
import type postgres from "postgres";
import { purge } from "../../../src/index.js";
import type { Call } from "./calls.js";
import type { Generated } from "./generators/call-context.js";
import { callAlone } from "./generators/call.js";
import { PURGED_AT_MOST } from "./model/purge.js";
import { step } from "./model/rules.js";
import { Difference } from "./difference.js";
import { compareAnswers, Fixtures } from "./fixtures.js";
import { type Checked, failures, type Setting } from "./check.js";

const LONGEST = 80;

/** A call as fast-check plays it. */
class Played implements fc.AsyncCommand<object, Fixtures> {
  readonly #generated: Generated<Call>;

  constructor(generated: Generated<Call>) {
    this.#generated = generated;
  }

  check(): boolean {
    return true;
  }

  async run(_: object, fixtures: Fixtures): Promise<void> {
    await playAlone(fixtures, this.#generated);
  }
}

/** Makes the call in the model and in the database, which must then be alike. */
export async function playAlone(fixtures: Fixtures, generated: Generated<Call>): Promise<void> {
  const call = fixtures.resolve(generated);
  const expected = step(fixtures.world, call);
  const [answer, rows] = await Promise.all([fixtures.perform(call), fixtures.read()]);
  const found = [
    ...compareAnswers(expected.answer, answer, expected.world.now),
    ...fixtures.compareRows(expected.world, rows),
  ];
  if (found.length > 0) throw new Difference(fixtures, found);
  fixtures.accept(expected.world, rows);
}

/** Plays sequences of calls one after the other; the first that differs is made as short as it gets. */
export async function checkSequences({
  sql,
  coverage,
  seed,
  sequences,
}: Setting & { sequences: number }): Promise<Checked> {
  let played = 0;
  const calls = fc.commands([callAlone.map((generated) => new Played(generated))], {
    maxCommands: LONGEST,
    size: "max",
  });
  const property = fc.asyncProperty(calls, async (calls) => {
    await purgeAll(sql);
    const fixtures = new Fixtures(sql, coverage, `${seed}/sequence/${played++}`);
    await fc.asyncModelRun(() => ({ model: {}, real: fixtures }), calls);
    const found = await fixtures.compareViews();
    if (found.length > 0) throw new Difference(fixtures, found);
  });
  return { found: failures(await fc.check(property, { seed, numRuns: sequences })), played };
}

/** Purges what earlier sequences left, because a purge of this one would delete and count that as well. */
export async function purgeAll(sql: postgres.ISql): Promise<void> {
  const before = new Date(Date.now() - 3_700_000);
  let purged: Awaited<ReturnType<typeof purge>>;
  do purged = await purge(sql, { before, limit: PURGED_AT_MOST });
  while (purged.migrations + purged.vmms + purged.instances > 0);
}
