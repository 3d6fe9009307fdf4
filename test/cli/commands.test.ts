import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../support/database.js";
import { runCli, TestHost } from "./run-cli.js";
import { Scenario } from "./scenario.js";

let db: TestDatabase;
beforeEach(async () => {
  db = await createDatabase();
  vi.stubEnv("DATABASE_URL", db.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await db.drop();
});

/** The output of a command that must succeed without a word on stderr. */
async function output(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout } = await runCli(...args, "--json");
  expect(code).toBe(0);
  return JSON.parse(stdout) as T;
}

const lines = (text: string): string[] => text.trimEnd().split("\n");

function expectFits(text: string): void {
  expect(lines(text).filter((line) => line.length > 80)).toEqual([]);
  expect(text).not.toMatch(/ $/m);
}

describe("migrate", () => {
  const names = readdirSync("migrations").map((file) => file.replace(/\.sql$/, ""));

  it("prints the names that it applied, or that there was nothing to apply", async () => {
    await using empty = await createEmptyDatabase();
    vi.stubEnv("DATABASE_URL", empty.url);
    expect(lines(await output("migrate"))).toEqual(names.toSorted());
    const again = { code: 0, stdout: "", stderr: "up to date: there was nothing to apply\n" };
    expect(await runCli("migrate")).toEqual(again);
  });

  it("prints JSON with --json", async () => {
    await using empty = await createEmptyDatabase();
    vi.stubEnv("DATABASE_URL", empty.url);
    expect(await json("migrate")).toEqual(names.toSorted());
    expect(await json("migrate")).toEqual([]);
  });
});

describe("status", () => {
  interface Status {
    instances: Record<string, number>;
    workLists: Record<string, { size: number; oldestSeconds: number | null }>;
  }

  /** One instance for each work list, and some more. */
  async function populate(): Promise<void> {
    await new Scenario(db.sql).create();
    for (const hours of [2, 3, 1]) {
      const stuck = await new Scenario(db.sql).create();
      await db.sql`
        update vmstate.instance
        set time_state_updated = now() - make_interval(hours => ${hours}), state_generation = state_generation + 1
        where id = ${stuck.instanceId}`;
    }

    const restartable = await new Scenario(db.sql).createStopped();
    await restartable.startAndUnwind();

    const pending = await new Scenario(db.sql).createStopped();
    await pending.report(await pending.run(), "failed");

    const abandoning = await new Scenario(db.sql).createStopped();
    await abandoning.report(await abandoning.run(), "destroyed");
    await abandoning.update();

    const orphaning = await new Scenario(db.sql).createStopped();
    const source = await orphaning.run();
    const { migrationId } = await orphaning.migrate(source);
    await orphaning.reportMigrationIn(migrationId, "failed");
    await orphaning.update();
  }

  it("counts instances by what the API shows, and the rows of every work list", async () => {
    await populate();
    const { instances, workLists } = await json<Status>("status");
    expect(instances).toEqual({
      creating: 4,
      starting: 0,
      running: 1,
      stopping: 1,
      stopped: 2,
      rebooting: 0,
      migrating: 0,
      failed: 0,
    });
    const sizes = Object.entries(workLists).map(([name, { size }]) => [name, size]);
    expect(Object.fromEntries(sizes)).toEqual({
      pending_update: 2,
      abandoned_vmm: 1,
      orphaned_vmm: 1,
      restartable_instance: 1,
      stuck_instance: 3,
      silent_sled: 0,
      watched_vmm: 2,
    });
    for (const { size, oldestSeconds } of Object.values(workLists)) {
      if (size === 0) expect(oldestSeconds).toBeNull();
      else expect(oldestSeconds).toBeGreaterThanOrEqual(0);
    }
    expect(Math.round(Number(workLists["stuck_instance"]?.oldestSeconds) / 60)).toBe(180);
  });

  it("prints the counts as two tables, and the database on stderr", async () => {
    await populate();
    const { code, stdout, stderr } = await runCli("status");
    expect(code).toBe(0);
    const { host, pathname } = new URL(db.url);
    expect(stderr).toBe(`database ${pathname.slice(1)} at ${host}\n`);
    expectFits(stdout);
    expect(stdout).toMatch(/^creating +4$/m);
    expect(stdout).toMatch(/^total +8$/m);
    expect(stdout).toMatch(/^stuck_instance +3 +3 h {2}vmstate explain$/m);
    expect(stdout).toMatch(/^orphaned_vmm +1 +\d+ s {2}terminate the VMM on its sled$/m);
  });

  it("shows the age of work by the clock of the database, not of a sled", async () => {
    const pending = await new Scenario(db.sql).createStopped();
    await pending.report(await pending.run(), "failed");
    const silent = await (await new Scenario(db.sql).createStopped()).run();
    await db.sql`update vmstate.vmm set time_state_updated = now() - interval '1 day', state_generation = state_generation + 1`;
    await db.sql`update vmstate.vmm set time_reported = now() - interval '2 hours' where id = ${silent}`;
    const { workLists } = await json<Status>("status");
    expect(workLists["pending_update"]?.oldestSeconds).toBeLessThan(3600);
    expect(Math.round(Number(workLists["watched_vmm"]?.oldestSeconds) / 60)).toBe(120);
    expect(workLists["silent_sled"]?.size).toBe(1);
    expect(Math.round(Number(workLists["silent_sled"]?.oldestSeconds) / 60)).toBe(119);
    expect(await output("show", pending.instanceId)).toMatch(/^ {2}reported +\d+ (s|min) ago$/m);
  });

  it("ends with exit code 1 and --exit-code while an instance is stuck, also with --json", async () => {
    expect(await runCli("status", "--exit-code")).toMatchObject({ code: 0 });
    await populate();
    expect(await runCli("status")).toMatchObject({ code: 0 });
    const { code, stdout, stderr } = await runCli("status", "--exit-code", "--json");
    expect({ code, line: stderr.split("\n")[1] }).toEqual({
      code: 1,
      line: "vmstate: 3 instances are stuck: see vmstate.stuck_instance",
    });
    expect(JSON.parse(stdout)).toMatchObject({ workLists: { stuck_instance: { size: 3 } } });
  });

  it("says in the singular that one instance is stuck", async () => {
    const stuck = await new Scenario(db.sql).create();
    await db.sql`
      update vmstate.instance
      set time_state_updated = now() - interval '1 hour', state_generation = state_generation + 1
      where id = ${stuck.instanceId}`;
    const { stderr } = await runCli("status", "--exit-code");
    expect(stderr).toContain("vmstate: 1 instance is stuck: see vmstate.stuck_instance\n");
  });

  it("shows no age for an empty list", async () => {
    const { workLists } = await json<Status>("status");
    expect(workLists["watched_vmm"]).toEqual({ size: 0, oldestSeconds: null });
    expect((await runCli("status")).stdout).toMatch(/^watched_vmm +0 +ask the sled agent$/m);
  });
});

