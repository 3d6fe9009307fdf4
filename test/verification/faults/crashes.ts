import { migrate } from "../../../src/index.js";
import { Chance } from "../../../src/simulator/random.js";
import { copyDatabase, type TestDatabase } from "../../support/copy.js";
import { until } from "../../support/until.js";
import { newPool, untiring } from "./connections.js";
import { CUT, Faults, TOO_MANY_CONNECTIONS } from "./expected-errors.js";
import { Load, LOAD } from "./workload.js";
import { type MortalServer, startMortalServer } from "./crashable-server.js";
import { serverPrograms } from "./programs.js";
import { storm } from "./connection-exhaustion.js";
import type { Tally } from "./totals.js";
import { beginAndVanish, takeOver } from "./abandoned-update.js";

export interface CrashOptions {
  seed: number;
  workers: number;
  crashes: number;
  storms: number;
  tally: Tally;
  /** Where to make the server's directory. */
  dir?: string;
}

const MAX_CONNECTIONS = 60;
const LEASE = "1 second";
/** In acknowledged writes. */
const LONGEST_PEACE = 400;

const durable = {
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  max_connections: String(MAX_CONNECTIONS),
};

/** The server is killed under load, again and again; each time it comes back with all that it acknowledged. */
export async function crashes(options: CrashOptions): Promise<void> {
  const { tally, dir, crashes: count, storms } = options;
  if (count + storms === 0) return;
  const programs = process.platform === "linux" ? await serverPrograms() : undefined;
  if (programs === undefined) {
    tally.skipped.push("server crashes and connection storms (no server to kill)");
    return;
  }
  await using server = await startMortalServer({
    ...programs,
    settings: durable,
    ...(dir !== undefined && { dir }),
  });
  const name = "vmstate_chaos";
  await using database = await copyDatabase({ serverUrl: server.url, name, template: "template0" });
  await migrate(database.url);

  const expected = [...CUT, TOO_MANY_CONNECTIONS];
  const chance = new Chance(options.seed);
  await Load.during({ ...options, database, expected }, async (load) => {
    for (let n = 0; n < count; n++) {
      await load.progress(chance.below(LONGEST_PEACE));
      await crashOnce(server, database, load, n % 2 === 0 ? "server" : "backend");
      tally.count("crashes");
    }
    for (let n = 0; n < storms; n++) {
      await storm(database, load);
      tally.count("storms");
    }
  });
}

async function crashOnce(
  server: MortalServer,
  database: TestDatabase,
  load: Load,
  victim: "server" | "backend",
): Promise<void> {
  const { sql } = database;
  const dead = await beginAndVanish(sql, LEASE);
  await (victim === "server" ? server.crash() : killBackend(database));
  await load.check();
  await takeOver(sql, dead);
  await load.progress(50);
}

/** The server ends all its sessions then, and recovers. */
async function killBackend({ sql, url }: TestDatabase): Promise<void> {
  const [{ pid }] = await sql<[{ pid: number }]>`
    select pid from pg_stat_activity where application_name = ${LOAD} order by state_change desc limit 1`;
  process.kill(pid, "SIGKILL");
  const pool = newPool(url, "chaos witness", 1);
  const witness = untiring(pool, new Faults(CUT));
  await until("the server ends its sessions", async () => {
    const alive = await witness`select from pg_stat_activity where pid = ${pid}`.raw();
    return alive.length === 0;
  });
  await pool.end();
}
