import { describe, expect, it } from "vitest";
import { beginMigration, beginStart, unwindStart } from "../../../src/index.js";
import { anotherStart, applied, instance, running, saying, starting, vmm } from "../scenario.js";
import { failedMigration, reporting, updating } from "./calls.js";
import { newSessions } from "./sessions.js";

const sessions = newSessions();
const { overtake, race } = sessions;

describe("unwind_start holds its VMM and no instance, and", () => {
  it("begin_start does not wait for it: until it commits, the instance is already_started", async () => {
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

  it("a report waits for it and is terminal, however new", async () => {
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

  it("begin_migration from that VMM waits for it and is not_running", async () => {
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

  it("commit_update of a plan that unlinks its failed VMM waits for it, still applies, and the instance never fails", async () => {
    const s = await saying(sessions.sql, "failed");
    const commit = await updating(sessions.sql, s);
    expect(await race((sql) => unwindStart(sql, s.start), commit)).toMatchObject({
      first: { outcome: "applied", state: "saga_unwound" },
      second: { outcome: "applied", state: "no_vmm", apiState: "stopped" },
      waited: "vmm",
    });
  });

  it("commit_update of a plan that keeps its live VMM waits for it and is plan_changed", async () => {
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
