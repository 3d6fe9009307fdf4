import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { beginUpdate, commitUpdate, failVmm, unlockUpdate } from "../../src/index.js";
import { migrating, say, type Scenario, writingNothing } from "../sql/scenario.js";
import { regressionDatabase, type RegressionDatabase } from "./situation.js";

const before = regressionDatabase();
const after = regressionDatabase();

/** The same instance in two databases: the old primary, and the replica that had received no more than this. */
async function replicated(): Promise<Scenario> {
  const s = await migrating(before.sql);
  for (const table of ["instance", "vmm", "migration"]) await copyRows(table, s);
  return s;
}

async function copyRows(table: string, { instanceId }: Scenario): Promise<void> {
  const rows = await before.sql<{ row: Record<string, string | null> }[]>`
    select to_jsonb(t) as row from ${before.sql(`vmstate.${table}`)} as t
    where ${before.sql(table === "instance" ? "id" : "instance_id")} = ${instanceId}`;
  await after.sql.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    await sql`insert into ${sql(`vmstate.${table}`)}
      select r.* from jsonb_populate_recordset(null::${sql(`vmstate.${table}`)}, ${sql.json(rows.map(({ row }) => row))}) as r`;
  });
}

/** The updater generation and the plan that a new saga gets. */
async function plan({ sql }: RegressionDatabase, { instanceId }: Scenario) {
  const saga = { instanceId, sagaId: randomUUID() };
  const answer = await beginUpdate(sql, { ...saga, lease: "5 min" });
  expect(answer.outcome).toBe("applied");
  if (answer.outcome !== "applied") throw new Error("there is no plan");
  const { updaterGeneration, planToken, network } = answer;
  return { ...saga, updaterGeneration, planToken, network };
}

// etcd hands out the same revisions again after a restore, and clients that trust the number alone take new data for old.
it("etcd 16028: two sagas with the same fencing token after a failover: only the one that committed gets unchanged, the other lock_lost", async () => {
  const s = await replicated();
  await say(before.sql, s, "destination", "running", "completed");
  const lost = await plan(before, s);
  expect(lost.network).toBe("move");

  await failVmm(after.sql, {
    instanceId: s.instanceId,
    propolisId: s.destinationId,
    reason: "no_such_vmm",
  });
  const kept = await plan(after, s);
  expect(kept.updaterGeneration).toBe(lost.updaterGeneration);
  expect(await commitUpdate(after.sql, kept)).toMatchObject({ outcome: "applied" });

  await writingNothing(after.sql, async () => {
    const lockLost = { outcome: "conflict", reason: "lock_lost" };
    expect(await commitUpdate(after.sql, lost)).toMatchObject(lockLost);
    expect(await commitUpdate(after.sql, { ...lost, planToken: kept.planToken })).toMatchObject(lockLost);
    expect(await commitUpdate(after.sql, { ...kept, planToken: lost.planToken })).toMatchObject(lockLost);
    expect(await unlockUpdate(after.sql, lost)).toMatchObject(lockLost);
    expect(await commitUpdate(after.sql, kept)).toMatchObject({ outcome: "unchanged" });
  });
});
