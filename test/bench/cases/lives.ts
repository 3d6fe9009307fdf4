import { randomUUID } from "node:crypto";
import { median } from "simple-statistics";
import type { Alternative, Lifecycle, Schema, Start } from "../alternatives/alternative.js";
import type { Fleets } from "../fleet.js";
import { rate } from "../measure.js";
import type { Raced, Stage } from "./case.js";

/** An alternative whose verbs are timed one by one. */
interface TimedAlternative extends LifecycleAlternative {
  verbs: Map<string, number[]>;
}

/** Wraps the alternatives that have a lifecycle, so that each of their verbs is timed. */
export function timedAlternatives(stage: Stage): TimedAlternative[] {
  return lifecycleAlternatives(stage).map((alternative) => {
    const verbs = new Map<string, number[]>();
    const timing =
      <A, R>(verb: string, act: (a: A) => Promise<R>) =>
      async (a: A): Promise<R> => {
        const started = performance.now();
        const answer = await act(a);
        const micros = verbs.get(verb) ?? [];
        micros.push(1_000 * (performance.now() - started));
        verbs.set(verb, micros);
        return answer;
      };
    const { start, unwindStart, stop, update, deleteVmm, beginMigration, settle } = alternative.lifecycle;
    const lifecycle = {
      start: timing("start", start),
      unwindStart: timing("unwind", unwindStart),
      stop: timing("stop", stop),
      update: timing("update", update),
      deleteVmm: timing("delete", deleteVmm),
      beginMigration: timing("begin", beginMigration),
      ...(settle && { settle }),
    };
    return { ...alternative, report: timing("report", alternative.report), lifecycle, verbs };
  });
}

/** Adds to the counts of a case how many verbs a second it made, and the median time of each verb in µs. */
export function withVerbTimes(raced: Raced, verbs: number, alternatives: readonly TimedAlternative[]): Raced {
  for (const timed of raced.timed) {
    const kept = alternatives.find(({ name }) => name === timed.name)?.verbs ?? new Map<string, number[]>();
    const medians = [...kept].map(([verb, micros]) => [verb, Math.round(median(micros))] as const);
    raced.counts.set(timed.name, { "verbs/s": verbs * rate(timed), ...Object.fromEntries(medians) });
  }
  return raced;
}

/** An alternative that has the verbs of a VMM's life. */
export type LifecycleAlternative = Alternative & { lifecycle: Lifecycle };

function lifecycleAlternatives({ narrow }: Stage): LifecycleAlternative[] {
  return narrow.all.filter(
    (alternative): alternative is LifecycleAlternative => alternative.lifecycle !== undefined,
  );
}

export function startOf(instanceId: string | undefined): Start {
  if (instanceId === undefined) throw new Error("there is nothing to start");
  return { instanceId, propolisId: randomUUID(), sagaId: randomUUID(), sledId: randomUUID() };
}

export async function applied(report: Promise<{ applied: boolean }>): Promise<void> {
  if (!(await report).applied) throw new Error("a report was not applied");
}

/**
 * Checks that each call of each alternative has left one deleted VMM.
 *
 * `without` counts the calls that leave none, `more` the entries beside those of the alternatives.
 */
export async function checkDeleted(
  stage: Stage,
  instances: readonly string[],
  state: string,
  calls: number,
  { without, more }: { without?: Record<Schema, { count: number }>; more?: Record<Schema, number> } = {},
): Promise<void> {
  for (const schema of Object.keys(stage.fleets) as (keyof Fleets["fleets"])[]) {
    const [row] = await stage.sql<[{ count: number }]>`
      select count(*)::int as count from ${stage.sql(schema)}.vmm
      where instance_id = any (${instances}::uuid[]) and state = ${state} and time_deleted is not null`;
    const alternatives = lifecycleAlternatives(stage).filter(
      (alternative) => alternative.schema === schema,
    ).length;
    const entries = alternatives + (more?.[schema] ?? 0);
    const expected = entries * calls - (without?.[schema].count ?? 0);
    if (row.count !== expected)
      throw new Error(`${schema}: ${row.count} VMMs are deleted, it should be ${expected}`);
  }
}
