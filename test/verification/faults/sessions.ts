import type { Sql } from "postgres";
import { until } from "../../support/until.js";
import type { Point } from "./fault-kinds.js";

interface Session {
  pid: number;
  state: string;
  hasCalled: boolean;
  isBlocked: boolean;
}

/** Waits until the server itself says that the session is at the point; resolves to the process of the session. */
export async function untilAt(sql: Sql, applicationName: string, point: Point): Promise<number> {
  let pid = 0;
  await until(`a client is ${point}`, async () => {
    const session = await sessionOf(sql, applicationName);
    pid = session?.pid ?? 0;
    return session !== undefined && isAt(session, point);
  });
  return pid;
}

export async function untilGone(sql: Sql, applicationName: string): Promise<void> {
  await until("a session is over", async () => (await sessionOf(sql, applicationName)) === undefined);
}

function isAt({ state, hasCalled, isBlocked }: Session, point: Point): boolean {
  switch (point) {
    case "connected":
      return state === "idle";
    case "answered":
      return state === "idle" && hasCalled;
    case "in its transaction":
      return state === "idle in transaction" && hasCalled;
    case "under way":
      return true;
    default:
      return isBlocked;
  }
}

async function sessionOf(sql: Sql, applicationName: string): Promise<Session | undefined> {
  const [session] = await sql<Session[]>`
    select pid, state, query like '%vmstate.%' as "hasCalled", cardinality(pg_blocking_pids(pid)) > 0 as "isBlocked"
      from pg_stat_activity where application_name = ${applicationName}`;
  return session;
}
