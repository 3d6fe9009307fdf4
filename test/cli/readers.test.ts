import { randomBytes, randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { grantAccess, type AccessKind } from "../../src/index.js";
import { migrationStatus, pendingMigrations } from "../../src/schema/index.js";
import { createDatabase, withDatabase } from "../support/database.js";
import { runCli } from "./run-cli.js";
import { Scenario } from "./scenario.js";

const names = readdirSync("migrations")
  .map((file) => file.replace(/\.sql$/, ""))
  .toSorted();

const db = withDatabase();
afterEach(() => {
  vi.unstubAllEnvs();
});

async function output(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  return stdout;
}

const KINDS: AccessKind[] = ["reader", "control_plane"];

describe.each(KINDS)("a role of kind %s, which has no right on a table,", (kind) => {
  const role = `vmstate_test_${kind}_${randomBytes(6).toString("hex")}`;
  beforeAll(async () => {
    await db.sql.unsafe(`create role ${role} login password 'secret'`);
    await grantAccess(db.sql, { role, kind });
  });
  afterAll(async () => {
    await db.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
  });
  const url = (): string => Object.assign(new URL(db.url), { username: role, password: "secret" }).href;
  beforeEach(() => {
    vi.stubEnv("DATABASE_URL", url());
  });

  it("reads the same status as the owner", async () => {
    const pending = await new Scenario(db.sql).createStopped();
    await pending.report(await pending.run(), "failed");
    await (await new Scenario(db.sql).createStopped()).startAndUnwind();
    const own = JSON.parse((await runCli("status", "--json")).stdout) as Status;
    vi.stubEnv("DATABASE_URL", db.url);
    const owners = JSON.parse((await runCli("status", "--json")).stdout) as Status;
    expect(own.instances).toEqual(owners.instances);
    expect(Object.entries(own.workLists).map(([name, { size }]) => [name, size])).toEqual(
      Object.entries(owners.workLists).map(([name, { size }]) => [name, size]),
    );
    expect(own.workLists["pending_update"]?.oldestSeconds).toBeGreaterThanOrEqual(0);
    expect(own.workLists["restartable_instance"]?.oldestSeconds).toBeGreaterThanOrEqual(0);
  });

  it("shows an instance from the public views, and says which columns are left out", async () => {
    const web = await new Scenario(db.sql).createStopped();
    const lost = await web.run();
    await web.report(lost, "failed");
    await web.update();
    const source = await web.run();
    const { migrationId, destinationPropolisId } = await web.migrate(source);
    const text = await output("show", web.instanceId);
    expect(text).toMatch(new RegExp(`^instance +${web.instanceId}$`, "m"));
    expect(text).toMatch(/^ {2}state +migrating +vmm, generation \d+$/m);
    expect(text).toMatch(/^ {2}intent +running$/m);
    expect(text).toMatch(new RegExp(`^ {2}migration +${migrationId}$`, "m"));
    expect(text).toMatch(/^ {2}updater lock +none$/m);
    expect(text).toMatch(
      new RegExp(`^VMM, unlinked +${lost}\n {2}state +failed\n {2}failure +sled_agent_report$`, "m"),
    );
    expect(text).toMatch(new RegExp(`^VMM, active +${source}$`, "m"));
    expect(text).toMatch(new RegExp(`^VMM, destination +${destinationPropolisId}$`, "m"));
    expect(text).toContain("This role may read the public views only.");
  });

  it("shows the saga that holds the updater lock, also with --json", async () => {
    const web = await new Scenario(db.sql).createStopped("n".repeat(63));
    await web.report(await web.run(), "failed");
    const saga = await web.beginUpdate("1 hour");
    expect(await output("show", web.instanceId)).toMatch(
      new RegExp(
        `^ {2}updater lock +${saga}\n {2}lock generation +2\n {2}lock lease +until \\d{4}-\\S+Z$`,
        "m",
      ),
    );
    expect(JSON.parse(await output("show", web.instanceId, "--json"))).toMatchObject({
      api: { instance: { state: "stopping" }, vmms: [{ state: "failed" }] },
      rows: null,
      update: { outcome: "applied", state: "vmm" },
    });
  });

  it("shows a deleted instance", async () => {
    const web = await new Scenario(db.sql).createStopped();
    await web.delete();
    const text = await output("show", web.instanceId);
    expect(text).toMatch(new RegExp(`^instance +hidden +${web.instanceId}$`, "m"));
    expect(text).toMatch(/^ {2}state +destroyed, generation \d+$/m);
    expect(await output("explain", web.instanceId)).toContain("is deleted");
  });

  it("explains an update", async () => {
    const web = await new Scenario(db.sql).createStopped();
    expect((await output("explain", web.instanceId)).split("\n")).toEqual([
      `instance ${web.instanceId} shows stopped`,
      "migration verdict: none (no migration is linked: the active VMM decides)",
      "There is nothing to update.",
      "",
    ]);
    const vmm = await web.run();
    await web.report(vmm, "destroyed");
    expect(await output("explain", web.instanceId)).toContain("intent from running to guest_shutdown");
    const saga = await web.beginUpdate("1 hour");
    expect((await output("explain", web.instanceId)).split("\n").slice(-3)).toEqual([
      `The updater lock is held by saga ${saga},`,
      expect.stringMatching(/^updater generation \(fencing token\) 2, lease until \d{4}-.*Z\.$/),
      "",
    ]);
  });

  it("explains a migration with the verdict of pending_update, if listed there", async () => {
    const web = await new Scenario(db.sql).createStopped();
    const { migrationId } = await web.migrate(await web.run());
    expect(await output("explain", web.instanceId)).toContain(
      "This role may not read the migration verdict.",
    );
    await web.reportMigrationIn(migrationId, "completed");
    expect(await output("explain", web.instanceId)).toContain("migration verdict: completed");
  });

  it.each(["show", "explain"])("%s fails for an instance that does not exist", async (command) => {
    const id = randomUUID();
    expect(await runCli(command, id)).toMatchObject({
      code: 1,
      stderr: `vmstate: there is no instance ${id} in this database\n`,
    });
  });

  it("verifies", async () => {
    expect(await output("verify")).toBe("no invariant is violated\n");
  });

  it("lists the applied migrations, and the time of the newest only", async () => {
    const status = await migrationStatus(url());
    expect(status.map(({ name, state }) => [name, state])).toEqual(names.map((name) => [name, "applied"]));
    expect(status.map(({ timeApplied }) => timeApplied !== null)).toEqual(
      names.map((_, i) => i === names.length - 1),
    );
    expect(await output("migrate", "status")).toMatch(
      new RegExp(`^${String(names.at(-1))} +applied +20`, "m"),
    );
    expect(await pendingMigrations(url())).toEqual([]);
  });
});

interface Status {
  instances: Record<string, number>;
  workLists: Record<string, { size: number; oldestSeconds: number | null }>;
}

describe("a role that may read only schema_version", () => {
  const role = `vmstate_test_agent_${randomBytes(6).toString("hex")}`;

  it.each([
    [
      "older",
      "delete from vmstate.schema_change where number = (select max(number) from vmstate.schema_change)",
    ],
    [
      "newer",
      "insert into vmstate.schema_change (number, name, is_breaking) values (9000, '9000_next', false)",
    ],
    [
      "newer and breaking",
      "insert into vmstate.schema_change (number, name, is_breaking) values (9000, '9000_next', true)",
    ],
  ])("gets the migration status of a database that is %s", async (state, change) => {
    await using other = await createDatabase();
    await other.sql.unsafe(`create role ${role} login password 'secret'`);
    await grantAccess(other.sql, { role, kind: "sled_agent" });
    await other.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql.unsafe(change);
    });
    const url = Object.assign(new URL(other.url), { username: role, password: "secret" }).href;
    const status = await migrationStatus(url);
    const plan = pendingMigrations(url).then(
      (migrations) => migrations.map(({ name }) => name),
      (error: unknown) => String(error),
    );
    const last = status.at(-1);
    if (state === "older") {
      expect(last).toMatchObject({ name: names.at(-1), state: "pending" });
      expect(await plan).toEqual([names.at(-1)]);
    } else {
      const isBreaking = state !== "newer";
      expect(last).toMatchObject({ name: "9000_next", state: "unknown", isBreaking });
      expect(await plan).toEqual(isBreaking ? expect.stringContaining("a breaking schema migration") : []);
    }
    await other.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
  });
});
