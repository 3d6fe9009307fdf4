import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  deleteVmm,
  failSled,
  failVmm,
  silentSleds,
  unwindStart,
  type ReportedVmmState,
  type SilentSledRow,
} from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { applied, say, update, vmm, type Scenario } from "../scenario.js";
import {
  reportVmmsOf,
  sayingOn,
  sledHeardAgo,
  sledRow,
  type SledScenario,
  sledWith,
  startingOn,
  vmmHeardAgo,
} from "../sleds.js";

const { sql } = withDatabase();

async function rowOf(sledId: string): Promise<SilentSledRow | undefined> {
  return (await silentSleds(sql)).find((row) => row.sledId === sledId);
}

/** A sled with VMMs in these states, of which no report was accepted for so long. */
async function unheardSled(
  ago: string,
  ...states: readonly [ReportedVmmState, ...ReportedVmmState[]]
): Promise<SledScenario> {
  const sled = await sledWith(sql, ...states);
  for (const { propolisId } of sled.scenarios) await vmmHeardAgo(sql, propolisId, ago);
  return sled;
}

describe("silent_sled", () => {
  test("has the threshold of silent_after: 1 minute", async () => {
    expect(await sql`select vmstate.silent_after()::text`).toEqual([{ silent_after: "00:01:00" }]);
  });

  test.each(["starting", "running", "stopping", "stopped", "rebooting", "migrating"] as const)(
    "lists a sled whose VMM is %s and unheard for 61 seconds, but not for 50",
    async (state) => {
      const { sledId, s } = await unheardSled("50 seconds", state);
      const { propolisId } = s;
      expect(await rowOf(sledId)).toBeUndefined();
      await vmmHeardAgo(sql, propolisId, "61 seconds");
      const { time_reported } = await vmm(sql, propolisId);
      const timeLastHeard = new Date(String(time_reported));
      expect(await rowOf(sledId)).toEqual({
        ...{ sledId, vmmCount: 1, timeLastHeard },
        since: new Date(timeLastHeard.getTime() + 60_000),
      });
    },
  );

  test("counts the living VMMs, and shows when the last of them was heard", async () => {
    const { sledId, scenarios } = await unheardSled("1 hour", "running", "running", "rebooting");
    const [one, two, three] = scenarios as [Scenario, Scenario, Scenario];
    await vmmHeardAgo(sql, two.propolisId, "2 minutes");
    await applied(failVmm(sql, { ...three, reason: "operator" }));
    await startingOn(sql, sledId);
    const { time_reported } = await vmm(sql, two.propolisId);
    expect(await rowOf(sledId)).toMatchObject({
      vmmCount: 2,
      timeLastHeard: new Date(String(time_reported)),
    });
    await say(sql, one, "active", "running");
    expect(await rowOf(sledId)).toBeUndefined();
  });

  test("does not list a sled that report_sled has heard, whether or not it agreed", async () => {
    const { sledId, vmms } = await unheardSled("1 hour", "running");
    expect(await reportVmmsOf(sql, sledId, [])).toMatchObject({ reason: "differs" });
    expect(await rowOf(sledId)).toBeUndefined();
    await sledHeardAgo(sql, sledId, "50 seconds");
    expect(await rowOf(sledId)).toBeUndefined();
    await sledHeardAgo(sql, sledId, "61 seconds");
    const timeLastHeard = new Date(String((await sledRow(sql, sledId))?.["time_reported"]));
    expect(await rowOf(sledId)).toMatchObject({ vmmCount: 1, timeLastHeard });
    await applied(reportVmmsOf(sql, sledId, vmms));
    expect(await rowOf(sledId)).toBeUndefined();
  });

  test("takes the later of both: the report of a VMM after an old report of the sled", async () => {
    const { sledId, s, vmms } = await unheardSled("1 hour", "running");
    await applied(reportVmmsOf(sql, sledId, vmms));
    await sledHeardAgo(sql, sledId, "30 minutes");
    const { propolisId } = s;
    await vmmHeardAgo(sql, propolisId, "20 minutes");
    const { time_reported } = await vmm(sql, propolisId);
    expect((await rowOf(sledId))?.timeLastHeard).toEqual(new Date(String(time_reported)));
    await vmmHeardAgo(sql, propolisId, "50 seconds");
    expect(await rowOf(sledId)).toBeUndefined();
  });

  const without: [string, (s: Scenario) => Promise<unknown>][] = [
    ["failed by the control plane", (s) => applied(failVmm(sql, { ...s, reason: "operator" }))],
    ["unwound", (s) => applied(unwindStart(sql, s.start))],
    ["destroyed", (s) => say(sql, s, "active", "destroyed")],
    [
      "deleted",
      async (s) => {
        await say(sql, s, "active", "destroyed");
        await update(sql, s);
        await applied(deleteVmm(sql, s));
      },
    ],
  ];
  test.each(without)("does not list a sled whose only VMM is %s", async (_, end) => {
    const { sledId, s } = await unheardSled("1 hour", "running");
    expect(await rowOf(sledId)).toBeDefined();
    await end(s);
    await vmmHeardAgo(sql, s.propolisId, "1 hour");
    expect(await rowOf(sledId)).toBeUndefined();
  });

  test("does not list a sled whose only VMM is creating: the sled may not know of it yet", async () => {
    const sledId = randomUUID();
    const s = await startingOn(sql, sledId);
    await sql`update vmstate.vmm set time_state_updated = now() - interval '1 hour',
      state_generation = state_generation + 1 where id = ${s.propolisId}`;
    expect(await rowOf(sledId)).toBeUndefined();
  });

  test("does not list a sled without a VMM that reported long ago", async () => {
    const sledId = randomUUID();
    await applied(reportVmmsOf(sql, sledId, []));
    await sledHeardAgo(sql, sledId, "1 day");
    expect(await rowOf(sledId)).toBeUndefined();
  });

  test("does not list a sled any more when fail_sled has failed its VMMs", async () => {
    const { sledId } = await unheardSled("1 hour", "running", "running");
    expect(await failSled(sql, { sledId, reason: "sled_off" })).toHaveLength(2);
    expect(await rowOf(sledId)).toBeUndefined();
  });

  test("goes by the time of the state where a release without time_reported wrote the VMM", async () => {
    const sledId = randomUUID();
    const s = await sayingOn(sql, sledId, "running");
    await sql`update vmstate.vmm set time_reported = null, time_state_updated = now() - interval '1 hour',
      state_generation = state_generation + 1 where id = ${s.propolisId}`;
    const { time_state_updated } = await vmm(sql, s.propolisId);
    expect((await rowOf(sledId))?.timeLastHeard).toEqual(new Date(String(time_state_updated)));
  });

  test("is in the order of since, longest silent first, and takes a limit", async () => {
    const sleds: string[] = [];
    for (const ago of ["3 hours", "5 hours", "4 hours"])
      sleds.push((await unheardSled(ago, "running")).sledId);
    const [three, five, four] = sleds;
    const all = await silentSleds(sql);
    const own = all.filter(({ sledId }) => sleds.includes(sledId)).map(({ sledId }) => sledId);
    expect(own).toEqual([five, four, three]);
    expect(all.map(({ since }) => since)).toEqual(
      all.map(({ since }) => since).toSorted((a, b) => Number(a) - Number(b)),
    );
    expect(await silentSleds(sql, { limit: 2 })).toEqual(all.slice(0, 2));
  });
});
