import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { giveToServerUser, spawnOptions } from "../../src/embedded/server-user.mjs";
import { until } from "./until.js";

/** Debian's place comes first; it is in no ordinary user's PATH. */
const PLACES = ["/usr/sbin", ...(process.env["PATH"] ?? "").split(":")];

const program = PLACES.map((place) => join(place, "pgbouncer")).find((path) => existsSync(path));

/** For the title of what needs PgBouncer. */
export const withPgBouncer =
  program === undefined ? "without PgBouncer, which is not installed" : "PgBouncer";
export const hasPgBouncer = program !== undefined;

export interface PgBouncerOptions {
  mode: "transaction" | "session";
  /** The connections to the server. */
  size: number;
  settings?: Record<string, string>;
}

export interface PgBouncer extends AsyncDisposable {
  /** The given URL by way of the pooler. */
  url: string;
  /** Kills the pooler, as `kill -9` does. */
  kill: () => Promise<void>;
}

/** Kills the pooler when standard input ends, as it does when this process does. */
const GUARDED = `"$0" "$1" & read -r _; kill -9 $!; wait`;

/** Starts a PgBouncer in front of the server of a URL, on a free port of 127.0.0.1. */
export async function startPgBouncer(serverUrl: string, options: PgBouncerOptions): Promise<PgBouncer> {
  const dir = mkdtempSync(join(tmpdir(), "vmstate-pgbouncer-"));
  giveToServerUser(dir);
  const port = await freePort();
  writeFileSync(join(dir, "users.txt"), usersOf(serverUrl));
  writeFileSync(join(dir, "pgbouncer.ini"), configOf(serverUrl, dir, port, options));
  const shell = spawn("/bin/sh", ["-c", GUARDED, String(program), join(dir, "pgbouncer.ini")], {
    ...spawnOptions(dir),
    stdio: ["pipe", "ignore", "pipe"],
  });
  let log = "";
  shell.stderr.setEncoding("utf8").on("data", (chunk: string) => (log += chunk));
  let isRunning = true;
  const exited = new Promise<void>((done) => shell.once("close", done)).then(() => {
    isRunning = false;
  });
  const kill = async (): Promise<void> => {
    shell.stdin.end();
    await exited;
  };
  await until("PgBouncer accepts connections", async () => {
    if (!isRunning || log.includes("FATAL")) throw new Error(`PgBouncer did not start: ${log}`);
    return await accepts(port);
  });
  const url = Object.assign(new URL(serverUrl), { hostname: "127.0.0.1", port: String(port) });
  const dispose = async (): Promise<void> => {
    await kill();
    rmSync(dir, { recursive: true, force: true });
  };
  return { url: url.href, kill, [Symbol.asyncDispose]: dispose };
}

function usersOf(serverUrl: string): string {
  const { username, password } = new URL(serverUrl);
  return `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`;
}

function configOf(serverUrl: string, dir: string, port: number, options: PgBouncerOptions): string {
  const { hostname, port: serverPort } = new URL(serverUrl);
  const settings = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    auth_type: "trust",
    auth_file: join(dir, "users.txt"),
    pool_mode: options.mode,
    default_pool_size: options.size,
    max_client_conn: 500,
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  return ["[databases]", `* = host=${hostname} port=${serverPort || 5432}`, "[pgbouncer]", ...lines, ""].join(
    "\n",
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => {
        resolve(port);
      });
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}
