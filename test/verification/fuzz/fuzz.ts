import fc from "fast-check";
import type { TestDatabase } from "../../support/copy.js";
import { fuzzBytes } from "./bytes.js";
import { readCatalog } from "./catalog.js";
import type { Finding } from "./finding.js";
import { rollbackDatabaseIn, type RollbackDatabase } from "./rollback-database.js";
import { populate } from "./population.js";
import { filterTargets, writeTargets } from "./relations.js";
import { routineTargets } from "./routines.js";
import { Complaint, judge } from "./verdict.js";
import { count, type Totals } from "./totals.js";
import type { Target } from "./call-case.js";
import { wrapperTargets } from "./wrappers.js";

export interface Settings {
  seed: number;
  /** How many calls are made for each argument of a function, or column of a relation. */
  calls: number;
}

export interface Report {
  totals: Totals;
  findings: Finding[];
}

/** Different complaints about one target, at most: after each, its calls begin anew. */
const MOST_FINDINGS = 6;
/** How often to go on, at most, with a target that was only ever accepted, or only ever refused. */
const MOST_ROUNDS = 30;

/** Calls every function, view, table and wrapper, with values that suit and with values that do not. */
export async function fuzz(
  database: TestDatabase,
  settings: Settings,
  isWanted: (target: Target) => boolean = () => true,
): Promise<Report> {
  const catalog = await readCatalog(database.sql);
  const subjects = await populate(database.sql, catalog);
  const targets = [
    ...routineTargets(catalog, subjects),
    ...filterTargets(catalog, subjects),
    ...writeTargets(catalog, subjects),
    ...wrapperTargets(catalog, subjects),
  ];
  const rollbackDatabase = await rollbackDatabaseIn(database, catalog);
  const totals: Totals = new Map();
  const findings: Finding[] = [];
  for (const target of targets.filter(isWanted))
    findings.push(...(await fuzzTarget(rollbackDatabase, target, settings, totals)));
  findings.push(...(await fuzzBytes(database, catalog)));
  return { totals, findings };
}

async function fuzzTarget(
  rollbackDatabase: RollbackDatabase,
  target: Target,
  { seed, calls }: Settings,
  totals: Totals,
): Promise<Finding[]> {
  const found = new Map<string, Finding>();
  const property = fc.asyncProperty(target.cases, async (callCase) => {
    const verdict = judge(callCase, await rollbackDatabase.attempt(callCase.client, callCase.act));
    count(totals, target, verdict);
    if (verdict.complaint !== null && !found.has(verdict.complaint.kind)) throw verdict.complaint;
  });
  const search = async (seed: number): Promise<void> => {
    const run = await fc.check(property, { seed, numRuns: calls * (target.size + 1) });
    if (!run.failed) return;
    if (!(run.errorInstance instanceof Complaint)) throw run.errorInstance;
    const { fault, kind, message } = run.errorInstance;
    found.set(kind, {
      fault,
      target: target.name,
      problem: message,
      call: run.counterexample?.[0].title() ?? "",
    });
    // what is found first hides what comes after it
    if (found.size < MOST_FINDINGS) await search(seed);
  };
  await search(seed);
  for (let round = 1; round < MOST_ROUNDS && gaps(target, totals).length > 0; round++)
    await search(seed + round);
  return [...found.values(), ...gaps(target, totals)];
}

/** Complains of a target that was never accepted, or never refused: its calls have not tried it. */
function gaps(target: Target, totals: Totals): Finding[] {
  const { accepted = 0, refused } = totals.get(target) ?? {};
  const gap = (problem: string): Finding => ({ fault: "gap", target: target.name, problem });
  return [
    ...(target.accepts && accepted === 0 ? [gap("no call was accepted")] : []),
    ...(refused === undefined || refused.size === 0 ? [gap("no call was refused")] : []),
  ];
}
