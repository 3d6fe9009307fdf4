import { inFreshDatabases, prove, seed, type Verdict } from "../prove.js";
import { type Exploration, explore, type Limits } from "./explore.js";
import { type Scope, SCOPES } from "./scopes.js";
import { psqlScript } from "./psql-script.js";

/** Clients that explore one scope together, each in a database of its own. */
const WORKERS = 2;

await prove({
  name: "explore",
  description: `Explores every state that an instance can reach, in scopes: ${SCOPES.map(toText).join("; ")}.`,
  settings: {
    seed: seed(),
    scope: { description: "only the nth scope", defaultValue: 0 },
    depth: { description: "steps of a path, instead of the scope's own bound", defaultValue: 0 },
    states: { description: "states to look at in each scope, at most", defaultValue: 1_000_000 },
  },
  run: async ({ scope, depth, ...limits }) => {
    const scopes = SCOPES.filter((_, i) => scope === 0 || i + 1 === scope);
    const begin = performance.now();
    const results: Exploration[] = [];
    for (const each of scopes)
      results.push(await exploreScope(depth === 0 ? each : { ...each, depth }, limits));
    return toVerdict(results, seconds(begin));
  },
});

async function exploreScope(scope: Scope, limits: Pick<Limits, "states" | "seed">): Promise<Exploration> {
  const begin = performance.now();
  const found = await inFreshDatabases(WORKERS, async (databases) => {
    const clients = databases.map(({ connect }) => connect({ max: 1 }));
    return await explore(clients, { ...scope, ...limits });
  });
  const end = found.complete ? "nothing left" : "more beyond";
  console.log(
    `  ${scope.name}: ${count(found.states)} states, ${count(found.transitions)} transitions, ` +
      `depth ${found.depth}, ${end}, ${seconds(begin)} s`,
  );
  for (const { property, path } of found.failures)
    console.log(`\nbroken: ${property}\n${psqlScript(path)}\n`);
  return found;
}

function toVerdict(results: readonly Exploration[], time: number): Verdict {
  const sum = (of: (result: Exploration) => number): number =>
    results.reduce((total, each) => total + of(each), 0);
  const failures = sum((result) => result.failures.length);
  const depth = Math.max(...results.map((result) => result.depth));
  return {
    figures:
      `${count(sum(({ states }) => states))} states, ${count(sum(({ transitions }) => transitions))} transitions, ` +
      `depth up to ${depth}, ${time} s, ${failures} properties broken`,
    failures,
  };
}

function toText({ name, starts, migrations, reports, psql }: Scope): string {
  const inPsql = psql ? ", and somebody in psql" : "";
  return `${name} (${starts} start sagas, ${migrations} migrate sagas, ${reports.length} reported states${inPsql})`;
}

function count(n: number): string {
  return n.toLocaleString("en");
}

function seconds(begin: number): number {
  return Math.round((performance.now() - begin) / 1000);
}
