import postgres from "postgres";
import type { TestDatabase } from "../../support/copy.js";
import { until } from "../../support/until.js";
import { codeOf, TOO_MANY_CONNECTIONS } from "./expected-errors.js";
import { Workload, WORKLOAD_NAME } from "./workload.js";

/** Takes all connections of the server, until clients of the workload are refused. */
export async function exhaustConnections({ sql, url }: TestDatabase, workload: Workload): Promise<void> {
  const hogs: postgres.Sql[] = [];
  const refused = workload.expectedErrors.countOf(TOO_MANY_CONNECTIONS);
  // Keeps a connection, because there will be none left to take.
  const admin = await sql.reserve();
  await until("clients are refused", async () => {
    await takeAll(url, hogs);
    await admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${WORKLOAD_NAME}`;
    return workload.expectedErrors.countOf(TOO_MANY_CONNECTIONS) > refused;
  });
  admin.release();
  await Promise.all(hogs.map((hog) => hog.end({ timeout: 1 })));
  await workload.check();
  await workload.progress(50);
}

async function takeAll(url: string, hogs: postgres.Sql[]): Promise<void> {
  for (;;) {
    const hog = postgres(url, { max: 1, fetch_types: false, connection: { application_name: "hog" } });
    try {
      await hog`select`;
    } catch (error) {
      await hog.end({ timeout: 1 });
      if (codeOf(error) === TOO_MANY_CONNECTIONS) return;
      throw error;
    }
    hogs.push(hog);
  }
}
