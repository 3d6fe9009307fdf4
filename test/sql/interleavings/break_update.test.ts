import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  beginUpdate,
  breakUpdate,
  commitUpdate,
  deleteInstance,
  inheritUpdate,
  type CommitUpdateResult,
} from "../../../src/index.js";
import { applied, instance, saying, unwound, type Scenario } from "../scenario.js";
import { reporting } from "./calls.js";
import { newSessions, type Act } from "./sessions.js";

const sessions = newSessions();
const { overtake, race } = sessions;

interface Held {
  lock: { instanceId: string; sagaId: string; updaterGeneration: number; planToken: string };
  breaking: Act<unknown>;
  committing: Act<CommitUpdateResult>;
}

async function held({ instanceId }: Scenario): Promise<Held> {
  const saga = { instanceId, sagaId: randomUUID() };
  const { updaterGeneration, planToken } = await applied(
    beginUpdate(sessions.sql, { ...saga, lease: "1 hour" }),
  );
  const lock = { ...saga, updaterGeneration, planToken };
  return {
    lock,
    breaking: (sql) => breakUpdate(sql, { instanceId, updaterGeneration, reason: "the saga is dead" }),
    committing: (sql) => commitUpdate(sql, lock),
  };
}

describe("break_update holds the instance:", () => {
  it("the lock holder's commit waits, then is lock_lost: nothing is written", async () => {
    const s = await saying(sessions.sql, "failed");
    const { breaking, committing } = await held(s);
    expect(await race(breaking, committing)).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "conflict", reason: "lock_lost", ...s.row },
      waited: "instance",
    });
  });

  it("break_update waits for the lock holder's commit, then is unchanged: the commit released the lock", async () => {
    const s = await saying(sessions.sql, "failed");
    const { breaking, committing } = await held(s);
    expect(await race(committing, breaking)).toMatchObject({
      first: { outcome: "applied", state: "failed" },
      second: { outcome: "unchanged", state: "failed" },
      waited: "instance",
    });
  });

  it("break_update waits for the lock holder's commit, then applies if the commit is rolled back", async () => {
    const s = await saying(sessions.sql, "failed");
    const { breaking, committing } = await held(s);
    expect(await race(committing, breaking, "rollback")).toMatchObject({
      second: { outcome: "applied", ...s.row },
      waited: "instance",
    });
    expect(await committing(sessions.sql)).toMatchObject({ reason: "lock_lost" });
  });

  it("break_update waits for inherit_update, then is lock_lost: it named the token of the parent's lock", async () => {
    const s = await saying(sessions.sql, "failed");
    const { lock, breaking } = await held(s);
    const child = { ...lock, parentSagaId: lock.sagaId, sagaId: randomUUID(), lease: "1 hour" };
    expect(await race((sql) => inheritUpdate(sql, child), breaking)).toMatchObject({
      second: { outcome: "conflict", reason: "lock_lost" },
      waited: "instance",
    });
    expect(await instance(sessions.sql, s)).toMatchObject({ updater_id: child.sagaId });
  });

  it("begin_update of another saga waits, then takes the lock with the next token", async () => {
    const s = await saying(sessions.sql, "failed");
    const { lock, breaking } = await held(s);
    const next = { instanceId: s.instanceId, sagaId: randomUUID(), lease: "1 hour" };
    expect(await race(breaking, (sql) => beginUpdate(sql, next))).toMatchObject({
      second: { outcome: "applied", updaterGeneration: lock.updaterGeneration + 1 },
      waited: "instance",
    });
  });

  it("a second break_update waits, then is unchanged", async () => {
    const { breaking } = await held(await saying(sessions.sql, "failed"));
    expect(await race(breaking, breaking)).toMatchObject({
      second: { outcome: "unchanged" },
      waited: "instance",
    });
  });

  it("break_update waits for delete_instance, then is gone", async () => {
    const s = await unwound(sessions.sql);
    const { breaking } = await held(s);
    expect(await race((sql) => deleteInstance(sql, s), breaking)).toMatchObject({
      second: { outcome: "gone" },
      waited: "instance",
    });
  });

  it("a report of the dead VMM does not wait", async () => {
    const s = await saying(sessions.sql, "failed");
    const { breaking } = await held(s);
    expect(await overtake(breaking, reporting(s, "running", 9))).toMatchObject({
      second: { vmmOutcome: "terminal" },
    });
  });
});
