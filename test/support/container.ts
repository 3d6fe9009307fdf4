import { randomBytes, randomUUID } from "node:crypto";
import { startCleanupProcess } from "./cleanup-process.js";
import type { StartedServer } from "./servers.js";

const IMAGE = process.env["TEST_PG_IMAGE"] ?? "postgres:18-alpine";

/** The label of all containers; its value begins with the id of the process that started it. */
export const LABEL = "vmstate.test-run";

const command = [
  ["postgres"],
  ["-c", "fsync=off"],
  ["-c", "synchronous_commit=off"],
  ["-c", "full_page_writes=off"],
  ["-c", "max_connections=200"],
].flat();

/** A container of TEST_PG_IMAGE. Rejects at once where no container runtime answers. */
export async function startContainer(): Promise<StartedServer> {
  // Testcontainers' own reaper is one more image to pull; a killed run leaves its container without one.
  process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
  // Loading Testcontainers takes 0.4 s, which the other servers do not owe.
  const { getContainerRuntimeClient } = await import("testcontainers");
  await getContainerRuntimeClient();

  const run = `${process.pid}-${randomUUID()}`;
  const reaper = startCleanupProcess("./remove-containers.mjs", `${LABEL}=${run}`);
  const { PostgreSqlContainer } = await import("@testcontainers/postgresql");
  const container = await new PostgreSqlContainer(IMAGE)
    .withPassword(randomBytes(12).toString("hex"))
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
