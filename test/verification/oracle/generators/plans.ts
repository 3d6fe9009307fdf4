import { planColumns } from "../model/plan.js";
import type { InstanceRow } from "../model/world.js";
import type { CallContext } from "./call-context.js";

/** The plan of an instance as it is now, if any answer had its token; or else the one seen last. */
export function latestPlan(at: CallContext, instance: InstanceRow): string {
  const now = String(planColumns(at.world, instance)["planToken"]);
  return at.tokens.plans.includes(now) ? now : seenPlan(at, 0);
}

/** A plan that an answer had, so many before the last one. */
export function seenPlan({ tokens }: CallContext, older: number): string {
  return tokens.plans.at(-1 - older) ?? "no plan";
}
