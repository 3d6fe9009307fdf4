import { describe, expect, it } from "vitest";
import { beginMigration, beginStart, unwindStart } from "../../../src/index.js";
import { anotherStart, applied, instance, running, saying, starting, vmm } from "../scenario.js";
import { failedMigration, reporting, updating } from "./calls.js";
import { newSessions } from "./sessions.js";

const sessions = newSessions();
const { overtake, race } = sessions;

describe("unwind_start holds the VMM and no instance:", () => {
  it("begin_start does not wait, and is already_started until the unwind commits", async () => {
    const s = await starting(sessions.sql);
    const other = anotherStart(s);
    expect(
      await overtake(
        (sql) => unwindStart(sql, s.start),
        (sql) => beginStart(sql, other),
      ),
    ).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "conflict", reason: "already_started" },
    });
    await applied(beginStart(sessions.sql, other));
  });

  it("a report waits, then is terminal at any generation", async () => {
    const s = await starting(sessions.sql);
    expect(await race((sql) => unwindStart(sql, s.start), reporting(s, "destroyed", 99))).toEqual({
      first: { outcome: "applied", reason: null, state: "saga_unwound", stateGeneration: 2 },
      second: {
        vmmOutcome: "terminal",
        migrationInOutcome: null,
        migrationOutOutcome: null,
        updateNeeded: false,
        state: "saga_unwound",
        stateGeneration: 2,
      },
      waited: "vmm",
    });
  });

  it("begin_migration from the VMM waits, then is not_running", async () => {
    const s = await running(sessions.sql);
    expect(
      await race(
        (sql) => unwindStart(sql, s.start),
        (sql) => beginMigration(sql, s.migration),
      ),
    ).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "conflict", reason: "not_running", apiState: "stopped" },
      waited: "vmm",
    });
    expect(await vmm(sessions.sql, s.destinationId)).toEqual({});
  });

  it("commit_update of a plan that unlinks the failed VMM waits, then applies and leaves the instance stopped, not failed", async () => {
    const s = await saying(sessions.sql, "failed");
    const commit = await updating(sessions.sql, s);
    expect(await race((sql) => unwindStart(sql, s.start), commit)).toMatchObject({
      first: { outcome: "applied", state: "saga_unwound" },
      second: { outcome: "applied", state: "no_vmm", apiState: "stopped" },
      waited: "vmm",
    });
  });

  it("commit_update of a plan that keeps the live VMM waits, then is plan_changed", async () => {
    const s = await failedMigration(sessions.sql);
    const commit = await updating(sessions.sql, s);
    const before = await instance(sessions.sql, s);
    expect(await race((sql) => unwindStart(sql, s.start), commit)).toMatchObject({
      second: { outcome: "conflict", reason: "plan_changed" },
      waited: "vmm",
    });
    expect(await instance(sessions.sql, s)).toEqual(before);
  });
});
