import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import pg from "pg";
import ts from "typescript";
import { expect, it } from "vitest";
import { fromPg, type vmstate } from "../../src/index.js";
import { createDatabase } from "../support/database.js";

const SRC = new URL("../../src", import.meta.url).pathname;

/** All that is loaded with a file: other files, and what is no file. Imports of types are not loaded. */
function loadedWith(entry: string): { files: string[]; others: string[] } {
  const files = new Set([join(SRC, entry)]);
  const others = new Set<string>();
  for (const file of files)
    for (const name of importsOf(file))
      if (name.startsWith(".")) files.add(join(dirname(file), name.replace(/\.js$/, ".ts")));
      else others.add(name);
  return { files: [...files].map((file) => file.slice(SRC.length + 1)), others: [...others] };
}

function importsOf(file: string): string[] {
  const options = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    verbatimModuleSyntax: true,
  };
  const text = ts.transpileModule(readFileSync(file, "utf8"), { compilerOptions: options }).outputText;
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

it.each(["index.ts", "kysely/index.ts"])(
  "%s loads wrappers, and nothing of Node or of a package",
  (entry) => {
    const { files, others } = loadedWith(entry);
    expect(files).toContain("client/adapters/kysely.ts");
    expect(files.filter((file) => !/^(client|errors|kysely)\/|^index\.ts$/.test(file))).toEqual([]);
    expect(others).toEqual([]);
  },
);

it("retry/index.ts loads p-retry, and nothing of the wrappers", () => {
  const { files, others } = loadedWith("retry/index.ts");
  expect(files.filter((file) => !/^(errors|retry)\//.test(file))).toEqual([]);
  expect(others).toEqual(["p-retry"]);
});

it("metrics/index.ts loads prom-client when asked for, nothing of OpenTelemetry, and no wrapper", () => {
  const { files, others } = loadedWith("metrics/index.ts");
  expect(files).not.toContain("client/control-plane.ts");
  expect(files.filter((file) => !/^(client|errors|metrics)\//.test(file))).toEqual([]);
  expect(others).toEqual(["prom-client"]);
});

it("what migrates would be found", () => {
  const { others } = loadedWith("schema/index.ts");
  expect(others).toEqual(expect.arrayContaining(["node:fs/promises", "postgres"]));
});

it("a platform-neutral bundle runs where there are only the globals of the language", async () => {
  const { outputFiles } = await build({
    entryPoints: [join(SRC, "index.ts")],
    ...{ bundle: true, platform: "neutral", format: "iife", globalName: "bundle", write: false },
    logLevel: "silent",
  });
  const context = createContext({});
  const bundled = runInContext(`${String(outputFiles[0]?.text)}; bundle`, context) as {
    vmstate: typeof vmstate;
  };
  await using db = await createDatabase();
  const pool = new pg.Pool({ connectionString: db.url });
  const id = randomUUID();
  const vm = bundled.vmstate(fromPg(pool));
  expect(
    await vm.createInstance({ instanceId: id, projectId: id, name: "web", intendedState: "running" }),
  ).toMatchObject({
    outcome: "applied",
    apiState: "creating",
  });
  expect(await vm.purge({ before: new Date(0) })).toMatchObject({ instances: 0, leftOver: false });
  await pool.end();
});
