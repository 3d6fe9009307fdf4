import { randomBytes, randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { grantAccess, vmstate } from "../../src/index.js";
import { createDatabase, type TestDatabase } from "../support/database.js";
import { until } from "../support/until.js";
import { runCli, TestHost } from "./run-cli.js";
import { Scenario } from "./scenario.js";

let db: TestDatabase;
const A = "aaaaaaaa-0000-4000-8000-000000000001";
const B = "bbbbbbbb-0000-4000-8000-000000000002";
beforeEach(async () => {
  db = await createDatabase();
  vi.stubEnv("DATABASE_URL", db.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await db.drop();
});

async function create(projectId: string, name: string): Promise<string> {
  const id = randomUUID();
  await vmstate(db.sql).createInstance({ instanceId: id, projectId, name, intendedState: "running" });
  return id;
}

interface Page {
  instances: { id: string; projectId: string; name: string; state: string }[];
  next: string | null;
}

async function page(...args: string[]): Promise<Page> {
  const { code, stdout, stderr } = await runCli("list", "--json", ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Page;
}

const names = ({ instances }: Page): string[] => instances.map(({ name }) => name);

describe("list", () => {
  it("prints a table for each project, in the order of projects and names", async () => {
    const [b, a2, a1] = [await create(B, "b"), await create(A, "a2"), await create(A, "a1")];
    const { code, stdout, stderr } = await runCli("list");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.replaceAll(/ +/g, " ").replaceAll(/\d+ s /g, "# s ")).toBe(
      [
        `project ${A}`,
        "instance state for name",
        `${a1} creating # s a1`,
        `${a2} creating # s a2`,
        "",
        `project ${B}`,
        "instance state for name",
        `${b} creating # s b`,
        "",
      ].join("\n"),
    );
  });

  it("prints pages that follow each other, and how to get the next one", async () => {
    for (const name of ["a", "b", "c"]) await create(A, name);
    await create(B, "a");
    const first = await runCli("list", "--limit", "2");
    expect(first.stderr).toBe(`more: --after '${A}/b'\n`);
    expect(first.stdout.match(/ s {2}\w$/gm)).toHaveLength(2);
    const second = await page("--limit", "2", "--after", `${A}/b`);
    expect(second.instances.map(({ projectId, name }) => `${projectId}/${name}`)).toEqual([
      `${A}/c`,
      `${B}/a`,
    ]);
    expect(second.next).toBeNull();
    expect(names(await page("--limit", "3", "--project", A))).toEqual(["a", "b", "c"]);
    expect(names(await page("--project", A, "--after", `${A}/a`))).toEqual(["b", "c"]);
  });

  it("filters by project, state and the beginning of the name", async () => {
    const web = await new Scenario(db.sql).createStopped("web-1");
    await create(A, "web-2");
    await create(A, "webber");
    await create(A, "a_web");
    expect(names(await page("--name", "web-"))).toHaveLength(2);
    expect(names(await page("--name", "web-", "--state", "creating"))).toEqual(["web-2"]);
    expect(names(await page("--name", "_", "--project", A))).toEqual([]);
    expect(names(await page("--state", "stopped"))).toEqual(["web-1"]);
    expect(names(await page("--project", web.projectId))).toEqual(["web-1"]);
    expect(await runCli("list", "--state", "failed")).toEqual({
      code: 0,
      stdout: "",
      stderr: "no instance is like that\n",
    });
  });

  it("lets no control character of a name reach a terminal, and shows a failed instance in red", async () => {
    const failed = await new Scenario(db.sql).createStopped("a\u001b[31mb");
    await failed.report(await failed.run(), "failed");
    await failed.update();
    const host = new TestHost();
    host.stdout.isTTY = true;
    const { stdout } = await host.run("list");
    expect(stdout).toContain("a\uFFFD[31mb");
    expect(stdout).toContain("\u001b[31mfailed\u001b[39m");
  });

  it("needs no more rights than a reader has", async () => {
    const id = await create(A, "web");
    const role = `vmstate_test_list_${randomBytes(6).toString("hex")}`;
    await db.sql.unsafe(`create role ${role} login password 'secret'`);
    await grantAccess(db.sql, { role, kind: "reader" });
    const url = Object.assign(new URL(db.url), { username: role, password: "secret" }).href;
    const { instances } = await page("--database-url", url);
    expect(instances).toMatchObject([{ id, state: "creating" }]);
    await db.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
  });

  it("reads no more rows than it prints, wherever the page begins", async () => {
    await db.sql`
      select vmstate.create_instance(gen_random_uuid(), ${A}, 'n' || lpad(n::text, 5, '0'), 'running')
      from generate_series(1, 2000) as n`;
    await db.sql`vacuum analyze vmstate.instance`;
    await db.sql`select pg_stat_force_next_flush()`;
    for (const after of [[], ["--after", `${A}/n01900`]]) {
      const before = await fetched();
      expect((await page("--limit", "10", ...after)).instances).toHaveLength(10);
      await until("the server has counted what was read", async () => (await fetched()) >= before + 11);
      expect((await fetched()) - before).toBeLessThanOrEqual(15);
    }
  });

  async function fetched(): Promise<number> {
    const [row] = await db.sql<[{ n: number }]>`
      select (seq_tup_read + idx_tup_fetch)::integer as n
      from pg_stat_user_tables where relid = 'vmstate.instance'::regclass`;
    return row.n;
  }
});
