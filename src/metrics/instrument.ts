import type { Attributes, Meter, Span, SpanKind, SpanStatusCode, Tracer } from "@opentelemetry/api";
import type { Vmstate } from "../client/bind.js";
import { type FinishedCall, watchedCall } from "../client/finished-call.js";
import { ARGUMENTS } from "../client/generated.js";
import { snakeCase } from "./snake-case.js";

/** What of OpenTelemetry to use: either or both. */
export interface Instruments {
  tracer?: Tracer | undefined;
  meter?: Meter | undefined;
}

/* eslint-disable @typescript-eslint/no-unsafe-enum-assignment -- The values of the enums would load OpenTelemetry. */
const CLIENT = 2 as SpanKind.CLIENT;
const ERROR = 2 as SpanStatusCode.ERROR;
/* eslint-enable @typescript-eslint/no-unsafe-enum-assignment */

/** The boundaries that the conventions of OpenTelemetry advise for the duration of database operations, in seconds. */
const BOUNDARIES_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

type Call = (...rest: unknown[]) => Promise<unknown>;

/**
 * Makes each call of a bound vmstate a span, and part of the histogram `db.client.operation.duration`.
 *
 * Names are those of the stable semantic conventions; `vmstate.outcome` and `vmstate.reason` are ours. A conflict is an
 * answer, not an error.
 */
export function instrument(vm: Vmstate, { tracer, meter }: Instruments): Vmstate {
  const duration = meter?.createHistogram("db.client.operation.duration", {
    unit: "s",
    description: "Duration of database client operations.",
    advice: { explicitBucketBoundaries: BOUNDARIES_S },
  });
  const measured =
    (name: string, call: Call): Call =>
    async (...rest) => {
      const place = placeOf(name);
      const run = (span?: Span): Promise<unknown> =>
        watchedCall(
          name,
          () => call(...rest),
          (finished) => {
            const ending = endingOf(finished);
            duration?.record(finished.durationMs / 1000, { ...place, ...ending });
            if (span) end(span, finished, ending);
          },
        );
      return await (tracer
        ? tracer.startActiveSpan(nameOf(name), { kind: CLIENT, attributes: place }, run)
        : run());
    };
  const calls = Object.entries(vm).map(([name, call]) => [name, measured(name, call as Call)]);
  return Object.fromEntries(calls) as Vmstate;
}

function nameOf(name: string): string {
  return `vmstate.${snakeCase(name)}`;
}

/** Where a call goes: a verb is a stored function, anything else reads a view. */
function placeOf(name: string): Attributes {
  const key = name in ARGUMENTS ? "db.stored_procedure.name" : "db.collection.name";
  return { "db.system.name": "postgresql", [key]: nameOf(name) };
}

function endingOf({ outcome, reason, code }: FinishedCall): Attributes {
  return {
    ...(outcome !== null && { "vmstate.outcome": outcome }),
    ...(reason !== null && { "vmstate.reason": reason }),
    ...(code !== null && { "error.type": code }),
    ...(code !== null && isSqlState(code) && { "db.response.status_code": code }),
  };
}

/** A code of Node such as EPIPE has no digit. */
function isSqlState(code: string): boolean {
  return /^(?=.*\d)[0-9A-Z]{5}$/.test(code);
}

function end(span: Span, { code }: FinishedCall, ending: Attributes): void {
  span.setAttributes(ending);
  if (code !== null) span.setStatus({ code: ERROR });
  span.end();
}
