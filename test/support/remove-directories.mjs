// node remove-directories.mjs DIR...: when its standard input ends, removes these directories.

import { rmSync } from "node:fs";
import { onParentExit } from "./on-parent-exit.mjs";

const dirs = process.argv.slice(2);

await onParentExit(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
});
