import type { Start } from "../alternatives/alternative.js";
import { type Case, perSchema, runCase } from "./case.js";
import { checkDeleted, startOf, timekeepers, withVerbs } from "./lives.js";

const UNWOUND_VERBS = 3;

/** A start takes the place of one that unwound, unwinds as well, and the first one's VMM is deleted. */
export const unwoundStart: Case = async (stage) => {
  const { size, random, stopped } = stage;
  const instances = stopped.slice(size.lives);
  const previous = perSchema(() => new Map<string, Start>());
  const firsts = perSchema(() => ({ count: 0 }));
  const keepers = timekeepers(stage);
  const entries = keepers.map(({ name, schema, lifecycle }) => ({
    name,
    size: 1,
    call: async () => {
      const start = startOf(instances[random.below(instances.length)]);
      await lifecycle.start(start);
      await lifecycle.unwindStart(start);
      const replaced = previous[schema].get(start.instanceId);
      if (replaced === undefined) firsts[schema].count++;
      else await lifecycle.deleteVmm(replaced);
      previous[schema].set(start.instanceId, start);
    },
  }));
  const raced = await runCase(stage, {
    id: "unwound-start",
    title: `A start that replaces an unwound one, and unwinds (${UNWOUND_VERBS} verbs)`,
    unit: "starts",
    base: "found/updated CTE",
    rounds: 150,
    entries,
    check: (calls) => checkDeleted(stage, instances, "saga_unwound", calls, firsts),
  });
  return withVerbs(raced, UNWOUND_VERBS, keepers);
};
