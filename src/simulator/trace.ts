import { createReadStream } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { CsvError, type Info, parse } from "csv-parse";
import { z } from "zod";
import { VmstateError } from "../errors/vmstate-error.js";

/** One row of a trace: a VM that somebody once asked for. */
export interface TraceVm {
  /** Seconds of the trace's clock. */
  arrival: number;
  /** VMs that one tenant asked for together share a number. */
  batch: number;
  /** Seconds; undefined: still running when the trace ends. */
  duration: number | undefined;
}

interface Row {
  record: unknown;
  info: Info;
}

const HEADER = ["arrival_s", "batch", "vcpus", "memory_gb", "lifetime_s"].join();
const LONGEST_ROW = 1000;
const NEWLINE = 0x0a;

const number = text(/^\d+(\.\d+)?$/, "a number, 0 or more").transform(Number);
const positive = text(/^(?=.*[1-9])\d+(\.\d+)?$/, "a number above 0").transform(Number);
const whole = text(/^\d{1,15}$/, "a whole number").transform(Number);
const vm = z
  .object({
    arrival_s: number,
    batch: whole,
    vcpus: positive,
    memory_gb: positive,
    lifetime_s: text(/^(\d+(\.\d+)?)?$/, "a number, 0 or more, or empty").transform((s) =>
      s === "" ? undefined : Number(s),
    ),
  })
  .transform(({ arrival_s, batch, lifetime_s }) => ({ arrival: arrival_s, batch, duration: lifetime_s }));

/**
 * Reads the VMs of a trace in order of arrival, no faster than they are taken.
 *
 * The trace is a CSV file (`.gz`: compressed).
 *
 * @param limit how many of them at most
 * @throws VmstateError one line that names the file and, if the fault is in one, the row's line
 */
export async function* readTrace(file: string, limit = Infinity): AsyncGenerator<TraceVm, void, undefined> {
  const parser = parse({
    bom: true,
    columns: requireHeader,
    info: true,
    max_record_size: LONGEST_ROW,
    skip_empty_lines: true,
  });
  pipeline(open(file), parser, nothing);
  try {
    let count = 0;
    let latest = 0;
    for await (const { record, info } of parser as AsyncIterable<Row>) {
      const next = requireVm(record, info.lines, latest);
      latest = next.arrival;
      yield next;
      if (++count >= limit) return;
    }
  } catch (error) {
    throw traceError(file, error);
  }
  if (parser.info.records === 0) throw new VmstateError(`${file}: no VMs in it`);
}

/**
 * Counts the VMs of a trace roughly, by its lines.
 *
 * Reads all of the file, so that one that is no trace, or breaks off, is found before its first VM is played.
 *
 * @throws VmstateError as {@link readTrace} for the first VM
 */
export async function countVms(file: string): Promise<number> {
  let newlines = 0;
  let last = NEWLINE;
  try {
    for await (const chunk of open(file) as AsyncIterable<Buffer>) {
      for (const byte of chunk) if (byte === NEWLINE) newlines++;
      last = Number(chunk.at(-1));
    }
  } catch (error) {
    throw traceError(file, error);
  }
  await readTrace(file, 1).next();
  return last === NEWLINE ? newlines - 1 : newlines;
}

function open(file: string): Readable {
  const stored = createReadStream(file);
  return file.endsWith(".gz") ? pipeline(stored, createGunzip(), nothing) : stored;
}

function requireHeader(header: string[]): string[] {
  if (header.join() === HEADER) return header;
  throw new VmstateError(`line 1: the header is "${header.join()}", not "${HEADER}"`);
}

function requireVm(record: unknown, line: number, latest: number): TraceVm {
  const { data, error } = vm.safeParse(record);
  if (error) {
    const problems = error.issues.map(({ path, message }) => `${path.join()} ${message}`);
    throw new VmstateError(`line ${line}: ${problems.join("; ")}`);
  }
  if (data.arrival < latest)
    throw new VmstateError(`line ${line}: arrival_s is ${data.arrival}, but the row before has ${latest}`);
  return data;
}

function text(pattern: RegExp, what: string): z.ZodString {
  return z.string().regex(pattern, { error: ({ input }) => `is ${JSON.stringify(input)}, not ${what}` });
}

function traceError(file: string, error: unknown): VmstateError {
  return new VmstateError(`${file}: ${problemOf(error as NodeJS.ErrnoException)}`, { cause: error });
}

function problemOf(error: NodeJS.ErrnoException): string {
  if (error instanceof VmstateError) return error.message;
  if (error instanceof CsvError) return `line ${String(error["lines"])}: ${error.message}`;
  if (error.code?.startsWith("Z_")) return `broken gzip: ${error.message}`;
  if (error.code === "ENOENT") return "no such file";
  return error.message;
}

function nothing(): void {
  // The reader of the stream gets the error.
}
