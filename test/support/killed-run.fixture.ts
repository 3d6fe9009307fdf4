import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject, it } from "vitest";
import { createDatabase } from "./database.js";

/** What a run that is killed now could leave behind. */
export interface KilledRun {
  worker: number;
  directories: string[];
  serverUrl: string;
}

// The only test of a run that is killed in the middle of it; else it fails at its time limit.
it("a run waits here until it is killed", async () => {
  await createDatabase();
  const directories = [tmpdir(), inject("memory")];
  for (const dir of directories) mkdtempSync(join(dir, "held-"));
  const killedRun: KilledRun = { worker: process.pid, directories, serverUrl: inject("serverUrl") };
  process.stdout.write(`${JSON.stringify(killedRun)}\n`);
  await new Promise(() => setInterval(() => undefined, 60_000));
});
