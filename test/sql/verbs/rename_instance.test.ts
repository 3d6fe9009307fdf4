import { describe, expect, test } from "vitest";
import {
  apiInstance,
  beginUpdate,
  commitUpdate,
  createInstance,
  deleteInstance,
  renameInstance,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  creating,
  deleted,
  expectInvalid,
  failed,
  instance,
  isSince,
  clock,
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

const db = withDatabase();
const { sql } = db;

const rename = (s: Scenario, name: string): ReturnType<typeof renameInstance> =>
  renameInstance(sql, { instanceId: s.instanceId, name });

describe("applied", () => {
  const states: [string, () => Promise<Scenario>][] = [
    ["creating", () => creating(sql)],
    ["stopped", () => stopped(sql)],
    ["failed", () => failed(sql)],
    ["running", () => running(sql)],
    ["migrating", () => migrating(sql)],
    ["unwound", () => unwound(sql)],
  ];
  test.each(states)("changes the name of an instance that is %s, not its generation", async (_, reach) => {
    const s = await reach();
    const before = await instance(sql, s);
    const begin = await clock(sql);
    expect(await rename(s, "db")).toEqual({ outcome: "applied", reason: null, ...s.row });
    const after = await instance(sql, s);
    expect(after).toEqual({ ...before, name: "db", time_modified: after["time_modified"] });
    expect(await isSince(sql, begin, after["time_modified"])).toBe(true);
    expect(await apiInstance(sql, s)).toMatchObject({ name: "db" });
  });

  test.each([["x"], ["ü".repeat(63)], [" "], ["a'b\"c\\"]])("takes the name %j", async (name) => {
    const s = await stopped(sql);
    await applied(rename(s, name));
    expect(await instance(sql, s)).toMatchObject({ name });
  });

  test("takes the name of an instance in another project, or of a deleted one", async () => {
    const s = await stopped(sql);
    const { projectId } = s.create;
    await stopped(sql, { name: "elsewhere" });
    await deleted(sql, { name: "was", projectId });
    await applied(rename(s, "elsewhere"));
    await applied(rename(s, "was"));
  });

  test("frees the old name for another instance of the project", async () => {
    const s = await stopped(sql, { name: "old" });
    await applied(rename(s, "new"));
    const { projectId } = s.create;
    expect(await createInstance(sql, unknown({ name: "old", projectId }).create)).toMatchObject({
      outcome: "applied",
    });
    expect(await createInstance(sql, unknown({ name: "new", projectId }).create)).toMatchObject({
      outcome: "conflict",
      reason: "name_taken",
    });
  });

  test("does not disturb an update saga that holds the lock", async () => {
    const s = await saying(sql, "failed");
    const saga = { instanceId: s.instanceId, sagaId: s.start.sagaId };
    const { updaterGeneration, planToken } = await applied(beginUpdate(sql, { ...saga, lease: "1 hour" }));
    await applied(rename(s, "db"));
    await applied(commitUpdate(sql, { ...saga, updaterGeneration, planToken }));
  });

  test("a replay of create_instance with the old name is still unchanged", async () => {
    const s = await creating(sql);
    await applied(rename(s, "db"));
    expect(await createInstance(sql, s.create)).toMatchObject({ outcome: "unchanged" });
    expect(await instance(sql, s)).toMatchObject({ name: "db" });
  });
});

test("unchanged: a replay", async () => {
  const s = await running(sql);
  await applied(rename(s, "db"));
  expect(await writingNothing(sql, () => rename(s, "db"))).toEqual({
    outcome: "unchanged",
    reason: null,
    ...s.row,
  });
});

test("conflict/name_taken: another instance of the project has the name", async () => {
  const s = await running(sql);
  await creating(sql, { name: "taken", projectId: s.create.projectId });
  expect(await writingNothing(sql, () => rename(s, "taken"))).toEqual({
    outcome: "conflict",
    reason: "name_taken",
    ...s.row,
  });
});

test("conflict/name_taken: the caller's transaction can go on", async () => {
  const [s, other] = [await stopped(sql, { name: "a" }), await stopped(sql, { name: "b" })];
  const { projectId } = s.create;
  await creating(sql, { name: "taken", projectId });
  await sql.begin(async (tx) => {
    expect(await renameInstance(tx, { ...s, name: "taken" })).toMatchObject({ reason: "name_taken" });
    await applied(renameInstance(tx, { ...other, name: "free" }));
  });
  expect(await instance(sql, other)).toMatchObject({ name: "free" });
});

test("gone: the instance was deleted, with its old name or a new one", async () => {
  const s = await deleted(sql);
  await creating(sql, { name: "taken", projectId: s.create.projectId });
  for (const name of ["db", "taken", "web"])
    expect(await writingNothing(sql, () => rename(s, name))).toEqual({
      outcome: "gone",
      reason: null,
      ...s.row,
    });
});

test("gone: a replay after the instance was deleted", async () => {
  const s = await stopped(sql);
  await applied(rename(s, "db"));
  await applied(deleteInstance(sql, s));
  expect(await rename(s, "db")).toMatchObject({ outcome: "gone" });
});

test("not_found: the instance does not exist", async () => {
  expect(await writingNothing(sql, () => rename(unknown(), "db"))).toEqual({
    outcome: "not_found",
    reason: null,
    ...NO_ROW,
  });
});

test.each([
  ["p_instance_id", null, /null/],
  ["p_name", null, /null/],
  ["p_name", "", /must have 1 to 63 characters, not 0\./],
  ["p_name", "x".repeat(64), /must have 1 to 63 characters, not 64\./],
])("VM001 for %s %j", async (argument, value, detail) => {
  const s = await stopped(sql);
  const valid = { p_instance_id: s.instanceId, p_name: "db" };
  await expectInvalid(sql, "rename_instance", { ...valid, [argument]: value }, argument, detail);
});
