import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execute, npm, type Output } from "./commands.js";
import { ROOT } from "./tarball.js";

const CONSUMER = fileURLToPath(new URL("./consumer", import.meta.url));

/** A project of a user that has the package, and nothing else of this repository. */
export class Project implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), "vmstate-consumer-"));
  readonly installed = join(this.dir, "node_modules/vmstate");

  constructor() {
    cpSync(CONSUMER, this.dir, { recursive: true });
  }

  /**
   * As a deployment does: by a lock file, with no script of any package, and without what is for development.
   *
   * @param clients the clients of PostgreSQL beside the package
   */
  async install(tarball: string, ...clients: ("pg" | "postgres")[]): Promise<void> {
    const manifest = {
      name: "consumer",
      version: "1.0.0",
      license: "UNLICENSED",
      dependencies: {
        vmstate: tarball,
        ...Object.fromEntries(clients.map((name) => [name, versionOf(name)])),
      },
    };
    writeFileSync(join(this.dir, "package.json"), JSON.stringify(manifest));
    await npm(this.dir, "install", "--package-lock-only");
    await npm(this.dir, "ci", "--ignore-scripts", "--omit=dev");
  }

  /** The package alone, without any of its dependencies. */
  takeOnlyPackageOf(other: Project): void {
    mkdirSync(this.installed, { recursive: true });
    cpSync(other.installed, this.installed, { recursive: true });
  }

  async run(env: NodeJS.ProcessEnv, file: string, ...args: string[]): Promise<Output> {
    return await execute(this.dir, env, file, ...args);
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true });
  }
}

/** The version that this repository has, so that npm finds it in its cache. */
function versionOf(name: string): string {
  const manifest = join(ROOT, "node_modules", name, "package.json");
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
