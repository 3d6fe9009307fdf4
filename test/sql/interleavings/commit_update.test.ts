import { describe, expect, it } from "vitest";
import { beginStart, deleteInstance, requestStop, unwindStart } from "../../../src/index.js";
import { anotherStart, instance, saying, unwound } from "../scenario.js";
import { failedMigration, reporting, updating } from "./calls.js";
import { newSessions } from "./sessions.js";

const sessions = newSessions();
const { race } = sessions;

describe("commit_update holds the instance, its linked VMMs and its linked migration:", () => {
  it("a replay of commit_update waits, then is unchanged", async () => {
    const s = await saying(sessions.sql, "failed");
    const commit = await updating(sessions.sql, s);
    expect(await race(commit, commit)).toMatchObject({
      first: { outcome: "applied", state: "failed", stateGeneration: 4 },
      second: { outcome: "unchanged", state: "failed", stateGeneration: 4 },
      waited: "instance",
    });
  });

  it("a report of the unlinked destination waits, then needs no update", async () => {
    const s = await failedMigration(sessions.sql);
    const commit = await updating(sessions.sql, s);
    expect(await race(commit, reporting(s, "destroyed", 9, s.destinationId))).toMatchObject({
      first: { outcome: "applied", destinationPropolisId: null },
      second: { vmmOutcome: "applied", updateNeeded: false },
      waited: "vmm",
    });
  });

  it("unwind_start of the unlinked dead VMM waits, then is unchanged", async () => {
    const s = await saying(sessions.sql, "failed");
    const commit = await updating(sessions.sql, s);
    expect(await race(commit, (sql) => unwindStart(sql, s.start))).toMatchObject({
      first: { outcome: "applied", state: "failed" },
      second: { outcome: "unchanged", state: "failed" },
      waited: "vmm",
    });
  });

  it("commit_update waits for request_stop, then keeps the intent that it set", async () => {
    const s = await saying(sessions.sql, "destroyed");
    const commit = await updating(sessions.sql, s);
    expect(await race((sql) => requestStop(sql, s), commit)).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "applied", state: "no_vmm" },
      waited: "instance",
    });
    expect(await instance(sessions.sql, s)).toMatchObject({ intended_state: "stopped" });
  });

  it("request_stop waits, then sets the intent to stopped", async () => {
    const s = await saying(sessions.sql, "destroyed");
    const commit = await updating(sessions.sql, s);
    expect(await race(commit, (sql) => requestStop(sql, s))).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "applied", state: "no_vmm", commandPropolisIds: [] },
      waited: "instance",
    });
    expect(await instance(sessions.sql, s)).toMatchObject({ intended_state: "stopped" });
  });

  it("commit_update waits for begin_start, then is stale_generation: the start replaced the VMM of the plan", async () => {
    const s = await unwound(sessions.sql);
    const commit = await updating(sessions.sql, s);
    expect(await race((sql) => beginStart(sql, anotherStart(s)), commit)).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "conflict", reason: "stale_generation" },
      waited: "instance",
    });
  });

  it("commit_update waits for delete_instance, then is gone", async () => {
    const s = await unwound(sessions.sql);
    const commit = await updating(sessions.sql, s);
    expect(await race((sql) => deleteInstance(sql, s), commit)).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "gone", state: "destroyed" },
      waited: "instance",
    });
  });

  it("delete_instance waits, then applies", async () => {
    const s = await unwound(sessions.sql);
    const commit = await updating(sessions.sql, s);
    expect(await race(commit, (sql) => deleteInstance(sql, s))).toMatchObject({
      first: { outcome: "applied", state: "no_vmm" },
      second: { outcome: "applied", state: "destroyed" },
      waited: "instance",
    });
  });
});
