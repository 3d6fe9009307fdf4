import { describe, expect, test } from "vitest";
import { apiInstance, apiInstances, type ReportedVmmState } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  creating,
  deleted,
  failed,
  migrating,
  running,
  saying,
  starting,
  stopped,
  unwound,
  unwoundMigration,
  vmm,
  type Scenario,
} from "../scenario.js";

const { sql } = withDatabase();

describe("api_instance", () => {
  test("has the columns that the API shows", async () => {
    const s = await running(sql, { autoRestartPolicy: "never", autoRestartCooldown: "90 seconds" });
    const { time_state_updated } = await vmm(sql, s.propolisId);
    expect(await apiInstance(sql, s)).toEqual({
      id: s.instanceId,
      instanceId: s.instanceId,
      state: "running",
      projectId: s.create.projectId,
      name: "web",
      intendedState: "running",
      autoRestartPolicy: "never",
      autoRestartCooldown: "00:01:30",
      timeStateUpdated: new Date(String(time_state_updated)),
      timeCreated: expect.any(Date) as unknown,
      timeModified: expect.any(Date) as unknown,
    });
  });

  const shown: [string, () => Promise<Scenario>][] = [
    ["creating", () => creating(sql)],
    ["stopped", () => stopped(sql)],
    ["starting", () => starting(sql)],
    ["migrating", () => migrating(sql)],
    ["stopped", () => unwound(sql)],
    ["running", () => unwoundMigration(sql)],
    ["failed", () => failed(sql)],
  ];
  test.each(shown)("shows the same state as the verbs: %s", async (state, reach) => {
    const s = await reach();
    expect(s.row.apiState).toBe(state);
    expect(await apiInstance(sql, s)).toMatchObject({ state });
  });

  const told: ReportedVmmState[] = [
    "starting",
    "running",
    "stopping",
    "stopped",
    "rebooting",
    "migrating",
    "failed",
    "destroyed",
  ];
  test.each(told)("shows the state derived from a VMM that is %s", async (state) => {
    const s = await saying(sql, state);
    expect(await apiInstance(sql, s)).toMatchObject({ state: s.row.apiState });
  });

  test("hides deleted instances", async () => {
    const s = await deleted(sql);
    expect(await apiInstance(sql, s)).toBeUndefined();
    expect(await apiInstances(sql, s.create)).toEqual([]);
  });

  test("lists the instances of a project by name, up to a limit", async () => {
    const { projectId } = (await creating(sql, { name: "b" })).create;
    for (const name of ["c", "a"]) await creating(sql, { name, projectId });
    const names = async (limit?: number): Promise<string[]> =>
      (await apiInstances(sql, { projectId, limit })).map(({ name }) => name);
    expect(await names()).toEqual(["a", "b", "c"]);
    expect(await names(2)).toEqual(["a", "b"]);
  });
});
