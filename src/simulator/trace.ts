import { createReadStream } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { VmstateError } from "../errors/vmstate-error.js";

/** One row of a trace: a VM that a tenant once asked for. */
export interface TraceVm {
  /** Seconds of the trace's clock. */
  arrival: number;
  /** VMs that one tenant asked for together share a number. */
  batch: number;
  /** Seconds; undefined: still running when the trace ends. */
  duration: number | undefined;
}

/** A column, and what its text must look like. */
interface Column {
  pattern: RegExp;
  what: string;
}

const NUMBER = { pattern: /^\d+(\.\d+)?$/, what: "a number, 0 or more" };
const POSITIVE = { pattern: /^(?=.*[1-9])\d+(\.\d+)?$/, what: "a number above 0" };
const COLUMNS = {
  arrival_s: NUMBER,
  batch: { pattern: /^\d{1,15}$/, what: "a whole number" },
  vcpus: POSITIVE,
  memory_gb: POSITIVE,
  lifetime_s: { pattern: /^(\d+(\.\d+)?)?$/, what: "empty or a number, 0 or more" },
} satisfies Record<string, Column>;

const HEADER = Object.keys(COLUMNS).join();
const LONGEST_ROW = 1000;
const NEWLINE = 0x0a;

/**
 * Reads the VMs of a trace in order of arrival, no faster than they are taken.
 *
 * The trace is a CSV file (`.gz`: compressed).
 *
 * @param limit how many of them at most
 * @throws VmstateError one line that names the file and, if the fault is in one, the row's line
 */
export async function* readTrace(file: string, limit = Infinity): AsyncGenerator<TraceVm, void, undefined> {
  try {
    let count = 0;
    let latest = 0;
    for await (const { line, fields } of readRows(file)) {
      const next = requireVm(fields, line, latest);
      latest = next.arrival;
      yield next;
      if (++count >= limit) return;
    }
    if (count === 0)
      throw new VmstateError("the trace has no VM: it needs a line for each VM below the header");
  } catch (error) {
    throw traceError(file, error);
  }
}

interface Row {
  line: number;
  fields: string[];
}

/** Reads the rows below the header, without quotes around a field: no field of a trace has a comma or a quote. */
async function* readRows(file: string): AsyncGenerator<Row, void, undefined> {
  let line = 0;
  for await (const text of readLines(open(file))) {
    line++;
    const row = text.replace(line === 1 ? /^\uFEFF/ : "", "").trimEnd();
    if (row.length > LONGEST_ROW) throw tooLong(line);
    const fields = row.split(",").map((field) => field.replace(/^"(.*)"$/, "$1"));
    if (line === 1) requireHeader(fields);
    else if (row !== "") yield { line, fields };
  }
}

/** Reads lines. Of a line that never ends it reads little more than a row may have. */
async function* readLines(stream: Readable): AsyncGenerator<string, void, undefined> {
  let rest = "";
  for await (const chunk of stream.setEncoding("utf8") as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = String(lines.pop());
    yield* lines;
    if (rest.length > LONGEST_ROW) break;
  }
  if (rest !== "") yield rest;
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

function requireHeader(header: string[]): void {
  if (header.join() !== HEADER)
    throw new VmstateError(`line 1: the header must be "${HEADER}", not "${header.join()}"`);
}

function requireVm(fields: string[], line: number, latest: number): TraceVm {
  const columns = Object.entries(COLUMNS);
  if (fields.length !== columns.length)
    throw new VmstateError(`line ${line}: the row must have ${columns.length} columns, not ${fields.length}`);
  const problems = columns.flatMap(([name, { pattern, what }], at) => {
    const field = String(fields[at]);
    return pattern.test(field) ? [] : [`${name} must be ${what}, not ${JSON.stringify(field)}`];
  });
  if (problems.length > 0) throw new VmstateError(`line ${line}: ${problems.join("; ")}`);
  const [arrival, batch, , , duration] = fields.map((field) => (field === "" ? undefined : Number(field)));
  const vm = { arrival: Number(arrival), batch: Number(batch), duration };
  if (vm.arrival < latest)
    throw new VmstateError(
      `line ${line}: arrival_s must be at least ${latest}, as in the row before, not ${vm.arrival}`,
    );
  return vm;
}

function tooLong(line: number): VmstateError {
  return new VmstateError(`line ${line}: the row must have at most ${LONGEST_ROW} characters`);
}

function traceError(file: string, error: unknown): VmstateError {
  return new VmstateError(`${file}: ${problemOf(error as NodeJS.ErrnoException)}`, { cause: error });
}

function problemOf(error: NodeJS.ErrnoException): string {
  if (error instanceof VmstateError) return error.message;
  if (error.code?.startsWith("Z_")) return `broken gzip: ${error.message}`;
  if (error.code === "ENOENT") return "no such file";
  return error.message;
}

function nothing(): void {
  // The reader of the stream gets the error.
}
