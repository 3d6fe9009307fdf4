import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, createEmptyDatabase } from "../support/database.js";
import type { Output } from "./commands.js";
import { Project } from "./project.js";
import { packAnew } from "./tarball.js";

let project: Project;
beforeAll(async () => {
  const tarball = await packAnew();
  project = new Project();
  await project.install(tarball, "pg");
  rmSync(dirname(tarball), { recursive: true });
});
afterAll(() => project[Symbol.dispose]());

const program = (url: string, ...args: string[]): Promise<Output> =>
  project.run({ DATABASE_URL: url }, process.execPath, join(project.installed, "dist/cli/main.js"), ...args);

describe("a project with pg, and without postgres", () => {
  it("gets no postgres from the package, which names it as an optional peer", () => {
    expect(existsSync(join(project.dir, "node_modules/pg"))).toBe(true);
    expect(existsSync(join(project.dir, "node_modules/postgres"))).toBe(false);
    const manifest = readFileSync(join(project.installed, "package.json"), "utf8");
    expect(JSON.parse(manifest)).toMatchObject({
      peerDependencies: { postgres: expect.any(String) as string },
      peerDependenciesMeta: { postgres: { optional: true } },
    });
  });

  it("migrates, and plays the life of an instance through fromPg", async () => {
    await using db = await createEmptyDatabase();
    expect(await project.run({ DATABASE_URL: db.url }, process.execPath, "only-pg.mjs")).toEqual({
      code: 0,
      stdout: "applied 9\n",
      stderr: "",
    });
  });

  it("migrates by the program, which also tells what it would apply and the state", async () => {
    await using db = await createEmptyDatabase();
    expect(await program(db.url, "migrate", "plan")).toMatchObject({ code: 0, stderr: "" });
    expect(await program(db.url, "migrate")).toMatchObject({ code: 0, stderr: "" });
    expect(await program(db.url, "migrate", "status")).toMatchObject({ code: 0, stderr: "" });
  });

  it.each([
    [["status"]],
    [["list"]],
    [["show", "00000000-0000-4000-8000-000000000001"]],
    [["explain", "00000000-0000-4000-8000-000000000001"]],
    [["verify"]],
    [["doctor"]],
    [["demo"]],
  ])("is told in one line what %j needs", async (args) => {
    await using db = await createDatabase();
    expect(await program(db.url, ...args)).toMatchObject({
      code: 1,
      stdout: "",
      stderr: "vmstate: this needs the package postgres, which is not installed: npm install postgres\n",
    });
  });
});
