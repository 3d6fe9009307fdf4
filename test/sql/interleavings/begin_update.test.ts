import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { beginUpdate } from "../../../src/index.js";
import { expireLease, saying, type Scenario } from "../scenario.js";
import { updating } from "./calls.js";
import { newSessions, type Act } from "./sessions.js";

const sessions = newSessions();
const { race } = sessions;

describe("begin_update holds the instance:", () => {
  const beginning = ({ instanceId }: Scenario): Act<unknown> => {
    const sagaId = randomUUID();
    return (sql) => beginUpdate(sql, { instanceId, sagaId, lease: "1 hour" });
  };

  it("begin_update of another saga waits, then is locked", async () => {
    const s = await saying(sessions.sql, "failed");
    expect(await race(beginning(s), beginning(s))).toMatchObject({
      first: { outcome: "applied", updaterGeneration: 2 },
      second: { outcome: "conflict", reason: "locked", updaterGeneration: 2 },
      waited: "instance",
    });
  });

  it("the late commit of the saga whose expired lease is taken over waits, then is lock_lost", async () => {
    const s = await saying(sessions.sql, "failed");
    const commit = await updating(sessions.sql, s);
    await expireLease(sessions.sql, s);
    expect(await race(beginning(s), commit)).toMatchObject({
      first: { outcome: "applied", updaterGeneration: 3 },
      second: { outcome: "conflict", reason: "lock_lost", activePropolisId: s.propolisId },
      waited: "instance",
    });
  });

  it("begin_update waits for a late commit that came first, then is unchanged", async () => {
    const s = await saying(sessions.sql, "failed");
    const commit = await updating(sessions.sql, s);
    await expireLease(sessions.sql, s);
    expect(await race(commit, beginning(s))).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "unchanged", state: "failed", updaterLeaseUntil: null },
      waited: "instance",
    });
  });
});
