import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withDatabase } from "../support/database.js";
import { until } from "../support/until.js";
import { type BuiltProgram, buildProgram } from "./build.js";
import type { Run } from "./run-cli.js";

let built: BuiltProgram;
const db = withDatabase();
beforeAll(() => {
  built = buildProgram();
});
afterAll(() => {
  built.remove();
});

const environment = { ...process.env, DATABASE_URL: "", NODE_OPTIONS: "", NODE_V8_COVERAGE: "" };

function start(...args: string[]): ChildProcess & Record<"stdout" | "stderr", NodeJS.ReadableStream> {
  return spawn(process.execPath, [built.main, ...args], {
    detached: true,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function runBuilt(...args: string[]): Promise<Run> {
  const child = start(...args);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}

it("starts with a shebang line, so that npm can link it", () => {
  expect(readFileSync(built.main, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
});

it.each([
  [["--version"], 0],
  [["verify", "--json"], 0],
  [["show", crypto.randomUUID()], 1],
  [["verify", "--nonsense"], 2],
])("%j exits with %i", async (args, code) => {
  const url = args[0] === "--version" ? [] : ["--database-url", db.url];
  const run = await runBuilt(...args, ...url);
  expect(run.code).toBe(code);
  expect(run.stderr.split("\n").length - 1).toBe(code === 0 ? 0 : 1);
});

it("plays the demo on a server that it starts and migrates", async () => {
  const { code, stdout, stderr } = await runBuilt("demo");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "starting a throw-away PostgreSQL ...\n" });
  expect(stdout).toContain("vmstate verify: no invariant is violated.");
});

it("exits 141 without a message when its reader closes the pipe", async () => {
  const child = start("demo", "--database-url", db.url);
  child.stdout.once("data", () => (child.stdout as NodeJS.ReadableStream & { destroy(): void }).destroy());
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "exit") as Promise<[number]>]);
  expect({ code, stderr }).toEqual({ code: 141, stderr: "" });
});

describe.runIf(existsSync("/proc/self/stat")).each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s", (signal, exitCode) => {
  it("leaves no process and no file behind", async () => {
    const child = start("demo");
    const stderr = text(child.stderr);
    let servers: ReturnType<typeof directoriesOf> = [];
    await until("the server is starting", () => {
      servers = directoriesOf(Number(child.pid));
      return servers.length > 0;
    });
    // As a terminal does: to the whole process group.
    process.kill(-Number(child.pid), signal);
    const [code] = (await once(child, "exit")) as [number];
    expect(code).toBe(exitCode);
    expect(await stderr).toBe("starting a throw-away PostgreSQL ...\n");
    for (const { path, supervisor } of servers) {
      expect({ path, exists: existsSync(path) }).toEqual({ path, exists: false });
      expect({ supervisor, runs: existsSync(`/proc/${supervisor}`) }).toEqual({ supervisor, runs: false });
    }
  });
});

/** The private directories of the servers that a process has started: their names tell their supervisors. */
function directoriesOf(pid: number): { path: string; supervisor: number }[] {
  return ["/dev/shm", tmpdir()]
    .flatMap((dir) => (existsSync(dir) ? readdirSync(dir).map((name) => join(dir, name)) : []))
    .map((path) => ({ path, supervisor: Number(/\/vmstate-pg-(\d+)-/.exec(path)?.[1]) }))
    .filter(({ supervisor }) => parentOf(supervisor) === pid);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}
