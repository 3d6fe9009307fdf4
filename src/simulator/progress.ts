import cliProgress from "cli-progress";
import type { Host } from "../terminal/io.js";

/** Tells how far a replay is. */
export interface Progress {
  played: (vms: number) => void;
  stop: () => void;
}

const LINE_EVERY_MS = 5000;

/** Shows a bar on a terminal, or writes a line every few seconds elsewhere. */
export function showProgress(stream: Host["stderr"], total: number): Progress {
  const begun = performance.now();
  const bar = new cliProgress.SingleBar({
    stream,
    format: "{bar} {percentage}%  {value}/{total} VMs  {rate}/s  ETA {eta_formatted}",
    barsize: 20,
    hideCursor: true,
    clearOnComplete: true,
    noTTYOutput: true,
    notTTYSchedule: LINE_EVERY_MS,
    etaBuffer: 1000,
  });
  bar.start(total, 0, { rate: 0 });
  return {
    played: (vms) => bar.update(vms, { rate: Math.round((vms * 1000) / (performance.now() - begun)) }),
    stop: () => bar.stop(),
  };
}
