import { migrate } from "../../../src/schema/index.js";
import { Random } from "../../../src/simulator/random.js";
import { copyDatabase, type TestDatabase } from "../../support/copy.js";
import { until } from "../../support/until.js";
import { newPool, repeating } from "./connections.js";
import { CUT, ExpectedErrors, TOO_MANY_CONNECTIONS } from "./expected-errors.js";
import { Workload, WORKLOAD_NAME } from "./workload.js";
import { type CrashableServer, startCrashableServer } from "./crashable-server.js";
import { serverPrograms } from "./programs.js";
import { exhaustConnections } from "./connection-exhaustion.js";
import type { Totals } from "./totals.js";
import { beginAndAbandon, takeOver } from "./abandoned-update.js";

export interface CrashOptions {
  seed: number;
  workers: number;
  crashes: number;
  exhaustions: number;
  totals: Totals;
  /** Where to make the server's directory. */
  dir?: string;
}

const MAX_CONNECTIONS = 60;
/** Short, because takeOver waits until the lease of the lost saga has expired. */
const LEASE = "1 second";
/** So many acknowledged writes at most between two crashes. */
const MOST_WRITES_BETWEEN = 400;

const durable = {
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  max_connections: String(MAX_CONNECTIONS),
};

/** Kills the server under load again and again, and checks each time that every acknowledged write is still there. */
export async function crashes(options: CrashOptions): Promise<void> {
  const { totals, dir, crashes: count, exhaustions } = options;
  if (count + exhaustions === 0) return;
  const programs = process.platform === "linux" ? await serverPrograms() : undefined;
  if (programs === undefined) {
    totals.skipped.push("server crashes and connection exhaustions (no server to kill)");
    return;
  }
  await using server = await startCrashableServer({
    ...programs,
    settings: durable,
    ...(dir !== undefined && { dir }),
  });
  const name = "vmstate_faults";
  await using database = await copyDatabase({ serverUrl: server.url, name, template: "template0" });
  await migrate(database.url);

  const expected = [...CUT, TOO_MANY_CONNECTIONS];
  const random = new Random(options.seed);
  await Workload.during({ ...options, database, expected }, async (workload) => {
    for (let n = 0; n < count; n++) {
      await workload.progress(random.below(MOST_WRITES_BETWEEN));
      await crashOnce(server, database, workload, n % 2 === 0 ? "server" : "backend");
      totals.count("crashes");
    }
    for (let n = 0; n < exhaustions; n++) {
      await exhaustConnections(database, workload);
      totals.count("exhaustions");
    }
  });
}

async function crashOnce(
  server: CrashableServer,
  database: TestDatabase,
  workload: Workload,
  target: "server" | "backend",
): Promise<void> {
  const { sql } = database;
  const dead = await beginAndAbandon(sql, LEASE);
  await (target === "server" ? server.crash() : killBackend(database));
  await workload.check();
  await takeOver(sql, dead);
  await workload.progress(50);
}

/** Kills one server process, after which the server ends all sessions and recovers. */
async function killBackend({ sql, url }: TestDatabase): Promise<void> {
  const [{ pid }] = await sql<[{ pid: number }]>`
    select pid from pg_stat_activity where application_name = ${WORKLOAD_NAME} order by state_change desc limit 1`;
  process.kill(pid, "SIGKILL");
  const pool = newPool(url, "faults observer", 1);
  const observer = repeating(pool, new ExpectedErrors(CUT));
  await until("the server ends its sessions", async () => {
    const alive = await observer`select from pg_stat_activity where pid = ${pid}`.raw();
    return alive.length === 0;
  });
  await pool.end();
}
