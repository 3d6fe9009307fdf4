import assert from "node:assert/strict";
import pg from "pg";
import { assertCompatible, fromPg, vmstate } from "vmstate";
import { migrate } from "vmstate/migrate";

const url = process.env.DATABASE_URL;
await migrate(url);
const pool = new pg.Pool({ connectionString: url });
const sql = fromPg(pool);
await assertCompatible(sql);
const vm = vmstate(sql);

const id = () => crypto.randomUUID();
const [instanceId, sagaId, propolisId, sledId] = [id(), id(), id(), id()];
const outcomes = [];
const call = async (answer) => outcomes.push((await answer).outcome);
const report = async (state, generation) => {
  const { vmmOutcome } = await vm.reportVmm({ instanceId, propolisId, state, generation, time: new Date() });
  outcomes.push(vmmOutcome);
};
await call(vm.createInstance({ instanceId, projectId: id(), name: "web", intendedState: "running" }));
await call(vm.finishInstanceCreation({ instanceId }));
await call(vm.beginStart({ instanceId, sagaId, propolisId, sledId, propolisIp: "fd00::5" }));
await report("running", 2);
const client = await pool.connect();
await client.query("BEGIN");
await call(vmstate(fromPg(client)).requestStop({ instanceId }));
await client.query("COMMIT");
client.release();
await report("destroyed", 3);
await call(vm.runUpdate({ instanceId, sagaId }));
await call(vm.deleteVmm({ instanceId, propolisId }));
await call(vm.deleteInstance({ instanceId }));
assert.deepEqual(await vm.invariantViolations(), []);
await pool.end();
console.log([...new Set(outcomes)].join(), outcomes.length);
