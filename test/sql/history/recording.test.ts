import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { invariantViolations, purge, reportVmm, reportVmms } from "../../../src/index.js";
import { createDatabase, type TestDatabase } from "../../support/database.js";
import { live } from "../access/life.js";
import { migrating, running, say, saying, stopped, unwound, vmm } from "../scenario.js";
import { audit, type Expected, expectedChanges, recordedChanges } from "./audit.js";

let db: TestDatabase;
let sql: postgres.Sql;
beforeEach(async () => {
  db = await createDatabase();
  sql = db.sql;
  await audit(sql);
});
afterEach(() => db.drop());

/** The saga of a begin stands in no row of the instance: it is that of the VMM which the begin inserted. */
async function withBegins(changes: Expected[]): Promise<Expected[]> {
  const sagas = await sql<{ id: string; saga: string }[]>`
    select new ->> 'id' as id, new ->> 'saga_id' as saga from audit.written where kind = 'vmm' and old is null`;
  const sagaOf = new Map(sagas.map(({ id, saga }) => [id, saga]));
  return changes.map((change) => {
    if (change["kind"] !== "instance" || change["saga_id"] !== undefined) return change;
    const linked = ["active_propolis_id", "destination_propolis_id"].find(
      (column) => change[column] !== undefined && change[column] !== change[`old_${column}`],
    );
    const saga = linked === undefined ? undefined : sagaOf.get(String(change[linked]));
    return saga === undefined ? change : { ...change, saga_id: saga };
  });
}

/** Rows of break_update, which record no change of the row. */
async function breaks(): Promise<postgres.Row[]> {
  return await sql`select verb, cause from vmstate.instance_history where verb = 'break_update'`;
}

async function unrecorded(): Promise<{ missing: Expected[]; unexpected: Expected[] }> {
  const expected = await withBegins(await expectedChanges(sql));
  const recorded = await recordedChanges(sql);
  const texts = (changes: Expected[]): string[] =>
    changes.map((change) => JSON.stringify(Object.entries(change).sort()));
  const left = texts(recorded);
  const unexpected = [...recorded];
  const missing = expected.filter((_, at) => {
    const found = left.indexOf(texts(expected)[at] ?? "");
    if (found >= 0) [left, unexpected].forEach((list) => list.splice(found, 1));
    return found < 0;
  });
  return { missing, unexpected };
}

/** The history holds each change that was audited, in its transaction and in the order of its row, and nothing else. */
async function expectRecorded(least: number): Promise<void> {
  const expected = await withBegins(await expectedChanges(sql));
  expect(expected.length).toBeGreaterThanOrEqual(least);
  expect(await recordedChanges(sql)).toEqual(expected);
  expect(await invariantViolations(sql)).toEqual([]);
}

/** Replaces a part of the definition of a function, which must have it. */
async function alter(name: string, from: string, to: string): Promise<void> {
  const [{ text }] = await sql<
    [{ text: string }]
  >`select pg_get_functiondef(${`vmstate.${name}`}::text::regproc) as text`;
  expect(text).toContain(from);
  await sql.unsafe(text.replace(from, to));
}

