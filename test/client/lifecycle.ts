import { randomUUID } from "node:crypto";
import { sledDigest, type Vmstate } from "../../src/index.js";
import { PLAIN_CALLS, PLAIN_FUNCTIONS } from "../support/plain-calls.js";

/** What a function answered, by its name. */
export type Answers = Record<string, unknown>;

/**
 * Runs the lifecycle of an instance in which every function is called; returns what each answered, in order.
 *
 * @param role one that may be granted access, and loses and gets it
 */
export async function runLifecycle(client: Vmstate, role: string): Promise<Answers[]> {
  // Makes the next partition, so that no life finds one to make.
  await client.maintainHistory({});
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
  await v.reportSled({ sledId, ...(await sledDigest([{ ...vmm, state: "stopping" }])) });
  await v.reportSled({ sledId, ...(await sledDigest([])) });
  await v.silentSleds();
  await v.silentSleds({ limit: 7 });
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
  const ended = {
    instanceId,
    propolisId: destinationPropolisId,
    sagaId,
    state: "failed",
    generation: 4,
  } as const;
  await v.settle({ ...ended, time, delete: false });
  await v.settle({ ...ended, time });
  await v.requestStop({ instanceId });
  await v.deleteInstance({ instanceId });
  await v.purge({ before: new Date(Date.UTC(2000, 0, 1)), limit: 3 });
  await v.purge({ before: "2000-01-01T00:00:00Z" });
  await v.invariantViolations();
  await v.invariantViolations({ since: "2000-01-01", limit: 5 });
  await v.instanceHistory({ instanceId });
  await v.vmmHistory({ instanceId, after: 0, limit: 3 });
  await v.migrationHistory({ instanceId });
  await v.instanceAt({ instanceId, time: new Date(Date.UTC(9000, 0, 1)) });
  await v.maintainHistory({});
  await v.historyExtent();
  await v.revokeAccess({ role, kind: "reader" });
  await v.grantAccess({ role, kind: "reader" });
  await v.bindSledAgent({ role });

  // What has no instance is of a sled: on a slow machine those of earlier tests are silent by now.
  const isOwn = (row: Answers): boolean =>
    row["instanceId"] === undefined
      ? (row["sledId"] ?? sledId) === sledId
      : (row["instanceId"] ?? instanceId) === instanceId;
  const own = (answer: unknown): unknown => (Array.isArray(answer) ? answer.filter(isOwn) : answer);
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

/** The numbers of a change and of its transaction. */
function isNumberOfChange(key: string, value: unknown): boolean {
  return key === "transactionId" || (key === "id" && typeof value === "number");
}

/** Replaces what differs between two lifecycles: ids by a number in order of appearance, times and tokens by a word. */
export function comparable(answers: unknown): unknown {
  const ids = new Map<string, string>();
  const walk = (value: unknown): unknown => {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "no date" : "a date";
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(
        Object.entries(value).map(([key, of]) => [key, isNumberOfChange(key, of) ? "a number" : walk(of)]),
      );
    if (typeof value !== "string") return value;
    if (/^\d+\.[0-9a-f]+$/.test(value)) return "a token";
    if (/^\d{4}-\d\d-\d\dT.*\.\d{6}Z$/.test(value)) return "a time";
    if (!/^[0-9a-f]{8}-/.test(value)) return value;
    if (!ids.has(value)) ids.set(value, `id ${ids.size}`);
    return ids.get(value);
  };
  return walk(answers);
}
