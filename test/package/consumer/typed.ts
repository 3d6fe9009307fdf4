import { beginStart, type BeginStartAnswer, type SqlClient, vmstate } from "vmstate";
import { findDrift, type Difference, migrate, type MigrationStatus, migrationStatus } from "vmstate/migrate";
import { retrying } from "vmstate/retry";
import { createTestDatabase, type Fixture, running, type TestDatabase } from "vmstate/testing";

/** Every answer has an outcome to tell it by. */
export function say(answer: BeginStartAnswer): string {
  return answer.outcome === "conflict" ? answer.reason : answer.outcome;
}

export async function start(sql: SqlClient, instanceId: string): Promise<BeginStartAnswer> {
  const ids = { sagaId: "", propolisId: "", sledId: "", propolisIp: "" };
  // @ts-expect-error: there is no such argument
  await beginStart(sql, { instanceId, ...ids, noSuchArgument: 1 });
  return await vmstate(sql).beginStart({ instanceId, ...ids });
}

export async function retried(sql: SqlClient): Promise<Fixture> {
  return await retrying(sql, (sql) => running(sql, { name: "web" }));
}

export async function use(): Promise<[string[], MigrationStatus[], Difference[]]> {
  const database: TestDatabase = await createTestDatabase({ serverUrl: "postgres://" });
  const { url, sql } = database;
  // @ts-expect-error: a number is no URL
  await migrate(1);
  return [await migrate(url), await migrationStatus(url), await findDrift(sql)];
}
