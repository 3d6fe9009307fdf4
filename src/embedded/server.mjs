// Runs the server process on a free port of 127.0.0.1.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { spawnOptions } from "./server-user.mjs";

/** @import { Cluster } from "./cluster.mjs" */

const PORT_ATTEMPTS = 5;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const LOG_LENGTH = 64 * 1024;

/** Settings that give up durability for speed: the data is thrown away. */
const defaultSettings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  max_connections: "200",
  shared_buffers: "128MB",
  timezone: "UTC",
};

/**
 * Starts the server on a free port, and waits until it accepts connections.
 *
 * @param {string} bin
 * @param {Cluster} cluster
 * @param {Record<string, string>} settings
 * @param {number} [fixedPort] instead of a free one
 */
export async function startServer(bin, { data, password }, settings, fixedPort) {
  for (let attempt = 1; ; attempt++) {
    const port = fixedPort ?? (await freePort());
    const server = run(bin, data, port, { ...defaultSettings, ...settings });
    if (await isReady(data, server)) {
      const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres?sslmode=disable`;
      return { url, port, pid: server.pid, exited: server.exited, stop: server.stop };
    }
    await server.stop();
    // Another process may have taken the port since it was found free.
    if (attempt === PORT_ATTEMPTS) throw new Error("the server did not start", { cause: server.log() });
  }
}

/**
 * Finds a port of 127.0.0.1 that is free now.
 *
 * @returns {Promise<number>}
 */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (probe.address());
      probe.close(() => resolve(port));
    });
  });
}

/** @typedef {ReturnType<typeof run>} RunningServer */

/**
 * Spawns the server process.
 *
 * @param {string} bin
 * @param {string} data
 * @param {number} port
 * @param {Record<string, string>} settings
 */
function run(bin, data, port, settings) {
  const assignments = Object.entries({ ...settings, port }).flatMap(([name, value]) => [
    "-c",
    `${name}=${value}`,
  ]);
  const child = spawn(join(bin, "postgres"), ["-D", data, ...assignments], {
    ...spawnOptions(dirname(data)),
    stdio: ["ignore", "ignore", "pipe"],
  });

  let log = "";
  child.stderr.setEncoding("utf8").on("data", (/** @type {string} */ chunk) => {
    log = (log + chunk).slice(-LOG_LENGTH);
  });
  child.once("error", (error) => {
    log += error.message;
  });

  let running = true;
  const exited = new Promise((resolve) => child.once("close", resolve)).then(() => {
    running = false;
  });
  /** Stops the server at once; no data is worth a checkpoint. */
  const stop = async () => {
    child.kill("SIGQUIT");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  };
  return { pid: child.pid, exited, stop, isRunning: () => running, log: () => log };
}

/**
 * Waits until the server accepts connections; returns false if it exits, or takes too long.
 *
 * @param {string} data
 * @param {RunningServer} server
 */
async function isReady(data, server) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (server.isRunning() && Date.now() < deadline) {
    if (status(data, server.pid) === "ready") return true;
    await sleep(10);
  }
  return false;
}

/**
 * Reads the line of postmaster.pid that says whether the server is ready.
 *
 * pg_ctl waits for the same line, which depends on no setting, unlike the log. A killed server leaves its file behind,
 * so the line counts only with this server's process id.
 *
 * @param {string} data
 * @param {number | undefined} pid
 */
function status(data, pid) {
  try {
    const lines = readFileSync(join(data, "postmaster.pid"), "utf8").split("\n");
    return Number(lines[0]) === pid ? lines[7]?.trim() : undefined;
  } catch {
    return undefined;
  }
}
