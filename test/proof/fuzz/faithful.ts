import { apiInstance, apiVmms, type SqlClient } from "../../../src/index.js";
import { Unfaithful } from "./trial.js";

type Given = Readonly<Record<string, unknown>>;

/** What was written is what was given, and what is answered can be read. */
export async function expectFaithful(
  sql: SqlClient,
  name: string,
  given: Given,
  answer: unknown,
): Promise<void> {
  if (hasNoDate(answer)) throw new Unfaithful("an invalid Date in the answer");
  if (name === "createInstance") await expectName(sql, given, answer);
  if (name === "reportVmm") await expectTime(sql, given, answer);
}

function hasNoDate(value: unknown): boolean {
  if (value instanceof Date) return Number.isNaN(value.getTime());
  return typeof value === "object" && value !== null && Object.values(value).some(hasNoDate);
}

async function expectName(sql: SqlClient, { name }: Given, answer: unknown): Promise<void> {
  const { outcome, instanceId } = answer as { outcome: string; instanceId: string };
  if (outcome !== "applied" || typeof name !== "string") return;
  const stored = await apiInstance(sql, { instanceId });
  // half a surrogate pair has no UTF-8
  if (stored?.name !== Buffer.from(name).toString()) throw new Unfaithful("the name is another one");
}

async function expectTime(sql: SqlClient, { instanceId, time }: Given, answer: unknown): Promise<void> {
  const { vmmOutcome } = answer as { vmmOutcome: string };
  if (vmmOutcome !== "applied" || !(time instanceof Date)) return;
  const vmms = await apiVmms(sql, { instanceId: String(instanceId) });
  if (!vmms.some(({ timeStateUpdated }) => timeStateUpdated.getTime() === time.getTime()))
    throw new Unfaithful("the time is another one");
}
