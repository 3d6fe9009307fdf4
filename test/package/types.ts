import { cpSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { ROOT } from "./tarball.js";

export interface Compiler {
  files: string[];
  options: ts.CompilerOptions;
}

/** How somebody's compiler may be set, and the files it reads `typed.ts` as. */
export const COMPILERS: Record<string, Compiler> = {
  // looks at our declarations as well, and at all that they import
  nodenext: {
    files: ["typed.mts", "typed.cts"],
    options: { module: ts.ModuleKind.NodeNext, skipLibCheck: false },
  },
  // in CommonJS of that age nothing can be imported that is an ES module
  node16: { files: ["typed.mts"], options: { module: ts.ModuleKind.Node16 } },
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
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ file, messageText }) =>
        `${file?.fileName ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`,
    );
}
