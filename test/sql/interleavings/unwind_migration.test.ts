import { describe, expect, it } from "vitest";
import { unwindMigration } from "../../../src/index.js";
import { migrating } from "../scenario.js";
import { completing } from "./calls.js";
import { newSessions } from "./sessions.js";

const sessions = newSessions();
const { race } = sessions;

describe("unwind_migration holds the destination, then the migration:", () => {
  it("the destination's report of completed waits, then both its parts are terminal", async () => {
    const s = await migrating(sessions.sql);
    expect(await race((sql) => unwindMigration(sql, s.migration), completing(s, "in"))).toMatchObject({
      first: { outcome: "applied", state: "saga_unwound" },
      second: {
        vmmOutcome: "terminal",
        migrationInOutcome: "terminal",
        updateNeeded: false,
        state: "saga_unwound",
      },
      waited: "vmm",
    });
  });

  it("the source's report of completed waits for the migration, then its VMM part applies and its migration part is terminal", async () => {
    const s = await migrating(sessions.sql);
    expect(await race((sql) => unwindMigration(sql, s.migration), completing(s, "out"))).toMatchObject({
      second: { vmmOutcome: "applied", migrationOutOutcome: "terminal", updateNeeded: false },
      waited: "migration",
    });
  });

  it.each([
    ["the destination", "in", "vmm"],
    ["the source", "out", "migration"],
  ] as const)(
    "unwind_migration waits for %s's report of completed, then is handed_over",
    async (_, side, waited) => {
      const s = await migrating(sessions.sql);
      expect(await race(completing(s, side), (sql) => unwindMigration(sql, s.migration))).toMatchObject({
        first: { vmmOutcome: "applied", updateNeeded: true },
        second: { outcome: "conflict", reason: "handed_over" },
        waited,
      });
    },
  );
});
