import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import {
  beginStart,
  reportSled,
  sledDigest,
  type ReportedVmmState,
  type ReportSledResult,
  type SledVmm,
} from "../../src/index.js";
import { applied, say, stopped, type Scenario } from "./scenario.js";

/** Makes an instance whose VMM is on this sled, and `creating`. */
export async function startingOn(sql: postgres.Sql, sledId: string): Promise<Scenario> {
  const s = await stopped(sql);
  const start = { ...s.start, sledId };
  await applied(beginStart(sql, start));
  return { ...s, start };
}

/** Makes an instance whose VMM is on this sled, and in this state by the report of the sled. */
export async function sayingOn(
  sql: postgres.Sql,
  sledId: string,
  state: ReportedVmmState,
): Promise<Scenario> {
  const s = await startingOn(sql, sledId);
  await say(sql, s, "active", state);
  return s;
}

/** A sled, its VMMs as its agent knows them, and their instances; `s` is the first. */
export interface SledScenario {
  sledId: string;
  s: Scenario;
  scenarios: Scenario[];
  vmms: SledVmm[];
}

/** Makes a sled with VMMs in these states. */
export async function sledWith(
  sql: postgres.Sql,
  ...[first, ...others]: readonly [ReportedVmmState, ...ReportedVmmState[]]
): Promise<SledScenario> {
  const sledId = randomUUID();
  const s = await sayingOn(sql, sledId, first);
  const scenarios = [s];
  const vmms: SledVmm[] = [{ propolisId: s.propolisId, state: first }];
  for (const state of others) {
    const other = await sayingOn(sql, sledId, state);
    scenarios.push(other);
    vmms.push({ propolisId: other.propolisId, state });
  }
  return { sledId, s, scenarios, vmms };
}

/** Lets the sled report that it has these VMMs. */
export async function reportVmmsOf(
  sql: postgres.ISql,
  sledId: string,
  vmms: readonly SledVmm[],
): Promise<ReportSledResult> {
  return await reportSled(sql, { sledId, ...(await sledDigest(vmms)) });
}

/** The row that report_sled keeps of a sled, as it is stored. */
export async function sledRow(
  sql: postgres.Sql,
  sledId: string,
): Promise<Record<string, unknown> | undefined> {
  const [found] = await sql<{ row: Record<string, unknown> }[]>`
    select to_jsonb(r) as row from vmstate.sled_report as r where r.sled_id = ${sledId}`;
  return found?.row;
}

/** Sets `time_reported` and `time_agreed` of the row of a sled to so long ago. */
export async function sledHeardAgo(sql: postgres.Sql, sledId: string, ago: string): Promise<void> {
  await sql`update vmstate.sled_report set time_reported = clock_timestamp() - ${ago}::interval,
    time_agreed = clock_timestamp() - ${ago}::interval where sled_id = ${sledId}`;
}

/** Sets `time_reported` of a VMM to so long ago. */
export async function vmmHeardAgo(sql: postgres.Sql, propolisId: string, ago: string): Promise<void> {
  await sql`update vmstate.vmm set time_reported = clock_timestamp() - ${ago}::interval,
    state_generation = state_generation + 1 where id = ${propolisId}`;
}
