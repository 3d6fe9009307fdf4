import { hasNoMigrationPart } from "../../../src/client/plain-batch.js";
import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  beginMigration,
  beginStart,
  bindSledAgent,
  deleteVmm,
  reportVmm,
  reportVmms,
  unwindMigration,
  type ReportVmmArguments,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { untilWaiting } from "../../support/waiting.js";
import {
  applied,
  migrating,
  migration,
  running,
  saying,
  stopped,
  unknown,
  update,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";
import { Actors, errorOf, type Actor } from "./actors.js";

const db = withDatabase();
const { sql } = db;
let actors: Actors;
let agent: Actor;
beforeAll(async () => {
  actors = new Actors(db);
  agent = await actors.create("agent", ["sled_agent"]);
});
beforeEach(async () => {
  await bindSledAgent(sql, { role: agent.role });
});
afterAll(async () => {
  await actors[Symbol.asyncDispose]();
});

const time = new Date("2024-02-29T12:34:56.789Z");

function reportOf(s: Scenario, more: Partial<ReportVmmArguments> = {}): ReportVmmArguments {
  const { instanceId, propolisId } = s;
  return { instanceId, propolisId, state: "rebooting", generation: 3, time, ...more };
}

const out = (s: Scenario): Partial<ReportVmmArguments> => ({
  migrationOutId: s.migrationId,
  migrationOutState: "completed",
  migrationOutGeneration: 2,
  migrationOutTime: time,
});

const into = (s: Scenario): Partial<ReportVmmArguments> => ({
  migrationInId: s.migrationId,
  migrationInState: "completed",
  migrationInGeneration: 2,
  migrationInTime: time,
});

/** Binds the agent to the sled of the instance's first VMM. */
async function bindTo(s: Scenario, role = agent.role): Promise<void> {
  await applied(bindSledAgent(sql, { role, sledId: s.start.sledId }));
}

/** The report is refused, alone and as second of a batch, and nothing is written. */
async function expectRefused(
  client: postgres.Sql,
  report: ReportVmmArguments,
  { role, sledId }: { role: string; sledId?: string },
): Promise<void> {
  // A batch with a migration part goes as JSON.
  const sent = hasNoMigrationPart(report) ? "report_vmm_batch" : "report_vmms";
  const bound = `Role "${role}" is bound to ${sledId === undefined ? "no sled" : `sled ${sledId}`}.`;
  const single = await writingNothing(sql, () => errorOf(reportVmm(client, report)));
  const batch = await writingNothing(sql, () =>
    errorOf(reportVmms(client, [reportOf(unknown()), report, report])),
  );
  expect([single, batch]).toMatchObject([
    {
      code: "42501",
      message: `vmstate.report_vmm: this role may not report VMM ${report.propolisId}`,
      detail: bound,
    },
    {
      code: "42501",
      message: `vmstate.${sent}: this role may not report VMM ${report.propolisId}`,
      detail: `Element 2: ${bound}`,
    },
  ]);
  for (const error of [single, batch]) expect(error?.hint).toContain("vmstate.bind_sled_agent");
}

describe("a sled agent", () => {
  test("reports a VMM of its sled", async () => {
    const s = await running(sql);
    await bindTo(s);
    expect(await reportVmm(agent.sql, reportOf(s))).toMatchObject({
      vmmOutcome: "applied",
      state: "rebooting",
    });
    expect(await reportVmm(agent.sql, reportOf(s))).toMatchObject({ vmmOutcome: "stale" });
  });

  test("reports several VMMs of its sled in one batch", async () => {
    const [s, other] = [await running(sql), await stopped(sql)];
    await applied(beginStart(sql, { ...other.start, sledId: s.start.sledId }));
    await bindTo(s);
    const reports = [reportOf(s), reportOf(other), reportOf(s, { generation: 4 })];
    const answers = await reportVmms(agent.sql, reports);
    expect(answers.map(({ vmmOutcome }) => vmmOutcome)).toEqual(["applied", "applied", "applied"]);
  });

  test.each([
    ["alone", (r: ReportVmmArguments) => reportVmm(agent.sql, r)],
    ["in a batch", (r: ReportVmmArguments) => reportVmms(agent.sql, [r]).then(([answer]) => answer)],
  ])("reports the side of a migration that is on its sled, %s", async (_, report) => {
    const s = await migrating(sql);
    await bindTo(s);
    expect(await report(reportOf(s, { state: "running", ...out(s) }))).toMatchObject({
      migrationOutOutcome: "applied",
    });
    await bindSledAgent(sql, { role: agent.role, sledId: s.migration.sledId });
    expect(await report(reportOf(s, { propolisId: s.destinationId, ...into(s) }))).toMatchObject({
      migrationInOutcome: "applied",
    });
  });

  test.each([
    ["alone", (r: ReportVmmArguments) => reportVmm(agent.sql, r)],
    ["in a batch", (r: ReportVmmArguments) => reportVmms(agent.sql, [r]).then(([answer]) => answer)],
  ])("wrong_side: reports the side of a migration that is on the other sled, %s", async (_, report) => {
    const s = await migrating(sql);
    const before = await migration(sql, s.migrationId);
    await bindTo(s);
    expect(await report(reportOf(s, into(s)))).toMatchObject({
      vmmOutcome: "applied",
      migrationInOutcome: "wrong_side",
    });
    await bindSledAgent(sql, { role: agent.role, sledId: s.migration.sledId });
    expect(await report(reportOf(s, { propolisId: s.destinationId, ...out(s) }))).toMatchObject({
      vmmOutcome: "applied",
      migrationOutOutcome: "wrong_side",
    });
    expect(await migration(sql, s.migrationId)).toEqual(before);
  });

  const foreign: [string, () => Promise<Scenario>][] = [
    ["runs", () => running(sql)],
    ["is newer than the report", () => saying(sql, "rebooting")],
    ["is dead", () => saying(sql, "failed")],
    [
      "is deleted",
      async () => {
        const s = await saying(sql, "failed");
        await update(sql, s);
        await applied(deleteVmm(sql, s));
        return s;
      },
    ],
  ];
  test.each(foreign)("is refused a report of a VMM on another sled that %s", async (_, reach) => {
    const [own, s] = [await running(sql), await reach()];
    await bindTo(own);
    await expectRefused(agent.sql, reportOf(s), { role: agent.role, sledId: own.start.sledId });
  });

  test("is refused a health report of a VMM on another sled", async () => {
    const [own, s] = [await running(sql), await running(sql)];
    await bindTo(own);
    const bound = { role: agent.role, sledId: own.start.sledId };
    await expectRefused(agent.sql, reportOf(s, { state: "running" }), bound);
  });

  test("is refused a report of the migration's other VMM and side", async () => {
    const s = await migrating(sql);
    await bindTo(s);
    await expectRefused(agent.sql, reportOf(s, { propolisId: s.destinationId, ...into(s) }), {
      role: agent.role,
      sledId: s.start.sledId,
    });
  });

  test("is refused a whole batch by its first element of another sled, and nothing is written", async () => {
    const [own, s, other] = [await running(sql), await running(sql), await running(sql)];
    await bindTo(own);
    const error = await writingNothing(sql, () =>
      errorOf(reportVmms(agent.sql, [reportOf(own), reportOf(s), reportOf(other)])),
    );
    expect(error).toMatchObject({ code: "42501", detail: expect.stringMatching(/^Element 2: /) as unknown });
    expect(error?.message).toContain(s.propolisId);
  });

  test("gets not_found for an unknown VMM, and VM001 for a malformed report", async () => {
    const s = await running(sql);
    await bindTo(s);
    expect(await reportVmm(agent.sql, reportOf(unknown()))).toMatchObject({ vmmOutcome: "not_found" });
    expect(await reportVmm(agent.sql, reportOf(s, { instanceId: randomUUID() }))).toMatchObject({
      vmmOutcome: "not_found",
    });
    expect(await reportVmms(agent.sql, [reportOf(unknown())])).toMatchObject([{ vmmOutcome: "not_found" }]);
    expect(await errorOf(reportVmm(agent.sql, reportOf(s, { generation: 0 })))).toMatchObject({
      code: "VM001",
    });
  });

  test("gets not_found for a VMM of another sled inserted after the batch was checked", async () => {
    const [own, other] = [await migrating(sql), await stopped(sql)];
    await bindTo(own);
    const [{ pid }] = await agent.sql<[{ pid: number }]>`select pg_backend_pid() as pid`;
    const holder = await sql.reserve();
    await holder`begin`;
    await holder`select from vmstate.migration where id = ${own.migrationId} for update`;
    const [answers] = await Promise.all([
      reportVmms(agent.sql, [reportOf(own, out(own)), reportOf(other)]),
      untilWaiting(sql, pid)
        .then(() => applied(beginStart(sql, other.start)))
        .finally(() => holder`commit`),
    ]);
    holder.release();
    expect(answers.map(({ vmmOutcome }) => vmmOutcome)).toEqual(["applied", "not_found"]);
    expect(await vmm(sql, other.propolisId)).toMatchObject({ state: "creating" });
  });
});

describe("a sled agent and a concurrent session:", () => {
  test("not_found for VMM and migration: a migration to another sled begins while the batch waits", async () => {
    const mine = await running(sql);
    const other = await running(sql);
    await bindTo(mine);
    const holder = await sql.reserve();
    await holder`begin`;
    await holder`select from vmstate.vmm where id = ${mine.propolisId} for no key update`;
    const [{ pid }] = await agent.sql<[{ pid: number }]>`select pg_backend_pid() as pid`;
    const report = { ...reportOf(other, into(other)), propolisId: other.destinationId };

    const answers = reportVmms(agent.sql, [reportOf(mine, out(mine)), report]);
    await untilWaiting(sql, pid);
    await applied(beginMigration(sql, other.migration));
    await holder`commit`;
    holder.release();

    expect(await answers).toMatchObject([
      { vmmOutcome: "applied" },
      { vmmOutcome: "not_found", migrationInOutcome: "not_found" },
    ]);
    expect(await migration(sql, other.migrationId)).toMatchObject({ destination_state: "pending" });
    expect(await vmm(sql, other.destinationId)).toMatchObject({ state: "creating" });
  });

  test.each(["report_vmm", "report_vmms"])(
    "%s of a foreign migration's side does not block its unwind_migration",
    async (verb) => {
      const s = await migrating(sql);
      await agent.sql`begin`;
      const report = { ...reportOf(s, into(s)), propolisId: randomUUID() };
      if (verb === "report_vmm") await reportVmm(agent.sql, report);
      else await reportVmms(agent.sql, [report]);

      const saga = await sql.reserve();
      await saga`set lock_timeout = '5s'`;
      await applied(unwindMigration(saga, s.migration));
      await saga`reset lock_timeout`;
      saga.release();
      await agent.sql`rollback`;
    },
  );

  test("a report from an index function is refused when another role runs ANALYZE on the agent's table", async () => {
    const s = await running(sql);
    const { role } = agent;
    await agent.sql.unsafe(`
      create function ${role}.report(n integer) returns integer language plpgsql immutable as $$
      begin
        if session_user <> '${role}' then
          perform vmstate.report_vmm('${s.instanceId}', '${s.propolisId}', 'destroyed', 9, now());
        end if;
        return n;
      end $$;
      create table ${role}.lure (n integer);
      create index on ${role}.lure (${role}.report(n));
      insert into ${role}.lure values (1), (2), (3);`);
    expect(await errorOf(sql.unsafe(`analyze ${role}.lure`))).toMatchObject({ code: "42501" });
    expect(await vmm(sql, s.propolisId)).toMatchObject({ state: "running" });
  });
});

describe("the binding of a sled agent", () => {
  test("is required: an unbound sled agent is refused every report", async () => {
    await expectRefused(agent.sql, reportOf(await running(sql)), agent);
    expect(await reportVmm(agent.sql, reportOf(unknown()))).toMatchObject({ vmmOutcome: "not_found" });
  });

  test("is replaced at once by a binding to another sled", async () => {
    const [s, other] = [await running(sql), await running(sql)];
    await bindTo(s);
    expect(await reportVmm(agent.sql, reportOf(s))).toMatchObject({ vmmOutcome: "applied" });
    await bindTo(other);
    await expectRefused(agent.sql, reportOf(s, { generation: 4 }), {
      role: agent.role,
      sledId: other.start.sledId,
    });
    expect(await reportVmm(agent.sql, reportOf(other))).toMatchObject({ vmmOutcome: "applied" });
  });

  test("holds for the bound role, and for a member only after SET ROLE", async () => {
    const [s, member] = [await running(sql), await actors.create("member", [])];
    await sql.unsafe(`grant ${agent.role} to ${member.role}`);
    await bindTo(s);
    await expectRefused(member.sql, reportOf(s), member);
    await member.sql.unsafe(`set role ${agent.role}`);
    expect(await reportVmm(member.sql, reportOf(s))).toMatchObject({ vmmOutcome: "applied" });
    await member.sql`reset role`;
    await expectRefused(member.sql, reportOf(s, { generation: 4 }), member);
  });

  test("holds for the role of the session, also inside a SECURITY DEFINER function of another owner", async () => {
    const [own, s] = [await running(sql), await running(sql)];
    await bindTo(own);
    await sql.unsafe(`create function public.relay(i uuid, v uuid) returns vmstate.report_result
      language sql security definer return vmstate.report_vmm(i, v, 'rebooting', 3, '2024-02-29')`);
    const relayed = agent.sql`select (public.relay(${s.instanceId}, ${s.propolisId})).vmm_outcome`;
    expect(await errorOf(relayed)).toMatchObject({ code: "42501" });
  });

  test("holds for an administrator after SET ROLE to the bound role", async () => {
    const [own, s] = [await running(sql), await running(sql)];
    await bindTo(own);
    const administrator = db.connect({ max: 1, connection: { role: agent.role } });
    await expectRefused(administrator, reportOf(s), { role: agent.role, sledId: own.start.sledId });
    await administrator`set role none`;
    expect(await reportVmm(administrator, reportOf(s))).toMatchObject({ vmmOutcome: "applied" });
  });

  test("does not restrict a control_plane role, which may report for every sled", async () => {
    const [s, other] = [await running(sql), await running(sql)];
    const both = await actors.create("both", ["sled_agent", "control_plane"]);
    await bindTo(s, both.role);
    expect(await reportVmm(both.sql, reportOf(other))).toMatchObject({ vmmOutcome: "applied" });
    expect(await reportVmms(both.sql, [reportOf(s)])).toMatchObject([{ vmmOutcome: "applied" }]);
  });
});
