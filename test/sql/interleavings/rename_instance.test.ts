import { describe, expect, it } from "vitest";
import { createInstance, deleteInstance, renameInstance } from "../../../src/index.js";
import { deleted, instance, saying, stopped, unknown, type Scenario } from "../scenario.js";
import { reporting, updating } from "./calls.js";
import { newSessions, type Act } from "./sessions.js";

const sessions = newSessions();
const { overtake, race } = sessions;

const renaming =
  ({ instanceId }: Scenario, name: string): Act<unknown> =>
  (sql) =>
    renameInstance(sql, { instanceId, name });

const TAKEN = { outcome: "conflict", reason: "name_taken" };

async function two(): Promise<[Scenario, Scenario]> {
  const a = await stopped(sessions.sql, { name: "a" });
  return [a, await stopped(sessions.sql, { name: "b", projectId: a.create.projectId })];
}

describe("rename_instance holds the instance and its new name:", () => {
  it("another instance's rename to the name waits for the commit, then is name_taken", async () => {
    const [a, b] = await two();
    expect(await race(renaming(a, "c"), renaming(b, "c"))).toMatchObject({
      first: { outcome: "applied" },
      second: TAKEN,
      waited: null,
    });
    expect(await instance(sessions.sql, b)).toMatchObject({ name: "b" });
  });

  it("another instance's rename to the name applies if the first one is rolled back", async () => {
    const [a, b] = await two();
    expect(await race(renaming(a, "c"), renaming(b, "c"), "rollback")).toMatchObject({
      second: { outcome: "applied" },
      waited: null,
    });
    expect(await instance(sessions.sql, b)).toMatchObject({ name: "c" });
  });

  it("create_instance with the name waits for the commit, then is name_taken", async () => {
    const [a] = await two();
    const { create } = unknown({ name: "c", projectId: a.create.projectId });
    expect(await race(renaming(a, "c"), (sql) => createInstance(sql, create))).toMatchObject({
      first: { outcome: "applied" },
      second: TAKEN,
      waited: null,
    });
  });

  it("rename_instance waits for create_instance with the name, then is name_taken", async () => {
    const [a] = await two();
    const { create } = unknown({ name: "c", projectId: a.create.projectId });
    expect(await race((sql) => createInstance(sql, create), renaming(a, "c"))).toMatchObject({
      second: TAKEN,
      waited: null,
    });
  });

  it("rename_instance waits for delete_instance of the instance, then is gone", async () => {
    const [a] = await two();
    expect(await race((sql) => deleteInstance(sql, a), renaming(a, "c"))).toMatchObject({
      second: { outcome: "gone" },
      waited: "instance",
    });
  });

  it("a second rename of the instance waits, then applies", async () => {
    const [a] = await two();
    expect(await race(renaming(a, "c"), renaming(a, "d"))).toMatchObject({
      second: { outcome: "applied" },
      waited: "instance",
    });
    expect(await instance(sessions.sql, a)).toMatchObject({ name: "d" });
  });

  it("a replay of rename_instance waits, then is unchanged", async () => {
    const [a] = await two();
    expect(await race(renaming(a, "c"), renaming(a, "c"))).toMatchObject({
      second: { outcome: "unchanged" },
      waited: "instance",
    });
  });

  it("a report does not wait", async () => {
    const s = await saying(sessions.sql, "running");
    expect(await overtake(renaming(s, "c"), reporting(s, "rebooting", 9))).toMatchObject({
      second: { vmmOutcome: "applied" },
    });
  });

  it("commit_update waits, then applies", async () => {
    const s = await saying(sessions.sql, "failed");
    const commit = await updating(sessions.sql, s);
    expect(await race(renaming(s, "c"), commit)).toMatchObject({
      second: { outcome: "applied" },
      waited: "instance",
    });
  });
});

describe("two instances that swap their names", () => {
  it("are both name_taken and never deadlock: neither waits for the other", async () => {
    const [a, b] = await two();
    expect(await overtake(renaming(a, "b"), renaming(b, "a"))).toMatchObject({
      first: TAKEN,
      second: TAKEN,
    });
  });

  it("by way of a third name: name_taken until the other instance's rename commits", async () => {
    const [a, b] = await two();
    expect(await overtake(renaming(a, "spare"), renaming(b, "a"))).toMatchObject({
      first: { outcome: "applied" },
      second: TAKEN,
    });
    expect(await renameInstance(sessions.sql, { ...b, name: "a" })).toMatchObject({ outcome: "applied" });
    expect(await renameInstance(sessions.sql, { ...a, name: "b" })).toMatchObject({ outcome: "applied" });
  });

  it("may take the name of a deleted instance", async () => {
    const gone = await deleted(sessions.sql, { name: "c" });
    const a = await stopped(sessions.sql, { name: "a", projectId: gone.create.projectId });
    expect(await renameInstance(sessions.sql, { ...a, name: "c" })).toMatchObject({ outcome: "applied" });
  });
});
