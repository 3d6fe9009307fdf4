import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { startEmbedded } from "../../src/embedded/start.js";
import { copyDatabase, type TestDatabase } from "../support/copy.js";
import { systemBin } from "../support/system-programs.js";

/** The directory of Debian's server and of the clients that go with it; undefined where there is none. */
export const DEBIAN_BIN = systemBin(["initdb", "postgres", "pg_dump", "psql"]);

/** A server of the same version as pg_dump, which does not dump a newer one. */
export class DebianServer implements AsyncDisposable {
  private constructor(
    private readonly url: string,
    private readonly stop: () => Promise<void>,
    private readonly bin: string,
  ) {}

  static async start(): Promise<DebianServer> {
    if (DEBIAN_BIN === undefined) throw new Error("there is no pg_dump: the test should have been skipped");
    const { url, stop } = await startEmbedded({ bin: DEBIAN_BIN });
    return new DebianServer(url, stop, DEBIAN_BIN);
  }

  async createDatabase(): Promise<TestDatabase> {
    const name = `vmstate_test_${randomBytes(6).toString("hex")}`;
    return await copyDatabase({ serverUrl: this.url, name, template: "template0" });
  }

  async dump(url: string, ...options: string[]): Promise<string> {
    return await this.#run("pg_dump", url, options);
  }

  /** Runs a script in one session, until its first error. */
  async psql(url: string, file: string, ...options: string[]): Promise<void> {
    await this.#run("psql", url, [
      "--no-psqlrc",
      "--quiet",
      "--set=ON_ERROR_STOP=1",
      ...options,
      `--file=${file}`,
    ]);
  }

  async #run(program: string, databaseUrl: string, options: string[]): Promise<string> {
    const url = new URL(databaseUrl);
    const password = decodeURIComponent(url.password);
    url.password = "";
    const { stdout } = await promisify(execFile)(
      join(this.bin, program),
      [...options, `--dbname=${url.href}`],
      { env: { PATH: process.env["PATH"], PGPASSWORD: password, LC_ALL: "C" }, maxBuffer: 2 ** 26 },
    );
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
