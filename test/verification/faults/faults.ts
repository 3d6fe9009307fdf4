import { Random } from "../../../src/simulator/random.js";
import { inFreshDatabase, type Verdict } from "../prove.js";
import { crashes } from "./crashes.js";
import { dump } from "./dumps.js";
import { mixIsolationLevels } from "./isolation.js";
import { everyInjection, type FaultInjection, injectAll } from "./fault-injection.js";
import { Totals } from "./totals.js";
import { terminate } from "./terminations.js";

export interface FaultSettings {
  seed: number;
  workers: number;
  crashes: number;
  exhaustions: number;
  injections: number;
  terminations: number;
  writes: number;
  dumps: number;
}

/** All kinds of faults, one after the other. */
export async function testFaults(settings: FaultSettings): Promise<Verdict> {
  const { seed } = settings;
  const totals = new Totals();
  const options = { ...settings, totals };
  const parts: Record<string, () => Promise<unknown>> = {
    "crashes and exhaustions": () => crashes(options),
    "deaths and interruptions": () =>
      inFreshDatabase((database) => injectAll(database, someInjections(settings), seed, totals)),
    "terminations under load": () => inFreshDatabase((database) => terminate(database, options)),
    "isolation levels": () => inFreshDatabase((database) => mixIsolationLevels(database, options)),
    dumps: () => dump(options),
  };
  const begun = performance.now();
  for (const [name, part] of Object.entries(parts)) {
    const start = performance.now();
    await part().catch((error: unknown) => totals.wrong.add(`${name}: ${String(error)}`));
    console.log(`${name}: ${secondsSince(start)}`);
  }
  for (const line of totals.problems()) console.log(line);
  return { figures: `${totals.figures()}, ${secondsSince(begun)}`, failures: totals.failures };
}

/** Picks kinds of faults in random order, each once before any comes again. */
function someInjections({ seed, injections }: FaultSettings): FaultInjection[] {
  const random = new Random(seed, 2);
  const chosen: FaultInjection[] = [];
  while (chosen.length < injections)
    chosen.push(
      ...everyInjection
        .map((injection) => ({ injection, place: random.next() }))
        .sort((a, b) => a.place - b.place)
        .map(({ injection }) => injection),
    );
  return chosen.slice(0, injections);
}

function secondsSince(begun: number): string {
  return `${Math.round((performance.now() - begun) / 1000)} s`;
}
