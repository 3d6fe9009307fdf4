import { afterAll, describe, expect, it } from "vitest";
import { VmstateError } from "../../src/errors/vmstate-error.js";
import { countVms, readTrace, type TraceVm } from "../../src/simulator/trace.js";
import { HEADER, newTraces, traceOf, zipped } from "./traces.js";

const traces = newTraces();
afterAll(traces.remove);

async function readAll(file: string, limit?: number): Promise<TraceVm[]> {
  const vms: TraceVm[] = [];
  for await (const vm of readTrace(file, limit)) vms.push(vm);
  return vms;
}

const TWO_ROWS = `${HEADER}\n0,7,2,1.75,900\n300.5,8,1,4,\n`;
const TWO_VMS = [
  { arrival: 0, batch: 7, duration: 900 },
  { arrival: 300.5, batch: 8, duration: undefined },
];

describe("readTrace", () => {
  it.each([
    ["as it is", "plain.csv", TWO_ROWS],
    ["compressed", "zipped.csv.gz", zipped(TWO_ROWS)],
    ["from a spreadsheet", "sheet.csv", `\uFEFF${TWO_ROWS.replaceAll("\n", "\r\n")}`],
    ["with quotes", "quotes.csv", TWO_ROWS.replaceAll(/[^,\n]+/g, '"$&"')],
    ["with empty lines", "empty-lines.csv", TWO_ROWS.replaceAll("\n", "\n\n")],
    ["without a last newline", "open.csv", TWO_ROWS.trimEnd()],
  ])("reads a file %s", async (_, name, content) => {
    expect(await readAll(traces.write(name, content))).toEqual(TWO_VMS);
  });

  it("stops at the limit, even before a malformed row", async () => {
    const file = traces.write("limited.csv", `${TWO_ROWS}rubbish\n`);
    expect(await readAll(file, 1)).toEqual(TWO_VMS.slice(0, 1));
  });

  it("refuses a line that never ends without reading all of it", async () => {
    const file = traces.write("no-lines.csv", `${HEADER}\n${"1".repeat(1_000_000)}`);
    await expect(readAll(file)).rejects.toThrow("line 2: the row must have at most 1000 characters");
  });

  it.each([
    ["batch", "0,x,2,1.75,900", 'line 4: batch must be a whole number, not "x"'],
    ["vcpus", "0,1,0,1.75,900", 'line 4: vcpus must be a number above 0, not "0"'],
    ["memory_gb", "0,1,2,,900", 'line 4: memory_gb must be a number above 0, not ""'],
    ["lifetime_s", "0,1,2,1.75,-1", 'line 4: lifetime_s must be empty or a number, 0 or more, not "-1"'],
    [
      "two columns",
      "x,y,2,1.75,1",
      'line 4: arrival_s must be a number, 0 or more, not "x"; batch must be a whole number, not "y"',
    ],
    [
      "the order",
      "300,1,2,1.75,1",
      "line 4: arrival_s must be at least 300.5, as in the row before, not 300",
    ],
    ["the length", "400,1,2", "line 4: the row must have 5 columns, not 3"],
    ["a quote", '400,1,2,"1,1', 'line 4: memory_gb must be a number above 0, not "\\"1"'],
    ["endless", "1".repeat(2000), "line 4: the row must have at most 1000 characters"],
  ])("names the line of a malformed row: %s", async (name, row, message) => {
    const file = traces.write(`${name}.csv`, `${TWO_ROWS}${row}\n`);
    const error: unknown = await readAll(file).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "VmstateError" });
    expect(String(error)).toContain(`${file}: ${message}`);
    expect(String(error)).not.toContain("\n");
  });
});

describe("countVms", () => {
  it.each([
    ["counts", traceOf(100), 100],
    ["counts without a last newline", traceOf(100).trimEnd(), 100],
  ])("%s", async (name, content, vms) => {
    expect(await countVms(traces.write(`${name}.csv`, content))).toBe(vms);
    expect(await countVms(traces.write(`${name}.csv.gz`, zipped(content)))).toBe(vms);
  });

  it.each([
    ["empty.csv", "", "the trace has no VM: it needs a line for each VM below the header"],
    ["header.csv", `${HEADER}\n`, "the trace has no VM: it needs a line for each VM below the header"],
    ["other.csv", "a,b\n1,2\n", `line 1: the header must be "${HEADER}", not "a,b"`],
    ["first-row.csv", `${HEADER}\n0,x,1,1,1\n`, 'line 2: batch must be a whole number, not "x"'],
    ["broken.csv.gz", zipped(traceOf(100)).subarray(0, 200), "broken gzip: unexpected end of file"],
    ["no-gzip.csv.gz", traceOf(100), "broken gzip: incorrect header check"],
  ])("refuses %s with one line", async (name, content, message) => {
    const file = traces.write(name, content);
    await expect(countVms(file)).rejects.toThrow(new VmstateError(`${file}: ${message}`));
  });

  it("refuses a missing file and a directory", async () => {
    const file = traces.write("any.csv", "");
    await expect(countVms(`${file}.gone`)).rejects.toThrow(new VmstateError(`${file}.gone: no such file`));
    await expect(countVms("/")).rejects.toThrow("/: EISDIR");
  });
});
