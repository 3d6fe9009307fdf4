import { describe, expect, test } from "vitest";
import { failVmm, requestStop } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  addressesOf,
  creating,
  deleted,
  expectInvalid,
  failed,
  handedOver,
  instance,
  migrated,
  migrating,
  NO_ROW,
  rowOf,
  running,
  say,
  saying,
  starting,
  stopped,
  unknown,
  unwound,
  update,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

const fail = async (s: Scenario, who: "propolisId" | "destinationId"): Promise<Scenario> => {
  await failVmm(sql, { instanceId: s.instanceId, propolisId: s[who], reason: "operator" });
  return s;
};

type Case = [string, () => Promise<Scenario>, (s: Scenario) => string[]];
const cases: Case[] = [
  ["has no VMM", () => stopped(sql, { intendedState: "running" }), () => []],
  ["has a VMM that is creating", () => starting(sql), (s) => [s.propolisId]],
  ["runs", () => running(sql), (s) => [s.propolisId]],
  ["reboots", () => saying(sql, "rebooting"), (s) => [s.propolisId]],
  ["is stopping", () => saying(sql, "stopping"), (s) => [s.propolisId]],
  ["has a dead VMM", () => saying(sql, "failed"), () => []],
  ["has an unwound VMM", () => unwound(sql), () => []],
  ["migrates: both VMMs", () => migrating(sql), (s) => [s.propolisId, s.destinationId]],
  [
    "migrates from a dead VMM",
    async () => fail(await migrating(sql), "propolisId"),
    (s) => [s.destinationId],
  ],
  ["migrates to a dead VMM", async () => fail(await migrating(sql), "destinationId"), (s) => [s.propolisId]],
  ["was handed over: the one VMM once", () => handedOver(sql), (s) => [s.destinationId]],
  ["has migrated", () => migrated(sql), (s) => [s.destinationId]],
];

describe.each(cases)("an instance that %s", (_, reach, commanded) => {
  test("applied: sets the intent to stopped, returns the live VMMs, keeps state and generation", async () => {
    const s = await reach();
    expect(await requestStop(sql, s)).toEqual({
      outcome: "applied",
      reason: null,
      ...s.row,
      commandPropolisIds: commanded(s),
      commandVmms: addressesOf(s, commanded(s)),
    });
    expect(await instance(sql, s)).toMatchObject({ intended_state: "stopped" });
  });

  test("unchanged: a replay returns the same VMMs", async () => {
    const s = await reach();
    await requestStop(sql, s);
    expect(await writingNothing(sql, () => requestStop(sql, s))).toEqual({
      outcome: "unchanged",
      reason: null,
      ...s.row,
      commandPropolisIds: commanded(s),
      commandVmms: addressesOf(s, commanded(s)),
    });
  });
});

test("applied: a failed instance becomes stopped", async () => {
  const s = await failed(sql);
  expect(await requestStop(sql, s)).toEqual({
    outcome: "applied",
    reason: null,
    ...rowOf(s, "stopped", 5),
    commandPropolisIds: [],
    commandVmms: [],
  });
  expect(await instance(sql, s)).toMatchObject({ intended_state: "stopped" });
});

test("applied: a failed instance is written once, intent and state together", async () => {
  const s = await failed(sql);
  await sql.begin(async (transaction) => {
    const written = async (): Promise<number> => {
      const [row] = await transaction<[{ rows: number }]>`
        select sum(n_tup_upd)::float8 as rows from pg_stat_xact_user_tables
          where relid = 'vmstate.instance'::regclass or relid in (select relid from pg_partition_tree('vmstate.instance'))`;
      return row.rows;
    };
    const before = await written();
    await requestStop(transaction, s);
    expect((await written()) - before).toBe(1);
  });
});

test("applied: an instance that failed after the user stopped it", async () => {
  const s = await running(sql);
  await requestStop(sql, s);
  await say(sql, s, "active", "failed");
  await update(sql, s);
  const { time_modified } = await instance(sql, s);
  expect(await requestStop(sql, s)).toMatchObject({ outcome: "applied", ...rowOf(s, "stopped", 5) });
  expect(await instance(sql, s)).toMatchObject({ time_modified });
  expect(await requestStop(sql, s)).toMatchObject({ outcome: "unchanged", ...rowOf(s, "stopped", 5) });
});

test("applied: the intent guest_shutdown becomes stopped", async () => {
  const s = await saying(sql, "destroyed");
  await update(sql, s);
  expect(await instance(sql, s)).toMatchObject({ intended_state: "guest_shutdown" });
  expect(await requestStop(sql, s)).toMatchObject({ outcome: "applied" });
  expect(await instance(sql, s)).toMatchObject({ intended_state: "stopped" });
});

test("conflict/creating: the intent stays", async () => {
  const s = await creating(sql, { intendedState: "running" });
  expect(await writingNothing(sql, () => requestStop(sql, s))).toEqual({
    outcome: "conflict",
    reason: "creating",
    ...s.row,
    commandPropolisIds: [],
    commandVmms: [],
  });
});

test("gone: the instance was deleted", async () => {
  const s = await deleted(sql);
  expect(await writingNothing(sql, () => requestStop(sql, s))).toEqual({
    outcome: "gone",
    reason: null,
    ...s.row,
    commandPropolisIds: [],
    commandVmms: [],
  });
});

test("not_found: the instance does not exist", async () => {
  expect(await requestStop(sql, unknown())).toEqual({
    outcome: "not_found",
    reason: null,
    ...NO_ROW,
    commandPropolisIds: [],
    commandVmms: [],
  });
});

test("VM001 for p_instance_id null", async () => {
  await expectInvalid(sql, "request_stop", { p_instance_id: null }, "p_instance_id", /null/);
});
