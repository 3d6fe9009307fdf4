import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import postgres from "postgres";
import { type ApiInstanceState, assertCompatible, vmstate } from "vmstate";
import { migrate, start } from "./sagas.js";
import { Sled } from "./sled.js";
import { runUpdates } from "./update-loop.js";

const sql = postgres(process.env["DATABASE_URL"] ?? "postgres://localhost/postgres");
const vm = vmstate(sql);
const [first, second] = [new Sled(), new Sled()];
const instanceId = randomUUID();

/** The life of one instance: a start that fails, one that succeeds, a live migration, and a stop. */
async function live(): Promise<void> {
  await vm.createInstance({ instanceId, projectId: randomUUID(), name: "web", intendedState: "running" });
  await vm.finishInstanceCreation({ instanceId });

  first.isFull = true;
  console.log("started on the first sled:", await start(vm, instanceId, first), await stateOf());
  first.isFull = false;
  console.log("started on the first sled:", await start(vm, instanceId, first));
  await until("running");
  console.log("runs on the first sled:", (await sledOf()) === first.id);

  console.log("migrates to the second sled:", await migrate(vm, instanceId, first, second));
  await until("running");
  console.log("runs on the second sled:", (await sledOf()) === second.id);

  const { commandPropolisIds } = await vm.requestStop({ instanceId });
  for (const propolisId of commandPropolisIds) second.terminate(propolisId);
  await until("stopped");
  console.log("stopped:", (await sledOf()) === undefined);
}

async function stateOf(): Promise<ApiInstanceState | undefined> {
  return (await vm.apiInstance({ instanceId }))?.state;
}

/** The sled of the active VMM. */
async function sledOf(): Promise<string | undefined> {
  const { activePropolisId } = await vm.explainUpdate({ instanceId });
  return (await vm.apiVmms({ instanceId })).find(({ id }) => id === activePropolisId)?.sledId;
}

/** Waits until the loops have brought the instance there. */
async function until(state: ApiInstanceState): Promise<void> {
  const deadline = Date.now() + 60_000;
  while ((await stateOf()) !== state) {
    if (Date.now() > deadline) throw new Error(`the instance does not become ${state}`);
    await setTimeout(20);
  }
}

const stop = new AbortController();
try {
  await assertCompatible(sql);
  const loops = Promise.all([
    runUpdates(vm, [first, second], stop.signal),
    ...[first, second].map((sled) => sled.report(vm, stop.signal)),
  ]);
  // A loop ends before the instance has lived only when it fails.
  await Promise.race([live(), loops]);
  stop.abort();
  await loops;
} finally {
  stop.abort();
  await sql.end();
}
