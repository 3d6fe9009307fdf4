import fc from "fast-check";
import type { Call } from "../calls.js";
import { anyCall, housekeeping } from "./any.js";
import type { Generated } from "./call-context.js";
import { nextUsefulCall } from "./lifecycle.js";

/** One of the latest calls once more, with the same arguments. */
const replay = fc
  .constantFrom(0, 0, 0, 0, 1, 1, 2, 3, 5, 8)
  .map((n): Generated<Call> => ({ calls, ...at }) => {
    const call = calls.at(-1 - (n % Math.max(1, calls.length)));
    return call && call.verb !== "purge" && call.verb !== "a_day_goes_by"
      ? call
      : { verb: "explain_update", a: { instanceId: at.names.id("instance", 0) } };
  });

export const call: fc.Arbitrary<Generated<Call>> = fc.oneof(
  { weight: 10, arbitrary: nextUsefulCall },
  { weight: 8, arbitrary: anyCall },
  { weight: 2, arbitrary: replay },
);

/** A call of a sequence in which no two calls run at once. */
export const callAlone: fc.Arbitrary<Generated<Call>> = fc.oneof(
  { weight: 9, arbitrary: call },
  { weight: 1, arbitrary: housekeeping },
);
