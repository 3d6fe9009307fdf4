import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { expect, it } from "vitest";
import {
  beginStart,
  beginUpdate,
  breakUpdate,
  configureInstance,
  failVmm,
  unlockUpdate,
  unwindStart,
} from "../../src/index.js";
import { anotherStart, expireLease, failed, running } from "../sql/scenario.js";
import { regressionDatabase } from "./situation.js";

const database = regressionDatabase();

const ROWS = 9;
const FIRST = 3;
const ROUNDS = ROWS / FIRST;

/** Works on the first rows of a list in each round, in the order in which the list comes. */
async function workOn(
  list: string,
  ids: readonly string[],
  attempt: (sql: postgres.Sql, instanceId: string) => Promise<void>,
): Promise<Set<string>> {
  const { sql } = database;
  const reached = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const rows = await sql<{ instance_id: string }[]>`select instance_id from ${sql(`vmstate.${list}`)}
      where instance_id = any(${ids}::uuid[]) limit ${FIRST}`;
    for (const { instance_id } of rows) {
      reached.add(instance_id);
      await attempt(sql, instance_id);
    }
  }
  return reached;
}

/** How the work on a row of pending_update may end without a commit. */
const ATTEMPTS: [how: string, attempt: (sql: postgres.Sql, instanceId: string) => Promise<void>][] = [
  [
    "the saga dies and its lease expires",
    async (sql, instanceId) => {
      await beginUpdate(sql, { instanceId, sagaId: randomUUID(), lease: "1 min" });
      await expireLease(sql, { instanceId });
    },
  ],
  [
    "the saga fails and unlocks",
    async (sql, instanceId) => {
      const saga = { instanceId, sagaId: randomUUID() };
      const { updaterGeneration } = await begun(sql, saga);
      await unlockUpdate(sql, { ...saga, updaterGeneration });
    },
  ],
  [
    "an operator breaks the lock",
    async (sql, instanceId) => {
      const { updaterGeneration } = await begun(sql, { instanceId, sagaId: randomUUID() });
      await breakUpdate(sql, { instanceId, updaterGeneration, reason: "its executor was lost" });
    },
  ],
];

async function begun(
  sql: postgres.Sql,
  saga: { instanceId: string; sagaId: string },
): Promise<{ updaterGeneration: number }> {
  const answer = await beginUpdate(sql, { ...saga, lease: "1 min" });
  if (answer.outcome !== "applied") throw new Error(`begin_update: ${answer.outcome}`);
  return answer;
}

// There, a job whose key is blocked stays the oldest candidate, and no other job of the queue is taken any more.
it.each(ATTEMPTS)(
  "pg-boss 871 (after 849): updates that never commit do not starve other instances in pending_update: %s",
  async (_, attempt) => {
    const { sql } = database;
    const ids: string[] = [];
    for (let i = 0; i < ROWS; i++) {
      const { instanceId, propolisId } = await running(sql);
      await failVmm(sql, { instanceId, propolisId, reason: "operator" });
      ids.push(instanceId);
    }
    expect(await workOn("pending_update", ids, attempt)).toEqual(new Set(ids));
  },
);

it("pg-boss 871 (after 849): restarts that always unwind do not starve other instances in restartable_instance", async () => {
  const { sql } = database;
  const ids: string[] = [];
  for (let i = 0; i < ROWS; i++) {
    const { instanceId } = await failed(sql, { intendedState: "running" });
    await configureInstance(sql, { instanceId, autoRestartCooldown: "0" });
    ids.push(instanceId);
  }
  const reached = await workOn("restartable_instance", ids, async (client, instanceId) => {
    const start = anotherStart({ instanceId });
    await beginStart(client, { ...start, startReason: "auto_restart" as const });
    await unwindStart(client, start);
  });
  expect(reached).toEqual(new Set(ids));
});
