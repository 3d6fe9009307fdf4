import { randomUUID } from "node:crypto";
import type postgres from "postgres";
import { beforeAll, expect, it } from "vitest";
import { beginStart, reportVmm, type ReportVmmArguments, reportVmms, settle } from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import { untilWaiting } from "../support/waiting.js";
import { applied, running, type Scenario, starting, stopped, vmm } from "./scenario.js";

// A row that another session inserts after a verb has looked for it, between two statements of the verb.

const PAUSE = 1;

const db = withDatabase();
beforeAll(async () => {
  await db.sql`
    create function pause() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock(${db.sql.unsafe(String(PAUSE))}); return null; end $$`;
  // The statement has its snapshot by then.
  await db.sql`
    create trigger pause before update on vmstate.vmm for each statement
      when (current_setting('test.pause', true) = 'on') execute function pause()`;
});

/** Acts in a session whose UPDATE of VMMs has its snapshot when the VMM of the scenario is inserted. */
async function beforeStart<A>(
  s: Scenario,
  act: (sql: postgres.ReservedSql) => Promise<A>,
  insert: (s: Scenario) => Promise<unknown> = ({ start }) => applied(beginStart(db.sql, start)),
): Promise<A> {
  const agent = await db.sql.reserve();
  const [{ pid }] = await agent<
    [{ pid: number }]
  >`select pg_backend_pid() as pid, set_config('test.pause', 'on', false)`;
  const pause = await db.sql.reserve();
  await pause`select pg_advisory_lock(${PAUSE})`;
  const [answer] = await Promise.all([
    act(agent),
    untilWaiting(db.sql, pid)
      .then(() => insert(s))
      .finally(() => pause`select pg_advisory_unlock(${PAUSE})`),
  ]);
  await agent`reset test.pause`;
  agent.release();
  pause.release();
  return answer;
}

const reportOf = ({ instanceId, propolisId }: Scenario): ReportVmmArguments => ({
  ...{ instanceId, propolisId, state: "running", generation: 2, time: new Date() },
});

// A report of running first looks for a VMM that runs already, and then for any.
it.each(["running", "rebooting"] as const)(
  "report_vmm of %s applies to a VMM that is inserted after its first snapshot",
  async (state) => {
    const s = await stopped(db.sql);
    const answer = await beforeStart(s, (agent) => reportVmm(agent, { ...reportOf(s), state }));
    expect(answer).toMatchObject({ vmmOutcome: "applied", state, stateGeneration: 2 });
  },
);

/** Inserts the VMM as the owner may, without a lock of the instance. */
const insertByHand = ({ instanceId, propolisId, start }: Scenario): Promise<unknown> =>
  db.sql`
    insert into vmstate.vmm (instance_id, id, saga_id, sled_id, propolis_ip, time_unlinked)
      values (${instanceId}, ${propolisId}, ${start.sagaId}, ${start.sledId}, ${start.propolisIp}, now())`;

it("settle applies to a VMM that somebody inserts by hand after its first snapshot", async () => {
  const s = await stopped(db.sql);
  const settling = { ...reportOf(s), state: "destroyed", sagaId: randomUUID() } as const;
  const answer = await beforeStart(s, (agent) => settle(agent, settling), insertByHand);
  expect(answer).toMatchObject({ vmmOutcome: "applied", deleteOutcome: "applied" });
});

it("not_found: a batch reports a VMM that is inserted after the batch was written", async () => {
  const [s, other] = [await stopped(db.sql), await running(db.sql)];
  const reports = [reportOf(s), { ...reportOf(other), generation: 3 }];
  const answers = await beforeStart(s, (agent) => reportVmms(agent, reports));
  expect(answers).toMatchObject([
    { vmmOutcome: "not_found", updateNeeded: false, state: null, stateGeneration: null },
    { vmmOutcome: "applied" },
  ]);
  expect(await vmm(db.sql, s.propolisId)).toMatchObject({ state: "creating", state_generation: 1 });
});

it.each(["to_instance_result", "to_start_result", "to_command_result", "to_vmm_result"])(
  "%s with not_found shows nothing of a row inserted after the lock attempt",
  async (toResult) => {
    const s = await starting(db.sql);
    const ids = toResult === "to_vmm_result" ? [s.instanceId, s.propolisId] : [s.instanceId];
    const [row] = await db.sql<Record<string, unknown>[]>`
      select * from vmstate.${db.sql(toResult)}('not_found', null, ${db.sql.unsafe(ids.map((id) => `'${id}'`).join())})`;
    const { outcome, ...rest } = row ?? {};
    expect(outcome).toBe("not_found");
    expect(Object.values(rest).flat()).toEqual(
      Object.values(rest)
        .flat()
        .map(() => null),
    );
  },
);
