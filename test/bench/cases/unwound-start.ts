import type { Start } from "../alternatives/alternative.js";
import { type Case, perSchema, runCase } from "./case.js";
import { checkDeleted, startOf, timedAlternatives, withVerbTimes } from "./lives.js";

const UNWOUND_VERBS = 3;

/** Measures a start that replaces an unwound one and unwinds as well; the VMM of the replaced start is then deleted. */
export const unwoundStart: Case = async (stage) => {
  const { size, random, stopped } = stage;
  const instances = stopped.slice(size.lives);
  const previous = perSchema(() => new Map<string, Start>());
  const firsts = perSchema(() => ({ count: 0 }));
  const alternatives = timedAlternatives(stage);
  const entries = alternatives.map(({ name, schema, lifecycle }) => ({
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
    check: (calls) => checkDeleted(stage, instances, "saga_unwound", calls, { without: firsts }),
  });
  return withVerbTimes(raced, UNWOUND_VERBS, alternatives);
};
