import { expect, test } from "vitest";
import { configureInstance } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  creating,
  deleted,
  expectInvalid,
  failed,
  instance,
  migrating,
  NO_ROW,
  running,
  saying,
  stopped,
  unknown,
  unwound,
  writingNothing,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

const states: [string, () => Promise<Scenario>][] = [
  ["creating", () => creating(sql)],
  ["stopped", () => stopped(sql)],
  ["running", () => running(sql)],
  ["stopping", () => saying(sql, "stopping")],
  ["migrating", () => migrating(sql)],
  ["unwound", () => unwound(sql)],
  ["failed", () => failed(sql)],
];
test.each(states)("applied: configures an instance that is %s, at the same generation", async (_, reach) => {
  const s = await reach();
  const configuration = {
    instanceId: s.instanceId,
    autoRestartPolicy: "never",
    autoRestartCooldown: "90 seconds",
  } as const;
  expect(await configureInstance(sql, configuration)).toEqual({ outcome: "applied", reason: null, ...s.row });
  expect(await instance(sql, s)).toMatchObject({
    auto_restart_policy: "never",
    auto_restart_cooldown: "00:01:30",
  });
  expect(await writingNothing(sql, () => configureInstance(sql, configuration))).toEqual({
    outcome: "unchanged",
    reason: null,
    ...s.row,
  });
});

test.each([
  [{}, null, null],
  [{ autoRestartPolicy: "best_effort" }, "best_effort", null],
  [{ autoRestartCooldown: 0 }, null, "00:00:00"],
] as const)(
  "applied: %o replaces the whole configuration; what is not given becomes the default",
  async (given, policy, cooldown) => {
    const s = await creating(sql, { autoRestartPolicy: "never", autoRestartCooldown: "1 hour" });
    await applied(configureInstance(sql, { instanceId: s.instanceId, ...given }));
    expect(await instance(sql, s)).toMatchObject({
      auto_restart_policy: policy,
      auto_restart_cooldown: cooldown,
    });
  },
);

test("unchanged: the instance has the default configuration already", async () => {
  const s = await creating(sql);
  expect(await writingNothing(sql, () => configureInstance(sql, s))).toEqual({
    outcome: "unchanged",
    reason: null,
    ...s.row,
  });
});

test("gone: the instance was deleted", async () => {
  const s = await deleted(sql);
  const configuration = { instanceId: s.instanceId, autoRestartPolicy: "never" } as const;
  expect(await writingNothing(sql, () => configureInstance(sql, configuration))).toEqual({
    outcome: "gone",
    reason: null,
    ...s.row,
  });
});

test("not_found: the instance does not exist", async () => {
  expect(await configureInstance(sql, unknown())).toEqual({ outcome: "not_found", reason: null, ...NO_ROW });
});

test.each([
  ["p_instance_id", null, /null/],
  ["p_auto_restart_cooldown", "-1 seconds", /-00:00:01/],
])("VM001 for %s %s", async (argument, value, detail) => {
  const { instanceId } = await running(sql);
  const valid = { p_instance_id: instanceId };
  await expectInvalid(sql, "configure_instance", { ...valid, [argument]: value }, argument, detail);
});
