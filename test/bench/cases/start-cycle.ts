import type postgres from "postgres";
import type { Schema } from "../alternatives/alternative.js";
import { next } from "../fleet.js";
import type { Entry } from "../measure.js";
import { type Case, type Raced, runCase, type Stage } from "./case.js";
import {
  applied,
  checkDeleted,
  type LifecycleAlternative,
  startOf,
  timedAlternatives,
  withVerbTimes,
} from "./lives.js";

/** The number of verbs in a whole life; each is durable when it is answered. */
const START_VERBS = 7;
/** The number of calls when one call reports the end, updates and deletes. */
const SETTLED_CALLS = 5;

/** The name of the entry whose lives end by a settlement. */
export const SETTLED = "vmstate, settle";
/** By this name, how many transactions that write a life of an entry has. */
export const COMMITS = "commits";

/** Measures a whole life: start, two reports, stop, the last report, the update, and the deletion of the VMM. */
export const startCycle: Case = async (stage) => {
  const { narrow, size, stopped } = stage;
  const alternatives = timedAlternatives(stage);
  const settling = alternatives.filter(({ lifecycle }) => lifecycle.settle !== undefined);
  const lives = [
    ...alternatives.map((alternative) => ({
      name: alternative.name,
      size: 1,
      call: () => live(stage, alternative, end),
    })),
    ...settling.map((alternative) => ({
      name: SETTLED,
      size: 1,
      call: () => live(stage, alternative, settle),
    })),
  ];
  const more: Record<Schema, number> = { vmstate: settling.length, bench_plain: 0 };
  const raced = await runCase(stage, {
    id: "start-cycle",
    title: `A whole life: start, 2 reports, stop, destroyed, update, delete (${START_VERBS} verbs)`,
    unit: "lives",
    base: "found/updated CTE",
    rounds: 150,
    entries: [...lives, commits(narrow.sql, START_VERBS), commits(narrow.sql, SETTLED_CALLS)],
    check: (calls) => checkDeleted(stage, stopped.slice(0, size.lives), "destroyed", calls, { more }),
  });
  return await withCommits(withVerbTimes(raced, START_VERBS, alternatives), lives, stage);
};

type Member = Parameters<typeof next>[0];
type End = (alternative: LifecycleAlternative, member: Member) => Promise<void>;

async function live(
  { stopped, size, random }: Stage,
  alternative: LifecycleAlternative,
  end: End,
): Promise<void> {
  const { lifecycle, report } = alternative;
  const start = startOf(stopped[random.below(size.lives)]);
  const { instanceId, propolisId } = start;
  const member: Member = { instanceId, propolisId, generation: 1, state: "starting" };
  await lifecycle.start(start);
  await applied(report(next(member, "starting")));
  await applied(report(next(member, "running")));
  await lifecycle.stop(instanceId);
  await end(alternative, member);
}

async function end({ lifecycle, report }: LifecycleAlternative, member: Member): Promise<void> {
  await applied(report(next(member, "destroyed")));
  await lifecycle.update(member.instanceId);
  await lifecycle.deleteVmm(member);
}

async function settle({ lifecycle }: LifecycleAlternative, member: Member): Promise<void> {
  await lifecycle.settle?.(next(member, "destroyed"), crypto.randomUUID());
}

const COUNTED_LIVES = 3;

/** Counts the transactions that a life of each entry writes; the fewest of some lives, for a server may write by itself. */
async function withCommits(raced: Raced, lives: readonly Entry[], { sql }: Stage): Promise<Raced> {
  for (const { name, call } of lives) {
    const counts: number[] = [];
    while (counts.length < COUNTED_LIVES) {
      const before = await nextTransaction(sql);
      await call();
      counts.push((await nextTransaction(sql)) - before);
    }
    raced.counts.set(name, { ...raced.counts.get(name), [COMMITS]: Math.min(...counts) });
  }
  return raced;
}

async function nextTransaction(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<[{ next: number }]>`
    select pg_snapshot_xmax(pg_current_snapshot())::text::float8 as next`;
  return row.next;
}

/** Commits so often, and does nothing else: no durable life of as many calls can be faster. */
function commits(sql: postgres.Sql, count: number): Entry {
  return {
    name: `${count} empty commits`,
    size: 1,
    call: async () => {
      for (let n = 0; n < count; n++) await sql`select pg_logical_emit_message(true, 'bench', '')`;
    },
  };
}
