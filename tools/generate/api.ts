import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Application } from "typedoc";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The source files of the entries in `exports` of package.json. */
const ENTRY_POINTS = [
  "src/index.ts",
  "src/kysely/index.ts",
  "src/metrics/index.ts",
  "src/retry/index.ts",
  "src/schema/index.ts",
  "src/testing/index.ts",
];

/**
 * Renders the pages of `docs/api/`, by file.
 *
 * They say what the declarations and comments of the entry points say.
 *
 * @throws Error when a comment refers to something that is not there
 */
export async function renderApi(): Promise<Map<string, string>> {
  const dir = await mkdtemp(join(tmpdir(), "vmstate-api-"));
  try {
    await generate(dir);
    const files = await readdir(dir, { recursive: true, withFileTypes: true });
    const pages = files.filter((file) => file.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    return new Map(
      await Promise.all(
        pages.map(async (path) => [path.slice(dir.length + 1), await readFile(path, "utf8")] as const),
      ),
    );
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function generate(dir: string): Promise<void> {
  const options = {
    plugin: ["typedoc-plugin-markdown"],
    entryPoints: ENTRY_POINTS.map((path) => join(ROOT, path)),
    tsconfig: join(ROOT, "tsconfig.build.json"),
    name: "API",
    readme: "none",
    outputs: [{ name: "markdown", path: dir }],
    outputFileStrategy: "modules",
    entryFileName: "index",
    flattenOutputFiles: true,
    hideGenerator: true,
    hidePageHeader: true,
    disableSources: true,
    // Without this option the pages would change with every version of @types/node.
    excludeExternals: true,
    // The types that result types are made of are not exported: each result type shows its own columns.
    validation: { notExported: false, invalidLink: true, rewrittenLink: true },
    treatValidationWarningsAsErrors: true,
    parametersFormat: "table",
    interfacePropertiesFormat: "table",
    classPropertiesFormat: "table",
    typeDeclarationFormat: "table",
    logLevel: "Warn" as const,
  };
  const app = await Application.bootstrapWithPlugins(options);
  const project = await app.convert();
  if (!project) throw new Error("src does not compile");
  app.validate(project);
  await app.generateOutputs(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error("see what typedoc says");
}
