import { median } from "simple-statistics";
import type postgres from "postgres";
import { type Case, checkFleets, fleetOf, runCase, type Stage } from "./case.js";
import { reportAlternatives } from "./reports.js";

/** The reports of one alternative before the next alternative has its turn: the WAL of a single one would be too coarse. */
const BLOCK = 50;
const BATCH = 1_000;

/** Measures the bytes of WAL that a health report writes, and how many of the updates of vmstate are HOT. */
export const writeAhead: Case = async (stage) => {
  await touchEveryPage(stage);
  const { sql } = stage.narrow;
  const bytes = new Map<string, number[]>();
  const hot = new Map<string, Updates>();
  const raced = await runCase(stage, {
    id: "wal",
    title: `Blocks of ${BLOCK} health reports: WAL and HOT updates`,
    unit: "reports",
    base: "bare statement",
    rounds: 40,
    entries: reportAlternatives(stage).map((alternative) => {
      const { name, schema, report } = alternative;
      const fleet = fleetOf(stage, alternative);
      const samples: number[] = [];
      bytes.set(name, samples);
      const block = async (): Promise<void> => {
        const before = await walPosition(sql);
        for (let n = 0; n < BLOCK; n++) await report(fleet.health());
        samples.push(((await walPosition(sql)) - before) / BLOCK);
      };
      const updates = { all: 0, hot: 0 };
      if (schema !== "vmstate") return { name, size: BLOCK, call: block };
      hot.set(name, updates);
      return { name, size: BLOCK, call: () => countingUpdates(sql, updates, block) };
    }),
    check: () => checkFleets(stage),
  });
  for (const [name, samples] of bytes) {
    const measured = samples.slice(raced.warmUp);
    const updates = hot.get(name);
    const share = updates && { hotPercent: (100 * updates.hot) / updates.all };
    raced.counts.set(name, { walBytes: median(measured), ...share });
    raced.samples.set(name, measured);
  }
  return raced;
};

/** Writes every page once: PostgreSQL writes a page whole to the WAL when it first changes after a checkpoint. */
async function touchEveryPage({ narrow, fleets }: Stage): Promise<void> {
  for (const { name, schema, reports } of narrow.all)
    if (name.startsWith("bare statement"))
      for (const batch of fleets[schema].everybody(BATCH)) await reports?.(batch);
}

async function walPosition(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<[{ at: number }]>`select (pg_current_wal_insert_lsn() - '0/0')::float8 as at`;
  return row.at;
}

interface Updates {
  all: number;
  hot: number;
}

async function countingUpdates(sql: postgres.Sql, updates: Updates, act: () => Promise<void>): Promise<void> {
  const before = await updatesOf(sql);
  await act();
  const after = await updatesOf(sql);
  updates.all += after.all - before.all;
  updates.hot += after.hot - before.hot;
}

async function updatesOf(sql: postgres.Sql): Promise<Updates> {
  await sql`select pg_stat_force_next_flush()`;
  const [row] = await sql<[Updates]>`
    select n_tup_upd::float8 as all, n_tup_hot_upd::float8 as hot from pg_stat_user_tables
    where schemaname = 'vmstate' and relname = 'vmm'`;
  return row;
}
