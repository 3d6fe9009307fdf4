import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { PACKAGE_ROOT } from "../../src/schema/files.js";

/** The verbs, and what migrates: two entries of the package. */
export type Package = typeof import("../../src/index.js") & typeof import("../../src/migrations/index.js");

/** Where `npm run release` keeps each release as npm packs it. */
export const PACKAGES = fileURLToPath(new URL("./packages", import.meta.url));

/** Returns the name of a packed release, for example `vmstate-0.1.0.tgz`. */
export function packedName(version: string): string {
  return `vmstate-${version}.tgz`;
}

/** Unpacks a release where its imports find the packages of this repository. */
export class ReleasedPackage implements Disposable {
  readonly #dir: string;

  constructor(version: string) {
    const cache = join(PACKAGE_ROOT, "node_modules", ".cache");
    mkdirSync(cache, { recursive: true });
    this.#dir = mkdtempSync(join(cache, `vmstate-${version}-`));
    execFileSync("tar", ["-xzf", join(PACKAGES, packedName(version)), "-C", this.#dir]);
  }

  /**
   * Imports the release.
   *
   * It has at least what every later release has, under the same names.
   */
  async load(): Promise<Package> {
    const dist = join(this.#dir, "package", "dist");
    const entries = ["migrations/index.js", "index.js"].map((entry) => pathToFileURL(join(dist, entry)).href);
    const [migrations, verbs] = await Promise.all(entries.map((entry) => import(entry) as Promise<object>));
    return { ...migrations, ...verbs } as Package;
  }

  [Symbol.dispose](): void {
    rmSync(this.#dir, { recursive: true });
  }
}
