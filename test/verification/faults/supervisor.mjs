// Owns one PostgreSQL server that can be killed and started again on the same data. As the supervisor of src/embedded,
// it lives as long as its standard input stays open, and leaves nothing. Each line it reads there asks for a crash.

import { readFileSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { programs } from "../../../src/embedded/binaries.mjs";
import { initCluster } from "../../../src/embedded/cluster.mjs";
import { Scratch, temporaryBase } from "../../../src/embedded/scratch.mjs";
import { startServer } from "../../../src/embedded/server.mjs";

/** @import { SupervisorAnswer, SupervisorRequest } from "../../../src/embedded/protocol.js" */

const requests = createInterface({ input: process.stdin });
const end = () => requests.close();
process.stdin.on("error", end);
process.stdout.on("error", end);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, end);

/** @param {SupervisorAnswer} value */
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/** @param {SupervisorRequest} request */
async function supervise(request) {
  const scratch = await Scratch.create(request.dir ?? temporaryBase());
  try {
    const { bin, version } = programs(request, scratch);
    const cluster = initCluster(bin, version, scratch.data);
    let server = await startServer(bin, cluster, request.settings);
    try {
      answer({ url: server.url, version });
      for await (const line of requests) {
        if (line !== "crash") throw new Error(`no such request: ${line}`);
        killAll(Number(server.pid));
        // Its children hold the pipe of its log, so that this is the end of the last of them.
        await server.exited;
        server = await startServer(bin, cluster, request.settings, server.port);
        answer({ url: server.url, version });
      }
    } finally {
      await server.stop();
    }
  } finally {
    scratch.remove();
  }
}

/**
 * The server and all its processes at once: it is frozen first, so that it neither starts nor tidies up anything.
 *
 * @param {number} pid
 */
function killAll(pid) {
  process.kill(pid, "SIGSTOP");
  for (const each of [...childrenOf(pid), pid]) kill(each);
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

/** @param {number} pid */
function childrenOf(pid) {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((each) => parentOf(each) === pid);
}

/** @param {number} pid */
function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field, the program's name in parentheses, may contain anything; the parent is field 4.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

try {
  await supervise(/** @type {SupervisorRequest} */ (JSON.parse(process.argv[2] ?? "{}")));
} catch (error) {
  const { message, cause } = /** @type {Error & { cause?: string }} */ (error);
  answer({ error: message, detail: cause ?? "" });
  process.exitCode = 1;
} finally {
  process.stdout.end(() => process.exit());
}
