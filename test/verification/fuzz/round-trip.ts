import type postgres from "postgres";
import { apiInstance } from "../../../src/index.js";
import { RoundTripError } from "./call-case.js";
import { unknownKeyIn } from "./unknown-keys.js";

type Given = Readonly<Record<string, unknown>>;

/** @throws RoundTripError unless the row has what was given, and the answer has only valid values */
export async function expectRoundTrip(
  sql: postgres.ISql,
  name: string,
  given: Given,
  answer: unknown,
): Promise<void> {
  if (hasInvalidDate(answer)) throw new RoundTripError("an invalid Date in the answer");
  if (name === "createInstance" || name === "renameInstance") await expectName(sql, given, answer);
  if (name === "reportVmm") await expectTime(sql, given, answer);
  const reports = name === "reportVmm" ? given : name === "reportVmms" ? given["reports"] : [];
  const unknown = unknownKeyIn(reports, "camel");
  if (unknown !== undefined) throw new RoundTripError(`an unknown key was accepted: ${unknown}`);
}

function hasInvalidDate(value: unknown): boolean {
  if (value instanceof Date) return Number.isNaN(value.getTime());
  return typeof value === "object" && value !== null && Object.values(value).some(hasInvalidDate);
}

async function expectName(sql: postgres.ISql, { name }: Given, answer: unknown): Promise<void> {
  const { outcome, instanceId } = answer as { outcome: string; instanceId: string };
  if (outcome !== "applied" || typeof name !== "string") return;
  const stored = await apiInstance(sql, { instanceId });
  if (stored?.name !== sentAs(name)) throw new RoundTripError("the name is another one");
}

/** Returns the text as clients send it: half a surrogate pair has no UTF-8, so they send the replacement character. */
export function sentAs(text: string): string {
  return Buffer.from(text).toString();
}

/** Expects the time in the row, since views show a time in the future as now. */
async function expectTime(sql: postgres.ISql, { propolisId, time }: Given, answer: unknown): Promise<void> {
  const { vmmOutcome } = answer as { vmmOutcome: string };
  if (vmmOutcome !== "applied" || !(time instanceof Date)) return;
  const stored = await sql`
    select from vmstate.vmm
      where id = ${String(propolisId)} and time_state_updated = ${time.toISOString()}::text::timestamptz`;
  if (stored.length === 0) throw new RoundTripError("the time is another one");
}
