import type postgres from "postgres";
import { next } from "../fleet.js";
import type { Entry } from "../measure.js";
import { type Case, runCase } from "./case.js";
import { applied, checkDeleted, startOf, timekeepers, withVerbs } from "./lives.js";

/** Of a life; each is durable when it is answered. */
const START_VERBS = 7;

/** Start, two reports, stop, the last report, the update, and the VMM is deleted. */
export const startCycle: Case = async (stage) => {
  const { narrow, size, random, stopped } = stage;
  const keepers = timekeepers(stage);
  const entries = keepers.map(({ name, lifecycle, report }) => ({
    name,
    size: 1,
    call: async () => {
      const start = startOf(stopped[random.below(size.lives)]);
      const { instanceId, propolisId } = start;
      const member = { instanceId, propolisId, generation: 1, state: "starting" as const };
      await lifecycle.start(start);
      await applied(report(next(member, "starting")));
      await applied(report(next(member, "running")));
      await lifecycle.stop(instanceId);
      await applied(report(next(member, "destroyed")));
      await lifecycle.update(instanceId);
      await lifecycle.deleteVmm(member);
    },
  }));
  const raced = await runCase(stage, {
    id: "start-cycle",
    title: `A whole life: start, 2 reports, stop, destroyed, update, delete (${START_VERBS} verbs)`,
    unit: "lives",
    base: "found/updated CTE",
    rounds: 150,
    entries: [...entries, commits(narrow.sql)],
    check: (calls) => checkDeleted(stage, stopped.slice(0, size.lives), "destroyed", calls),
  });
  return withVerbs(raced, START_VERBS, keepers);
};

/** As much as any answer takes that is durable: no whole life can be faster than its commits. */
function commits(sql: postgres.Sql): Entry {
  return {
    name: `${START_VERBS} empty commits`,
    size: 1,
    call: async () => {
      for (let verb = 0; verb < START_VERBS; verb++)
        await sql`select pg_logical_emit_message(true, 'bench', '')`;
    },
  };
}
