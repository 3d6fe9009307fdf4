import type { Answer } from "./model/step.js";
import type { World } from "./model/world.js";
import type { DecisionPoint } from "./decision-points.js";
import { compareAnswers } from "./fixtures.js";

/** An answered call, with those of its decision points that have no place in the order yet. */
export interface Answered {
  points: readonly DecisionPoint[];
  answer: Answer;
  /** The rows at its first decision point, once that point has a place. */
  began?: World;
}

/**
 * Looks for an order of all decision points of these calls that explains all answers; returns the rows after it.
 *
 * @param accept whether these rows are those of the database
 * @returns undefined when no order explains answers and rows
 */
export function afterSomeOrder(
  world: World,
  calls: readonly Answered[],
  accept: (world: World) => boolean,
): World | undefined {
  if (calls.length === 0) return accept(world) ? world : undefined;
  const possible = calls.flatMap((call) => {
    const after = afterNextPoint(world, call);
    return after ? [{ call, after }] : [];
  });
  const ended = possible.find(({ call, after }) => call.points.length === 1 && after === world);
  // A call whose last decision point changes nothing here is put here: no later place can explain more.
  for (const { call, after } of ended ? [ended] : possible) {
    const found = afterSomeOrder(after, advanced(calls, call, world), accept);
    if (found) return found;
  }
  return undefined;
}

function afterNextPoint(world: World, { points, answer, began = world }: Answered): World | undefined {
  const step = points[0]?.(world, began);
  if (!step) return undefined;
  const columns = Object.fromEntries(Object.keys(step.answer).map((column) => [column, answer[column]]));
  return compareAnswers(step.answer, columns, step.world.now).length === 0 ? step.world : undefined;
}

/** Takes a decision point off a call. A call with points left is tried first, because mostly they follow at once. */
function advanced(calls: readonly Answered[], call: Answered, world: World): Answered[] {
  const others = calls.filter((other) => other !== call);
  const points = call.points.slice(1);
  return points.length > 0 ? [{ began: world, ...call, points }, ...others] : others;
}
