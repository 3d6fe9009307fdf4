import { randomUUID } from "node:crypto";
import { median } from "simple-statistics";
import type { Alternative, Lifecycle, Schema, Start } from "../alternatives/alternative.js";
import type { Fleets } from "../fleet.js";
import { rate } from "../measure.js";
import type { Raced, Stage } from "./case.js";

/** A alternative whose verbs are timed one by one. */
interface Timekeeper extends Liver {
  verbs: Map<string, number[]>;
}

export function timekeepers(stage: Stage): Timekeeper[] {
  return livers(stage).map((alternative) => {
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
    const { start, unwindStart, stop, update, deleteVmm, beginMigration } = alternative.lifecycle;
    const lifecycle = {
      start: timing("start", start),
      unwindStart: timing("unwind", unwindStart),
      stop: timing("stop", stop),
      update: timing("update", update),
      deleteVmm: timing("delete", deleteVmm),
      beginMigration: timing("begin", beginMigration),
    };
    return { ...alternative, report: timing("report", alternative.report), lifecycle, verbs };
  });
}

/** How many verbs that is a second, and the median of each in µs. */
export function withVerbs(raced: Raced, verbs: number, keepers: readonly Timekeeper[]): Raced {
  for (const timed of raced.timed) {
    const kept = keepers.find(({ name }) => name === timed.name)?.verbs ?? new Map<string, number[]>();
    const medians = [...kept].map(([verb, micros]) => [verb, Math.round(median(micros))] as const);
    raced.counts.set(timed.name, { "verbs/s": verbs * rate(timed), ...Object.fromEntries(medians) });
  }
  return raced;
}

/** A alternative that has the verbs of a VMM's life. */
export type Liver = Alternative & { lifecycle: Lifecycle };

function livers({ narrow }: Stage): Liver[] {
  return narrow.all.filter((alternative): alternative is Liver => alternative.lifecycle !== undefined);
}

export function startOf(instanceId: string | undefined): Start {
  if (instanceId === undefined) throw new Error("there is nothing to start");
  return { instanceId, propolisId: randomUUID(), sagaId: randomUUID(), sledId: randomUUID() };
}

export async function applied(report: Promise<{ applied: boolean }>): Promise<void> {
  if (!(await report).applied) throw new Error("a report was not applied");
}

/** Each call of each alternative left one deleted VMM. */
export async function checkDeleted(
  stage: Stage,
  instances: readonly string[],
  state: string,
  calls: number,
  without?: Record<Schema, { count: number }>,
): Promise<void> {
  for (const schema of Object.keys(stage.fleets) as (keyof Fleets["fleets"])[]) {
    const [row] = await stage.sql<[{ count: number }]>`
      select count(*)::int as count from ${stage.sql(schema)}.vmm
      where instance_id = any (${instances}::uuid[]) and state = ${state} and time_deleted is not null`;
    const alternatives = livers(stage).filter((alternative) => alternative.schema === schema).length;
    const expected = alternatives * calls - (without?.[schema].count ?? 0);
    if (row.count !== expected)
      throw new Error(`${schema}: ${row.count} VMMs are deleted, it should be ${expected}`);
  }
}
