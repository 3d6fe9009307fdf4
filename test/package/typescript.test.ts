import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execute } from "./commands.js";
import { Project } from "./project.js";
import { packAnew, ROOT } from "./tarball.js";

/** With nothing but the package: no client of PostgreSQL, and no types of Node. */
let project: Project;
beforeAll(async () => {
  const tarball = await packAnew();
  project = new Project();
  mkdirSync(project.installed, { recursive: true });
  await execute(project.dir, {}, "tar", "-xzf", tarball, "--strip-components=1", "-C", project.installed);
  rmSync(dirname(tarball), { recursive: true });
  for (const file of ["wrappers.mts", "wrappers.cts"])
    cpSync(join(project.dir, "wrappers.ts"), join(project.dir, file));
});
afterAll(() => project[Symbol.dispose]());

/** The packages of the compilers, by what they are. */
const COMPILERS = { oldest: "typescript-oldest", present: "typescript", newest: "typescript-newest" };

describe.each(Object.entries(COMPILERS))("the %s TypeScript", (_, name) => {
  const compiler = join(ROOT, "node_modules", name, "bin/tsc");

  it.each(["node16", "nodenext"])("compiles a module and CommonJS with %s", async (module) => {
    const settings = `--module ${module} --moduleResolution ${module} --target es2022 --strict --noEmit`;
    const options = [...settings.split(" "), "--lib", "es2022", "--skipLibCheck", "false"];
    const args = [compiler, ...options, "wrappers.mts", "wrappers.cts"];
    expect(await execute(project.dir, {}, process.execPath, ...args)).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
  });
});

it("the oldest and the newest TypeScript are what their names say", () => {
  const versions = Object.values(COMPILERS).map(versionOf);
  expect(versions[0]).toMatch(/^5\.0\./);
  expect(Number.parseInt(String(versions[2]))).toBeGreaterThanOrEqual(7);
});

function versionOf(name: string): string {
  const manifest = readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
