import { Chance } from "../../../src/simulator/random.js";
import { inFreshDatabase, type Verdict } from "../prove.js";
import { crashes } from "./crashes.js";
import { dump } from "./dumps.js";
import { isolate } from "./isolation.js";
import { everyStrike, type Strike, strikeAll } from "./fault-injection.js";
import { Tally } from "./totals.js";
import { terminate } from "./terminations.js";

export interface ChaosSettings {
  seed: number;
  workers: number;
  crashes: number;
  storms: number;
  strikes: number;
  terminations: number;
  writes: number;
  dumps: number;
}

/** All kinds of faults, one after the other. */
export async function chaos(settings: ChaosSettings): Promise<Verdict> {
  const { seed } = settings;
  const tally = new Tally();
  const options = { ...settings, tally };
  const parts: Record<string, () => Promise<void>> = {
    "crashes and storms": () => crashes(options),
    "deaths and interruptions": () =>
      inFreshDatabase((database) => strikeAll(database, someStrikes(settings), seed, tally)),
    "terminations under load": () => inFreshDatabase((database) => terminate(database, options)),
    "isolation levels": () => inFreshDatabase((database) => isolate(database, options)),
    dumps: () => dump(options),
  };
  const begun = performance.now();
  for (const [name, part] of Object.entries(parts)) {
    const start = performance.now();
    await part().catch((error: unknown) => tally.wrong.add(`${name}: ${String(error)}`));
    console.log(`${name}: ${secondsSince(start)}`);
  }
  for (const line of tally.complaints()) console.log(line);
  return { figures: `${tally.figures()}, ${secondsSince(begun)}`, failures: tally.failures };
}

/** In any order; each once before one comes again. */
function someStrikes({ seed, strikes }: ChaosSettings): Strike[] {
  const chance = new Chance(seed, 2);
  const chosen: Strike[] = [];
  while (chosen.length < strikes)
    chosen.push(
      ...everyStrike
        .map((strike) => ({ strike, place: chance.next() }))
        .sort((a, b) => a.place - b.place)
        .map(({ strike }) => strike),
    );
  return chosen.slice(0, strikes);
}

function secondsSince(begun: number): string {
  return `${Math.round((performance.now() - begun) / 1000)} s`;
}
