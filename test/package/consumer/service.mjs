import { beginStart, createInstance, finishInstanceCreation, VmstateError } from "vmstate";
import { migrationStatus } from "vmstate/migrate";
import { createTestDatabase } from "vmstate/testing";

const { url, sql, close } = await createTestDatabase();
const instanceId = crypto.randomUUID();
await createInstance(sql, {
  instanceId,
  projectId: crypto.randomUUID(),
  name: "web",
  intendedState: "running",
});
await finishInstanceCreation(sql, { instanceId });
const { outcome, apiState } = await beginStart(sql, {
  instanceId,
  sagaId: crypto.randomUUID(),
  propolisId: crypto.randomUUID(),
  sledId: crypto.randomUUID(),
  propolisIp: "fd00::5",
});
const pending = (await migrationStatus(url)).filter(({ state }) => state !== "applied");
await close();
console.log(outcome, apiState, pending.length, VmstateError.name);
