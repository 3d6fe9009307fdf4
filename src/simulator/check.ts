import type { CheckedClient } from "./checked-client.js";
import { ProblemLog } from "./problem-log.js";
import { TaskPool } from "./task-pool.js";
import type { Ids } from "./ids.js";

/** What a replay has left in the database that must not be there. */
export interface Findings {
  /** VMs that are not in the state in which the replay must leave them. */
  wrongEndStates: ProblemLog;
  /** What still waits for an update saga, for a sled or for deletion. */
  leftovers: ProblemLog;
  /** Breaches of the database's own invariants. */
  violations: ProblemLog;
}

/**
 * Compares the database with what the replay has played.
 *
 * @param endsRunning of each VM, by index: whether it runs at the end, or is deleted
 */
export async function check(
  client: CheckedClient,
  ids: Ids,
  concurrency: number,
  endsRunning: readonly boolean[],
): Promise<Findings> {
  const wrongEndStates = new ProblemLog();
  const pool = new TaskPool(concurrency);
  for (const [index, runs] of endsRunning.entries())
    await pool.begin(async () => {
      const end = await endOf(client, ids.instanceId(index));
      const due = runs ? "running, 1 VMM running" : "deleted";
      if (end !== due) wrongEndStates.add(`vm-${index} must be ${due}; it is ${end}`);
    });
  await pool.finish();
  return {
    wrongEndStates,
    leftovers: await leftoversOf(client, ids),
    violations: await violationsOf(client),
  };
}

async function endOf(client: CheckedClient, instanceId: string): Promise<string> {
  const [instance, vmms] = await Promise.all([
    client.ask("apiInstance", { instanceId }),
    client.ask("apiVmms", { instanceId }),
  ]);
  const state = instance?.state ?? "deleted";
  return vmms.length === 0 ? state : `${state}, ${vmms.length} VMM ${vmms.map((vmm) => vmm.state).join()}`;
}

async function leftoversOf(client: CheckedClient, ids: Ids): Promise<ProblemLog> {
  const lists = {
    "pending update": await client.ask("pendingUpdates", {}),
    "abandoned VMM": await client.ask("abandonedVmms", {}),
    "orphaned VMM": await client.ask("orphanedVmms", {}),
    "restartable instance": await client.ask("restartableInstances", {}),
    "stuck instance": await client.ask("stuckInstances", {}),
  };
  const leftovers = new ProblemLog();
  for (const [name, rows] of Object.entries(lists))
    for (const row of rows) if (ids.isOurs(row.instanceId)) leftovers.add(`${name}: ${JSON.stringify(row)}`);
  return leftovers;
}

async function violationsOf(client: CheckedClient): Promise<ProblemLog> {
  const violations = new ProblemLog();
  for (const row of await client.ask("invariantViolations", {})) violations.add(JSON.stringify(row));
  return violations;
}
