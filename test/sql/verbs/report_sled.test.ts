import { createHash, randomUUID } from "node:crypto";
import type postgres from "postgres";
import { describe, expect, test } from "vitest";
import {
  deleteVmm,
  failVmm,
  reportSled,
  reportVmms,
  sledDigest,
  unwindStart,
  type SledVmm,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  call,
  clock,
  expectInvalid,
  isSince,
  say,
  update,
  vmm,
  writingNothing,
  type Scenario,
} from "../scenario.js";
import { reportVmmsOf, sayingOn, sledHeardAgo, sledRow, sledWith, startingOn } from "../sleds.js";

const db = withDatabase();
const { sql } = db;

const LIVING = ["starting", "running", "stopping", "stopped", "rebooting", "migrating"] as const;

describe("applied: the sled has the VMMs of the database", () => {
  test("in all states of a living VMM, whatever their order; no VMM is written", async () => {
    const { sledId, vmms } = await sledWith(sql, ...LIVING, "running");
    for (const listed of [vmms, vmms.toReversed()]) {
      const begin = await clock(sql);
      const answer = await writingNothing(sql, () => reportVmmsOf(sql, sledId, listed));
      expect(answer).toMatchObject({ outcome: "applied", reason: null, sledId, vmmCount: 7 });
      expect(answer.timeAgreed).toEqual(answer.timeReported);
      const row = await sledRow(sql, sledId);
      expect(row).toMatchObject({ sled_id: sledId, vmm_count: 7, time_agreed: row?.["time_reported"] });
      expect(await isSince(sql, begin, row?.["time_reported"])).toBe(true);
    }
  });

  test("none, by the SHA-256 of nothing", async () => {
    const digest = createHash("sha256").digest("hex");
    const sledId = randomUUID();
    expect(await reportSled(sql, { sledId, vmmCount: 0, digest })).toMatchObject({
      outcome: "applied",
      vmmCount: 0,
    });
  });

  test("with hexadecimal digits in upper case", async () => {
    const { sledId, vmms } = await sledWith(sql, "running");
    const { vmmCount, digest } = await sledDigest(vmms);
    expect(digest.toUpperCase()).not.toBe(digest);
    expect(await reportSled(sql, { sledId, vmmCount, digest: digest.toUpperCase() })).toMatchObject({
      outcome: "applied",
    });
  });

  const leftOut: [string, (sledId: string) => Promise<unknown>][] = [
    ["that is creating", (sledId) => startingOn(sql, sledId)],
    ["that is failed", (sledId) => sayingOn(sql, sledId, "failed")],
    ["that is destroyed", (sledId) => sayingOn(sql, sledId, "destroyed")],
    [
      "that the control plane declared dead",
      async (sledId) => {
        const s = await sayingOn(sql, sledId, "running");
        await applied(failVmm(sql, { ...s, reason: "operator" }));
      },
    ],
    [
      "whose saga unwound",
      async (sledId) => {
        const s = await sayingOn(sql, sledId, "running");
        await applied(unwindStart(sql, s.start));
      },
    ],
    [
      "that is deleted",
      async (sledId) => {
        const s = await sayingOn(sql, sledId, "destroyed");
        await update(sql, s);
        await applied(deleteVmm(sql, s));
      },
    ],
    ["of another sled", () => sayingOn(sql, randomUUID(), "running")],
  ];
  test.each(leftOut)("without a VMM %s", async (_, make) => {
    const { sledId, vmms } = await sledWith(sql, "running", "rebooting");
    await make(sledId);
    expect(await reportVmmsOf(sql, sledId, vmms)).toMatchObject({ outcome: "applied", vmmCount: 2 });
  });
});

