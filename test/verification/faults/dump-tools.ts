import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

export const DUMP_TOOLS: readonly string[] = ["pg_dump", "pg_restore"];

/** Dumps one database, as of a snapshot that a session has exported, and restores it into an empty one. */
export async function transfer(bin: string, from: string, snapshot: string, to: string): Promise<void> {
  const dump = run(bin, "pg_dump", from, ["--format=custom", `--snapshot=${snapshot}`]);
  const restore = run(bin, "pg_restore", to, ["--exit-on-error"]);
  await Promise.all([pipeline(dump.child.stdout, restore.child.stdin), dump.ended, restore.ended]);
}

function run(
  bin: string,
  program: string,
  databaseUrl: string,
  options: readonly string[],
): { child: ChildProcess & { stdout: Readable; stdin: NodeJS.WritableStream }; ended: Promise<void> } {
  const url = new URL(databaseUrl);
  const { password } = url;
  url.password = "";
  const child = spawn(join(bin, program), [...options, `--dbname=${url.href}`], {
    env: { PATH: process.env["PATH"], PGPASSWORD: decodeURIComponent(password), LC_ALL: "C" },
  });
  const complaint = text(child.stderr);
  const ended = once(child, "close").then(async ([status]) => {
    if (status !== 0) throw new Error(`${program} failed`, { cause: await complaint });
  });
  return { child, ended };
}
