import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Vmstate } from "../../../../src/index.js";

/**
 * An instance from its creation to its deletion, with a start that unwinds and is replaced, a migration, a stop and a VMM
 * that fails. Yields after each verb; throws when a verb does, or answers what it should not.
 */
export async function* life(vm: Vmstate, instanceId: string): AsyncGenerator<object, void, void> {
  const [unwound, source, destination] = [startOf(instanceId), startOf(instanceId), startOf(instanceId)];
  yield* creation(vm, instanceId);
  yield must(await vm.beginStart(unwound), { outcome: "applied", apiState: "starting" });
  yield must(await vm.unwindStart(unwound), { outcome: "applied", state: "saga_unwound" });
  const replacedPropolisId = unwound.propolisId;
  yield must(await vm.beginStart(source), { outcome: "applied", apiState: "starting", replacedPropolisId });
  yield* arrival(vm, source);
  yield* migration(vm, source, destination);
  const commandPropolisIds = [destination.propolisId];
  yield must(await vm.requestStop({ instanceId }), { outcome: "applied", commandPropolisIds });
  yield must(await vm.reportVmm(report(destination, "destroyed", 9)), { vmmOutcome: "applied" });
  yield must(await vm.runUpdate({ instanceId, sagaId: randomUUID() }), { outcome: "applied" });
  yield must(await vm.deleteVmm(destination), { outcome: "applied", state: "destroyed" });
  yield* failure(vm, startOf(instanceId));
  yield must(await vm.deleteInstance({ instanceId }), { outcome: "applied", apiState: "destroyed" });
}

type Start = ReturnType<typeof startOf>;

function startOf(instanceId: string) {
  const [sagaId, propolisId, sledId] = [randomUUID(), randomUUID(), randomUUID()];
  return { instanceId, sagaId, propolisId, sledId, propolisIp: "fd00::1" };
}

function report(start: Start, state: "starting" | "running" | "destroyed", generation: number) {
  const { instanceId, propolisId } = start;
  return { instanceId, propolisId, state, generation, time: new Date() };
}

async function* creation(vm: Vmstate, id: string): AsyncGenerator<object, void, void> {
  const ids = { id, instanceId: id };
  const instance = { ...ids, projectId: id, name: "web", intendedState: "stopped" } as const;
  yield must(await vm.createInstance(instance), { outcome: "applied", apiState: "creating" });
  yield must(await vm.finishInstanceCreation(ids), { outcome: "applied", apiState: "stopped" });
}

async function* arrival(vm: Vmstate, start: Start): AsyncGenerator<object, void, void> {
  yield must(await vm.reportVmm(report(start, "starting", 2)), { vmmOutcome: "applied", stateGeneration: 2 });
  yield must(await vm.reportVmm(report(start, "running", 4)), { vmmOutcome: "applied", stateGeneration: 4 });
  yield must(await vm.reportVmm(report(start, "starting", 3)), { vmmOutcome: "stale", stateGeneration: 4 });
}

async function* migration(vm: Vmstate, from: Start, to: Start): AsyncGenerator<object, void, void> {
  const { instanceId } = to;
  const migrationId = randomUUID();
  const ids = { migrationId, sourcePropolisId: from.propolisId, destinationPropolisId: to.propolisId };
  yield must(await vm.beginMigration({ ...to, ...ids }), { outcome: "applied", apiState: "migrating" });
  const side = { migrationInId: migrationId, migrationInGeneration: 2, migrationInTime: new Date() };
  const arrived = { ...report(to, "running", 2), ...side, migrationInState: "completed" } as const;
  yield must(await vm.reportVmm(arrived), { migrationInOutcome: "applied", updateNeeded: true });

  const sagaId = randomUUID();
  const plan = must(await vm.beginUpdate({ instanceId, sagaId, lease: "1 minute" }), {
    outcome: "applied",
    newActivePropolisId: to.propolisId,
  });
  yield plan;
  if (plan.outcome !== "applied") throw new Error(plan.outcome);
  yield must(await vm.commitUpdate({ ...plan, sagaId }), { outcome: "applied", apiState: "running" });
  yield must(await vm.reportVmm(report(from, "destroyed", 9)), {
    vmmOutcome: "applied",
    updateNeeded: false,
  });
  yield must(await vm.deleteVmm(from), { outcome: "applied", state: "destroyed" });
}

/** Up to where the user says that the failure was seen. */
async function* failure(vm: Vmstate, start: Start): AsyncGenerator<object, void, void> {
  const { instanceId } = start;
  yield must(await vm.beginStart(start), { outcome: "applied", apiState: "starting" });
  yield must(await vm.failVmm({ ...start, reason: "operator" }), { outcome: "applied", updateNeeded: true });
  yield must(await vm.runUpdate({ instanceId, sagaId: randomUUID() }), { outcome: "applied" });
  yield must(await vm.requestStop({ instanceId }), { outcome: "applied", apiState: "stopped" });
  yield must(await vm.deleteVmm(start), { outcome: "applied", state: "failed" });
}

/** The answer, if it says what is expected of it. */
function must<A extends object>(answer: A, expected: Partial<A>): A {
  const said = Object.fromEntries(Object.entries(answer).filter(([key]) => key in expected));
  if (isDeepStrictEqual(said, expected)) return answer;
  throw new Error(`expected ${JSON.stringify(expected)}, but the answer was ${JSON.stringify(answer)}`);
}
