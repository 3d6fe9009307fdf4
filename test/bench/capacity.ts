import { table } from "../../src/terminal/table.js";
import { GATHERED } from "./cases/reporter.js";
import type { Results } from "./results.js";

/** How often each VMM is reported, in seconds. */
const INTERVAL = 10;
const VMMS_OF_A_SLED = 50;
const COMPUTED_CORES = [8, 32];

/** The ways to report, with the case and the entry that measure each. */
const WAYS = [
  { way: "report_vmm, 32 connections", id: "many-writers", entry: "vmstate" },
  { way: "reporter, 512 callers", id: "reporter-512", entry: GATHERED },
  { way: "report_vmm_batch of 100", id: "batch-100", entry: "vmstate" },
  { way: "report_sled of 50 VMs", id: "sled-50", entry: "reportSled" },
];

/** How many VMs one machine carries by one way to report. */
export interface Capacity {
  way: string;
  perSecond: number;
  /** By the number of cores. The machine's own number is measured, the others are computed from it. */
  vms: ReadonlyMap<number, number>;
}

/** Tells how many VMs a machine carries that are all reported once in each interval. */
export function capacities({ cases, machine }: Pick<Results, "cases" | "machine">): Capacity[] {
  return WAYS.map(({ way, id, entry }) => {
    const measured = cases.find((each) => each.id === id)?.entries.find(({ name }) => name === entry);
    if (measured === undefined) throw new Error(`case ${id} has no ${entry}`);
    const perCore = (measured.perSecond * INTERVAL) / machine.cores;
    const vms = [machine.cores, ...COMPUTED_CORES].map((cores): [number, number] => [cores, perCore * cores]);
    return { way, perSecond: measured.perSecond, vms: new Map(vms) };
  });
}

/** Writes the capacities as a table: VMs, and sleds of 50 VMs. */
export function capacityText(results: Pick<Results, "cases" | "machine">): string {
  const { cores } = results.machine;
  const rows = capacities(results).map(({ way, perSecond, vms }) => [
    way,
    rounded(perSecond),
    ...[...vms.values()].map((count) => `${rounded(count)} (${rounded(count / VMMS_OF_A_SLED)})`),
  ]);
  const head = [
    `VMs (sleds), every ${INTERVAL} s`,
    "VMs/s",
    `${cores} cores`,
    ...COMPUTED_CORES.map((each) => `${each}, computed`),
  ];
  return table(rows, { head, right: [1, 2, 3, 4] });
}

/** Two significant digits, for a machine of another make differs by more: 61K, 1.2M. */
const COMPACT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 2 });

function rounded(count: number): string {
  return COMPACT.format(count);
}
