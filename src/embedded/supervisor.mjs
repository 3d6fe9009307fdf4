// Owns one PostgreSQL server for as long as its own standard input stays open. The kernel closes that pipe
// when the parent dies, however it dies: neither Ctrl-C nor process.exit() nor SIGKILL leaves a server behind.

import { programs } from "./binaries.mjs";
import { initCluster } from "./cluster.mjs";
import { Scratch } from "./scratch.mjs";
import { startServer } from "./server.mjs";

/** @import { SupervisorAnswer, SupervisorRequest } from "./protocol.js" */

const end = new AbortController();
const ended = new Promise((resolve) => end.signal.addEventListener("abort", resolve));
const askToEnd = () => end.abort();

process.stdin.resume().on("end", askToEnd).on("error", askToEnd);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, askToEnd);
process.stdout.on("error", askToEnd);

/** @param {SupervisorAnswer} value */
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/** @param {SupervisorRequest} request */
async function supervise(request) {
  const scratch = await Scratch.create(request.dir);
  try {
    const { bin, version } = programs(request, scratch);
    const cluster = initCluster(bin, version, scratch.data);
    end.signal.throwIfAborted();
    const server = await startServer(bin, cluster, request.settings);
    answer({ url: server.url, version });
    await Promise.race([ended, server.exited]);
    await server.stop();
  } finally {
    scratch.remove();
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