describe("conflict/differs: the sled is recorded as alive, and its VMMs are not heard", () => {
  const differing: [string, (vmms: SledVmm[]) => SledVmm[]][] = [
    ["lacks a VMM", (vmms) => vmms.slice(1)],
    ["has none of the VMMs", () => []],
    ["has one VMM more", (vmms) => [...vmms, { propolisId: randomUUID(), state: "running" }]],
    ["has another VMM", ([, ...rest]) => [...rest, { propolisId: randomUUID(), state: "running" }]],
    [
      "has a VMM in another state",
      ([first, ...rest]) => [...rest, { propolisId: String(first?.propolisId), state: "stopping" }],
    ],
    [
      "has a dead VMM, which the database has as running",
      ([first, ...rest]) => [...rest, { propolisId: String(first?.propolisId), state: "destroyed" }],
    ],
    [
      "has the states of two VMMs exchanged",
      ([one, two]) => [
        { propolisId: String(one?.propolisId), state: "rebooting" },
        { propolisId: String(two?.propolisId), state: "running" },
      ],
    ],
  ];
  test.each(differing)("%s", async (_, say) => {
    const { sledId, vmms } = await sledWith(sql, "running", "rebooting");
    const { timeAgreed } = await applied(reportVmmsOf(sql, sledId, vmms));
    await sledHeardAgo(sql, sledId, "1 hour");
    const agreed = (await sledRow(sql, sledId))?.["time_agreed"];
    const begin = await clock(sql);
    const said = say(vmms);
    const answer = await writingNothing(sql, () => reportVmmsOf(sql, sledId, said));
    expect(answer).toMatchObject({ outcome: "conflict", reason: "differs", sledId, vmmCount: 2 });
    expect(Number(answer.timeAgreed)).toBeLessThan(Number(timeAgreed));
    const row = await sledRow(sql, sledId);
    const { vmmCount } = await sledDigest(said);
    expect(row).toMatchObject({ time_agreed: agreed, vmm_count: vmmCount });
    expect(await isSince(sql, begin, row?.["time_reported"])).toBe(true);
  });

  test("the digest is right, and the number of VMMs is not", async () => {
    const { sledId, vmms } = await sledWith(sql, "running");
    const { digest } = await sledDigest(vmms);
    for (const vmmCount of [0, 2])
      expect(await reportSled(sql, { sledId, vmmCount, digest })).toMatchObject({
        outcome: "conflict",
        reason: "differs",
        vmmCount: 1,
      });
  });

  test("time_agreed is null if the sled never agreed", async () => {
    const { sledId } = await sledWith(sql, "running");
    expect(await reportVmmsOf(sql, sledId, [])).toMatchObject({ reason: "differs", timeAgreed: null });
    expect(await reportVmmsOf(sql, sledId, [])).toMatchObject({ reason: "differs", timeAgreed: null });
    expect(await sledRow(sql, sledId)).toMatchObject({ time_agreed: null, vmm_count: 0 });
  });

  const repaired: [string, (s: Scenario) => Promise<unknown>, SledVmm["state"]][] = [
    ["a VMM that is creating for the database has started", () => Promise.resolve(), "starting"],
    ["the report of a reboot was lost", (s) => say(sql, s, "active", "running"), "rebooting"],
    ["the report of an end was lost", (s) => say(sql, s, "active", "running"), "destroyed"],
  ];
  test.each(repaired)("until a batch is sent: %s", async (_, before, state) => {
    const sledId = randomUUID();
    const s = await startingOn(sql, sledId);
    await before(s);
    const { instanceId, propolisId } = s;
    const vmms = [{ propolisId, state }];
    expect(await reportVmmsOf(sql, sledId, vmms)).toMatchObject({ reason: "differs" });
    const report = { instanceId, propolisId, state, generation: 7, time: new Date() };
    expect(await reportVmms(sql, [report])).toMatchObject([{ vmmOutcome: "applied" }]);
    expect(await reportVmmsOf(sql, sledId, vmms)).toMatchObject({ outcome: "applied" });
  });

  test("until the agent leaves out a VMM whose report was answered terminal", async () => {
    const { sledId, s, vmms } = await sledWith(sql, "running", "running");
    await applied(failVmm(sql, { ...s, reason: "operator" }));
    expect(await reportVmmsOf(sql, sledId, vmms)).toMatchObject({ reason: "differs", vmmCount: 1 });
    expect(await say(sql, s, "active", "running")).toMatchObject({ vmmOutcome: "terminal" });
    expect(await reportVmmsOf(sql, sledId, vmms.slice(1))).toMatchObject({ outcome: "applied" });
  });
});

test("no generation rises, and the next report of a VMM is judged by the generation that the VMM has", async () => {
  const { sledId, s, vmms } = await sledWith(sql, "running");
  await applied(reportVmmsOf(sql, sledId, vmms));
  expect(await vmm(sql, s.propolisId)).toMatchObject({ state_generation: 2 });
  expect(await say(sql, s, "active", "rebooting")).toMatchObject({ vmmOutcome: "applied" });
  expect(await reportVmmsOf(sql, sledId, vmms)).toMatchObject({ reason: "differs" });
});

test("a page has room for a HOT update of each of its sleds, while an old snapshot needs their former versions", async () => {
  const one = db.connect({ max: 1 });
  const sledIds = Array.from({ length: 200 }, () => randomUUID());
  for (const sledId of sledIds) await applied(reportVmmsOf(one, sledId, []));
  const before = await updatesOf(one);
  const reader = await sql.reserve();
  await reader`begin isolation level repeatable read`;
  await reader`select 1`;
  for (const sledId of sledIds) await applied(reportVmmsOf(one, sledId, []));
  await reader`commit`;
  reader.release();
  const after = await updatesOf(one);
  // The sessions of the tests before count some of their updates only now.
  expect(after.all - before.all).toBeGreaterThanOrEqual(200);
  // The rows of the tests before may have used up the room in the first page.
  expect(after.hot - before.hot).toBeGreaterThan(150);
});

/** How often rows of sleds were updated, and how often with HOT, this session included. */
async function updatesOf(one: postgres.Sql): Promise<{ all: number; hot: number }> {
  await one`select pg_stat_force_next_flush()`;
  const [counted] = await one<[{ all: number; hot: number }]>`
    select n_tup_upd::integer as all, n_tup_hot_upd::integer as hot
      from pg_stat_user_tables where relname = 'sled_report'`;
  return counted;
}

const DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const VALID = { p_sled_id: "00000000-0000-4000-8000-000000000005", p_vmm_count: 0, p_digest: DIGEST };

test.each([
  ["p_sled_id", null, /null/],
  ["p_vmm_count", null, /null/],
  ["p_digest", null, /null/],
  ["p_vmm_count", -1, /at least 0, not -1/],
  ["p_digest", "", /64 hexadecimal digits/],
  ["p_digest", DIGEST.slice(1), /64 hexadecimal digits/],
  ["p_digest", `${DIGEST}0`, /64 hexadecimal digits/],
  ["p_digest", `${DIGEST}\n`, /64 hexadecimal digits/],
  ["p_digest", DIGEST.replace("e", "g"), /64 hexadecimal digits/],
  ["p_digest", DIGEST.replace("e", "é"), /64 hexadecimal digits/],
] as const)("VM001 for %s %j", async (argument, value, detail) => {
  expect(await call(sql, "report_sled", VALID)).toMatchObject([{ outcome: "applied" }]);
  const before = await sledRow(sql, VALID.p_sled_id);
  await expectInvalid(sql, "report_sled", { ...VALID, [argument]: value }, argument, detail);
  expect(await sledRow(sql, VALID.p_sled_id)).toEqual(before);
});
