import { randomUUID } from "node:crypto";
import pg from "pg";
import { describe, expect, it } from "vitest";
import {
  fromPg,
  reporter,
  type Reporter,
  type ReportVmmArguments,
  type ReportVmmResult,
  type SqlClient,
} from "../../../src/index.js";
import { running, type Scenario, vmm } from "../../sql/scenario.js";
import { type TestDatabase, withDatabase } from "../../support/database.js";
import { until } from "../../support/until.js";
import { holdVmm } from "./recorder.js";

const db = withDatabase();

function reportOf({ instanceId, propolisId }: Scenario, generation: number): ReportVmmArguments {
  return { instanceId, propolisId, state: "running", generation, time: new Date() };
}

function poolOf({ url }: TestDatabase, name: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, application_name: name, max });
  const ignore = (): void => undefined;
  return pool.on("error", ignore).on("connect", (client) => void client.on("error", ignore));
}

describe.each<[string, (act: (sql: SqlClient) => Promise<void>) => Promise<void>]>([
  ["postgres", (act) => act(db.connect())],
  [
    "pg",
    async (act) => {
      const pool = poolOf(db, "reporter", 4);
      await act(fromPg(pool));
      await pool.end();
    },
  ],
])("a backend of a client of %s that is terminated under a batch", (_, withClient) => {
  it("rejects the reports of the batch alone, and the same reports are accepted when they are sent again", async () => {
    const vmms = await Promise.all(Array.from({ length: 6 }, () => running(db.sql)));
    const held = await running(db.sql);
    await withClient(async (sql) => {
      const { report, close } = reporter(sql);
      await using lock = await holdVmm(db, held.propolisId);
      const batch = [held, ...vmms];
      const lost = Promise.allSettled(batch.map((s) => report(reportOf(s, 3))));
      const backend = await lock.waiter();
      const queued = report(reportOf(held, 5));
      await db.sql`select pg_terminate_backend(${backend})`;
      expect((await lost).map(({ status }) => status)).toEqual(batch.map(() => "rejected"));
      await lock.release();
      expect(await queued).toMatchObject({ vmmOutcome: "applied", stateGeneration: 5 });

      const again = await Promise.all(batch.map((s) => report(reportOf(s, 3))));
      expect(again.map(({ vmmOutcome }) => vmmOutcome)).toEqual(["stale", ...vmms.map(() => "applied")]);
      const replayed = await Promise.all(batch.map((s) => report(reportOf(s, 3))));
      expect(replayed.map(({ vmmOutcome }) => vmmOutcome)).toEqual(batch.map(() => "stale"));
      await close();
    });
  });
});

/** Reports again until there is a verdict, as a service does. */
async function persist(
  { report }: Reporter,
  a: ReportVmmArguments,
): Promise<{ verdict: ReportVmmResult; retried: boolean }> {
  for (let retried = false; ; retried = true)
    try {
      return { verdict: await report(a), retried };
    } catch (error) {
      expect(String(error)).toMatch(/terminat|ECONNRESET|EPIPE|shutting down/);
    }
}

it("callers that report again get right verdicts while backends are terminated again and again", async () => {
  const KILLS = 30;
  const name = `reporter-${randomUUID()}`;
  const vmms = await Promise.all(Array.from({ length: 24 }, () => running(db.sql)));
  const pool = poolOf(db, name, 3);
  const reporting = reporter(fromPg(pool), { maxBatch: 8, maxQueue: 12 });
  let kills = 0;
  let retries = 0;
  const callers = vmms.map(async (s) => {
    let generation = 2;
    while (kills < KILLS) {
      const { verdict, retried } = await persist(reporting, reportOf(s, ++generation));
      // A batch that was committed before its answer was lost is stale when it is sent again.
      expect(retried ? ["applied", "stale"] : ["applied"]).toContain(verdict.vmmOutcome);
      expect(verdict).toMatchObject({ state: "running", stateGeneration: generation });
      if (retried) retries++;
    }
    return generation;
  });
  const terminate = async (): Promise<boolean> => {
    const killed = await db.sql`
      select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = ${name} and state = 'active' limit 1`;
    kills += killed.length;
    return kills >= KILLS;
  };
  const [generations] = await Promise.all([Promise.all(callers), until("the backends are dead", terminate)]);
  await reporting.close();
  await pool.end();
  expect(retries).toBeGreaterThan(0);
  for (const [at, { propolisId }] of vmms.entries())
    expect(await vmm(db.sql, propolisId)).toMatchObject({ state_generation: generations[at] });
});
