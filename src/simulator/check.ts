import type { Caller } from "./checked-client.js";
import { Complaints } from "./problem-log.js";
import { Crew } from "./task-pool.js";
import type { World } from "./ids.js";

/** What a replay has left in the database that must not be there. */
export interface Findings {
  /** VMs that did not end as their lives say. */
  wrong: Complaints;
  /** What still waits for an update saga, for a sled or for deletion. */
  leftovers: Complaints;
  /** Breaches of the database's own invariants. */
  violations: Complaints;
}

/** @param endsRunning of each VM, by index: whether it runs at the end, or is deleted */
export async function check(
  caller: Caller,
  world: World,
  concurrency: number,
  endsRunning: readonly boolean[],
): Promise<Findings> {
  const wrong = new Complaints();
  const crew = new Crew(concurrency);
  for (const [index, runs] of endsRunning.entries())
    await crew.begin(async () => {
      const end = await endOf(caller, world.instanceId(index));
      const due = runs ? "running, 1 VMM running" : "deleted";
      if (end !== due) wrong.add(`vm-${index} must be ${due}; it is ${end}`);
    });
  await crew.finish();
  return { wrong, leftovers: await leftoversOf(caller, world), violations: await violationsOf(caller) };
}

async function endOf(caller: Caller, instanceId: string): Promise<string> {
  const [instance, vmms] = await Promise.all([
    caller.ask("apiInstance", { instanceId }),
    caller.ask("apiVmms", { instanceId }),
  ]);
  const state = instance?.state ?? "deleted";
  return vmms.length === 0 ? state : `${state}, ${vmms.length} VMM ${vmms.map((vmm) => vmm.state).join()}`;
}

async function leftoversOf(caller: Caller, world: World): Promise<Complaints> {
  const lists = {
    "pending update": await caller.ask("pendingUpdates", {}),
    "abandoned VMM": await caller.ask("abandonedVmms", {}),
    "orphaned VMM": await caller.ask("orphanedVmms", {}),
    "restartable instance": await caller.ask("restartableInstances", {}),
    "stuck instance": await caller.ask("stuckInstances", {}),
  };
  const leftovers = new Complaints();
  for (const [name, rows] of Object.entries(lists))
    for (const row of rows)
      if (world.isOurs(row.instanceId)) leftovers.add(`${name}: ${JSON.stringify(row)}`);
  return leftovers;
}

async function violationsOf(caller: Caller): Promise<Complaints> {
  const violations = new Complaints();
  for (const row of await caller.ask("invariantViolations", {})) violations.add(JSON.stringify(row));
  return violations;
}
