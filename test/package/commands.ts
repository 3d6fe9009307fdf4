import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program without what is meant for this process. */
export async function execute(
  dir: string,
  env: NodeJS.ProcessEnv,
  file: string,
  ...args: string[]
): Promise<Output> {
  const inherited = {
    ...process.env,
    NODE_OPTIONS: "",
    NODE_V8_COVERAGE: "",
    DATABASE_URL: "",
    TEST_DATABASE_URL: "",
  };
  try {
    return {
      code: 0,
      ...(await run(file, args, { cwd: dir, env: { ...inherited, ...env }, maxBuffer: 2 ** 26 })),
    };
  } catch (error) {
    return error as Output;
  }
}

/** Runs npm, which has to succeed. */
export async function npm(dir: string, ...args: string[]): Promise<string> {
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];
  const { code, stdout, stderr } = await execute(dir, {}, "npm", ...quiet, ...args);
  if (code !== 0) throw new Error(`npm ${args.join(" ")}: ${stderr}`);
  return stdout;
}
