import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Random } from "../../src/simulator/random.js";

export const HEADER = "arrival_s,batch,vcpus,memory_gb,lifetime_s";

const LIFETIMES = ["0", "300", "900", "3600", ""] as const;

/** A directory for traces, until `remove`. */
export interface Traces {
  write: (name: string, content: string | Buffer) => string;
  remove: () => void;
}

export function newTraces(): Traces {
  const dir = mkdtempSync(join(tmpdir(), "vmstate-traces-"));
  return {
    write: (name, content) => {
      const file = join(dir, name);
      writeFileSync(file, content);
      return file;
    },
    remove: () => rmSync(dir, { recursive: true }),
  };
}

/** A few VMs arrive every five minutes; every fifth runs for ever. */
export function traceOf(vms: number): string {
  const random = new Random(vms);
  const rows = Array.from({ length: vms }, (_, n) => {
    const arrival = 300 * Math.floor(n / 7);
    return `${arrival},${Math.floor(n / 3)},2,3.5,${random.pick(LIFETIMES)}`;
  });
  return `${[HEADER, ...rows].join("\n")}\n`;
}

export function zipped(text: string): Buffer {
  return gzipSync(text);
}
