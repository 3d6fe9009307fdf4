import type { Host } from "./io.js";

/** Why the program ends early, and with which exit code. */
export class Interruption extends Error {
  override readonly name = "Interruption";

  constructor(readonly exitCode: number) {
    super(`interrupted: exit code ${exitCode}`);
  }
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
/** The exit code of a program that SIGPIPE ends; Node ignores the signal. */
const READER_GONE = 141;

/**
 * Calls `interrupt` on Ctrl-C, on SIGTERM, and when nobody reads stdout any more.
 *
 * A second signal finds no listener and ends the process at once.
 *
 * @returns stops listening for signals
 */
export function listenForInterruption(host: Host, interrupt: (reason: Interruption) => void): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    stopListening();
    interrupt(new Interruption(EXIT_CODES[signal as keyof typeof EXIT_CODES]));
  };
  const stopListening = (): void => {
    host.off("SIGINT", onSignal);
    host.off("SIGTERM", onSignal);
  };
  host.on("SIGINT", onSignal);
  host.on("SIGTERM", onSignal);
  for (const stream of [host.stdout, host.stderr]) {
    stream.on("error", () => {
      interrupt(new Interruption(READER_GONE));
    });
  }
  return stopListening;
}

/** Settles as the promise does, or rejects as soon as the signal aborts. */
export async function orInterruption<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const interrupted = new Promise<never>((_, reject) => {
    const onAbort = (): void => {
      reject(signal.reason as Interruption);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  return await Promise.race([promise, interrupted]);
}
