import type { Registry } from "prom-client";
import type { FinishedCall } from "../client/finished-call.js";
import { optionalPackage } from "../errors/optional-package.js";
import { snakeCase } from "./snake-case.js";

export interface CallMetricsOptions {
  /** Where the metrics are registered. Default: a registry of its own. */
  registry?: Registry | undefined;
}

export interface CallMetrics {
  registry: Registry;
  /** The option of `vmstate(sql, { onCall })` that counts each call. */
  onCall: (call: FinishedCall) => void;
}

/** The outcome of a call that answers a list or a batch, and of one that ended with an error; `reason` is then its code. */
const ANSWERED = "answered";
const ERROR = "error";

/** From 0.25 ms, which a call on one machine takes, to 8 s. */
const BUCKETS_S = Array.from({ length: 16 }, (_, n) => 0.00025 * 2 ** n);

/**
 * Makes the metrics of calls for `prom-client`, which has to be installed: `vmstate_call_duration_seconds` by verb and
 * outcome, and `vmstate_calls_total` by verb, outcome and reason.
 *
 * @throws VmstateError when prom-client is not installed
 */
export async function callMetrics({ registry }: CallMetricsOptions = {}): Promise<CallMetrics> {
  const prometheus = await optionalPackage("prom-client", () => import("prom-client"));
  const registers = [registry ?? new prometheus.Registry()] as const;
  const duration = new prometheus.Histogram({
    name: "vmstate_call_duration_seconds",
    help: "How long calls of vmstate took, in seconds.",
    labelNames: ["verb", "outcome"],
    buckets: BUCKETS_S,
    registers: [...registers],
  });
  const calls = new prometheus.Counter({
    name: "vmstate_calls_total",
    help: "Calls of vmstate, by what they were answered.",
    labelNames: ["verb", "outcome", "reason"],
    registers: [...registers],
  });
  const onCall = (call: FinishedCall): void => {
    const verb = snakeCase(call.name);
    const outcome = call.code === null ? (call.outcome ?? ANSWERED) : ERROR;
    duration.observe({ verb, outcome }, call.durationMs / 1000);
    calls.inc({ verb, outcome, reason: call.code ?? call.reason ?? "" });
  };
  return { registry: registers[0], onCall };
}
