import type { Writable } from "node:stream";
import { type Command, CommanderError } from "commander";
import { VmstateError } from "../errors/vmstate-error.js";
import { Interruption, listenForInterruption } from "../terminal/interruption.js";
import { type Host, newIo, say, setIo } from "../terminal/io.js";

/**
 * Runs the command that `args` ask for, and returns the exit code.
 *
 * 0 when the command succeeds, 1 when it throws a {@link VmstateError} (one line on stderr), 2 when it is called
 * wrongly. On a signal the command cleans up first: 130 or 143.
 *
 * @param args without the names of node and of the script
 * @throws any other error: a bug
 */
export async function run(program: Command, args: readonly string[], host: Host): Promise<number> {
  const interruption = new AbortController();
  const stopListening = listenForInterruption(host, (reason) => {
    interruption.abort(reason);
  });
  setIo(program, newIo(host, interruption.signal));
  try {
    return await exitCodeOf(program.parseAsync(args, { from: "user" }), host, interruption.signal);
  } finally {
    await flush(host.stdout);
    stopListening();
  }
}

async function exitCodeOf(work: Promise<unknown>, host: Host, signal: AbortSignal): Promise<number> {
  try {
    await work;
  } catch (error) {
    if (!signal.aborted) return failed(error, host);
  }
  return signal.reason instanceof Interruption ? signal.reason.exitCode : 0;
}

function failed(error: unknown, { stderr }: Host): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof VmstateError)) throw error;
  say(stderr, `vmstate: ${error.message}`);
  return 1;
}

/** Waits until the stream has written all that it was given. */
async function flush(stream: Writable): Promise<void> {
  await new Promise((done) => stream.write("", done));
}
