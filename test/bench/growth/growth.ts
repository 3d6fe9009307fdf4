import { shuffle } from "simple-statistics";
import { reportVmms } from "../../../src/index.js";
import { Random } from "../../../src/simulator/random.js";
import { next } from "../fleet.js";
import { describeMachine } from "../machine.js";
import type { BenchServer } from "../server.js";
import { judge } from "./judge.js";
import { live, loseSleds } from "./life.js";
import { makeWork, readLists } from "./lists.js";
import { requireSound } from "./population.js";
import type { Growth } from "./results.js";
import { type MeasuredSite, openSite, type Site } from "./site.js";
import { callsOf } from "./summary.js";

export interface Rounds {
  lists: number;
  lives: number;
  sleds: number;
}

export const FULL: Rounds = { lists: 80, lives: 240, sleds: 60 };
export const QUICK: Rounds = { lists: 4, lives: 4, sleds: 4 };

export interface GrowthOptions {
  /** VMMs in the table, ascending. */
  sizes: readonly number[];
  rounds: Rounds;
  quick: boolean;
  seed: number;
  /** Told of every chunk that was loaded. */
  onLoaded?: (vmms: number) => void;
}

/** Makes the same calls in a database of each size. */
export async function runGrowth(server: BenchServer, options: GrowthOptions): Promise<Growth> {
  const { sizes, rounds, quick, seed, onLoaded } = options;
  const random = new Random(seed, 1);
  const sites: MeasuredSite[] = [];
  try {
    for (const vmms of sizes)
      sites.push(await openSite(server.url, { vmms, seed, ...(onLoaded && { onLoaded }) }));
    const [smallest] = sites;
    if (smallest === undefined) throw new Error("there is no size");
    await measure(sites, rounds, random);
    const calls = callsOf(sites, random);
    return {
      takenAt: new Date().toISOString(),
      quick,
      seed,
      machine: await describeMachine(smallest.caller.sql, server.label),
      sizes: sites.map(({ vmms, loadSeconds, mebibytes }) => ({ vmms, loadSeconds, mebibytes })),
      calls,
      targets: quick ? [] : judge(calls, sizes),
    };
  } finally {
    for (const site of sites) await site[Symbol.asyncDispose]();
  }
}

async function measure(sites: readonly MeasuredSite[], rounds: Rounds, random: Random): Promise<void> {
  for (const site of sites) await settle(site);
  await play(sites, rounds.lists, readLists, random);
  await play(sites, rounds.lives, live, random);
  await play(sites, rounds.sleds, loseSleds, random);
  for (const { caller } of sites) await requireSound(caller.sql);
}

const BATCH = 1_000;

/**
 * Makes work for every list, and writes most pages once.
 *
 * PostgreSQL writes a page whole to the WAL when it first changes after a checkpoint, which no measured call shall pay for.
 */
async function settle(site: MeasuredSite): Promise<void> {
  const { caller, population } = site;
  await makeWork(site);
  await caller.sql`checkpoint`;
  for (const vmms of population.everybody(BATCH))
    await reportVmms(
      caller.sql,
      vmms.map((vmm) => next(vmm, "running")),
    );
}

const WARM_UP = 8;
const EXPLAINED = 4;

/** Calls `act` for every site once in each round, in changing order; one round in four is explained instead of timed. */
async function play(
  sites: readonly MeasuredSite[],
  rounds: number,
  act: (site: Site) => Promise<void>,
  random: Random,
): Promise<void> {
  const warmUp = Math.min(WARM_UP, rounds);
  for (let round = -warmUp; round < rounds; round++)
    for (const site of shuffle([...sites], () => random.next())) {
      site.caller.isWarmingUp = round < 0;
      site.caller.isExplaining = round % EXPLAINED === 0;
      await act(site);
    }
}
