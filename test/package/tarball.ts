import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { bundleEntry } from "../../tools/build/bundle.mjs";
import { addCommonjs } from "../../tools/build/commonjs.mjs";
import { npm } from "./commands.js";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Whatever is in this directory besides must not get into the package, nor what an older build has left in dist/. */
const PARTS = [
  "package.json",
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "docs",
  "migrations",
  "sql",
  "src",
  "test/bench/results",
  "test/package",
];

/**
 * Builds and packs what would be published.
 *
 * @returns the path of the tarball, in a directory of its own
 */
export async function packAnew(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "vmstate-pack-"));
  for (const part of PARTS) cpSync(join(ROOT, part), join(dir, part), { recursive: true });
  build(join(dir, "dist"));
  addCommonjs(join(dir, "dist"));
  await bundleEntry(join(dir, "dist"));
  const [{ filename }] = JSON.parse(await npm(dir, "pack", "--json", "--ignore-scripts")) as [
    { filename: string },
  ];
  return join(dir, filename);
}

function build(outDir: string): void {
  const json = { extends: "./tsconfig.build.json", include: ["src"] };
  const { fileNames, options } = ts.parseJsonConfigFileContent(json, ts.sys, ROOT);
  const { emitSkipped } = ts.createProgram(fileNames, { ...options, outDir }).emit();
  if (emitSkipped) throw new Error("src does not compile");
}
