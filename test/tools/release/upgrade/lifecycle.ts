import { isDeepStrictEqual } from "node:util";
import type { Vmstate } from "../../../../src/index.js";
import type { Answer, Arguments, Verb } from "../../../../src/simulator/checked-client.js";
import { applied, type Call, callsOf, Lifecycle, next } from "../../../support/lifecycle.js";

/** The first release knows an instance that is being made by `id` alone. */
const OF_NEW = new Set<Verb>(["createInstance", "finishInstanceCreation"]);

/**
 * Takes an instance from its creation to its deletion by the verbs of the first release: with a start that unwinds and is
 * replaced, a migration, a stop and a VMM that fails.
 *
 * @param called is told of each call that was answered; when it throws, the life ends there
 * @throws Error when a verb fails, or answers what it should not
 */
export async function live(vm: Vmstate, instanceId: string, called: () => void): Promise<void> {
  const calls = callsOf(vm);
  let last: object = {};
  const asked: Call = async <V extends Verb>(verb: V, argument: Arguments<V>): Promise<Answer<V>> => {
    const answer: Answer<V> = await calls(verb, {
      ...(argument as object),
      ...(OF_NEW.has(verb) && { id: instanceId }),
    } as never);
    last = answer as object;
    called();
    return answer;
  };
  const requireLast = (expected: object): void => requireColumns(last, expected);
  const call = applied(asked);
  const life = new Lifecycle(call, instanceId);
  await life.create();
  requireLast({ apiState: "stopped" });
  const unwound = await life.start();
  requireLast({ apiState: "starting" });
  await call("unwindStart", unwound);
  requireLast({ state: "saga_unwound" });

  const source = await life.start();
  requireLast({ apiState: "starting", replacedPropolisId: unwound.propolisId });
  await life.report(source, "starting");
  requireLast({ stateGeneration: 2 });
  await life.report(source, "running");
  requireLast({ stateGeneration: 3 });
  await asked("reportVmm", { ...next(source, "starting"), generation: 2 });
  requireLast({ vmmOutcome: "stale", stateGeneration: 3 });

  const destination = await life.migrate(source);
  requireLast({ apiState: "migrating" });
  await life.reportIn(destination, "running", "completed");
  requireLast({ migrationInOutcome: "applied", updateNeeded: true });
  const lock = await life.beginUpdate();
  requireLast({ newActivePropolisId: destination.propolisId });
  await call("commitUpdate", lock);
  requireLast({ apiState: "running" });
  await life.report(source, "destroyed");
  requireLast({ updateNeeded: false });
  await life.deleteVmm(source);
  requireLast({ state: "destroyed" });

  await life.requestStop();
  requireLast({ commandPropolisIds: [destination.propolisId] });
  await life.report(destination, "destroyed");
  await life.update();
  await life.deleteVmm(destination);
  requireLast({ state: "destroyed" });

  const failing = await life.start();
  requireLast({ apiState: "starting" });
  await life.failVmm(failing, "operator");
  requireLast({ updateNeeded: true });
  await life.update();
  // The user says that the failure was seen.
  await life.requestStop();
  requireLast({ apiState: "stopped" });
  await life.deleteVmm(failing);
  requireLast({ state: "failed" });
  await life.delete();
  requireLast({ apiState: "destroyed" });
}

function requireColumns(answer: object, expected: object): void {
  const columns = Object.fromEntries(Object.entries(answer).filter(([name]) => name in expected));
  if (isDeepStrictEqual(columns, expected)) return;
  throw new Error(`expected ${JSON.stringify(expected)}, but the answer was ${JSON.stringify(answer)}`);
}
