import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  beginUpdate,
  deleteVmm,
  explainUpdate,
  reportVmm,
  type ReportVmmArguments,
  runUpdate,
  settle,
  type SettleArguments,
  unwindStart,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  expectInvalid,
  instance,
  migrating,
  running,
  saying,
  starting,
  unknown,
  update,
  vmm,
  writingNothing,
} from "../scenario.js";

const { sql } = withDatabase();
const NONE = { updateOutcome: null, updateReason: null, deleteOutcome: null, deleteReason: null };

type Named = Pick<SettleArguments, "instanceId" | "propolisId">;

const ended = ({ instanceId, propolisId }: Named, more: Partial<SettleArguments> = {}): SettleArguments => ({
  ...{ instanceId, propolisId, sagaId: randomUUID(), state: "destroyed", generation: 9, time: new Date() },
  ...more,
});

const reportOf = ({
  instanceId,
  propolisId,
  state,
  generation,
  time,
}: SettleArguments): ReportVmmArguments => ({
  ...{ instanceId, propolisId, state, generation, time },
});

describe("applied", () => {
  test.each([
    ["destroyed", "no_vmm", "stopped"],
    ["failed", "failed", "failed"],
  ] as const)("a VMM that is %s: reported, unlinked and deleted", async (state, stored, shown) => {
    const s = await running(sql);
    expect(await settle(sql, ended(s, { state }))).toMatchObject({
      ...{ vmmOutcome: "applied", vmmState: state, vmmStateGeneration: 9 },
      ...{ updateOutcome: "applied", updateReason: null, deleteOutcome: "applied", deleteReason: null },
      ...{ instanceId: s.instanceId, state: stored, apiState: shown, activePropolisId: null },
      ...{ network: "delete", terminatePropolisIds: [], unlinkedPropolisIds: [s.propolisId] },
    });
    expect(await vmm(sql, s.propolisId)).toMatchObject({ time_deleted: expect.any(String) as unknown });
    expect(await explainUpdate(sql, s)).toMatchObject({ outcome: "unchanged" });
  });

  test("answers and writes what report_vmm, run_update and delete_vmm do one after the other", async () => {
    const [one, other] = [await running(sql), await running(sql)];
    const a = ended(one);
    const b = ended(other);
    const settled = await settle(sql, a);
    const report = await reportVmm(sql, reportOf(b));
    const updated = await runUpdate(sql, b);
    const deleted = await deleteVmm(sql, b);
    expect(settled.vmmOutcome).toBe(report.vmmOutcome);
    expect([settled.updateOutcome, settled.deleteOutcome]).toEqual([updated.outcome, deleted.outcome]);
    expect([settled.newState, settled.newIntendedState]).toEqual([
      updated.newState,
      updated.newIntendedState,
    ]);
    expect(settled.apiState).toBe(updated.apiState);
  });

  test("delete false: the VMM stays", async () => {
    const s = await running(sql);
    expect(await settle(sql, ended(s, { delete: false }))).toMatchObject({
      ...{ updateOutcome: "applied", deleteOutcome: null, deleteReason: null },
    });
    expect(await vmm(sql, s.propolisId)).toMatchObject({ time_deleted: null });
  });

  test("a report that is not terminal is a report alone", async () => {
    const s = await running(sql);
    const before = await instance(sql, s);
    expect(await settle(sql, ended(s, { state: "stopping" }))).toMatchObject({
      ...{ vmmOutcome: "applied", vmmState: "stopping", instanceId: null, ...NONE },
    });
    expect(await instance(sql, s)).toEqual(before);
  });
});

test("stale: nothing is written, the instance keeps its VMM", async () => {
  const s = await running(sql);
  const answer = await writingNothing(sql, () => settle(sql, ended(s, { generation: 1 })));
  expect(answer).toMatchObject({ vmmOutcome: "stale", vmmState: "running", instanceId: null, ...NONE });
});