describe("show", () => {
  it("prints what the API shows beside the rows, also the deleted ones", async () => {
    const web = await new Scenario(db.sql).createStopped("n".repeat(63));
    const failed = await web.run();
    await web.report(failed, "failed");
    await web.update();
    await web.deleteVmm(failed);
    const source = await web.run();
    const { migrationId, destinationPropolisId } = await web.migrate(source);

    const text = await output("show", web.instanceId);
    expectFits(text);
    const sections = text.split("\n\n");
    expect(sections.map((section) => /^(instance|VMM|migration).*/m.exec(section)?.[0])).toEqual([
      expect.stringMatching(new RegExp(`^instance +${web.instanceId}$`)),
      expect.stringMatching(new RegExp(`^VMM, deleted +hidden +${failed}$`)),
      expect.stringMatching(new RegExp(`^VMM, active +${source}$`)),
      expect.stringMatching(new RegExp(`^VMM, destination +${destinationPropolisId}$`)),
      expect.stringMatching(new RegExp(`^migration, linked +${migrationId}$`)),
    ]);
    expect(sections[0]).toMatch(/^ {2}state +migrating +vmm, generation \d+$/m);
    expect(sections[0]?.match(/n{10,}/g)?.join("")).toBe("n".repeat(63));
    expect(sections[1]).toMatch(/^ {2}state +failed, generation \d+\n {2}failure +sled_agent_report$/m);
    expect(sections[1]).toMatch(/^ {2}deleted +\d+ s ago$/m);
    expect(sections[4]).toMatch(/^ {2}source side +pending, generation 1$/m);
  });

  it("prints an unwound VMM as destroyed for the API and as saga_unwound for the row, linked and unlinked", async () => {
    const web = await new Scenario(db.sql).createStopped();
    const unwound = await web.startAndUnwind();
    const linked = await output("show", web.instanceId);
    expect(linked).toMatch(/^ {2}state +stopped +vmm, generation 3$/m);
    expect(linked).toMatch(/^ {2}state +destroyed +saga_unwound, generation 2$/m);
    await web.start();
    expect(await output("show", web.instanceId)).toMatch(new RegExp(`^VMM, unlinked +${unwound}$`, "m"));
  });

  it("marks a deleted instance and its migrations, and the last automatic restart", async () => {
    const web = await new Scenario(db.sql).createStopped();
    const source = await web.run();
    const { migrationId, destinationPropolisId } = await web.migrate(source);
    await web.reportMigrationIn(migrationId, "completed");
    await web.update();
    expect(await output("show", web.instanceId)).toMatch(/^migration, unlinked /m);
    await web.report(destinationPropolisId, "destroyed");
    await web.update();
    await web.delete();
    await db.sql`
      update vmstate.instance set time_last_auto_restarted = now() - interval '3 days', auto_restart_policy = 'never'
      where id = ${web.instanceId}`;
    const text = await output("show", web.instanceId);
    expect(text).toMatch(new RegExp(`^instance +hidden +${web.instanceId}$`, "m"));
    expect(text).toMatch(/^ {2}state +destroyed, generation/m);
    expect(text).toMatch(/^ {2}auto restart +never, last 3 d ago, 0 in a row$/m);
    expect(text).toMatch(/^migration, deleted /m);
  });

  it("prints every column of every row with --json", async () => {
    interface Sides {
      api: { instance: object | null; vmms: object[] };
      rows: { instance: object; vmms: object[]; migrations: object[] };
    }
    const web = await new Scenario(db.sql).createStopped();
    await web.migrate(await web.run());
    const { api, rows } = await json<Sides>("show", web.instanceId);
    const sizes = [api.instance, api.vmms[0], rows.instance, rows.vmms[0], rows.migrations[0]];
    expect(sizes.map((row) => Object.keys(row ?? {}).length)).toEqual([11, 10, 26, 16, 14]);
    expect(rows.instance).toMatchObject({ id: web.instanceId, stateGeneration: 4, timeDeleted: null });
    expect(rows.vmms).toMatchObject([{ timeStarted: expect.stringMatching(/Z$/) as string }, {}]);
    await web.delete();
  });

  it("prints no instance on the API's side for a deleted one with --json", async () => {
    const web = await new Scenario(db.sql).createStopped();
    await web.delete();
    expect(await json("show", web.instanceId)).toMatchObject({ api: { instance: null, vmms: [] } });
  });
});

