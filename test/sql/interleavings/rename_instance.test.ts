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

describe("rename_instance holds the instance and its new name, and", () => {
  it("another instance that wants the name waits for its fate and is name_taken", async () => {
    const [a, b] = await two();
    expect(await race(renaming(a, "c"), renaming(b, "c"))).toMatchObject({
      first: { outcome: "applied" },
      second: TAKEN,
      waited: null,
    });
    expect(await instance(sessions.sql, b)).toMatchObject({ name: "b" });
  });

  it("another instance that wants the name gets it if the first rolls back", async () => {
    const [a, b] = await two();
    expect(await race(renaming(a, "c"), renaming(b, "c"), "rollback")).toMatchObject({
      second: { outcome: "applied" },
      waited: null,
    });
    expect(await instance(sessions.sql, b)).toMatchObject({ name: "c" });
  });

  it("create_instance of the name waits for its fate and is name_taken", async () => {
    const [a] = await two();
    const { create } = unknown({ name: "c", projectId: a.create.projectId });
    expect(await race(renaming(a, "c"), (sql) => createInstance(sql, create))).toMatchObject({
      first: { outcome: "applied" },
      second: TAKEN,
      waited: null,
    });
  });

  it("waits for create_instance of the name and is name_taken", async () => {
    const [a] = await two();
    const { create } = unknown({ name: "c", projectId: a.create.projectId });
    expect(await race((sql) => createInstance(sql, create), renaming(a, "c"))).toMatchObject({
      second: TAKEN,
      waited: null,
    });
  });

  it("waits for delete_instance of the instance and is gone", async () => {
    const [a] = await two();
    expect(await race((sql) => deleteInstance(sql, a), renaming(a, "c"))).toMatchObject({
      second: { outcome: "gone" },
      waited: "instance",
    });
  });

  it("a second rename of the instance waits for it and has the last word", async () => {
    const [a] = await two();
    expect(await race(renaming(a, "c"), renaming(a, "d"))).toMatchObject({
      second: { outcome: "applied" },
      waited: "instance",
    });
    expect(await instance(sessions.sql, a)).toMatchObject({ name: "d" });
  });

  it("its replay waits for it and is unchanged", async () => {
    const [a] = await two();
    expect(await race(renaming(a, "c"), renaming(a, "c"))).toMatchObject({
      second: { outcome: "unchanged" },
      waited: "instance",
    });
  });

  it("a report does not wait for it", async () => {
    const s = await saying(sessions.sql, "running");
    expect(await overtake(renaming(s, "c"), reporting(s, "rebooting", 9))).toMatchObject({
      second: { vmmOutcome: "applied" },
    });
  });

  it("commit_update waits for it and applies", async () => {
    const s = await saying(sessions.sql, "failed");
    const commit = await updating(sessions.sql, s);
    expect(await race(renaming(s, "c"), commit)).toMatchObject({
      second: { outcome: "applied" },
      waited: "instance",
    });
  });
});

describe("two instances that swap their names", () => {
  it("do not wait for each other, hence never deadlock: both are name_taken", async () => {
    const [a, b] = await two();
    expect(await overtake(renaming(a, "b"), renaming(b, "a"))).toMatchObject({
      first: TAKEN,
      second: TAKEN,
    });
  });

  it("by way of a third name are name_taken while the other's rename is not committed", async () => {
    const [a, b] = await two();
    expect(await overtake(renaming(a, "spare"), renaming(b, "a"))).toMatchObject({
      first: { outcome: "applied" },
      second: TAKEN,
    });
    expect(await renameInstance(sessions.sql, { ...b, name: "a" })).toMatchObject({ outcome: "applied" });
    expect(await renameInstance(sessions.sql, { ...a, name: "b" })).toMatchObject({ outcome: "applied" });
  });

  it("the name of a deleted instance is free", async () => {
    const gone = await deleted(sessions.sql, { name: "c" });
    const a = await stopped(sessions.sql, { name: "a", projectId: gone.create.projectId });
    expect(await renameInstance(sessions.sql, { ...a, name: "c" })).toMatchObject({ outcome: "applied" });
  });
});
