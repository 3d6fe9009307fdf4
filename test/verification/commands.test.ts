import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8")) as {
  scripts: Record<string, string>;
};
const COMMANDS = Object.entries(scripts).flatMap(([name, script]) => {
  const [program, file] = script.split(" ");
  return program === "tsx" && file !== undefined ? [{ name, file }] : [];
});

/** Runs a command and returns the last line that it prints. */
async function run(file: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, NODE_OPTIONS: "", NODE_V8_COVERAGE: "", COLUMNS: "80" };
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", file, ...args], {
    cwd: ROOT,
    env,
  });
  return stdout.trimEnd().split("\n").at(-1) ?? "";
}

it("npm run has a command for each proof and bench", () => {
  expect(COMMANDS.map(({ name }) => name)).toEqual([
    "bench",
    "bench:growth",
    "bench:bloat",
    "bench:instructions",
    "explore",
    "mutants",
    "batches",
    "compare",
    "oracle",
    "fuzz",
    "faults",
  ]);
});

it.each(COMMANDS)("npm run $name --help lists its options", async ({ file }) => {
  expect(await run(file, "--help")).toMatch(/-h, --help/);
});

it.each(COMMANDS)("npm run $name refuses an invalid --seed", async ({ file }) => {
  await expect(run(file, "--seed", "x")).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("--seed") as string,
  });
});

it("npm run explore prints its figures on the last line", async () => {
  const last = await run("test/verification/explore/main.ts", "--scope", "1", "--depth", "3");
  expect(last).toMatch(/^explore: \d+ states, \d+ transitions, depth up to 3, \d+ s, 0 properties broken$/);
});
