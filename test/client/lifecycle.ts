import { randomUUID } from "node:crypto";
import type { Vmstate } from "../../src/index.js";
import { PLAIN_CALLS, PLAIN_FUNCTIONS } from "../support/plain-calls.js";

/** What a function answered, by its name. */
export type Answers = Record<string, unknown>;

/**
 * Runs the lifecycle of an instance in which every function is called; returns what each answered, in order.
 *
 * @param role one that may be granted access, and loses and gets it
 */
export async function runLifecycle(client: Vmstate, role: string): Promise<Answers[]> {
  const answers: Answers[] = [];
  const v = recording(client, (name, answer) => answers.push({ [name]: answer }));
  const [instanceId, projectId, sagaId, parentSagaId] = [0, 0, 0, 0].map(() => randomUUID()) as [
    string,
    string,
    string,
    string,
  ];
  const [propolisId, destinationPropolisId, migrationId, sledId] = [0, 0, 0, 0].map(() => randomUUID()) as [
    string,
    string,
    string,
    string,
  ];
  const time = new Date(Date.UTC(2030, 0, 2, 3, 4, 5, 678));
  const vmm = { instanceId, propolisId };

  await v.createInstance({
    instanceId,
    projectId,
    name: "Zoë's «web»",
    intendedState: "running",
    autoRestartCooldown: 90,
  });
  await v.finishInstanceCreation({ instanceId });
  await v.configureInstance({
    instanceId,
    autoRestartPolicy: "best_effort",
    autoRestartCooldown: "0 seconds",
  });
  for (const name of PLAIN_FUNCTIONS)
    await (v[name] as (argument: unknown) => Promise<unknown>)(PLAIN_CALLS[name](instanceId));
  await v.renameInstance({ instanceId, name: "Zoë's other «web»" });
  await v.restartableInstances({ limit: 1000 });
  const start = { ...vmm, sagaId, sledId, propolisIp: "fd00::1" };
  await v.beginStart({ ...start, propolisPort: 1, startReason: "auto_restart", expectedGeneration: 2 });
  await v.beginStart(start);
  await v.unwindStart({ ...start, sagaId: projectId });
  await v.reportVmm({ ...vmm, state: "running", generation: 2 ** 53 - 9, time });
  await v.requestReboot({ instanceId });
  const migration = { instanceId, sagaId, migrationId, sourcePropolisId: propolisId, destinationPropolisId };
  await v.beginMigration({
    ...migration,
    sledId: randomUUID(),
    propolisIp: "10.0.0.1",
    expectedGeneration: 3,
  });
  await v.stuckInstances();
  await v.instanceDetail({ instanceId });
  await v.instanceDetails({ projectId, state: "migrating", after: "A", limit: 1 });
  await v.apiMigration({ migrationId, instanceId });
  await v.apiMigration({ migrationId });
  await v.apiMigrations({ instanceId });
  await v.apiMigrations({ instanceId, after: migrationId, limit: 3 });
  await v.sledVmms({ sledId });
  await v.sledVmms({ sledId, after: propolisId, limit: 3 });
  const into = {
    migrationInId: migrationId,
    migrationInState: "completed",
    migrationInGeneration: 2,
    migrationInTime: time,
  } as const;
  await v.reportVmms([
    { ...vmm, state: "running", generation: 2 ** 53 - 8, time },
    {
      instanceId,
      propolisId: destinationPropolisId,
      state: "running",
      generation: 2,
      time: time.toISOString(),
      ...into,
    },
  ]);
  const out = {
    migrationOutId: migrationId,
    migrationOutState: "completed",
    migrationOutGeneration: 2,
    migrationOutTime: time,
  } as const;
  await v.reportVmm({ ...vmm, state: "stopping", generation: 2 ** 53 - 7, time, ...out });
  await v.unwindMigration(migration);
  await v.pendingUpdates();
  await v.explainUpdate({ instanceId });
  const parent = await v.beginUpdate({ instanceId, sagaId: parentSagaId, lease: 60 });
  const updaterGeneration = Number(parent.updaterGeneration);
  const lock = { instanceId, updaterGeneration, sagaId: parentSagaId };
  await v.breakUpdate({ instanceId, updaterGeneration: updaterGeneration + 1, reason: "nobody's «lock»" });
  const child = await v.inheritUpdate({ ...lock, parentSagaId, sagaId, lease: "1 hour" });
  await v.unlockUpdate(lock);
  await v.commitUpdate({
    instanceId,
    sagaId,
    updaterGeneration: Number(child.updaterGeneration),
    planToken: String(child.planToken),
  });
  await v.orphanedVmms();
  await v.failSledVmms({ sledId, propolisIds: [propolisId, destinationPropolisId], reason: "no_such_vmm" });
  await v.failSledVmms({ sledId, propolisIds: [], reason: "no_such_vmm" });
  await v.failSled({ sledId, reason: "sled_off" });
  await v.abandonedVmms();
  await v.deleteVmm(vmm);
  await v.watchedVmms();
  await v.apiInstance({ instanceId });
  await v.apiInstances({ projectId });
  await v.apiInstances({ projectId, state: "running", after: "A", limit: 2 });
  await v.apiVmms({ instanceId });
  await v.failVmm({
    instanceId,
    propolisId: destinationPropolisId,
    reason: "operator",
    expectedGeneration: 2,
  });
  await v.runUpdate({ instanceId, sagaId });
  await v.requestStop({ instanceId });
  await v.deleteInstance({ instanceId });
  await v.purge({ before: new Date(Date.UTC(2000, 0, 1)), limit: 3 });
  await v.purge({ before: "2000-01-01T00:00:00Z" });
  await v.invariantViolations();
  await v.revokeAccess({ role, kind: "reader" });
  await v.grantAccess({ role, kind: "reader" });
  await v.bindSledAgent({ role });

  const own = (answer: unknown): unknown =>
    Array.isArray(answer)
      ? answer.filter((row: Answers) => (row["instanceId"] ?? instanceId) === instanceId)
      : answer;
  return answers.map((answer) =>
    Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, own(value)])),
  );
}

function recording(v: Vmstate, record: (name: string, answer: unknown) => void): Vmstate {
  const recorded = Object.entries(v).map(([name, call]) => [
    name,
    async (...rest: unknown[]) => {
      const answer = await (call as (...rest: unknown[]) => Promise<unknown>)(...rest);
      record(name, answer);
      return answer;
    },
  ]);
  return Object.fromEntries(recorded) as Vmstate;
}

/** The same for every life: ids by their first appearance, points in time only as what they are. */
export function comparable(answers: unknown): unknown {
  const ids = new Map<string, string>();
  const walk = (value: unknown): unknown => {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "no date" : "a date";
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, walk(of)]));
    if (typeof value !== "string") return value;
    if (/^\d+\.[0-9a-f]+$/.test(value)) return "a token";
    if (!/^[0-9a-f]{8}-/.test(value)) return value;
    if (!ids.has(value)) ids.set(value, `id ${ids.size}`);
    return ids.get(value);
  };
  return walk(answers);
}
