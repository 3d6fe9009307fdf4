import type { Writable } from "node:stream";
import type { Command } from "commander";
import pc from "picocolors";

export type Colors = ReturnType<typeof pc.createColors>;

/** What of `process` the program uses. */
export interface Host {
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable & { isTTY?: boolean };
  on: (event: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void) => unknown;
  off: (event: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void) => unknown;
}

/** What an action works with. */
export interface Io {
  /** For data, and nothing else. */
  stdout: Host["stdout"];
  /** For talk: progress, notes, errors. */
  stderr: Host["stderr"];
  /** Colours for stdout; none when it is not a terminal. */
  colors: Colors;
  /** Aborts on Ctrl-C, SIGTERM, or when the reader of stdout is gone. An action settles soon afterwards. */
  signal: AbortSignal;
}

const ios = new WeakMap<Command, Io>();

export function newIo({ stdout, stderr }: Host, signal: AbortSignal): Io {
  const colors = pc.createColors(stdout.isTTY === true && pc.isColorSupported);
  return { stdout, stderr, colors, signal };
}

/** Makes {@link ioOf} return `io` for this command and all below it. */
export function setIo(program: Command, io: Io): void {
  ios.set(program, io);
}

/**
 * Returns the streams and the signal that a command works with.
 *
 * @param command what commander passes to an action as its last argument
 */
export function ioOf(command: Command): Io {
  const io = ios.get(command) ?? (command.parent && ioOf(command.parent));
  if (!io) throw new Error(`command ${command.name()} has no io`);
  return io;
}

/** Writes a line, or several, to one of the two streams. */
export function say(stream: Writable, text: string): void {
  stream.write(`${text}\n`);
}

/** Writes one JSON document, indented for people. */
export function sayJson(stream: Writable, value: unknown): void {
  say(stream, JSON.stringify(value, null, 2));
}
