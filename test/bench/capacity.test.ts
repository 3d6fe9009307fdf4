import { expect, it } from "vitest";
import { capacities, capacityText } from "./capacity.js";
import type { CaseResult, Machine } from "./results.js";

const machine = { cores: 2 } as Machine;

function measured(id: string, name: string, perSecond: number): CaseResult {
  return { id, entries: [{ name, perSecond }] } as CaseResult;
}

const cases = [
  measured("many-writers", "vmstate", 3_000),
  measured("reporter-512", "reporter", 26_000),
  measured("batch-100", "vmstate", 20_000),
  measured("sled-50", "reportSled", 123_000),
];

it("carries as many VMs as are reported in 10 seconds, and in proportion to the cores", () => {
  expect(capacities({ cases, machine })[0]).toEqual({
    way: "report_vmm, 32 connections",
    perSecond: 3_000,
    vms: new Map([
      [2, 30_000],
      [8, 120_000],
      [32, 480_000],
    ]),
  });
});

it("prints VMs and sleds with two digits, and fits into 80 columns", () => {
  const text = capacityText({ cases, machine });
  expect(text).toMatch(/report_sled of 50 VMs +120K +1.2M \(25K\)/);
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

it("fails when a case is missing", () => {
  expect(() => capacities({ cases: cases.slice(1), machine })).toThrow("case many-writers has no vmstate");
});
