import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  beginMigration,
  deleteVmm,
  failVmm,
  reportVmm,
  type ReportVmmArguments,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  anotherMigration,
  applied,
  clock,
  isSince,
  migrated,
  migrating,
  migration,
  say,
  update,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";
import { reportOf, time } from "./report.js";

const { sql } = withDatabase();

describe("the parts of a report are judged separately", () => {
  type Side = Pick<ReportVmmArguments, "migrationInId" | "migrationOutId">;
  interface Arranged extends Scenario {
    reporter: string;
    sides: Side;
    /** The generation that the reporter gives for the side. */
    generation: number;
  }

  /** Both VMMs and both sides at generation 2 or more: the destination migrating, the source running. */
  async function underWay(): Promise<Scenario> {
    const s = await migrating(sql);
    await say(sql, s, "destination", "migrating", "in_progress");
    await say(sql, s, "active", "running", "in_progress");
    return s;
  }

  const into = (s: Scenario, generation: number, reporter = s.destinationId): Arranged => ({
    ...s,
    reporter,
    sides: { migrationInId: s.migrationId },
    generation,
  });
  const outOf = (s: Scenario, generation: number, reporter = s.propolisId): Arranged => ({
    ...s,
    reporter,
    sides: { migrationOutId: s.migrationId },
    generation,
  });

  const parts: [string, string, () => Promise<Arranged>][] = [
    ["applied", "in, newer", async () => into(await underWay(), 3)],
    ["stale", "in, the same again", async () => into(await underWay(), 2)],
    ["stale", "in, older", async () => into(await underWay(), 1)],
    ["terminal", "in, newer than its end", async () => into(await ended("destination"), 4)],
    ["stale", "in, its end again", async () => into(await ended("destination"), 3)],
    ["wrong_side", "in, reported by the source", () => reportedBy(into, "propolisId")],
    [
      "not_found",
      "in, unknown",
      async () => ({ ...into(await underWay(), 3), sides: { migrationInId: randomUUID() } }),
    ],
    [
      "not_found",
      "in, another instance's",
      async () => ({
        ...into(await underWay(), 3),
        sides: { migrationInId: (await underWay()).migrationId },
      }),
    ],
    ["gone", "in, deleted with the source VMM", async () => into(await withoutSource(), 9)],
    ["applied", "out, newer", async () => outOf(await underWay(), 3)],
    ["stale", "out, the same again", async () => outOf(await underWay(), 2)],
    ["stale", "out, older", async () => outOf(await underWay(), 1)],
    ["terminal", "out, newer than its end", async () => outOf(await ended("active"), 4)],
    ["stale", "out, its end again", async () => outOf(await ended("active"), 3)],
    ["wrong_side", "out, reported by the destination", () => reportedBy(outOf, "destinationId")],
    [
      "not_found",
      "out, unknown",
      async () => ({ ...outOf(await underWay(), 3), sides: { migrationOutId: randomUUID() } }),
    ],
    [
      "not_found",
      "out, another instance's",
      async () => ({
        ...outOf(await underWay(), 3),
        sides: { migrationOutId: (await underWay()).migrationId },
      }),
    ],
    ["gone", "out, deleted with the destination VMM", async () => outOf(await withoutDestination(), 9)],
  ];

  describe.each(["applied", "stale", "terminal"] as const)("the VMM's outcome is %s", (vmmOutcome) => {
    test.each(parts)("the migration's outcome is %s: %s", async (outcome, _, arrange) => {
      const s = await arrange();
      const propolisId = s.reporter;
      if (vmmOutcome === "terminal") {
        await applied(failVmm(sql, { instanceId: s.instanceId, propolisId, reason: "operator" }));
      }
      const vmmBefore = await vmm(sql, propolisId);
      const migrationBefore = await migration(sql, s.migrationId);
      const begin = await clock(sql);
      const generation = Number(vmmBefore["state_generation"]) + (vmmOutcome === "applied" ? 1 : 0);

      const report: ReportVmmArguments = { ...reportOf(s, "rebooting", generation), propolisId, ...s.sides };
      if (s.sides.migrationInId !== undefined) {
        Object.assign(report, {
          migrationInState: "in_progress",
          migrationInGeneration: s.generation,
          migrationInTime: time,
        });
      } else {
        Object.assign(report, {
          migrationOutState: "in_progress",
          migrationOutGeneration: s.generation,
          migrationOutTime: time,
        });
      }
      const isIn = s.sides.migrationInId !== undefined;
      const vmmApplied = vmmOutcome === "applied";
      expect(await reportVmm(sql, report)).toEqual({
        vmmOutcome,
        migrationInOutcome: isIn ? outcome : null,
        migrationOutOutcome: isIn ? null : outcome,
        updateNeeded: false,
        state: vmmApplied ? "rebooting" : vmmBefore["state"],
        stateGeneration: generation,
      });

      const vmmAfter = await vmm(sql, propolisId);
      if (vmmApplied) expect(vmmAfter).toMatchObject({ state: "rebooting", state_generation: generation });
      else expect(vmmAfter).toEqual(vmmBefore);

      const side = isIn ? "destination" : "source";
      const written = {
        [`${side}_state`]: "in_progress",
        [`${side}_generation`]: s.generation,
        [`time_${side}_updated`]: "2024-02-29T12:34:56.789+00:00",
        time_reported: expect.any(String) as unknown,
      };
      expect(await migration(sql, s.migrationId)).toEqual(
        outcome === "applied" ? { ...migrationBefore, ...written } : migrationBefore,
      );
      const { time_reported } = await migration(sql, s.migrationId);
      expect(await isSince(sql, begin, time_reported)).toBe(outcome === "applied");
    });
  });

  test("an unknown VMM is not_found, and the migration is wrong_side", async () => {
    const s = await underWay();
    const report: ReportVmmArguments = {
      ...reportOf(s, "running", 9),
      propolisId: randomUUID(),
      migrationInId: s.migrationId,
      migrationInState: "completed",
      migrationInGeneration: 9,
      migrationInTime: time,
      migrationOutId: randomUUID(),
      migrationOutState: "completed",
      migrationOutGeneration: 9,
      migrationOutTime: time,
    };
    expect(await writingNothing(sql, () => reportVmm(sql, report))).toEqual({
      vmmOutcome: "not_found",
      migrationInOutcome: "wrong_side",
      migrationOutOutcome: "not_found",
      updateNeeded: false,
      state: null,
      stateGeneration: null,
    });
  });

  test("a deleted VMM is gone and its own migration gone; another migration is wrong_side", async () => {
    const s = await withoutDestination();
    const onward = anotherMigration(s);
    await applied(beginMigration(sql, onward));
    const report: ReportVmmArguments = {
      ...reportOf(s, "running", 9),
      propolisId: s.destinationId,
      migrationInId: s.migrationId,
      migrationInState: "completed",
      migrationInGeneration: 9,
      migrationInTime: time,
      migrationOutId: onward.migrationId,
      migrationOutState: "completed",
      migrationOutGeneration: 9,
      migrationOutTime: time,
    };
    expect(await writingNothing(sql, () => reportVmm(sql, report))).toMatchObject({
      vmmOutcome: "gone",
      migrationInOutcome: "gone",
      migrationOutOutcome: "wrong_side",
      updateNeeded: false,
    });
  });

  test("a VMM reports the migration that it came by and the one that it leaves by", async () => {
    const s = await migrated(sql);
    const onward = { ...anotherMigration(s), sourcePropolisId: s.destinationId };
    await applied(beginMigration(sql, onward));
    const report: ReportVmmArguments = {
      ...reportOf(s, "running", 9),
      propolisId: s.destinationId,
      migrationInId: s.migrationId,
      migrationInState: "completed",
      migrationInGeneration: 9,
      migrationInTime: time,
      migrationOutId: onward.migrationId,
      migrationOutState: "in_progress",
      migrationOutGeneration: 2,
      migrationOutTime: time,
    };
    expect(await reportVmm(sql, report)).toEqual({
      vmmOutcome: "applied",
      migrationInOutcome: "terminal",
      migrationOutOutcome: "applied",
      updateNeeded: false,
      state: "running",
      stateGeneration: 9,
    });
  });

  async function reportedBy(part: typeof into, who: "propolisId" | "destinationId"): Promise<Arranged> {
    const s = await underWay();
    return part(s, 3, s[who]);
  }

  /** The side of this VMM failed at generation 3; no update has run since. */
  async function ended(who: "active" | "destination"): Promise<Scenario> {
    const s = await underWay();
    await say(sql, s, who, "running", "failed");
    return s;
  }

  /** Migrated, the source VMM deleted, and with it the migration. */
  async function withoutSource(): Promise<Scenario> {
    const s = await migrated(sql);
    await say(sql, s, "active", "destroyed");
    await applied(deleteVmm(sql, s));
    return s;
  }

  /** The migration failed, the destination VMM deleted, and with it the migration. */
  async function withoutDestination(): Promise<Scenario> {
    const s = await migrating(sql);
    await say(sql, s, "destination", "destroyed", "failed");
    await update(sql, s);
    await applied(deleteVmm(sql, { ...s, propolisId: s.destinationId }));
    return s;
  }
});
