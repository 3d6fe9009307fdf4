import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { programs } from "../../../src/embedded/binaries.mjs";
import { platformBin } from "../../../src/embedded/platform-package.js";
import { Scratch } from "../../../src/embedded/scratch.mjs";
import { systemBin } from "../../support/system-programs.js";
import { until } from "../../support/until.js";
import { type CrashableServer, startCrashableServer } from "../../verification/faults/crashable-server.js";

/** Nothing runs but what is counted, and nothing waits for a disk. */
const SETTINGS = {
  synchronous_commit: "on",
  autovacuum: "off",
  jit: "off",
  max_connections: "20",
  max_wal_size: "8GB",
  checkpoint_timeout: "1h",
};

const ENDS_WITHIN_MS = 120_000;

/** A server that first runs as it is, so that rows are made quickly, and then in valgrind. */
export interface CountedServer extends AsyncDisposable {
  url: string;
  label: string;
  /** Restarts the server in valgrind. */
  startCounting: () => Promise<void>;
  /** Runs the statements on a connection of their own, and returns the instructions that its backend ran in user space; profile: the file to keep. */
  count: (act: (sql: postgres.Sql) => Promise<void>, url: string, profile?: string) => Promise<number>;
}

/** Starts the server of the operating system if TEST_DB is system, else the one that npm installed. */
export async function startCountedServer(valgrind: string): Promise<CountedServer> {
  const scratch = await Scratch.create(tmpdir());
  try {
    const { bin, version } = programs(await chosenPrograms(), scratch);
    const place = scratch.makeForPrograms();
    writePrograms(place, bin, valgrind);
    const server = await startCrashableServer({ bin: place, relocatable: false, settings: SETTINGS });
    return countedServer(server, place, `PostgreSQL ${version}`, () => scratch.remove());
  } catch (error) {
    scratch.remove();
    throw error;
  }
}

async function chosenPrograms(): Promise<Parameters<typeof programs>[0]> {
  const bin = process.env["TEST_DB"] === "system" ? systemBin(["initdb", "postgres"]) : undefined;
  return { bin: bin ?? (await platformBin()), relocatable: bin === undefined, settings: {} };
}

/** The file whose presence says that the server is to run in valgrind. */
const SWITCH = "in-valgrind";

/** Writes scripts in the place of the programs of a server, which start these programs, in valgrind or not. */
function writePrograms(place: string, bin: string, valgrind: string): void {
  const options = `--quiet --tool=callgrind --vgdb=no --callgrind-out-file='${place}/%p.callgrind'`;
  const inValgrind = `[ -e '${place}/${SWITCH}' ] && exec '${valgrind}' ${options} '${bin}/postgres' "$@"`;
  const script = (line: string): string => `#!/bin/sh\n${line}\n`;
  const mode = 0o755;
  writeFileSync(join(place, "initdb"), script(`exec '${bin}/initdb' "$@"`), { mode });
  writeFileSync(join(place, "postgres"), script(`${inValgrind}\nexec '${bin}/postgres' "$@"`), { mode });
}

function countedServer(
  server: CrashableServer,
  place: string,
  label: string,
  remove: () => void,
): CountedServer {
  const count: CountedServer["count"] = async (act, url, profile) => {
    const sql = postgres(url, { max: 1, onnotice: () => undefined });
    const [row] = await sql<[{ pid: number }]>`select pg_backend_pid() as pid`;
    await act(sql);
    await sql.end();
    return await countOf(join(place, `${row.pid}.callgrind`), profile);
  };
  const startCounting = async (): Promise<void> => {
    const sql = postgres(server.url, { max: 1 });
    await sql`checkpoint`;
    await sql.end();
    writeFileSync(join(place, SWITCH), "");
    await server.crash();
  };
  const stop = async (): Promise<void> => {
    await server.stop();
    remove();
  };
  return { url: server.url, label, startCounting, count, [Symbol.asyncDispose]: stop };
}

/** Reads the sum that valgrind writes at the end of its file when the backend ends. */
async function countOf(file: string, profile?: string): Promise<number> {
  let total: string | undefined;
  const isThere = (): boolean => {
    if (existsSync(file)) total = /^totals: (\d+)$/m.exec(readFileSync(file, "utf8"))?.[1];
    return total !== undefined;
  };
  await until("valgrind has written its count of the backend", isThere, ENDS_WITHIN_MS);
  if (profile !== undefined) copyFileSync(file, profile);
  rmSync(file);
  return Number(total);
}
