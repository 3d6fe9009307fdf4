import { describe, expect, it } from "vitest";
import { beginStart, unwindStart } from "../../../src/index.js";
import { anotherStart, instance, stopped, unwound, vmm } from "../scenario.js";
import { newSessions, type Act } from "./sessions.js";

const sessions = newSessions();
const { overtake, race } = sessions;

describe("begin_start holds the instance:", () => {
  it("another begin_start waits, then is already_started", async () => {
    const s = await stopped(sessions.sql);
    const other = anotherStart(s);
    expect(
      await race(
        (sql) => beginStart(sql, s.start),
        (sql) => beginStart(sql, other),
      ),
    ).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "conflict", reason: "already_started", activePropolisId: s.propolisId },
      waited: "instance",
    });
    expect(await vmm(sessions.sql, other.propolisId)).toEqual({});
  });

  it("a replay of begin_start waits, then is unchanged", async () => {
    const s = await stopped(sessions.sql);
    const start: Act<unknown> = (sql) => beginStart(sql, s.start);
    expect(await race(start, start)).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "unchanged", activePropolisId: s.propolisId },
      waited: "instance",
    });
  });

  it("another begin_start waits, then applies if the first one is rolled back", async () => {
    const s = await stopped(sessions.sql);
    const other = anotherStart(s);
    expect(
      await race(
        (sql) => beginStart(sql, s.start),
        (sql) => beginStart(sql, other),
        "rollback",
      ),
    ).toMatchObject({
      second: { outcome: "applied", activePropolisId: other.propolisId },
      waited: "instance",
    });
  });

  it("a second unwind_start of the replaced VMM waits, then is unchanged", async () => {
    const s = await unwound(sessions.sql);
    const other = anotherStart(s);
    expect(
      await race(
        (sql) => beginStart(sql, other),
        (sql) => unwindStart(sql, s.start),
      ),
    ).toMatchObject({
      first: { outcome: "applied", replacedPropolisId: s.propolisId },
      second: { outcome: "unchanged", state: "saga_unwound" },
      waited: "vmm",
    });
    expect(await instance(sessions.sql, s)).toMatchObject({ active_propolis_id: other.propolisId });
  });

  it("unwind_start of the new VMM is not_found at once: the VMM is not committed", async () => {
    const s = await stopped(sessions.sql);
    expect(
      await overtake(
        (sql) => beginStart(sql, s.start),
        (sql) => unwindStart(sql, s.start),
      ),
    ).toMatchObject({ first: { outcome: "applied" }, second: { outcome: "not_found" } });
  });

  it("a begin_start of another instance with the same VMM id waits for the commit, then is propolis_id_taken", async () => {
    const s = await stopped(sessions.sql);
    const other = await stopped(sessions.sql);
    const start = { ...other.start, propolisId: s.propolisId };
    expect(
      await race(
        (sql) => beginStart(sql, s.start),
        (sql) => beginStart(sql, start),
      ),
    ).toMatchObject({
      second: { outcome: "conflict", reason: "propolis_id_taken", state: "no_vmm" },
      waited: null,
    });
  });

  it("a begin_start of another instance with the same VMM id applies if the first one is rolled back", async () => {
    const s = await stopped(sessions.sql);
    const other = await stopped(sessions.sql);
    const start = { ...other.start, propolisId: s.propolisId };
    expect(
      await race(
        (sql) => beginStart(sql, s.start),
        (sql) => beginStart(sql, start),
        "rollback",
      ),
    ).toMatchObject({ second: { outcome: "applied", activePropolisId: s.propolisId }, waited: null });
  });
});
