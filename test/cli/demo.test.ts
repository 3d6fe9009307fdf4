import type postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newIo } from "../../src/terminal/io.js";
import { requestStop } from "../../src/client/control-plane.js";
import { applied, Stage } from "../../src/cli/demo/stage.js";
import { TestHost } from "./run-cli.js";
import { Scenario } from "./scenario.js";
import { createDatabase, type TestDatabase } from "../support/database.js";

let db: TestDatabase;
let story: string;
beforeAll(async () => {
  db = await createDatabase();
  story = await play();
});
afterAll(async () => {
  await db.drop();
});

async function play(): Promise<string> {
  const host = new TestHost();
  const { code, stdout, stderr } = await host.run("demo", "--database-url", db.url);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** The calls with their outcomes, one line each. */
function calls(text: string): string[] {
  return [...text.matchAll(/^ {2}([a-z]\w+\(.*\))\s+→ (.*)$/gim)].map(
    ([, call, outcome]) => `${String(call)}: ${String(outcome)}`,
  );
}

/** The pictures, as lines of name, state in the API, row. */
function pictures(text: string): string[][] {
  return [...text.matchAll(/API shows │ row\n((?:.*│.*\n)+)/g)].map(([, lines = ""]) =>
    lines
      .trimEnd()
      .split("\n")
      .map((line) => line.trim().replaceAll(/ *│ */g, "|")),
  );
}

it("plays the six rules with real calls", () => {
  expect(calls(story)).toEqual([
    "createInstance(web, project, web, running): applied",
    "finishInstanceCreation(web): applied",
    "beginStart(web, saga-1, A, sled-1): applied",
    "unwindStart(web, saga-1, A): applied",
    "beginStart(web, saga-2, B, sled-2): applied, replaces A",
    "reportVmm(web, B, failed, generation 2): applied, update needed",
    "beginUpdate(web, update-1, 30 seconds): applied, unlinks B",
    "unwindStart(web, saga-2, B): applied",
    "commitUpdate(web, update-1, generation 2, the plan): applied",
    "deleteVmm(web, A): applied",
    "deleteVmm(web, B): applied",
    "beginStart(web, saga-3, C, sled-1): applied",
    "reportVmm(web, C, running, generation 2): applied",
    "beginMigration(web, saga-4, move-1, C, D, sled-2): applied",
    "unwindMigration(web, saga-4, move-1): applied",
    "beginMigration(web, saga-5, move-2, C, E, sled-3): applied",
    "reportVmm(web, E, running, generation 3, move-2, completed, generation 3): applied, migration applied, update needed",
    "reportVmm(web, E, migrating, generation 2, move-2, in_progress, generation 2): stale, migration stale",
    "runUpdate(web, update-2): applied, unlinks C",
    "reportVmm(web, C, destroyed, generation 3, move-2, completed, generation 2): applied, migration applied",
    "reportVmm(web, D, running, generation 9): terminal",
    "reportVmm(web, E, saga_unwound, generation 4): ERROR 22P02",
    "requestStop(web): applied",
    "reportVmm(web, E, destroyed, generation 4): applied, update needed",
    "runUpdate(web, update-3): applied, unlinks E",
  ]);
});

it("shows after each step what the API shows beside the rows", () => {
  expect(pictures(story)).toEqual([
    ["web|starting|vmm, generation 3, active A", "A|creating|creating, generation 1"],
    ["web|stopped|vmm, generation 3, active A", "A|destroyed|saga_unwound, generation 2"],
    [
      "web|starting|vmm, generation 4, active B",
      "A|destroyed|saga_unwound, generation 2",
      "B|creating|creating, generation 1",
    ],
    [
      "web|stopped|vmm, generation 4, active B",
      "A|destroyed|saga_unwound, generation 2",
      "B|destroyed|saga_unwound, generation 3",
    ],
    [
      "web|stopped|no_vmm, generation 5",
      "A|destroyed|saga_unwound, generation 2",
      "B|destroyed|saga_unwound, generation 3",
    ],
    [
      "web|migrating|vmm, generation 7, active C, destination D",
      "C|running|running, generation 2",
      "D|creating|creating, generation 1",
      "move-1||source pending, destination pending",
    ],
    [
      "web|running|vmm, generation 7, active C, destination D",
      "C|running|running, generation 2",
      "D|destroyed|saga_unwound, generation 2",
      "move-1||source failed, destination failed",
    ],
    [
      "web|migrating|vmm, generation 8, active C, destination E",
      "C|running|running, generation 2",
      "D|destroyed|saga_unwound, generation 2",
      "E|running|running, generation 3",
      "move-2||source pending, destination completed",
    ],
    [
      "web|running|vmm, generation 9, active E",
      "C|destroyed|destroyed, generation 3",
      "D|destroyed|saga_unwound, generation 2",
      "E|running|running, generation 3",
    ],
    [
      "web|running|vmm, generation 9, active E",
      "C|destroyed|destroyed, generation 3",
      "D|destroyed|saga_unwound, generation 2",
      "E|running|running, generation 3",
    ],
    [
      "web|stopped|no_vmm, generation 10",
      "C|destroyed|destroyed, generation 3",
      "D|destroyed|saga_unwound, generation 2",
      "E|destroyed|destroyed, generation 4",
    ],
  ]);
});

it("prints PostgreSQL's own errors in full", () => {
  expect(story).toMatch(
    /→ ERROR 22P02\n {4}message +invalid input value for enum vmstate\.reported_vmm_state:/,
  );
  expect(story).toMatch(
    /WHERE id = \$1\n {4}→ ERROR VM104\n {4}message +\S(.*\n)+ {4}detail +\S(.*\n)+ {4}hint +\S/,
  );
  expect(story).toMatch(/^ {4}web +\S{36}\n {4}E +\S{36}$/m);
});

it("fits 80 columns and ends with the result of verify", () => {
  expect(story.split("\n").filter((line) => line.length > 80 || line.endsWith(" "))).toEqual([]);
  expect(story).toMatch(/\nvmstate verify ─+\n\n {2}No invariant is violated\.\n/);
});

it("names its server, without the password", () => {
  const { host, password } = new URL(db.url);
  expect(story.replaceAll(/\s+/g, " ")).toContain(`at ${host}, with ids of its own`);
  expect(story).not.toContain(password);
});

describe("a database of the user", () => {
  const count = async (sql: postgres.Sql): Promise<unknown> => {
    const [row] = await sql`
      select (select count(*) from vmstate.instance) as instances, (select count(*) from vmstate.vmm) as vmms,
        (select count(*) from vmstate.migration) as migrations`;
    return row;
  };

  it("has the same rows after the demo", async () => {
    const nothing = { instances: "0", vmms: "0", migrations: "0" };
    expect(await count(db.sql)).toEqual(nothing);
    await play();
    expect(await count(db.sql)).toEqual(nothing);
  });

  it("fails the demo's verify if an invariant was violated before", async () => {
    await using broken = await createDatabase();
    await (await new Scenario(broken.sql).createStopped()).run();
    await broken.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql`update vmstate.vmm set time_unlinked = now()`;
    });
    const { code, stderr } = await new TestHost().run("demo", "--database-url", broken.url);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "vmstate: 1 row breaks an invariant\n" });
  });
});

it("starts a server of its own when no URL is given", async () => {
  const { code, stdout, stderr } = await new TestHost().run("demo", "--database-url", "");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "starting a throw-away PostgreSQL ...\n" });
  expect(stdout).toMatch(/Played on embedded PostgreSQL \d/);
  expect(calls(stdout)).toEqual(calls(story));
});

describe("a story with an unexpected result", () => {
  it("ends when an outcome is not the expected one", () => {
    expect(applied({ outcome: "applied", state: "vmm" })).toMatchObject({ state: "vmm" });
    expect(() => applied({ outcome: "conflict" })).toThrow("the answer is conflict, not applied");
  });

  it("ends when a statement that must be refused succeeds", async () => {
    const web = await new Scenario(db.sql).createStopped();
    const refused = db.sql.begin(async (sql) => {
      const stage = new Stage(sql, newIo(new TestHost(), new AbortController().signal));
      stage.cast.learn("web", web.instanceId);
      await stage.refused(requestStop, { instanceId: stage.id("web") });
    });
    await expect(refused).rejects.toThrow("this was not refused: requestStop(web)");
    await web.delete();
  });
});
