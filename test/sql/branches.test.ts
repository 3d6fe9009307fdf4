import { beforeAll, expect, it } from "vitest";
import { beginStart, reportVmm } from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import { untilWaiting } from "../support/waiting.js";
import { applied, starting, stopped } from "./scenario.js";

// Ways through the functions that need a session to stop between two statements.

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

it("report_vmm applies to a VMM that is inserted after its first snapshot", async () => {
  const s = await stopped(db.sql);
  const agent = await db.sql.reserve();
  const [{ pid }] = await agent<
    [{ pid: number }]
  >`select pg_backend_pid() as pid, set_config('test.pause', 'on', false)`;
  const pause = await db.sql.reserve();
  await pause`select pg_advisory_lock(${PAUSE})`;

  const { instanceId, propolisId } = s;
  const report = { instanceId, propolisId, state: "running", generation: 2, time: new Date() } as const;
  const [answer] = await Promise.all([
    reportVmm(agent, report),
    untilWaiting(db.sql, pid)
      .then(() => applied(beginStart(db.sql, s.start)))
      .finally(() => pause`select pg_advisory_unlock(${PAUSE})`),
  ]);
  expect(answer).toMatchObject({ vmmOutcome: "applied", state: "running", stateGeneration: 2 });
  agent.release();
  pause.release();
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