describe("explain", () => {
  it("says that there is nothing to update", async () => {
    const web = await new Scenario(db.sql).createStopped();
    expect(lines(await output("explain", web.instanceId))).toEqual([
      `instance ${web.instanceId} shows stopped`,
      "migration verdict: none (no migration is linked: the active VMM decides)",
      "There is nothing to update.",
    ]);
    await web.delete();
    expect(await output("explain", web.instanceId)).toContain("is deleted: there is nothing to update.");
  });

  it("describes the update after a guest shut down", async () => {
    const web = await new Scenario(db.sql).createStopped();
    const vmm = await web.run();
    await web.report(vmm, "destroyed");
    expect(lines(await output("explain", web.instanceId)).slice(2)).toEqual([
      "An update would:",
      `  - unlink VMM ${vmm}`,
      "  - delete the network",
      "  - change the state from vmm to no_vmm",
      "  - change the intent from running to guest_shutdown",
    ]);
  });

  it("describes the update after a migration completed", async () => {
    const web = await new Scenario(db.sql).createStopped();
    const source = await web.run();
    const { migrationId, destinationPropolisId } = await web.migrate(source);
    await web.reportMigrationIn(migrationId, "completed");
    const text = await output("explain", web.instanceId);
    expectFits(text);
    expect(lines(text).slice(1)).toEqual([
      "migration verdict: completed (the guest is on the destination VMM)",
      "An update would:",
      `  - make VMM ${destinationPropolisId} the active one`,
      `  - move the network to VMM ${destinationPropolisId}`,
      `  - unlink VMM ${source}`,
      `  - clear migration ${migrationId}`,
    ]);
  });

  it("names the VMM to terminate and the saga that holds the lock", async () => {
    const web = await new Scenario(db.sql).createStopped();
    const source = await web.run();
    const { migrationId, destinationPropolisId } = await web.migrate(source);
    await web.reportMigrationIn(migrationId, "failed");
    const saga = await web.beginUpdate("1 hour");
    const text = await output("explain", web.instanceId);
    expectFits(text);
    expect(lines(text).slice(2)).toEqual([
      "An update would:",
      `  - unlink VMM ${destinationPropolisId} and terminate it on its sled`,
      `  - clear migration ${migrationId}`,
      `The updater lock is held by saga ${saga},`,
      expect.stringMatching(/^updater generation \(fencing token\) 2, lease until \d{4}-.*Z\.$/),
    ]);
  });

  it("says when the lease has expired", async () => {
    const web = await new Scenario(db.sql).createStopped();
    await web.report(await web.run(), "failed");
    await web.beginUpdate("1 microsecond");
    expect(await output("explain", web.instanceId)).toMatch(/, lease expired \d{4}-.*Z\.$/m);
  });

  it("prints the result of explain_update, the verdict and the lock with --json", async () => {
    const web = await new Scenario(db.sql).createStopped();
    const vmm = await web.run();
    await web.report(vmm, "failed");
    expect(await json("explain", web.instanceId)).toMatchObject({
      outcome: "applied",
      verdict: "none",
      newState: "failed",
      unlinkedPropolisIds: [vmm],
      updaterId: null,
      leaseExpired: null,
    });
  });
});

