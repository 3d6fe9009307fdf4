import type { Verdict } from "./verdict.js";
import type { Target } from "./call-case.js";

/** What the calls of one target came to. */
export interface Count {
  calls: number;
  accepted: number;
  /** Refused calls by SQLSTATE or outcome. */
  refused: Map<string, number>;
}

export type Totals = Map<Target, Count>;

export function count(totals: Totals, target: Target, { accepted, code }: Verdict): void {
  const known = totals.get(target) ?? { calls: 0, accepted: 0, refused: new Map<string, number>() };
  known.calls += 1;
  if (accepted) known.accepted += 1;
  else known.refused.set(String(code), (known.refused.get(String(code)) ?? 0) + 1);
  totals.set(target, known);
}
