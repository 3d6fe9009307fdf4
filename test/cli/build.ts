import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The package as `npm run build` makes it, in a directory of its own. */
export interface BuiltProgram {
  /** The script that `vmstate` runs. */
  main: string;
  remove: () => void;
}

/** Without checking types, which is another step's work. */
export function buildProgram(): BuiltProgram {
  const dir = mkdtempSync(join(tmpdir(), "vmstate-build-"));
  for (const name of readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })) build(dir, name);
  for (const name of ["package.json", "migrations", "sql", "docs/examples"])
    cpSync(join(ROOT, name), join(dir, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(dir, "node_modules"));
  return { main: join(dir, "dist/cli/main.js"), remove: () => rmSync(dir, { recursive: true }) };
}

function build(dir: string, name: string): void {
  const to = join(dir, "dist", name.replace(/\.ts$/, ".js"));
  const from = join(ROOT, "src", name);
  if (!/\.(ts|mjs)$/.test(name)) return;
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(
    to,
    name.endsWith(".ts") ? transpile(readFileSync(from, "utf8")) : readFileSync(from, "utf8"),
  );
}

function transpile(source: string): string {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
