import type postgres from "postgres";
import type { Alternative, Start } from "../alternatives/alternative.js";
import { kyselyAlternative } from "../alternatives/kysely.js";
import { upstreamAlternative } from "../alternatives/upstream.js";
import { vmstateAlternative } from "../alternatives/vmstate.js";
import { found } from "../alternatives/store.js";
import { applied, startOf } from "../cases/lives.js";
import { type Member, next } from "../fleet.js";
import type { Call, Case } from "./case.js";
import { kyselyPool } from "./kysely-pool.js";
import { BARE } from "./report-cases.js";

type Step = (alternative: Alternative, start: Start, member: Member) => Promise<unknown>;

const reportOf =
  (state: Member["state"]): Step =>
  (alternative, _, member) =>
    applied(alternative.report(next(member, state)));

/** The verbs of a life in their order, and how much more than the bare statement each may run. */
const STEPS: readonly { verb: string; step: Step; most?: number }[] = [
  { verb: "beginStart", step: ({ lifecycle }, start) => found(lifecycle).start(start) },
  { verb: "reportVmm starting", step: reportOf("starting") },
  { verb: "reportVmm running", step: reportOf("running") },
  { verb: "requestStop", step: ({ lifecycle }, { instanceId }) => found(lifecycle).stop(instanceId) },
  { verb: "reportVmm destroyed", step: reportOf("destroyed") },
  {
    verb: "runUpdate",
    step: ({ lifecycle }, { instanceId }) => found(lifecycle).update(instanceId),
    most: 3,
  },
  { verb: "deleteVmm", step: ({ lifecycle }, start) => found(lifecycle).deleteVmm(start) },
];

/** One step of lives whose earlier steps were made before the count. */
function stepCalls(open: typeof BARE, at: number): Case["calls"] {
  return async (stage, count) => {
    const calls: Call[] = [];
    while (calls.length < count) {
      const start = startOf(stage.nextStopped());
      const member: Member = { ...start, generation: 1, state: "starting" };
      for (const { step } of STEPS.slice(0, at)) await step(open(stage.sql), start, member);
      const { step } = found(STEPS[at]);
      calls.push((sql) => step(open(sql), start, member));
    }
    return calls;
  };
}

/** Whole lives, with everything that one step leaves for the next. */
function lifeCalls(open: (sql: postgres.Sql) => Alternative): Case["calls"] {
  return (stage, count) => {
    const life = (): Call => {
      const start = startOf(stage.nextStopped());
      const member: Member = { ...start, generation: 1, state: "starting" };
      return async (sql) => {
        for (const { step } of STEPS) await step(open(sql), start, member);
      };
    };
    return Promise.resolve(Array.from({ length: count }, life));
  };
}

/** Whole lives whose last three verbs are one call. */
const settledLives: Case["calls"] = (stage, count) => {
  const life = (): Call => {
    const start = startOf(stage.nextStopped());
    const member: Member = { ...start, generation: 1, state: "starting" };
    return async (sql) => {
      const alternative = vmstateAlternative(sql);
      for (const { step } of STEPS.slice(0, 4)) await step(alternative, start, member);
      await found(found(alternative.lifecycle).settle)(next(member, "destroyed"), start.sagaId);
    };
  };
  return Promise.resolve(Array.from({ length: count }, life));
};

/** What a life that ends by a settlement is compared with; `npm run bench` has the targets, which are of its time. */
const OTHERS: readonly { name: string; open: (sql: postgres.Sql) => Alternative }[] = [
  { name: "found/updated CTE", open: upstreamAlternative },
  { name: "Kysely", open: (sql) => kyselyAlternative(kyselyPool(sql)) },
];

export const LIFE_CASES: readonly Case[] = [
  ...STEPS.flatMap(({ verb, most }, at): Case[] => [
    { id: `${verb}, bare`, calls: stepCalls(BARE, at) },
    {
      id: verb,
      base: `${verb}, bare`,
      ...(most !== undefined && { most }),
      calls: stepCalls(vmstateAlternative, at),
    },
  ]),
  { id: "life, bare", calls: lifeCalls(BARE) },
  { id: "life", base: "life, bare", most: 2.25, calls: lifeCalls(vmstateAlternative) },
  { id: "life, settled", base: "life, bare", calls: settledLives },
  ...OTHERS.flatMap(({ name, open }): Case[] => [
    { id: `life, ${name}`, base: "life, bare", calls: lifeCalls(open) },
    { id: `life, settled, next to ${name}`, base: `life, ${name}`, calls: settledLives },
  ]),
];
