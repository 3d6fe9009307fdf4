import { invalidArgument } from "./arguments.js";
import type { InstanceIdArgument } from "./generated.js";

/**
 * Names the id of an instance `instanceId`, also where the caller uses the old name `id`.
 *
 * What is no object stays as it is, and the check of the arguments refuses it.
 *
 * @throws InvalidArgumentError when both are given, and differ
 */
export function withInstanceId<A extends InstanceIdArgument>(verb: string, a: A): A & { instanceId: string } {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- this is where the old name is taken
  const { instanceId, id } = (Object(a) === a ? a : {}) as InstanceIdArgument;
  if (id === undefined || id === instanceId) return a as A & { instanceId: string };
  if (instanceId === undefined) return { ...a, instanceId: id };
  throw invalidArgument(verb, "id", `${verb}: id is another than instanceId; give instanceId alone`);
}
