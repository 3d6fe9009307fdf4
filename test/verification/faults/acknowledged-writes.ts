import type { ISql, Sql } from "postgres";
import type { Answer, Arguments, Verb } from "../../../src/simulator/checked-client.js";
import { manyRows } from "../../../src/client/rows.js";
import { statement } from "../../../src/client/statement.js";

/** Which version of which row an answer, or one row of an answer, has seen. */
interface Seen {
  outcome?: string;
  vmmOutcome?: string;
  instanceId?: string | null;
  propolisId?: string;
  stateGeneration?: number | null;
}

type Generations = Map<string, number>;

/**
 * What clients were told. It lives with them, so that what the server forgets is still known here. The ledger is the
 * counterpart in the database: a transaction with a line in it was committed.
 */
export class AcknowledgedWrites {
  /** The newest generation in any answer. */
  readonly #instances: Generations = new Map();
  readonly #vmms: Generations = new Map();
  readonly #lines = new Set<string>();
  #writes = 0;
  /** How many calls had been committed, although their clients were not told. */
  unheard = 0;

  /** How many acknowledged answers said that something was written. */
  get writes(): number {
    return this.#writes;
  }

  /** @param line the transaction's, if it has one in the ledger */
  acknowledge<V extends Verb>(verb: V, argument: Arguments<V>, answer: Answer<V>, line?: string): void {
    const rows = [answer ?? []].flat() as Seen[];
    if (verb !== "explainUpdate" && rows.some((row) => outcomeOf(row) === "applied")) this.#writes++;
    for (const row of rows) this.#see(row, argument as Seen);
    if (line !== undefined) this.#lines.add(line);
  }

  /** What the database does not have; what is acknowledged meanwhile does not count. */
  async missing(sql: ISql): Promise<string[]> {
    const [instances, vmms, lines] = [new Map(this.#instances), new Map(this.#vmms), new Set(this.#lines)];
    const stored = await manyRows<{ kind: string; id: string; generation: number }>(
      sql,
      statement`
      select json_build_object('kind', 'instance', 'id', id, 'generation', state_generation)::text from vmstate.instance
      union all select json_build_object('kind', 'VMM', 'id', id, 'generation', state_generation)::text from vmstate.vmm
      union all select json_build_object('kind', 'line', 'id', id, 'generation', 0)::text from faults.ledger where not is_inquiry`,
    );
    const storedOf = (wanted: string): Generations =>
      new Map(stored.filter(({ kind }) => kind === wanted).map(({ id, generation }) => [id, generation]));
    const ledger = storedOf("line");
    return [
      ...olderThan(instances, "instance", storedOf("instance")),
      ...olderThan(vmms, "VMM", storedOf("VMM")),
      ...[...lines].filter((id) => !ledger.has(id)).map((id) => `transaction ${id}: not in the ledger`),
    ];
  }

  #see({ instanceId, propolisId, stateGeneration }: Seen, argument: Seen): void {
    if (stateGeneration === undefined || stateGeneration === null) return;
    // A verb on a VMM answers neither id.
    const vmm = propolisId ?? (instanceId === undefined ? argument.propolisId : undefined);
    if (vmm !== undefined) raise(this.#vmms, vmm, stateGeneration);
    else if (instanceId) raise(this.#instances, instanceId, stateGeneration);
  }
}

/** Where {@link AcknowledgedWrites} looks for its lines. */
export async function makeLedger(sql: Sql): Promise<void> {
  await sql`create schema if not exists faults`;
  await sql`create table if not exists faults.ledger (
    id uuid primary key, is_inquiry boolean not null default false)`;
}

/** Returns the outcome of an answer; for a report, the outcome of its VMM part. */
export function outcomeOf(answer: unknown): string | undefined {
  const { outcome, vmmOutcome } = (answer ?? {}) as Seen;
  return outcome ?? vmmOutcome;
}

function raise(generations: Generations, id: string, generation: number): void {
  generations.set(id, Math.max(generation, generations.get(id) ?? 0));
}

function* olderThan(acknowledged: Generations, kind: string, stored: Generations): Generator<string> {
  for (const [id, generation] of acknowledged) {
    const found = stored.get(id);
    if (found === undefined) yield `${kind} ${id}: gone`;
    else if (found < generation) yield `${kind} ${id}: at ${found}, was acknowledged at ${generation}`;
  }
}
