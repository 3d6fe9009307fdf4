import fc from "fast-check";
import type postgres from "postgres";
import type { Call } from "../oracle/calls.js";
import { failures } from "../oracle/check.js";
import { comparableRelations, differences, realClock } from "../oracle/comparable.js";
import { Difference } from "../oracle/difference.js";
import { Fixtures } from "../oracle/fixtures.js";
import { callAlone } from "../oracle/generators/call.js";
import type { Relations } from "../oracle/model/relations.js";
import { step } from "../oracle/model/rules.js";
import type { Answer } from "../oracle/model/step.js";
import { OutcomeCoverage } from "../oracle/outcome-coverage.js";
import { readInstanceRows, readViews } from "../oracle/read-rows.js";
import { purgeAll } from "../oracle/sequences.js";
import { readVerbs } from "../../support/verbs.js";

const LONGEST = 80;

export interface Schemas {
  newest: postgres.Sql;
  earlier: postgres.Sql;
}

export interface Compared {
  /** What differs, readable; empty if nothing does. */
  found: string[];
  sequences: number;
  calls: number;
  /** How many outcomes and reasons were answered. */
  answers: number;
}

/**
 * Plays the same sequences of calls on the newest schema and on an earlier one; answers, rows and views must be alike.
 *
 * The oracle's model makes up the calls, and is not asked whether they were answered right. Calls of a verb that the
 * earlier schema lacks are left out.
 */
export async function compareSchemas(
  { newest, earlier }: Schemas,
  { seed, sequences }: { seed: number; sequences: number },
): Promise<Compared> {
  const coverage = new OutcomeCoverage();
  const held = new Set(await readVerbs(earlier));
  const lacking = new Set((await readVerbs(newest)).filter((verb) => !held.has(verb)));
  let played = 0;
  const property = fc.asyncProperty(
    fc.array(callAlone, { minLength: 1, maxLength: LONGEST, size: "max" }),
    async (calls) => {
      await Promise.all([purgeAll(newest), purgeAll(earlier)]);
      const scope = `${seed}/compare/${played++}`;
      const pair = new Pair(
        new Fixtures(newest, coverage, scope),
        new Fixtures(earlier, new OutcomeCoverage(), scope),
      );
      for (const generated of calls) {
        const call = pair.newest.resolve(generated);
        if (!lacking.has(call.verb)) await pair.play(call);
      }
      await pair.compareViews();
    },
  );
  const found = failures(await fc.check(property, { seed, numRuns: sequences }));
  return { found, sequences: played, calls: coverage.calls, answers: coverage.reached.length };
}

/** The same instances under both schemas. */
class Pair {
  constructor(
    readonly newest: Fixtures,
    readonly earlier: Fixtures,
  ) {}

  /** Makes the call under both schemas. */
  async play(call: Call): Promise<void> {
    const { world } = step(this.newest.world, call);
    const [answer, earlierAnswer] = await Promise.all([
      this.newest.perform(call),
      this.earlier.perform(withReportsAsJson(call)),
    ]);
    const [rows, earlierRows] = await Promise.all(this.#both(readInstanceRows));
    this.#expectNone([
      ...differences("answer", earlierAnswer, answer),
      ...differingColumns(earlierRows, rows),
    ]);
    this.newest.accept(world, rows);
  }

  async compareViews(): Promise<void> {
    const [views, earlierViews] = await Promise.all(this.#both(readViews));
    this.#expectNone(differingColumns(earlierViews, views));
  }

  #both(read: typeof readViews): [Promise<Relations>, Promise<Relations>] {
    return [read(this.newest.sql, this.newest.ids), read(this.earlier.sql, this.earlier.ids)];
  }

  #expectNone(found: readonly string[]): void {
    if (found.length > 0) throw new Difference(this.newest, found);
  }
}

/** The call with ids in capitals, which reportVmms sends as JSON: to a function that every schema has. */
function withReportsAsJson(call: Call): Call {
  if (call.verb !== "report_vmms") return call;
  return {
    verb: call.verb,
    a: call.a.map((report) => ({ ...report, propolisId: report.propolisId.toUpperCase() })),
  };
}

/** Compares all rows, in the columns that the earlier schema has. */
function differingColumns(earlier: Relations, newest: Relations): string[] {
  return Object.entries(earlier).flatMap(([relation, rows]) => {
    const columns = new Set(Object.values(rows).flatMap((row) => Object.keys(row)));
    const clock = realClock();
    return differences(
      relation,
      comparableRelations({ [relation]: rows }, clock),
      comparableRelations({ [relation]: held(newest[relation] ?? {}, columns) }, clock),
    );
  });
}

function held(rows: Record<string, Answer>, columns: ReadonlySet<string>): Record<string, Answer> {
  return Object.fromEntries(
    Object.entries(rows).map(([id, row]) => [
      id,
      Object.fromEntries(Object.entries(row).filter(([column]) => columns.has(column))),
    ]),
  );
}
