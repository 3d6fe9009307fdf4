import { describe, expect, it } from "vitest";
import { beginStart, unwindStart } from "../../../src/index.js";
import { anotherStart, instance, stopped, unwound, vmm } from "../scenario.js";
import { newSessions, type Act } from "./sessions.js";

const sessions = newSessions();
const { overtake, race } = sessions;

describe("begin_start holds the instance, and", () => {
  it("another begin_start waits for it and is told already_started", async () => {
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

  it("its own replay waits for it and is unchanged", async () => {
    const s = await stopped(sessions.sql);
    const start: Act<unknown> = (sql) => beginStart(sql, s.start);
    expect(await race(start, start)).toMatchObject({
      first: { outcome: "applied" },
      second: { outcome: "unchanged", activePropolisId: s.propolisId },
      waited: "instance",
    });
  });

  it("applies for the one that waited if the first one rolls back", async () => {
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

  it("locks the unwound VMM that it replaces: a second unwind_start of that waits and is unchanged", async () => {
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

  it("nobody sees its VMM before it commits: unwind_start of it is not_found at once", async () => {
    const s = await stopped(sessions.sql);
    expect(
      await overtake(
        (sql) => beginStart(sql, s.start),
        (sql) => unwindStart(sql, s.start),
      ),
    ).toMatchObject({ first: { outcome: "applied" }, second: { outcome: "not_found" } });
  });

  it("a VMM id that it inserts is taken for a start of another instance, which waits for its fate", async () => {
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

  it("a VMM id that it inserts is free again if it rolls back", async () => {
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
