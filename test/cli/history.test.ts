import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  breakUpdate,
  beginUpdate,
  deleteInstance,
  instanceHistory,
  withCause,
  requestStop,
} from "../../src/index.js";
import { migrated, migrating, running, say, saying, stopped, unwound, update } from "../sql/scenario.js";
import { createDatabase, type TestDatabase } from "../support/database.js";
import { runCli } from "./run-cli.js";

let db: TestDatabase;
beforeEach(async () => {
  db = await createDatabase();
  vi.stubEnv("DATABASE_URL", db.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await db.drop();
});

async function output(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** In one line, however it is wrapped. */
const flat = (text: string): string => text.replaceAll(/\s+/g, " ");

describe("vmstate history", () => {
  it("prints the changes of all kinds in their order, with who made them and why", async () => {
    const s = await migrated(db.sql);
    await withCause(db.sql, "request 4711", (sql) => requestStop(sql, s));
    const text = await output("history", s.instanceId);
    for (const line of text.trimEnd().split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    const words = flat(text);
    expect(words).toMatch(/instance: creating, intent stopped \(create_instance, by \w+\)/);
    expect(words).toContain(`VMM ${s.propolisId}: creating (begin_start, by`);
    expect(words).toContain(
      `migration ${s.migrationId}: source pending, destination pending (begin_migration`,
    );
    expect(words).toMatch(/source pending|destination pending -> completed/);
    expect(words).toMatch(/intent running -> stopped \(request_stop, by \w+, cause: request 4711\)/);
    expect(words).toMatch(/changes are recorded since \d{4}-/);
  });

  it("names the reason of a failure, a deletion, and a lock that was ended", async () => {
    const s = await saying(db.sql, "failed");
    const { updaterGeneration } = await beginUpdate(db.sql, { ...s, sagaId: randomUUID(), lease: "1 hour" });
    await breakUpdate(db.sql, { ...s, updaterGeneration: Number(updaterGeneration), reason: "it is dead" });
    const words = flat(await output("history", s.instanceId));
    expect(words).toContain("running -> failed (sled_agent_report)");
    expect(words).toMatch(/instance: no change \(break_update, by \w+, cause: it is dead\)/);
    const other = await migrated(db.sql);
    await db.sql`update vmstate.vmm set state = 'destroyed', state_generation = 9 where id = ${other.propolisId}`;
    await db.sql`update vmstate.vmm set time_deleted = now() where id = ${other.propolisId}`;
    await db.sql`update vmstate.migration set time_deleted = now() where id = ${other.migrationId}`;
    const deletions = flat(await output("history", other.instanceId));
    expect(deletions).toMatch(/running -> destroyed \(a statement, by/);
    expect(deletions).toMatch(new RegExp(`VMM ${other.propolisId}: deleted \\(`));
    expect(deletions).toMatch(new RegExp(`migration ${other.migrationId}: deleted \\(`));
  });

  it("prints one JSON document with --json", async () => {
    const s = await running(db.sql);
    const history = JSON.parse(await output("history", s.instanceId, "--json")) as Record<string, unknown[]>;
    expect(history["instance"]).toEqual(await instanceHistory(db.sql, s));
    expect(history["vmms"]).toHaveLength(2);
    expect(history["migrations"]).toEqual([]);
  });

  it("says since when changes are recorded, for an instance that has none", async () => {
    const s = await stopped(db.sql);
    await db.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql`delete from vmstate.history`;
    });
    expect(await output("history", s.instanceId)).toMatch(/^changes are recorded since 20\S+\n$/);
    await db.sql`select setval('vmstate.history_dropped_time', 0)`;
    expect(await output("history", s.instanceId)).toBe("changes are recorded since now\n");
    const { code, stderr } = await runCli("history", s.instanceId, "--at", "2020-01-01");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `vmstate: there was no instance ${s.instanceId} in this database at that time\n`,
    });
    await db.sql`update vmstate.instance set time_created = '2019-01-01'`;
    expect((await runCli("history", s.instanceId, "--at", "2020-01-01")).stderr).toBe(
      "vmstate: the history of this database begins now, after that time\n",
    );
  });

  it("refuses an instance that never was", async () => {
    const id = randomUUID();
    expect(await runCli("history", id)).toMatchObject({
      code: 1,
      stderr: `vmstate: there is no instance ${id} in this database\n`,
    });
  });
});