describe.each(["show", "explain"])("%s", (command) => {
  it("fails for an instance that does not exist", async () => {
    const id = randomUUID();
    const stderr = `vmstate: there is no instance ${id} in this database\n`;
    expect(await runCli(command, id)).toEqual({ code: 1, stdout: "", stderr });
    expect(await runCli(command, id, "--json")).toEqual({ code: 1, stdout: "", stderr });
  });
});

describe("verify", () => {
  async function breakSome(count: number): Promise<string[]> {
    const vmms: string[] = [];
    for (let i = 0; i < count; i++) vmms.push(await (await new Scenario(db.sql).createStopped()).run());
    await db.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql`update vmstate.vmm set time_unlinked = now()`;
    });
    return vmms;
  }

  it("succeeds when nothing is wrong", async () => {
    await new Scenario(db.sql).createStopped();
    expect(await output("verify")).toBe("no invariant is violated\n");
    expect(await json("verify")).toEqual([]);
  });

  it("fails with the rows that break an invariant", async () => {
    const [vmm] = await breakSome(1);
    const { code, stdout, stderr } = await runCli("verify");
    expect({ code, stderr }).toEqual({ code: 1, stderr: "vmstate: 1 row breaks an invariant\n" });
    expectFits(stdout);
    expect(stdout).toMatch(/^time_unlinked_iff_unlinked: an instance names the VMM\n {2}instance \S{36}\n/);
    expect(stdout).toContain(`  VMM      ${String(vmm)}\n`);
  });

  it("prints JSON with --json", async () => {
    const vmms = await breakSome(2);
    const { code, stdout, stderr } = await runCli("verify", "--json");
    expect({ code, stderr }).toEqual({ code: 1, stderr: "vmstate: 2 rows break an invariant\n" });
    const rows = JSON.parse(stdout) as { propolisId: string }[];
    expect(rows.map(({ propolisId }) => propolisId).sort()).toEqual(vmms.toSorted());
  });
});

describe("colours", () => {
  it.each([
    { isTTY: true, env: {}, colored: true },
    { isTTY: true, env: { NO_COLOR: "1" }, colored: false },
    { isTTY: true, env: { TERM: "dumb" }, colored: false },
    { isTTY: false, env: {}, colored: false },
    { isTTY: false, env: { FORCE_COLOR: "1" }, colored: true },
    { isTTY: true, env: { FORCE_COLOR: "0" }, colored: false },
  ])("are printed where they are wanted: terminal $isTTY, $env", async ({ isTTY, env, colored }) => {
    const host = new TestHost();
    host.stdout.isTTY = isTTY;
    host.env = env;
    const { stdout } = await host.run("status");
    expect(stdout.includes("\u001b")).toBe(colored);
  });
});
