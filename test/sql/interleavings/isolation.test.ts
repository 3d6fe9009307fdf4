import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  beginMigration,
  beginStart,
  beginUpdate,
  createInstance,
  deleteInstance,
  deleteVmm,
  failSled,
  reportVmms,
  requestStop,
  runUpdate,
  unwindMigration,
  unwindStart,
} from "../../../src/index.js";
import { freshMigration, freshVmm } from "../guards/writes.js";
import {
  anotherStart,
  applied,
  migrating,
  running,
  say,
  saying,
  stopped,
  starting,
  unknown,
  update,
  type Scenario,
} from "../scenario.js";
import { failedMigration, failing, report, reporting, updating } from "./calls.js";
import { newSessions, type Act } from "./sessions.js";

const sessions = newSessions();
const { session } = sessions;

describe.each(["repeatable read", "serializable"])(
  "a %s transaction gets 40001 when another one changed, after its snapshot,",
  (isolation) => {
    /** `act` in a transaction whose snapshot is from before `change`. */
    async function afterwards(change: () => Promise<unknown>, act: Act<unknown>): Promise<unknown> {
      await using caller = await session();
      await caller.sql.unsafe(`begin isolation level ${isolation}`);
      await caller.sql`select from vmstate.instance limit 1`;
      await change();
      const answer = await act(caller.sql).catch((error: unknown) => error);
      await caller.sql`rollback`;
      return answer;
    }

    const another = { sagaId: randomUUID(), lease: "1 hour" };
    const sagaId = randomUUID();

    it.each<
      [string, () => Promise<Scenario>, (s: Scenario) => Promise<unknown>, (s: Scenario) => Act<unknown>]
    >([
      [
        "the instance: begin_start",
        () => stopped(sessions.sql),
        (s) => applied(beginStart(sessions.sql, anotherStart(s))),
        (s) => (sql) => beginStart(sql, s.start),
      ],
      [
        "the VMM id: begin_start",
        () => stopped(sessions.sql),
        async (s) =>
          applied(
            beginStart(sessions.sql, { ...(await stopped(sessions.sql)).start, propolisId: s.propolisId }),
          ),
        (s) => (sql) => beginStart(sql, s.start),
      ],
      [
        "the VMM: unwind_start",
        () => starting(sessions.sql),
        (s) => say(sessions.sql, s, "active", "running"),
        (s) => (sql) => unwindStart(sql, s.start),
      ],
      [
        "the migration of the VMM, which is handed over: unwind_start",
        () => running(sessions.sql),
        async (s) => {
          await applied(beginMigration(sessions.sql, s.migration));
          await say(sessions.sql, s, "destination", "running", "completed");
        },
        (s) => (sql) => unwindStart(sql, s.start),
      ],
      [
        "the source: begin_migration",
        () => running(sessions.sql),
        (s) => say(sessions.sql, s, "active", "stopping"),
        (s) => (sql) => beginMigration(sql, s.migration),
      ],
      [
        "the destination: unwind_migration",
        () => migrating(sessions.sql),
        (s) => say(sessions.sql, s, "destination", "running"),
        (s) => (sql) => unwindMigration(sql, s.migration),
      ],
      [
        "the source side: unwind_migration",
        () => migrating(sessions.sql),
        (s) => say(sessions.sql, s, "active", "running", "completed"),
        (s) => (sql) => unwindMigration(sql, s.migration),
      ],
      [
        "the VMM: report_vmm",
        () => running(sessions.sql),
        (s) => say(sessions.sql, s, "active", "running"),
        (s) => reporting(s, "stopping", 9),
      ],
      [
        "the VMM: report_vmms",
        () => running(sessions.sql),
        (s) => say(sessions.sql, s, "active", "running"),
        (s) => (sql) => reportVmms(sql, [report(s, s.propolisId, "stopping", 9)]),
      ],
      [
        "the VMM: fail_vmm",
        () => running(sessions.sql),
        (s) => say(sessions.sql, s, "active", "stopped"),
        (s) => failing(s),
      ],
      [
        "a VMM: fail_sled",
        () => running(sessions.sql),
        (s) => say(sessions.sql, s, "active", "stopped"),
        (s) => (sql) => failSled(sql, { sledId: s.start.sledId, reason: "sled_off" }),
      ],
      [
        "the lock: begin_update",
        () => saying(sessions.sql, "failed"),
        (s) => applied(beginUpdate(sessions.sql, { ...s, ...another })),
        (s) => (sql) => beginUpdate(sql, { ...s, sagaId, lease: 1 }),
      ],
      [
        "the VMM: run_update",
        () => failedMigration(sessions.sql),
        (s) => say(sessions.sql, s, "active", "destroyed"),
        (s) => (sql) => runUpdate(sql, { ...s, sagaId }),
      ],
      [
        "the VMM: delete_instance",
        () => starting(sessions.sql),
        (s) => applied(unwindStart(sessions.sql, s.start)),
        (s) => (sql) => deleteInstance(sql, s),
      ],
      [
        "the intent: request_stop",
        () => running(sessions.sql),
        (s) => applied(requestStop(sessions.sql, s)),
        (s) => (sql) => requestStop(sql, s),
      ],
      [
        "the VMM: delete_vmm",
        () => saying(sessions.sql, "destroyed"),
        (s) => update(sessions.sql, s),
        (s) => (sql) => deleteVmm(sql, s),
      ],
      [
        "the name: create_instance",
        () => Promise.resolve(unknown()),
        (s) => applied(createInstance(sessions.sql, s.create)),
        (s) => (sql) => createInstance(sql, { ...s.create, instanceId: randomUUID() }),
      ],
    ])("%s", async (_, scenario, change, act) => {
      const s = await scenario();
      expect(await afterwards(() => change(s), act(s))).toMatchObject({ code: "40001" });
    });

    it.each<[string, (s: Scenario, id: string) => Act<unknown>]>([
      ["a second migration inserted by hand", (s, id) => (sql) => freshMigration(sql, s, s.propolisId, id)],
      [
        "unwind_start",
        ({ instanceId }, id) =>
          (sql) =>
            unwindStart(sql, { instanceId, sagaId: id, propolisId: id }),
      ],
    ])("the migrations to a new VMM: %s", async (_, act) => {
      const s = await running(sessions.sql);
      const id = await freshVmm(sessions.sql, s);
      const insert = (): Promise<unknown> => freshMigration(sessions.sql, s, s.propolisId, id);
      expect(await afterwards(insert, act(s, id))).toMatchObject({ code: "40001" });
    });

    it("the plan: commit_update", async () => {
      const s = await failedMigration(sessions.sql);
      const commit = await updating(sessions.sql, s);
      expect(await afterwards(() => say(sessions.sql, s, "active", "destroyed"), commit)).toMatchObject({
        code: "40001",
      });
    });
  },
);
