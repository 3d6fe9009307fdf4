import type { Readable, Writable } from "node:stream";
import type { Command } from "commander";
import pc from "picocolors";

export type Colors = ReturnType<typeof pc.createColors>;

/** A stream that may be a terminal, whose width it then knows. */
export type Stream = Writable & { isTTY?: boolean; columns?: number };

/** The part of `process` that the program uses. */
export interface Host {
  stdin: Readable & { isTTY?: boolean };
  stdout: Stream;
  stderr: Stream;
  /** The variables that say whether to use colours. */
  env: Readonly<Record<string, string | undefined>>;
  on: (event: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void) => unknown;
  off: (event: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void) => unknown;
}

/** The streams and settings that the action of a command works with. */
export interface Io {
  /** For data, and nothing else. */
  stdout: Host["stdout"];
  /** For progress, notes and errors. */
  stderr: Host["stderr"];
  /** For answers to questions. */
  stdin: Host["stdin"];
  /** Colours for stdout. */
  colors: Colors;
  /** How wide a table on stdout may be: 80 columns, or the terminal if it is narrower. */
  width: number;
  /** Whether stdout is a terminal that can clear its screen. */
  isScreen: boolean;
  /** Aborts on Ctrl-C, SIGTERM, or when the reader of stdout is gone. An action settles soon afterwards. */
  signal: AbortSignal;
}

/** The columns in which every output fits. */
export const WIDTH = 80;

const ios = new WeakMap<Command, Io>();

export function newIo(host: Host, signal: AbortSignal): Io {
  const { stdin, stdout, stderr } = host;
  const colors = pc.createColors(showsColors(host));
  const width = Math.min(WIDTH, stdout.columns ?? WIDTH);
  return { stdin, stdout, stderr, colors, width, isScreen: isScreen(host), signal };
}

function isScreen({ stdout, env }: Host): boolean {
  return stdout.isTTY === true && env["TERM"] !== "dumb";
}

/**
 * Tells whether to write colours to stdout.
 *
 * `FORCE_COLOR` counts where it is set, as in Node, then `NO_COLOR`; else a terminal that is not `dumb` gets colours.
 */
function showsColors(host: Host): boolean {
  const { NO_COLOR = "", FORCE_COLOR = "" } = host.env;
  if (FORCE_COLOR !== "") return !["0", "false"].includes(FORCE_COLOR);
  return NO_COLOR === "" && isScreen(host);
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
