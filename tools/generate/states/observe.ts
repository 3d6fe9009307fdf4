import type postgres from "postgres";
import { rolledBack } from "../../../src/schema/drift/beside.js";
import { placeWithMigration, placeWithoutMigration } from "./situations.js";
import { allSteps, type Step, take } from "./steps.js";

/** The state before the row exists, as Mermaid writes it. */
export const NOTHING = "[*]";

/** A transition from one state to another, and what causes it. */
export interface Edge {
  from: string;
  to: string;
  by: string;
}

/** The state machines: an instance as users see it, a VMM, a migration as a whole, a side of a migration. */
const MACHINES = ["instance", "vmm", "migration", "side"] as const;
type Machine = (typeof MACHINES)[number];

export type Edges = Record<Machine, Edge[]>;

export interface Observed {
  edges: Edges;
  /** The verbs that were tried. */
  tried: string[];
}

/** By machine and id, the state of each row. */
type CurrentStates = Record<Machine, Map<string, string>>;

/**
 * Finds which states lead to which, and by what, by trying every verb.
 *
 * Puts instances into every situation, and tries every verb on each of them.
 *
 * @param sql a superuser's; the database is left as it is
 */
export async function observe(sql: postgres.Sql): Promise<Observed> {
  const steps = allSteps(await labels(sql, "reported_vmm_state"), await labels(sql, "migration_state"));
  const alone = await tryOut(sql, async (transaction) => {
    await placeWithoutMigration(transaction);
    return await tryAll(transaction, steps);
  });
  const migrating = await tryOut(sql, async (transaction) => {
    await placeWithMigration(transaction, statesUnderMigration(alone));
    return await tryAll(transaction, steps);
  });
  return { edges: union(alone, migrating), tried: [...new Set(steps.map(({ verb }) => verb))] };
}

/**
 * Finds the states that the active VMM may have while a migration is linked.
 *
 * These are the states in which a migration may begin, and what they lead to.
 */
function statesUnderMigration({ instance, vmm }: Edges): string[] {
  const states = instance.filter(({ by }) => by === "begin_migration").map(({ from }) => from);
  for (const state of states)
    states.push(...vmm.filter(({ from, to }) => from === state && !states.includes(to)).map(({ to }) => to));
  return [...new Set(states)];
}

/** Takes each step from the present states, and rolls it back; returns the transitions. */
async function tryAll(sql: postgres.TransactionSql, steps: readonly Step[]): Promise<Edges> {
  const before = await look(sql);
  let edges: Edges = { instance: [], vmm: [], migration: [], side: [] };
  for (const step of steps) {
    const after = await tryOut(sql, async (savepoint) => {
      await take(savepoint, step);
      return await look(savepoint);
    });
    edges = union(edges, difference(before, after, step));
  }
  return edges;
}

/** Reads the state of each row. */
async function look(sql: postgres.ISql): Promise<CurrentStates> {
  const rows = await sql<{ machine: Machine; id: string; state: string }[]>`
    select 'instance' as machine, p.instance_id::text as id, p.api_state::text as state from vmstate.instance_plan as p
    union all select 'migration', p.instance_id::text, p.verdict::text from vmstate.instance_plan as p
    union all select 'vmm', v.id::text, v.state::text from vmstate.vmm as v
    union all select 'side', m.id || ' source', m.source_state::text from vmstate.migration as m
    union all select 'side', m.id || ' destination', m.destination_state::text from vmstate.migration as m`;
  const states: CurrentStates = {
    instance: new Map(),
    vmm: new Map(),
    migration: new Map(),
    side: new Map(),
  };
  for (const { machine, id, state } of rows) states[machine].set(id, state);
  return states;
}

function difference(before: CurrentStates, after: CurrentStates, { verb, says }: Step): Edges {
  const changes = (machine: Machine): Edge[] =>
    [...after[machine]]
      .map(([id, to]) => ({
        from: before[machine].get(id) ?? NOTHING,
        to,
        by: machine === "migration" ? says : verb,
      }))
      .filter(({ from, to }) => from !== to);
  return union({
    instance: changes("instance"),
    vmm: changes("vmm"),
    // an instance that has just been made has no migration
    migration: changes("migration").filter(({ from }) => from !== NOTHING),
    side: changes("side"),
  });
}

/** Joins lists of edges, each edge once. */
function union(...all: Edges[]): Edges {
  const [instance = [], vmm = [], migration = [], side = []] = MACHINES.map((machine) => {
    const edges = all.flatMap((one) => one[machine]);
    return [...new Map(edges.map((edge) => [`${edge.from} ${edge.to} ${edge.by}`, edge])).values()];
  });
  return { instance, vmm, migration, side };
}

/** Runs `act` in a transaction or savepoint that is rolled back; returns what `act` returns. */
async function tryOut<T>(
  sql: postgres.Sql | postgres.TransactionSql,
  act: (sql: postgres.TransactionSql) => Promise<T>,
): Promise<T> {
  return await rolledBack<postgres.TransactionSql, T>(
    (use) => ("savepoint" in sql ? sql.savepoint(use) : sql.begin(use)),
    act,
  );
}

export async function labels(sql: postgres.ISql, type: string): Promise<string[]> {
  const rows = await sql<{ label: string }[]>`
    select e.enumlabel as label from pg_enum as e
    where e.enumtypid = ${`vmstate.${type}`}::regtype order by e.enumsortorder`;
  return rows.map(({ label }) => label);
}
