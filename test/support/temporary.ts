import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { startCleanupProcess } from "./cleanup-process.js";

/** Where a run's temporary files go. */
export interface Temporary {
  /** For servers' data: in memory if there is such a place. No program can be run from there. */
  memory: string;
  remove: () => void;
}

const MEMORY = "/dev/shm";
const GIBIBYTE = 1024 ** 3;

/** Makes this the temporary directory of the run; it is removed also if the run is killed. */
export function gatherTemporaryFiles(dir: string): Temporary {
  mkdirSync(dir, { recursive: true });
  const memory = isRoomy(MEMORY) ? mkdtempSync(join(MEMORY, "vmstate-run-")) : realpathSync(dir);
  const dirs = [dir, memory];
  // for the user that a server runs as, whatever the umask is
  for (const each of dirs) chmodSync(each, 0o755);
  const cleanup = startCleanupProcess("./remove-directories.mjs", ...dirs);
  process.env["TMPDIR"] = dir;
  const remove = (): void => {
    for (const each of dirs) rmSync(each, { recursive: true, force: true });
    cleanup.dismiss();
  };
  return { memory, remove };
}

function isRoomy(dir: string): boolean {
  if (!existsSync(dir)) return false;
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize > GIBIBYTE;
}
