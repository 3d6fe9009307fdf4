import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  beginMigration,
  beginStart,
  deleteVmm,
  failSledVmms,
  pendingUpdates,
  type FailedVmm,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  clock,
  expectInvalid,
  isSince,
  migrated,
  migrating,
  migration,
  running,
  saying,
  stopped,
  unwound,
  update,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";
import { sayingOn } from "../sleds.js";

const { sql } = withDatabase();

/** Makes an instance whose VMM runs on this sled. */
const runningOn = (sledId: string): Promise<Scenario> => sayingOn(sql, sledId, "running");

/** Calls fail_sled_vmms for a sled that has lost these VMMs. */
const lost = (sledId: string, propolisIds: string[]): Promise<FailedVmm[]> =>
  failSledVmms(sql, { sledId, propolisIds, reason: "no_such_vmm" });

describe("applied", () => {
  test("fails the named VMMs of the sled and returns one row for each, ordered by id", async () => {
    const sledId = randomUUID();
    const [a, b, other] = [await runningOn(sledId), await runningOn(sledId), await runningOn(sledId)];
    const untouched = await vmm(sql, other.propolisId);
    const begin = await clock(sql);
    const rows = await lost(sledId, [a.propolisId, b.propolisId]);
    expect(rows).toEqual(
      [a, b]
        .map(({ instanceId, propolisId }) => ({
          outcome: "applied",
          reason: null,
          instanceId,
          propolisId,
          state: "failed",
          stateGeneration: 3,
          updateNeeded: true,
        }))
        .toSorted((x, y) => (x.propolisId < y.propolisId ? -1 : 1)),
    );
    const row = await vmm(sql, a.propolisId);
    expect(row).toMatchObject({ state: "failed", failure_reason: "no_such_vmm" });
    expect(await isSince(sql, begin, row["time_reported"])).toBe(true);
    expect(await vmm(sql, other.propolisId)).toEqual(untouched);
    const pending = (await pendingUpdates(sql)).map(({ instanceId }) => instanceId);
    expect(pending).toEqual(expect.arrayContaining([a.instanceId, b.instanceId]));
    expect(pending).not.toContain(other.instanceId);
  });

  test("fails a named VMM that is creating", async () => {
    const s = await stopped(sql);
    await applied(beginStart(sql, s.start));
    expect(await lost(s.start.sledId, [s.propolisId])).toMatchObject([{ stateGeneration: 2 }]);
  });

  test("fails an unlinked VMM, which needs no update", async () => {
    const s = await migrated(sql);
    expect(await lost(s.start.sledId, [s.propolisId])).toMatchObject([
      { propolisId: s.propolisId, updateNeeded: false },
    ]);
  });

  test("writes no side of a migration from the sled or to the sled", async () => {
    const [s, other] = [await migrating(sql), await running(sql)];
    await applied(beginMigration(sql, { ...other.migration, sledId: s.start.sledId }));
    const before = [await migration(sql, s.migrationId), await migration(sql, other.migrationId)];
    expect(await lost(s.start.sledId, [s.propolisId, other.destinationId])).toHaveLength(2);
    expect([await migration(sql, s.migrationId), await migration(sql, other.migrationId)]).toEqual(before);
  });

  test("fails a VMM that is named twice once", async () => {
    const s = await running(sql);
    expect(await lost(s.start.sledId, [s.propolisId, s.propolisId])).toHaveLength(1);
  });
});

describe("no row, and nothing written:", () => {
  const cases: [string, () => Promise<[sledId: string, propolisIds: string[]]>][] = [
    [
      "a second call",
      async () => {
        const s = await running(sql);
        await lost(s.start.sledId, [s.propolisId]);
        return [s.start.sledId, [s.propolisId]];
      },
    ],
    [
      "a VMM on another sled",
      async () => [(await running(sql)).start.sledId, [(await running(sql)).propolisId]],
    ],
    [
      "a VMM that is destroyed, or unwound",
      async () => {
        const s = await saying(sql, "destroyed");
        return [s.start.sledId, [s.propolisId, (await unwound(sql)).propolisId]];
      },
    ],
    [
      "an unwound VMM",
      async () => {
        const s = await unwound(sql);
        return [s.start.sledId, [s.propolisId]];
      },
    ],
    [
      "a deleted VMM",
      async () => {
        const s = await saying(sql, "failed");
        await update(sql, s);
        await applied(deleteVmm(sql, s));
        return [s.start.sledId, [s.propolisId]];
      },
    ],
    ["a VMM that does not exist", async () => [(await running(sql)).start.sledId, [randomUUID()]]],
    ["an empty list", async () => [(await running(sql)).start.sledId, []]],
  ];
  test.each(cases)("%s", async (_, arrange) => {
    const [sledId, propolisIds] = await arrange();
    expect(await writingNothing(sql, () => lost(sledId, propolisIds))).toEqual([]);
  });
});

test.each([
  ["p_sled_id", null, /null/],
  ["p_propolis_ids", null, /null/],
  ["p_propolis_ids", "{NULL}", /null/],
  ["p_reason", null, /null/],
])("VM001 for %s %j", async (argument, value, detail) => {
  const s = await running(sql);
  const valid = {
    p_sled_id: s.start.sledId,
    p_propolis_ids: `{${s.propolisId}}`,
    p_reason: "no_such_vmm",
  };
  await expectInvalid(sql, "fail_sled_vmms", { ...valid, [argument]: value }, argument, detail);
});
