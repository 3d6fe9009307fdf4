import { execFile } from "node:child_process";
import { isDeepStrictEqual, promisify } from "node:util";
import { type Ledger, LEDGER, parseLedger } from "../../src/schema/ledger.js";

const run = promisify(execFile);

/**
 * Lists the commits whose ledger has been changed since, other than by adding releases to its end.
 *
 * @returns undefined where there is no history of git to ask
 */
export async function rewrittenSince(root: string, ledger: Ledger): Promise<string[] | undefined> {
  const commits = await git(root, "log", "--format=%h", "--", LEDGER).catch(() => undefined);
  if (commits === undefined) return undefined;
  const rewritten: string[] = [];
  for (const commit of commits.split("\n").filter((line) => line !== "")) {
    const then = parseLedger(await git(root, "show", `${commit}:./${LEDGER}`));
    if (!isDeepStrictEqual(then, ledger.slice(0, then.length))) rewritten.push(commit);
  }
  return rewritten;
}

async function git(root: string, ...args: string[]): Promise<string> {
  const { stdout } = await run("git", args, { cwd: root });
  return stdout;
}