describe("terminal", () => {
  test("a VMM that ended before is updated and deleted", async () => {
    const s = await saying(sql, "destroyed");
    expect(await settle(sql, ended(s))).toMatchObject({
      ...{ vmmOutcome: "terminal", updateOutcome: "applied", deleteOutcome: "applied" },
    });
  });

  test("a replay finds nothing to update or to delete", async () => {
    const s = await running(sql);
    const a = ended(s);
    await settle(sql, { ...a, delete: false });
    expect(await writingNothing(sql, () => settle(sql, { ...a, delete: false }))).toMatchObject({
      ...{ vmmOutcome: "terminal", updateOutcome: "unchanged", deleteOutcome: null },
    });
    await settle(sql, a);
    expect(await writingNothing(sql, () => settle(sql, a))).toMatchObject({
      ...{ vmmOutcome: "gone", updateOutcome: "unchanged", deleteOutcome: "unchanged" },
    });
  });

  test("a report of an unwound VMM that is not terminal settles nothing", async () => {
    const s = await starting(sql);
    await applied(unwindStart(sql, s.start));
    expect(await writingNothing(sql, () => settle(sql, ended(s, { state: "running" })))).toMatchObject({
      ...{ vmmOutcome: "terminal", vmmState: "saga_unwound", ...NONE },
    });
  });
});

describe("conflict", () => {
  test("locked: the report is recorded, the update and the deletion wait", async () => {
    const s = await running(sql);
    await reportVmm(sql, reportOf(ended(s, { generation: 8 })));
    await applied(beginUpdate(sql, { instanceId: s.instanceId, sagaId: randomUUID(), lease: "1 hour" }));
    expect(await settle(sql, ended(s))).toMatchObject({
      ...{ vmmOutcome: "terminal", updateOutcome: "conflict", updateReason: "locked" },
      ...{ deleteOutcome: "conflict", deleteReason: "linked" },
    });
  });

  test("linked: a migration whose destination decides keeps the source", async () => {
    const s = await migrating(sql);
    expect(await settle(sql, ended(s))).toMatchObject({
      ...{
        vmmOutcome: "applied",
        updateOutcome: "unchanged",
        deleteOutcome: "conflict",
        deleteReason: "linked",
      },
    });
    expect(await instance(sql, s)).toMatchObject({ active_propolis_id: s.propolisId });
  });

  test("a failed destination is unlinked and deleted, the source stays", async () => {
    const s = await migrating(sql);
    const destination = { instanceId: s.instanceId, propolisId: s.destinationId };
    expect(await settle(sql, ended(destination, { state: "failed" }))).toMatchObject({
      ...{ updateOutcome: "applied", deleteOutcome: "applied", activePropolisId: s.propolisId },
      ...{ destinationPropolisId: null, migrationId: null, network: "keep" },
    });
  });
});

test("gone: of a deleted instance, the VMM is deleted", async () => {
  const s = await saying(sql, "destroyed");
  await update(sql, s);
  await sql`select vmstate.delete_instance(${s.instanceId})`;
  expect(await settle(sql, ended(s))).toMatchObject({
    ...{ vmmOutcome: "terminal", updateOutcome: "gone", deleteOutcome: "applied" },
  });
});

test("not_found: no such instance, or no such VMM of the instance", async () => {
  const [s, other] = [await running(sql), await running(sql)];
  for (const named of [
    { ...unknown(), propolisId: s.propolisId },
    { instanceId: s.instanceId, propolisId: other.propolisId },
    { instanceId: s.instanceId, propolisId: randomUUID() },
  ])
    expect(await writingNothing(sql, () => settle(sql, ended(named)))).toMatchObject({
      ...{ vmmOutcome: "not_found", vmmState: null, instanceId: null, ...NONE },
    });
});

test.each([
  ["p_saga_id", null, /must not be null/],
  ["p_instance_id", null, /must not be null/],
  ["p_propolis_id", null, /must not be null/],
  ["p_state", null, /must not be null/],
  ["p_generation", null, /must not be null/],
  ["p_generation", 0, /from 1 to 2\^53-1, not 0/],
  ["p_time", "1969-12-31T00:00:00Z", /within the years 1970 to 9999/],
] as const)("VM001: %s is %s", async (argument, value, detail) => {
  const s = await running(sql);
  const given = {
    ...{ p_instance_id: s.instanceId, p_propolis_id: s.propolisId, p_saga_id: randomUUID() },
    ...{ p_state: "destroyed", p_generation: 9, p_time: "2024-01-01T00:00:00Z" },
  };
  await expectInvalid(sql, "settle", { ...given, [argument]: value }, argument, detail);
});