describe("each change leaves one row in the history, in its transaction:", () => {
  it("of a life in which every verb is called", async () => {
    await live(sql);
    const [broken, ...others] = await breaks();
    expect(broken).toEqual({ verb: "break_update", cause: "the saga is dead" });
    expect(others).toEqual([]);
    const { missing, unexpected } = await unrecorded();
    expect(missing).toEqual([]);
    expect(unexpected).toHaveLength(1);
    expect(unexpected[0]).toMatchObject({ kind: "instance", old_state: "vmm", state: "vmm" });
    expect(await invariantViolations(sql)).toEqual([]);
  });

  it("of statements of the owner, one row or many, and of COPY", async () => {
    const s = await running(sql);
    await migrating(sql);
    await sql`update vmstate.instance set intended_state = 'stopped'`;
    await sql`update vmstate.instance set state_generation = state_generation + 5, name = id::text`;
    await sql`update vmstate.vmm set state = 'failed', failure_reason = 'operator', state_generation = state_generation + 1`;
    await sql`update vmstate.vmm set failure_reason = 'sled_off', state_generation = state_generation + 1`;
    await sql`update vmstate.migration
      set source_state = 'failed', source_generation = 7, destination_state = 'failed', destination_generation = 9`;
    await sql`update vmstate.instance set state = 'failed', active_propolis_id = null, state_generation = state_generation + 1
      where id = ${s.instanceId}`;
    await sql`update vmstate.vmm set time_deleted = now() where id = ${s.propolisId}`;
    await sql`insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id)
      select ${s.instanceId}, gen_random_uuid(), gen_random_uuid(), 'fd00::9', gen_random_uuid() from generate_series(1, 3)`;
    const copy =
      await sql`copy vmstate.instance (id, project_id, name, intended_state) from stdin`.writable();
    await new Promise<void>((done, fail) => {
      copy.on("error", fail).on("finish", done);
      copy.end(
        `${randomUUID()}\t${randomUUID()}\tcopied\trunning\n${randomUUID()}\t${randomUUID()}\tcopied\tstopped\n`,
      );
    });
    await expectRecorded(25);
  });

  it("of a VMM that changes its state and is deleted in one statement", async () => {
    const s = await unwound(sql);
    await sql`update vmstate.instance set state = 'no_vmm', active_propolis_id = null, state_generation = 9
      where id = ${s.instanceId}`;
    const [{ id }] = await sql<[{ id: string }]>`
      insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id)
        values (${s.instanceId}, gen_random_uuid(), gen_random_uuid(), 'fd00::9', gen_random_uuid()) returning id`;
    await sql`update vmstate.vmm set state = 'destroyed', state_generation = 2, time_deleted = now() where id = ${id}`;
    await expectRecorded(8);
  });

  it("at the last generation, which a change to a dead state does not raise", async () => {
    const s = await running(sql);
    await sql`update vmstate.vmm set state_generation = 9007199254740991 where id = ${s.propolisId}`;
    await sql`update vmstate.vmm set state = 'destroyed' where id = ${s.propolisId}`;
    await expectRecorded(5);
  });

  it("and none of what was rolled back, to a savepoint too", async () => {
    const s = await running(sql);
    const fail = new Error("rolled back");
    const begun = sql.begin(async (transaction) => {
      await transaction`update vmstate.instance set intended_state = 'running' where id = ${s.instanceId}`;
      throw fail;
    });
    await expect(begun).rejects.toBe(fail);
    await sql.begin(async (transaction) => {
      await transaction`update vmstate.instance set intended_state = 'guest_shutdown' where id = ${s.instanceId}`;
      await transaction
        .savepoint(async (savepoint) => {
          await savepoint`update vmstate.instance set intended_state = 'running' where id = ${s.instanceId}`;
          throw fail;
        })
        .catch(() => undefined);
      await transaction`update vmstate.instance set intended_state = 'stopped' where id = ${s.instanceId}`;
    });
    await expectRecorded(7);
  });

  it("and none of a health report, a name, a configuration, an updater lock or a purge", async () => {
    const s = await running(sql);
    const other = await saying(sql, "destroyed");
    const [{ before }] = await sql<[{ before: number }]>`select count(*)::int as before from vmstate.history`;
    const { instanceId, propolisId } = s;
    const report = { instanceId, propolisId, state: "running" as const, time: new Date() };
    await reportVmm(sql, { ...report, generation: 20 });
    await reportVmms(sql, [{ ...report, generation: 21 }]);
    await sql`update vmstate.vmm set state_generation = 30, time_reported = now() where id = ${s.propolisId}`;
    await sql`update vmstate.instance set name = 'other', auto_restart_policy = 'never', time_modified = now(),
      updater_id = gen_random_uuid(), updater_generation = 8, updater_lease_until = now()`;
    await purge(sql, { before: "2000-01-01" });
    expect((await vmm(sql, s.propolisId))["state_generation"]).toBe(30);
    expect(other.row.state).toBe("vmm");
    expect(await sql`select count(*)::int as before from vmstate.history`).toEqual([{ before }]);
  });
});

describe("the comparison finds", () => {
  it("a path of guard_vmm_state that does not record", async () => {
    const recording = "IF TG_NARGS > 0 THEN";
    await alter("guard_vmm_state", recording, "IF false THEN");
    await say(sql, await running(sql), "active", "stopping");
    const { missing, unexpected } = await unrecorded();
    expect(missing.map(({ state }) => state)).toEqual(["running", "stopping"]);
    expect(unexpected).toEqual([]);
    const found = await invariantViolations(sql);
    expect(found.map(({ invariant }) => invariant)).toEqual(["history_agrees"]);
  });

  it("the other path of guard_vmm_state, if that does not record", async () => {
    await alter(
      "guard_vmm_state",
      "  -- Trigger guard_state alone has",
      "  RETURN NULL;\n  -- Trigger guard_state alone has",
    );
    await unwound(sql);
    expect((await unrecorded()).missing).toMatchObject([{ old_state: "creating", state: "saga_unwound" }]);
    expect(await invariantViolations(sql)).toMatchObject([{ invariant: "history_agrees" }]);
  });

  it("a WHEN of guard_state that lets a change of the reason alone pass", async () => {
    await sql.unsafe(`create or replace trigger guard_state after update of state, failure_reason on vmstate.vmm
      for each row when (new.state <> old.state) execute function vmstate.guard_vmm_state('record')`);
    const s = await saying(sql, "failed");
    await sql`update vmstate.vmm set failure_reason = 'operator', state_generation = 9 where id = ${s.propolisId}`;
    expect((await unrecorded()).missing).toMatchObject([{ state: "failed", failure_reason: "operator" }]);
    expect(await invariantViolations(sql)).toMatchObject([{ invariant: "history_agrees" }]);
  });

  it("a change that is recorded twice", async () => {
    await sql.unsafe(`create or replace trigger guard_generation after update of state, state_generation on vmstate.vmm
      for each row when (new.state_generation > old.state_generation) execute function vmstate.guard_vmm_state('record')`);
    await running(sql);
    expect((await unrecorded()).unexpected).toMatchObject([{ state: "running" }]);
  });

  it("an instance whose intent is not recorded", async () => {
    await alter("record_instance", "IF NEW.intended_state = OLD.intended_state THEN", "IF true THEN");
    const s = await stopped(sql);
    await sql`update vmstate.instance set intended_state = 'running' where id = ${s.instanceId}`;
    expect((await unrecorded()).missing).toMatchObject([{ intended_state: "running" }]);
    expect(await invariantViolations(sql)).toMatchObject([{ invariant: "history_agrees" }]);
  });
});
