import { fork } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import pg from "pg";
import postgres from "postgres";
import { call } from "./retrying-clients.js";
import { withCode } from "./connections.js";
import { codeOf } from "./expected-errors.js";
import { obey, type Order } from "./order.js";

/** A client that obeys an order, to which something happens meanwhile. */
export interface TargetClient extends AsyncDisposable {
  /** The code of the error that it got; undefined: none. */
  ended: Promise<string | undefined>;
  /** Lets an open transaction end. */
  goOn: () => void;
  kill: () => void;
}

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PROGRAM = fileURLToPath(new URL("client-process.ts", import.meta.url));

/** Its socket is closed, or reset. */
export async function socketClient(order: Order, way: "close" | "reset" = "close"): Promise<TargetClient> {
  const { url: connectionString, applicationName: application_name, options } = order;
  const socket = new Socket();
  const client = new pg.Client({ connectionString, application_name, options, stream: () => socket });
  client.on("error", nothing);
  await client.connect();
  let goOn = nothing;
  const mayEnd = new Promise<void>((resolve) => (goOn = resolve));
  return {
    ended: codeOfEnd(obey(client, order, mayEnd)),
    goOn,
    kill: () => (way === "close" ? socket.destroy() : socket.resetAndDestroy()),
    [Symbol.asyncDispose]: () => {
      socket.destroy();
      return Promise.resolve();
    },
  };
}

/** The process is killed. */
export function processClient(order: Order): Promise<TargetClient> {
  const child = fork(PROGRAM, { cwd: ROOT, execArgv: ["--import", "tsx"] });
  const exited = once(child, "exit");
  child.send(order);
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

/** One who survives, with the client that the functions of this package are made for. */
export async function survivingClient(order: Order): Promise<TargetClient> {
  if (order.mode !== "plain") return await socketClient(order);
  const { url, applicationName: application_name, options, verb, argument } = order;
  const sql = postgres(url, { max: 1, connection: { application_name, options } });
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
