import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { TestServer } from "./servers.js";

const IMAGE = process.env["TEST_PG_IMAGE"] ?? "postgres:18-alpine";
const LABEL = "vmstate.test-run";

const command = [
  ["postgres"],
  ["-c", "fsync=off"],
  ["-c", "synchronous_commit=off"],
  ["-c", "full_page_writes=off"],
  ["-c", "max_connections=200"],
].flat();

/** A container of TEST_PG_IMAGE. Rejects at once where no container runtime answers. */
export async function startContainer(): Promise<TestServer> {
  // Loading Testcontainers takes 0.4 s, which the other servers do not owe.
  const { getContainerRuntimeClient } = await import("testcontainers");
  await getContainerRuntimeClient();

  const run = randomUUID();
  const reaper = startReaper(`${LABEL}=${run}`);
  const { PostgreSqlContainer } = await import("@testcontainers/postgresql");
  const container = await new PostgreSqlContainer(IMAGE)
    .withCommand(command)
    .withTmpFs({ "/var/lib/postgresql": "rw" })
    .withLabels({ [LABEL]: run })
    .start();

  const stop = async (): Promise<void> => {
    await container.stop();
    reaper.dismiss();
  };
  return { label: `testcontainers ${IMAGE}`, url: container.getConnectionUri(), stop };
}

/**
 * Testcontainers' own reaper, Ryuk, is one more image to pull; a killed run leaves its container without one.
 * Ours is a process bound to this one by its standard input. Ryuk is used where an image for it is named.
 */
function startReaper(label: string): { dismiss(): void } {
  if (process.env["RYUK_CONTAINER_IMAGE"]) return { dismiss: () => undefined };
  process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
  const script = fileURLToPath(new URL("./reaper.mjs", import.meta.url));
  const reaper = spawn(process.execPath, [script, label], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  reaper.unref();
  (reaper.stdin as Writable & { unref(): void }).unref();
  return { dismiss: () => void reaper.kill("SIGKILL") };
}
