import { cpSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import type { Snippet } from "./snippets.js";
import { ROOT } from "./tarball.js";

export interface Compiler {
  files: string[];
  options: ts.CompilerOptions;
}

/** How a user's compiler may be set, and the files it reads `typed.ts` as. */
export const COMPILERS: Record<string, Compiler> = {
  // looks at our declarations as well, and at all that they import
  nodenext: {
    files: ["typed.mts", "typed.cts"],
    options: { module: ts.ModuleKind.NodeNext, skipLibCheck: false },
  },
  node16: { files: ["typed.mts", "typed.cts"], options: { module: ts.ModuleKind.Node16 } },
  bundler: {
    files: ["typed.ts"],
    options: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
  },
};

/** What the compiler complains of in a project that has `typed.ts`. */
export function compile(dir: string, { files, options }: Compiler): string[] {
  const source = join(dir, "typed.ts");
  const paths = files.map((file) => join(dir, file));
  for (const path of paths) if (path !== source) cpSync(source, path);
  return problemsOf(paths, options);
}

/**
 * Compiles the example service as a user does who has copied it into a project.
 *
 * @returns what the compiler complains of; `service/main.js` is there when it is nothing
 */
export function compileService(dir: string): string[] {
  const service = join(dir, "service");
  cpSync(join(ROOT, "docs/examples/service"), service, { recursive: true });
  writeFileSync(join(service, "package.json"), JSON.stringify({ type: "module" }));
  const files = readdirSync(service).filter((file) => file.endsWith(".ts"));
  return problemsOf(
    files.map((file) => join(service, file)),
    { module: ts.ModuleKind.NodeNext, noUncheckedIndexedAccess: true, noEmit: false },
  );
}

/** Compiles each snippet as a module of its own, beside the names that the text around it introduces. */
export function compileSnippets(dir: string, snippets: readonly Snippet[]): string[] {
  const folder = mkdtempSync(join(dir, "snippets-"));
  const paths = snippets.map(({ name, code }) => {
    writeFileSync(join(folder, name), `${code}\nexport {};\n`);
    return join(folder, name);
  });
  return problemsOf([join(dir, "snippet-names.d.mts"), ...paths], { module: ts.ModuleKind.NodeNext });
}

function problemsOf(paths: string[], options: ts.CompilerOptions): string[] {
  const program = ts.createProgram(paths, {
    target: ts.ScriptTarget.ES2022,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
    types: ["node"],
    typeRoots: [join(ROOT, "node_modules/@types")],
    ...options,
  });
  const problems = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  return problems.map(
    ({ file, messageText }) =>
      `${file?.fileName ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`,
  );
}
