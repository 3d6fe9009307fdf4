import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { SupervisorAnswer, SupervisorRequest } from "../../../src/embedded/protocol.js";

/** A server that can be killed and comes back with the same URL and what it had written. */
export interface CrashableServer extends AsyncDisposable {
  /** A superuser's connection string to a database that is left alone. */
  url: string;
  /** Kills all processes of the server at once; resolves when the server accepts connections again. */
  crash: () => Promise<void>;
  /** Removes all that the server wrote. */
  stop: () => Promise<void>;
}

/** The program that owns a crashable server. */
export const SUPERVISOR = fileURLToPath(new URL("supervisor.mjs", import.meta.url));

/** Starts a crashable server that ends with this process, however this process ends. */
export async function startCrashableServer(request: SupervisorRequest): Promise<CrashableServer> {
  // Detached, so that what kills the process group does not keep it from tidying up.
  const supervisor = spawn(process.execPath, [SUPERVISOR, JSON.stringify(request)], {
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(supervisor, "exit");
  const answers = createInterface({ input: supervisor.stdout })[Symbol.asyncIterator]();

  const nextUrl = async (): Promise<string> => {
    const { value } = (await answers.next()) as IteratorResult<string, undefined>;
    const answer = JSON.parse(value ?? `{"error": "it ended", "detail": ""}`) as SupervisorAnswer;
    if ("error" in answer) throw new Error(`the server: ${answer.error}`, { cause: answer.detail });
    return answer.url;
  };
  const crash = async (): Promise<void> => {
    supervisor.stdin.write("crash\n");
    await nextUrl();
  };
  const stop = async (): Promise<void> => {
    supervisor.stdin.end();
    await ended;
  };
  return { url: await nextUrl(), crash, stop, [Symbol.asyncDispose]: stop };
}
