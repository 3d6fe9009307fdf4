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
  const asked: Call = async <V extends Verb>(verb: V, argument: Arguments<V>): Promise<Answer<V>> => {
    const answer: Answer<V> = await calls(verb, {
      ...(argument as object),
      ...(OF_NEW.has(verb) && { id: instanceId }),
    } as never);
    called();
    return answer;
  };
  const call = applied(asked);
  const life = new Lifecycle(call, instanceId);
  await life.create();
  await call("unwindStart", await life.start());
  const source = await life.run();
  const { vmmOutcome } = await asked("reportVmm", { ...next(source, "starting"), generation: 2 });
  if (vmmOutcome !== "stale") throw new Error(`a report of the past is ${vmmOutcome}`);

  const destination = await life.migrate(source);
  await life.reportIn(destination, "running", "completed");
  await call("commitUpdate", await life.beginUpdate());
  await life.report(source, "destroyed");
  await life.deleteVmm(source);

  await life.requestStop();
  await life.report(destination, "destroyed");
  await life.update();
  await life.deleteVmm(destination);

  const failing = await life.start();
  await life.failVmm(failing, "operator");
  await life.update();
  // The user says that the failure was seen.
  await life.requestStop();
  await life.deleteVmm(failing);
  await life.delete();
}
