import { randomUUID } from "node:crypto";
import type { Sql } from "postgres";
import { beginUpdate, commitUpdate, type CommitUpdateArguments } from "../../../src/index.js";
import { until } from "../../support/until.js";
import { applied, saying } from "../../sql/scenario.js";

/** Begins an update saga that never makes another call; returns the arguments of the commit that it would make. */
export async function beginAndAbandon(sql: Sql, lease: string): Promise<CommitUpdateArguments> {
  const { instanceId } = await saying(sql, "destroyed");
  const sagaId = randomUUID();
  const { updaterGeneration, planToken } = await applied(beginUpdate(sql, { instanceId, sagaId, lease }));
  return { instanceId, sagaId, updaterGeneration, planToken };
}

/**
 * Checks that another saga takes the updater lock of a dead saga over once the lease has expired, and not before.
 *
 * @throws when it cannot, or can too early, or when the dead saga can still commit afterwards
 */
export async function takeOver(sql: Sql, dead: CommitUpdateArguments): Promise<void> {
  const { instanceId } = dead;
  const sagaId = randomUUID();
  const lease = await leaseOf(sql, instanceId);
  await until("the updater lock is taken over", async () => {
    const wasOver = await isPast(sql, lease);
    const { outcome } = await beginUpdate(sql, { instanceId, sagaId, lease: "1 hour" });
    if (outcome === "conflict" && wasOver) throw new Error("an updater lock outlives its lease");
    if (outcome === "applied" && !(await isPast(sql, lease)))
      throw new Error("an updater lock is taken over before its lease is over");
    return outcome === "applied";
  });
  const tooLate = await commitUpdate(sql, dead);
  if (tooLate.reason !== "lock_lost") throw new Error(`the dead saga commits: ${JSON.stringify(tooLate)}`);
  const { updaterGeneration, planToken } = await applied(
    beginUpdate(sql, { instanceId, sagaId, lease: "1 hour" }),
  );
  await applied(commitUpdate(sql, { instanceId, sagaId, updaterGeneration, planToken }));
}

/** Reads the end of the lease, as text: a Date has only milliseconds. */
async function leaseOf(sql: Sql, instanceId: string): Promise<string> {
  const [{ lease }] = await sql<[{ lease: string }]>`
    select updater_lease_until::text as lease from vmstate.instance where id = ${instanceId}`;
  return lease;
}

async function isPast(sql: Sql, time: string): Promise<boolean> {
  const [{ isPast }] = await sql<[{ isPast: boolean }]>`
    select clock_timestamp() >= ${time}::text::timestamptz as "isPast"`;
  return isPast;
}
