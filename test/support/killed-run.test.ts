import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { afterEach, describe, expect, inject, it } from "vitest";
import { LABEL } from "./container.js";
import type { KilledRun } from "./killed-run.fixture.js";
import type { TestServer } from "./servers.js";
import { until } from "./until.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const VITEST = join(ROOT, "node_modules/vitest/vitest.mjs");
const inContainer = inject("serverKind") === "testcontainers";

let run: ChildProcess & { stdout: NodeJS.ReadableStream };
function start(kind: TestServer["kind"]): void {
  run = spawn(process.execPath, [VITEST, "run", "--config", "test/support/killed-run.config.ts"], {
    cwd: ROOT,
    env: { ...process.env, TEST_DATABASE_URL: "", TEST_DB: kind },
    stdio: ["ignore", "pipe", "inherit"],
  });
}
afterEach(() => run.kill("SIGKILL"));

async function kill(): Promise<void> {
  run.kill("SIGKILL");
  await once(run, "exit");
}

async function killedRun(): Promise<KilledRun> {
  for await (const line of createInterface({ input: run.stdout }))
    if (line.startsWith("{")) return JSON.parse(line) as KilledRun;
  throw new Error("the run ended before it was held up");
}

async function answers(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, connect_timeout: 5 });
  const answered = await sql`select 1`.then(
    () => true,
    () => false,
  );
  await sql.end();
  return answered;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function containers(): Promise<string[]> {
  const { getContainerRuntimeClient } = await import("testcontainers");
  const { container } = await getContainerRuntimeClient();
  const all = await container.dockerode.listContainers({ all: true, filters: { label: [LABEL] } });
  return all.map(({ Labels }) => String(Labels[LABEL])).filter((of) => of.startsWith(`${run.pid}-`));
}

async function isKilledInTheMiddle(): Promise<void> {
  const { worker, directories, serverUrl } = await killedRun();
  expect([await answers(serverUrl), isRunning(worker)]).toEqual([true, true]);
  expect(directories.filter(existsSync)).toEqual(directories);
  await kill();
  await until("the worker is gone", () => !isRunning(worker));
  await until("the temporary files are gone", () => !directories.some(existsSync));
  await until("the server is gone", async () => !(await answers(serverUrl)));
}

describe("a killed run leaves no server and no temporary file", () => {
  it("on an embedded server", async () => {
    start("embedded");
    await isKilledInTheMiddle();
  });

  it.runIf(inContainer)("on a server in a container", async () => {
    start("testcontainers");
    await isKilledInTheMiddle();
    await until("the container is gone", async () => (await containers()).length === 0);
  });

  it.runIf(inContainer)("while its container is starting", async () => {
    start("testcontainers");
    await until("there is a container", async () => (await containers()).length > 0);
    await kill();
    await until("the container is gone", async () => (await containers()).length === 0);
  });
});
