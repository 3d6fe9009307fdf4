import { fork } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import pg from "pg";
import postgres from "postgres";
import { call } from "./retrying-clients.js";
import { withCode } from "./connections.js";
import { codeOf } from "./expected-errors.js";
import { performTask, type ClientTask } from "./client-task.js";

/** A client that performs a task while a fault hits. */
export interface TargetClient extends AsyncDisposable {
  /** The code of the error that the client got; undefined: none. */
  ended: Promise<string | undefined>;
  /** Lets an open transaction end. */
  goOn: () => void;
  kill: () => void;
}

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PROGRAM = fileURLToPath(new URL("client-process.ts", import.meta.url));

/** Starts a client in this process; `kill` closes or resets its socket. */
export async function socketClient(
  task: ClientTask,
  way: "close" | "reset" = "close",
): Promise<TargetClient> {
  const { url: connectionString, applicationName: application_name, options } = task;
  const socket = new Socket();
  const client = new pg.Client({ connectionString, application_name, options, stream: () => socket });
  client.on("error", nothing);
  await client.connect();
  let goOn = nothing;
  const mayEnd = new Promise<void>((resolve) => (goOn = resolve));
  return {
    ended: codeOfEnd(performTask(client, task, mayEnd)),
    goOn,
    kill: () => (way === "close" ? socket.destroy() : socket.resetAndDestroy()),
    [Symbol.asyncDispose]: () => {
      socket.destroy();
      return Promise.resolve();
    },
  };
}

/** Starts a client in a process of its own; `kill` kills the process. */
export function processClient(task: ClientTask): Promise<TargetClient> {
  const child = fork(PROGRAM, { cwd: ROOT, execArgv: ["--import", "tsx"] });
  const exited = once(child, "exit");
  child.send(task);
  const kill = (): void => void child.kill("SIGKILL");
  return Promise.resolve({
    ended: exited.then(() => undefined),
    goOn: nothing,
    kill,
    [Symbol.asyncDispose]: async () => {
      kill();
      await exited;
    },
  });
}

/** Starts a client that survives, on postgres.js where the task is a single call. */
export async function survivingClient(task: ClientTask): Promise<TargetClient> {
  if (task.mode !== "plain") return await socketClient(task);
  const { url, applicationName: application_name, options, verb, argument } = task;
  const sql = postgres(url, { max: 1, fetch_types: false, connection: { application_name, options } });
  return {
    ended: codeOfEnd(call(sql, verb, argument)),
    goOn: nothing,
    kill: nothing,
    [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }),
  };
}

function codeOfEnd(act: Promise<unknown>): Promise<string | undefined> {
  return act.then(
    () => undefined,
    (error: unknown) => codeOf(withCode(error)),
  );
}

function nothing(): void {
  // nothing
}
