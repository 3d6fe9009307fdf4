// node reaper.mjs LABEL: when its standard input ends, removes every container with that label.
// The kernel closes the pipe when the test run dies, however it dies.

import { setTimeout as sleep } from "node:timers/promises";
import { getContainerRuntimeClient } from "testcontainers";

const ROUNDS = 5;

const label = process.argv[2];
const client = await getContainerRuntimeClient();
const { dockerode } = client.container;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
process.stdin.resume().on("end", () => void reap());

async function reap() {
  // Again and again: one may have been in the making when the run died.
  for (let round = 0; round < ROUNDS; round++) {
    await removeAll();
    await sleep(1_000);
  }
  process.exit();
}

async function removeAll() {
  const containers = await dockerode.listContainers({ all: true, filters: { label: [String(label)] } });
  for (const { Id } of containers) {
    await dockerode
      .getContainer(Id)
      .remove({ force: true, v: true })
      .catch(() => undefined);
  }
}
