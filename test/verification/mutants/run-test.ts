import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const VITEST = join(ROOT, "node_modules/vitest/vitest.mjs");

/** What a test file says of the rules that it ran on. */
export interface TestRun {
  passed: number;
  /** The titles of the tests that failed: the run ends with the first of them. */
  failed: string[];
}

/** What Vitest writes for a file. */
interface Report {
  numPassedTests: number;
  testResults: { message: string; assertionResults: { status: string; fullName: string }[] }[];
}

/**
 * Runs a test file on the server, with the rules as they are or with those of the mutant of that number.
 *
 * @throws Error when no test was run to its end, for example because the statements of the mutant are no SQL
 */
export async function runTest(file: string, serverUrl: string, mutant?: number): Promise<TestRun> {
  const dir = mkdtempSync(join(tmpdir(), "vmstate-mutant-"));
  const output = join(dir, "report.json");
  try {
    const mode = mutant === undefined ? [] : ["--mode", mutantMode(mutant)];
    const options = ["--reporter=json", `--outputFile=${output}`, "--bail=1", "--coverage.enabled=false"];
    const run = spawn(process.execPath, [VITEST, "run", `test/${file}`, ...mode, ...options], {
      cwd: ROOT,
      env: { ...process.env, TEST_DATABASE_URL: serverUrl, NODE_OPTIONS: "", NODE_V8_COVERAGE: "" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    run.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    await once(run, "close");
    return read(existsSync(output) ? readFileSync(output, "utf8") : undefined, file, errors);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function read(json: string | undefined, file: string, errors: string): TestRun {
  if (json === undefined) throw new Error(`test/${file} was not run: ${errors}`);
  const { numPassedTests: passed, testResults } = JSON.parse(json) as Report;
  const failed = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === "failed")
    .map(({ fullName }) => fullName);
  if (passed + failed.length > 0) return { passed, failed };
  throw new Error(
    `test/${file} ended before its first test: ${testResults.map(({ message }) => message).join()}`,
  );
}

const MODE = /^mutant-(\d+)$/;

/** The mode of Vitest in which every database of the tests has the rules of the mutant with that number. */
export function mutantMode(mutant: number): string {
  return `mutant-${mutant}`;
}

/** The number of the mutant whose rules the mode asks for; undefined: of none. */
export function mutantOfMode(mode: string): number | undefined {
  const [, number] = MODE.exec(mode) ?? [];
  return number === undefined ? undefined : Number(number);
}
