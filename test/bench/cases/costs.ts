import { type Case, runCase } from "./case.js";

/** The part of every figure that no alternative can save: a round trip, and making a commit durable. */
export const costs: Case = (stage) => {
  const { sql } = stage.narrow;
  return runCase(stage, {
    id: "costs",
    title: "What everything else is made of",
    unit: "calls",
    base: null,
    rounds: 500,
    entries: [
      { name: "empty round trip", size: 1, call: () => sql`select 1` },
      { name: "empty commit", size: 1, call: () => sql`select pg_logical_emit_message(true, 'bench', '')` },
    ],
  });
};
