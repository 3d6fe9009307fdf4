import { describe, expect, test } from "vitest";
import { failVmm, requestReboot, requestStop } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  addressesOf,
  creating,
  deleted,
  expectInvalid,
  failed,
  handedOver,
  instance,
  migrating,
  NO_ROW,
  running,
  saying,
  starting,
  stopped,
  unknown,
  unwound,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

type Case = [string, () => Promise<Scenario>, (s: Scenario) => string[]];
const cases: Case[] = [
  ["starts: its VMM is creating", () => starting(sql), (s) => [s.propolisId]],
  ["starts: its VMM is starting", () => saying(sql, "starting"), (s) => [s.propolisId]],
  ["runs", () => running(sql), (s) => [s.propolisId]],
  ["reboots", () => saying(sql, "rebooting"), (s) => [s.propolisId]],
  ["has a VMM that migrates", () => saying(sql, "migrating"), (s) => [s.propolisId]],
  ["migrates: the active VMM only", () => migrating(sql), (s) => [s.propolisId]],
  [
    "migrates from a dead VMM",
    async () => {
      const s = await migrating(sql);
      await failVmm(sql, { ...s, reason: "operator" });
      return s;
    },
    () => [],
  ],
  ["was handed over", () => handedOver(sql), (s) => [s.destinationId]],
];

describe.each(cases)("an instance that %s", (_, reach, commanded) => {
  test("applied after a stop: sets the intent to running, returns the VMM, keeps state and generation", async () => {
    const s = await reach();
    await requestStop(sql, s);
    expect(await requestReboot(sql, s)).toEqual({
      outcome: "applied",
      reason: null,
      ...s.row,
      commandPropolisIds: commanded(s),
      commandVmms: addressesOf(s, commanded(s)),
    });
    expect(await instance(sql, s)).toMatchObject({ intended_state: "running" });
  });

  test("unchanged if the intent is running: returns the VMM", async () => {
    const s = await reach();
    expect(await writingNothing(sql, () => requestReboot(sql, s))).toEqual({
      outcome: "unchanged",
      reason: null,
      ...s.row,
      commandPropolisIds: commanded(s),
      commandVmms: addressesOf(s, commanded(s)),
    });
  });
});

const others: [string, () => Promise<Scenario>][] = [
  ["creating", () => creating(sql, { intendedState: "stopped" })],
  ["stopped", () => stopped(sql, { intendedState: "stopped" })],
  ["stopping: its VMM is stopping", () => saying(sql, "stopping")],
  ["stopping: its VMM is stopped", () => saying(sql, "stopped")],
  ["stopping: its VMM failed", () => saying(sql, "failed")],
  ["stopping: its VMM is destroyed", () => saying(sql, "destroyed")],
  ["stopped: its VMM is unwound", () => unwound(sql)],
  ["failed", () => failed(sql)],
];
test.each(others)("conflict/not_running: the instance is %s, and its intent stays", async (_, reach) => {
  const s = await reach();
  if (s.row.state === "vmm") await requestStop(sql, s);
  expect(await writingNothing(sql, () => requestReboot(sql, s))).toEqual({
    outcome: "conflict",
    reason: "not_running",
    ...s.row,
    commandPropolisIds: [],
    commandVmms: [],
  });
});

test("gone: the instance was deleted", async () => {
  const s = await deleted(sql);
  expect(await writingNothing(sql, () => requestReboot(sql, s))).toEqual({
    outcome: "gone",
    reason: null,
    ...s.row,
    commandPropolisIds: [],
    commandVmms: [],
  });
});

test("not_found: the instance does not exist", async () => {
  expect(await requestReboot(sql, unknown())).toEqual({
    outcome: "not_found",
    reason: null,
    ...NO_ROW,
    commandPropolisIds: [],
    commandVmms: [],
  });
});

test("VM001 for p_instance_id null", async () => {
  await expectInvalid(sql, "request_reboot", { p_instance_id: null }, "p_instance_id", /null/);
});