describe("vmstate history --at", () => {
  it("prints the instance as it was", async () => {
    const s = await unwound(db.sql);
    const [, , started] = await instanceHistory(db.sql, s);
    const text = await output("history", s.instanceId, "--at", String(started?.time));
    expect(flat(text)).toContain(`state starting vmm, generation 3`);
    expect(flat(text)).toContain(`active VMM creating ${s.propolisId}`);
    expect(text).toContain(String(started?.time));
    const past = JSON.parse(await output("history", s.instanceId, "--at", "infinity", "--json")) as object;
    expect(past).toMatchObject({ outcome: "applied", apiState: "stopped", activeState: "saga_unwound" });
  });

  it("prints a deleted one as deleted, and one that has not changed since the history began", async () => {
    const s = await stopped(db.sql);
    await deleteInstance(db.sql, s);
    expect(flat(await output("history", s.instanceId, "--at", "tomorrow"))).toContain(
      "state destroyed destroyed",
    );
    const other = await running(db.sql);
    await db.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql`delete from vmstate.history where instance_id = ${other.instanceId}`;
    });
    const unchanged = flat(await output("history", other.instanceId, "--at", "infinity"));
    expect(unchanged).toContain("since before changes were recorded");
    const [{ before }] = await db.sql<[{ before: string }]>`select clock_timestamp()::text as before`;
    await requestStop(db.sql, other);
    await db.sql`update vmstate.instance set state_generation = 9 where id = ${other.instanceId}`;
    expect(flat(await output("history", other.instanceId, "--at", before))).toContain("intent running");
    await db.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql`delete from vmstate.history where instance_id = ${other.instanceId}`;
    });
    const [{ later }] = await db.sql<[{ later: string }]>`select clock_timestamp()::text as later`;
    await say(db.sql, other, "active", "destroyed");
    await update(db.sql, other);
    const shown = flat(await output("history", other.instanceId, "--at", later));
    expect(shown).toContain(`state running vmm intent`);
  });

  it("prints both VMMs of a migration, and their sleds", async () => {
    const s = await migrating(db.sql);
    const text = flat(await output("history", s.instanceId, "--at", "infinity"));
    expect(text).toContain(`destination VMM creating ${s.destinationId} sled ${s.migration.sledId}`);
  });

  it("says since when it could, for a time before", async () => {
    const s = await running(db.sql);
    await db.sql`update vmstate.instance set time_created = '2019-01-01'`;
    await db.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql`delete from vmstate.history`;
    });
    const { code, stderr } = await runCli("history", s.instanceId, "--at", "2020-01-01");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^vmstate: the history of this database begins at 20\S+Z, after that time\n$/);
  });

  it("prints what the server says of a time that is none", async () => {
    const { code, stderr } = await runCli("history", randomUUID(), "--at", "noon-ish");
    expect({ code, isTold: stderr.includes("noon-ish") }).toEqual({ code: 1, isTold: true });
  });
});

describe("vmstate verify --since", () => {
  it("finds a breach only if the instance has changed since", async () => {
    const broken = await running(db.sql);
    await db.sql.begin(async (sql) => {
      await sql`set local session_replication_role = replica`;
      await sql`update vmstate.vmm set failure_reason = 'operator' where id = ${broken.propolisId}`;
    });
    const [{ now }] = await db.sql<[{ now: string }]>`select clock_timestamp()::text as now`;
    await running(db.sql);
    expect(await output("verify", "--since", now)).toBe("no invariant is violated\n");
    const { code, stdout } = await runCli("verify", "--since", "2020-01-01");
    expect({ code, isFound: stdout.includes("failure_reason_iff_failed") }).toEqual({
      code: 1,
      isFound: true,
    });
  });

  it("names no VMM where none is concerned", async () => {
    await stopped(db.sql);
    await db.sql`select setval('vmstate.history_id', 1, false)`;
    const { code, stdout } = await runCli("verify");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^history_id_is_ahead: .*\n {2}instance \S+\n {2}VMM {6}none\n$/);
  });
});
