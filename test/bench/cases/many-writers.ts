import { type Member, next } from "../fleet.js";
import { type Case, checkFleets, fleetOf, runCase } from "./case.js";
import { writersAmong } from "./writers.js";

/** The reports of each writer in a round. */
const REPORTS = 10;

/** Measures many writers at once, each of which reports VMMs of its own. */
export const manyWriters: Case = (stage) => {
  const { writers, random } = stage;
  const entries = writersAmong(stage).map((alternative) => {
    const fleet = fleetOf(stage, alternative);
    const shares = Array.from({ length: writers }, (_, n) => fleet.share(writers, n));
    const write = async (share: readonly Member[]): Promise<void> => {
      for (let n = 0; n < REPORTS; n++) {
        const member = share[random.below(share.length)];
        if (member !== undefined) await alternative.report(next(member, "running"));
      }
    };
    return { name: alternative.name, size: writers * REPORTS, call: () => Promise.all(shares.map(write)) };
  });
  return runCase(stage, {
    id: "many-writers",
    title: `${writers} writers on VMMs of their own`,
    unit: "reports",
    base: "bare statement",
    rounds: 30,
    connections: writers,
    entries,
    check: () => checkFleets(stage),
  });
};
