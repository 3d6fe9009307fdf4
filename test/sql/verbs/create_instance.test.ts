import { describe, expect, test } from "vitest";
import { createInstance, deleteInstance } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  creating,
  deleted,
  expectInvalid,
  failed,
  instance,
  NO_ROW,
  running,
  stopped,
  unknown,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

describe("applied", () => {
  test("inserts the instance, creating at generation 1, with the default configuration", async () => {
    const s = unknown({ intendedState: "running" });
    expect(await createInstance(sql, s.create)).toEqual({ outcome: "applied", reason: null, ...s.row });
    expect(await instance(sql, s)).toMatchObject({
      project_id: s.create.projectId,
      name: "web",
      intended_state: "running",
      auto_restart_policy: null,
      auto_restart_cooldown: null,
      time_last_auto_restarted: null,
      updater_id: null,
      time_deleted: null,
    });
  });

  test("stores the given configuration", async () => {
    const s = unknown({ autoRestartPolicy: "never", autoRestartCooldown: "90 seconds" });
    await applied(createInstance(sql, s.create));
    expect(await instance(sql, s)).toMatchObject({
      intended_state: "stopped",
      auto_restart_policy: "never",
      auto_restart_cooldown: "00:01:30",
    });
  });

  test.each(["x", "n".repeat(63), "ü".repeat(63), "a name with spaces"])(
    "takes the name %s",
    async (name) => {
      const s = unknown({ name });
      await applied(createInstance(sql, s.create));
      expect(await instance(sql, s)).toMatchObject({ name });
    },
  );

  test("takes a name that another project uses", async () => {
    await creating(sql, { name: "shared" });
    await applied(createInstance(sql, unknown({ name: "shared" }).create));
  });

  test("takes the name of a deleted instance of the project", async () => {
    const { create } = await deleted(sql);
    await applied(createInstance(sql, unknown({ projectId: create.projectId }).create));
  });
});

describe("unchanged", () => {
  const states: [string, () => Promise<Scenario>][] = [
    ["at once", () => creating(sql)],
    ["when the creation is finished", () => stopped(sql)],
    ["when the instance runs", () => running(sql)],
    ["when the instance failed", () => failed(sql)],
  ];
  test.each(states)("a replay %s", async (_, reach) => {
    const s = await reach();
    expect(await writingNothing(sql, () => createInstance(sql, s.create))).toEqual({
      outcome: "unchanged",
      reason: null,
      ...s.row,
    });
  });

  test("a replay with other arguments, which are not stored", async () => {
    const s = await creating(sql);
    const { create: other } = await creating(sql, { projectId: s.create.projectId, name: "other" });
    const again = {
      ...s.create,
      name: other.name,
      intendedState: "running",
      autoRestartPolicy: "never",
    } as const;
    expect(await writingNothing(sql, () => createInstance(sql, again))).toEqual({
      outcome: "unchanged",
      reason: null,
      ...s.row,
    });
  });
});

describe("conflict", () => {
  test("name_taken: another instance of the project has the name", async () => {
    const { create } = await creating(sql);
    const other = unknown({ projectId: create.projectId }).create;
    expect(await writingNothing(sql, () => createInstance(sql, other))).toEqual({
      outcome: "conflict",
      reason: "name_taken",
      ...NO_ROW,
    });
  });

  test.each([
    ["exists", () => creating(sql)],
    ["was deleted", () => deleted(sql)],
  ])("instance_id_taken: an instance of another project with the id %s", async (_, reach) => {
    const s = await reach();
    // the name is taken, too: the id comes first
    const { create: holder } = await creating(sql, { name: "taken" });
    const other = { ...holder, instanceId: s.instanceId };
    expect(await writingNothing(sql, () => createInstance(sql, other))).toEqual({
      outcome: "conflict",
      reason: "instance_id_taken",
      ...NO_ROW,
    });
  });
});

test("gone: the instance was deleted, even if another instance has its name", async () => {
  const s = await creating(sql);
  await applied(deleteInstance(sql, s));
  await creating(sql, { projectId: s.create.projectId });
  expect(await writingNothing(sql, () => createInstance(sql, s.create))).toEqual({
    outcome: "gone",
    reason: null,
    ...s.row,
    apiState: "destroyed",
    state: "destroyed",
    stateGeneration: 2,
  });
});

test.each([
  ["p_id", null, /null/],
  ["p_project_id", null, /null/],
  ["p_name", null, /null/],
  ["p_name", "", /must have 1 to 63 characters, not 0\./],
  ["p_name", "n".repeat(64), /must have 1 to 63 characters, not 64\./],
  ["p_intended_state", null, /null/],
  ["p_intended_state", "guest_shutdown", /guest_shutdown/],
  ["p_intended_state", "destroyed", /destroyed/],
  ["p_auto_restart_cooldown", "-1 seconds", /-00:00:01/],
])("VM001 for %s %s", async (argument, value, detail) => {
  const { create } = unknown();
  const valid = {
    p_id: create.instanceId,
    p_project_id: create.projectId,
    p_name: create.name,
    p_intended_state: create.intendedState,
  };
  await expectInvalid(sql, "create_instance", { ...valid, [argument]: value }, argument, detail);
});
