import { describe, expect, test } from "vitest";
import { configureInstance, requestStop, restartableInstances } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  applied,
  creating,
  deleted,
  expireLease,
  failed,
  instance,
  running,
  saying,
  starting,
  stopped,
  unwound,
  update,
  type Scenario,
} from "../scenario.js";
import { ofInstance, lock } from "./arrange.js";

const { sql } = withDatabase();

describe("restartable_instance", () => {
  const listed: [string, () => Promise<Scenario>][] = [
    ["never started, with intent running", () => stopped(sql, { intendedState: "running" })],
    ["failed", () => failed(sql)],
    ["with an unwound VMM", () => unwound(sql)],
    ["with policy best_effort", () => failed(sql, { autoRestartPolicy: "best_effort" })],
    ["whose updater's lease expired", async () => unlocked(await lock(sql, await unwound(sql)))],
  ];
  test.each(listed)("lists an instance: %s", async (_, reach) => {
    const s = await reach();
    expect(await ofInstance(s, restartableInstances(sql))).toEqual([
      {
        instanceId: s.instanceId,
        apiState: s.row.apiState,
        stateGeneration: s.row.stateGeneration,
        timeLastAutoRestarted: null,
        since: expect.any(Date) as unknown,
        autoRestartAttempts: 0,
        timeNextAutoRestart: new Date(String((await instance(sql, s))["time_state_updated"])),
      },
    ]);
  });

  const notListed: [string, () => Promise<Scenario>][] = [
    ["creating", () => creating(sql, { intendedState: "running" })],
    ["meant to be stopped", () => stopped(sql, { intendedState: "stopped" })],
    ["starting", () => starting(sql)],
    ["running", () => running(sql)],
    ["whose VMM died, until the update saga unlinks it", () => saying(sql, "failed")],
    [
      "whose guest shut down",
      async () => {
        const s = await saying(sql, "destroyed");
        await update(sql, s);
        return s;
      },
    ],
    ["with policy never, failed", () => failed(sql, { autoRestartPolicy: "never" })],
    ["with policy never, unwound", () => unwound(sql, { autoRestartPolicy: "never" })],
    ["under an updater lock", async () => lock(sql, await unwound(sql))],
    [
      "that the user stopped, unwound",
      async () => {
        const s = await unwound(sql);
        await applied(requestStop(sql, s));
        return s;
      },
    ],
    ["deleted", () => deleted(sql, { intendedState: "running" })],
  ];
  test.each(notListed)("does not list an instance: %s", async (_, reach) => {
    expect(await ofInstance(await reach(), restartableInstances(sql))).toEqual([]);
  });

  test.each([
    [null, "4 minutes", false],
    [null, "6 minutes", true],
    ["1 hour", "59 minutes", false],
    ["1 hour", "61 minutes", true],
    ["0", "0", true],
  ])(
    "lists an instance with cooldown %s, restarted %s ago: %s",
    async (autoRestartCooldown, ago, isListed) => {
      const s = await failed(sql);
      await configureInstance(sql, { instanceId: s.instanceId, autoRestartCooldown });
      await restartedAgo(s, ago);
      expect(await ofInstance(s, restartableInstances(sql))).toHaveLength(isListed ? 1 : 0);
    },
  );

  test("lists other instances when one has a cooldown of 1000000 years", async () => {
    const s = await failed(sql);
    const endless = { instanceId: s.instanceId, autoRestartCooldown: "1000000 years" };
    await configureInstance(sql, endless).catch(() => undefined);
    await restartedAgo(s, "1 minute");
    const rows = await restartableInstances(sql).finally(() => configureInstance(sql, s));
    expect(rows.map(({ instanceId }) => instanceId)).not.toContain(s.instanceId);
  });

  async function restartedAgo(s: Scenario, ago: string): Promise<void> {
    await sql`update vmstate.instance set time_last_auto_restarted = clock_timestamp() - ${ago}::interval
      where id = ${s.instanceId}`;
  }

  async function unlocked(s: Scenario): Promise<Scenario> {
    await expireLease(sql, s);
    return s;
  }
});
