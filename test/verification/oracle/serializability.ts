import type { Answer } from "./model/step.js";
import type { World } from "./model/world.js";
import type { DecisionPoint } from "./decision-points.js";
import { compareAnswers } from "./fixtures.js";

/** A call that was answered, with those of its moments that have no place yet. */
export interface Answered {
  points: readonly DecisionPoint[];
  answer: Answer;
  /** The world of its first moment, once that has a place. */
  began?: World;
}

/** The world after some order of these calls, moment by moment, that explains all answers and is accepted; or undefined. */
export function afterSomeOrder(
  world: World,
  calls: readonly Answered[],
  accept: (world: World) => boolean,
): World | undefined {
  if (calls.length === 0) return accept(world) ? world : undefined;
  const possible = calls.flatMap((call) => {
    const after = afterNextMoment(world, call);
    return after ? [{ call, after }] : [];
  });
  const ended = possible.find(({ call, after }) => call.points.length === 1 && after === world);
  // of a call that ends here and changes nothing, no later place can be better
  for (const { call, after } of ended ? [ended] : possible) {
    const found = afterSomeOrder(after, advanced(calls, call, world), accept);
    if (found) return found;
  }
  return undefined;
}

function afterNextMoment(world: World, { points, answer, began = world }: Answered): World | undefined {
  const step = points[0]?.(world, began);
  if (!step) return undefined;
  const columns = Object.fromEntries(Object.keys(step.answer).map((column) => [column, answer[column]]));
  return compareAnswers(step.answer, columns, step.world.now).length === 0 ? step.world : undefined;
}

/** A call with more moments comes first: mostly they are at once. */
function advanced(calls: readonly Answered[], call: Answered, world: World): Answered[] {
  const others = calls.filter((other) => other !== call);
  const points = call.points.slice(1);
  return points.length > 0 ? [{ began: world, ...call, points }, ...others] : others;
}
