import { expect, it } from "vitest";
import { expectToFitTerminal } from "../expect.js";
import { vmstateAlternative } from "../alternatives/vmstate.js";
import { type Case, repeated } from "./case.js";
import { startCountedServer } from "./counted-server.js";
import { countInstructions } from "./instructions.js";
import { LIFE_CASES } from "./life-cases.js";
import { casesText } from "./print.js";
import { REPORT_CASES } from "./report-cases.js";
import { type CaseResult, instructionsSchema } from "./results.js";
import { findValgrind } from "./valgrind.js";

const ALL = [...REPORT_CASES, ...LIFE_CASES];
const CHOSEN = ["select 1", "health, bare UPDATE", "health, reportVmm", "runUpdate, bare", "runUpdate"];
const valgrind = findValgrind();

/** A batch of two that says nothing is wrong and reports one VMM only. */
const halfBatch: Case = {
  id: "half a batch",
  units: 2,
  calls: repeated(({ fleets }) => {
    const [report] = fleets.vmstate.batch(2);
    if (report === undefined) throw new Error("the batch is empty");
    return (sql) => vmstateAlternative(sql).report(report);
  }),
};

async function count(cases: readonly Case[], told: CaseResult[] = []): Promise<CaseResult[]> {
  await using server = await startCountedServer(valgrind ?? "");
  return await countInstructions(server, {
    ...{ rows: 50, warmUp: 12, calls: 30, seed: 1 },
    cases,
    onCase: (result) => void told.push(result),
  });
}

it("every case of npm run bench:instructions has a name of its own and a base before it", () => {
  const ids = ALL.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id, base } of ALL)
    if (base !== undefined) expect(ids.slice(0, ids.indexOf(id))).toContain(base);
});

it.skipIf(valgrind === undefined)("npm run bench:instructions counts (with valgrind)", async () => {
  const told: CaseResult[] = [];
  const cases = await count(
    ALL.filter(({ id }) => CHOSEN.includes(id)),
    told,
  );
  expect(told).toEqual(cases);
  expect(cases.map(({ id }) => id)).toEqual(CHOSEN);
  const [least, bare, wrapper, bareUpdate, update] = cases.map(({ instructions }) => instructions);
  expect(least).toBeGreaterThan(5_000);
  expect(least).toBeLessThan(60_000);
  expect(wrapper).toBeGreaterThan(bare ?? Infinity);
  expect(update).toBeGreaterThan(bareUpdate ?? Infinity);
  const results = {
    takenAt: new Date().toISOString(),
    quick: true,
    seed: 1,
    rows: 50,
    warmUp: 12,
    calls: 30,
  };
  instructionsSchema.parse({ ...results, server: "the test's", cases });
  expectToFitTerminal(casesText(cases));
});

it.skipIf(valgrind === undefined)("a case that leaves out a report is found (with valgrind)", async () => {
  await expect(count([halfBatch])).rejects.toThrow(/not as last reported/);
});
