import { describe, expect, it } from "vitest";
import { unwindStart } from "../../../src/index.js";
import { instance, running, starting } from "../scenario.js";
import { failedMigration, failing, reporting, updating } from "./calls.js";
import { newSessions } from "./sessions.js";

const sessions = newSessions();
const { race } = sessions;

describe("report_vmm holds the VMM and no instance:", () => {
  it.each([
    ["an older one is stale", "running", 5, 4, { vmmOutcome: "stale", state: "running", stateGeneration: 5 }],
    ["a replay is stale", "running", 5, 5, { vmmOutcome: "stale", state: "running", stateGeneration: 5 }],
    [
      "a newer one applies",
      "running",
      5,
      6,
      { vmmOutcome: "applied", state: "stopping", stateGeneration: 6 },
    ],
    [
      "an older one of a dead VMM is terminal",
      "destroyed",
      5,
      4,
      { vmmOutcome: "terminal", stateGeneration: 5 },
    ],
    ["a newer one of a dead VMM is terminal", "failed", 5, 6, { vmmOutcome: "terminal", stateGeneration: 5 }],
  ] as const)("another report waits: %s", async (_, state, first, second, expected) => {
    const s = await starting(sessions.sql);
    expect(await race(reporting(s, state, first), reporting(s, "stopping", second))).toMatchObject({
      first: { vmmOutcome: "applied" },
      second: expected,
      waited: "vmm",
    });
  });

  it("unwind_start waits, then unwinds from the reported generation", async () => {
    const s = await starting(sessions.sql);
    expect(await race(reporting(s, "running", 7), (sql) => unwindStart(sql, s.start))).toMatchObject({
      second: { outcome: "applied", state: "saga_unwound", stateGeneration: 8 },
      waited: "vmm",
    });
  });

  it.each([
    [
      "fails it from the reported generation",
      "running",
      undefined,
      { outcome: "applied", stateGeneration: 8 },
    ],
    [
      "is stale_generation if it expected the generation before the report",
      "running",
      2,
      { outcome: "conflict", reason: "stale_generation", state: "running", stateGeneration: 7 },
    ],
    ["is terminal if the report was destroyed", "destroyed", 2, { outcome: "terminal", state: "destroyed" }],
  ] as const)("fail_vmm waits, then %s", async (_, state, expected, second) => {
    const s = await running(sessions.sql);
    expect(await race(reporting(s, state, 7), failing(s, expected))).toMatchObject({ second, waited: "vmm" });
  });

  it("a report waits for fail_vmm, then is terminal", async () => {
    const s = await running(sessions.sql);
    expect(await race(failing(s), reporting(s, "running", 7))).toMatchObject({
      first: { outcome: "applied", updateNeeded: true },
      second: { vmmOutcome: "terminal", updateNeeded: false, state: "failed", stateGeneration: 3 },
      waited: "vmm",
    });
  });

  it.each([
    ["the active VMM", "propolisId"],
    ["the VMM to terminate", "destinationId"],
  ] as const)(
    "commit_update waits, then is plan_changed and writes nothing: the report ended %s",
    async (_, who) => {
      const s = await failedMigration(sessions.sql);
      const commit = await updating(sessions.sql, s);
      const before = await instance(sessions.sql, s);
      expect(await race(reporting(s, "destroyed", 9, s[who]), commit)).toMatchObject({
        first: { vmmOutcome: "applied", updateNeeded: true },
        second: { outcome: "conflict", reason: "plan_changed" },
        waited: "vmm",
      });
      expect(await instance(sessions.sql, s)).toEqual(before);
    },
  );
});
