import {
  type BeginStartResult,
  fromPg,
  type PgClient,
  type QueryClient,
  vmstate,
  VmstateError,
} from "vmstate";
import type { DB, InstanceTable, PostgresTypes } from "vmstate/kysely";

/** Every answer has an outcome to tell it by. */
export function say(answer: BeginStartResult): string {
  return answer.outcome === "conflict" ? answer.reason : answer.outcome;
}

export async function start(pool: PgClient, instanceId: string): Promise<string> {
  const ids = { sagaId: "", propolisId: "", sledId: "", propolisIp: "" };
  // @ts-expect-error: there is no such argument
  await vmstate(fromPg(pool)).beginStart({ instanceId, ...ids, noSuchArgument: 1 });
  return say(await vmstate(fromPg(pool)).beginStart({ instanceId, ...ids }));
}

export const own: QueryClient = {
  query: (text, params) => Promise.reject(new VmstateError(text + params.join())),
};

export function generationOf(row: InstanceTable): string {
  // @ts-expect-error: there is no such column
  if (row.noSuchColumn) return "";
  return row.state_generation;
}

export function cooldownOf(row: InstanceTable<PostgresTypes>): string | null {
  return row.auto_restart_cooldown;
}

export type InstanceColumns = keyof DB["vmstate.instance"];
