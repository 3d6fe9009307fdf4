import fc from "fast-check";
import type postgres from "postgres";
import { purge } from "../../../src/index.js";
import type { Call } from "./calls.js";
import type { Draw } from "./generators/at.js";
import { callAlone } from "./generators/call.js";
import { PURGED_AT_MOST } from "./model/purge.js";
import { step } from "./model/rules.js";
import { Difference } from "./difference.js";
import { compareAnswers, Scene } from "./fixtures.js";
import { type Checked, failures, type Setting } from "./check.js";

const LONGEST = 80;

/** A call as fast-check plays it. */
class Played implements fc.AsyncCommand<object, Scene> {
  readonly #draw: Draw<Call>;

  constructor(draw: Draw<Call>) {
    this.#draw = draw;
  }

  check(): boolean {
    return true;
  }

  async run(_: object, scene: Scene): Promise<void> {
    await playAlone(scene, this.#draw);
  }
}

/** Makes the call in the model and in the database, which must then be alike. */
export async function playAlone(scene: Scene, draw: Draw<Call>): Promise<void> {
  const call = scene.resolve(draw);
  const expected = step(scene.world, call);
  const [answer, rows] = await Promise.all([scene.perform(call), scene.read()]);
  const found = [
    ...compareAnswers(expected.answer, answer, expected.world.now),
    ...scene.compareRows(expected.world, rows),
  ];
  if (found.length > 0) throw new Difference(scene, found);
  scene.accept(expected.world, rows);
}

/** Plays sequences of calls one after the other; the first that differs is made as short as it gets. */
export async function checkSequences({
  sql,
  census,
  seed,
  sequences,
}: Setting & { sequences: number }): Promise<Checked> {
  let played = 0;
  const calls = fc.commands([callAlone.map((draw) => new Played(draw))], {
    maxCommands: LONGEST,
    size: "max",
  });
  const property = fc.asyncProperty(calls, async (calls) => {
    await purgeAll(sql);
    const scene = new Scene(sql, census, `${seed}/sequence/${played++}`);
    await fc.asyncModelRun(() => ({ model: {}, real: scene }), calls);
    const found = await scene.compareViews();
    if (found.length > 0) throw new Difference(scene, found);
  });
  return { found: failures(await fc.check(property, { seed, numRuns: sequences })), played };
}

/** What earlier sequences left: a purge is not of one sequence alone. */
async function purgeAll(sql: postgres.ISql): Promise<void> {
  const before = new Date(Date.now() - 3_700_000);
  let purged: Awaited<ReturnType<typeof purge>>;
  do purged = await purge(sql, { before, limit: PURGED_AT_MOST });
  while (purged.migrations + purged.vmms + purged.instances > 0);
}
