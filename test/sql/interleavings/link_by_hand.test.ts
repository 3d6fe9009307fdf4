import type postgres from "postgres";
import { describe, expect, it } from "vitest";
import { failVmm, unwindStart } from "../../../src/index.js";
import { freshMigration, freshVmm } from "../guards/writes.js";
import { running, type Scenario, stopped, vmm } from "../scenario.js";
import { newSessions } from "./sessions.js";

const sessions = newSessions();
const { race } = sessions;

describe("a link written by an UPDATE of the owner", () => {
  it("waits for fail_vmm of the VMM that it names, then is refused as VM104", async () => {
    const s = await stopped(sessions.sql);
    const propolisId = await freshVmm(sessions.sql, s);

    const { second, waited } = await race(
      (sql) => failVmm(sql, { instanceId: s.instanceId, propolisId, reason: "operator" }),
      (sql) =>
        sql`update vmstate.instance
          set state = 'vmm', state_generation = state_generation + 1, active_propolis_id = ${propolisId}
          where id = ${s.instanceId}`.catch((error: unknown) => error),
    );

    expect(waited).toBe("vmm");
    expect(second).toMatchObject({ code: "VM104" });
  });
});

describe("a migration inserted by an INSERT of the owner", () => {
  const unwind = (s: Scenario, id: string) => (sql: postgres.ISql) =>
    unwindStart(sql, { instanceId: s.instanceId, sagaId: id, propolisId: id });
  const insert = (s: Scenario, id: string) => (sql: postgres.ISql) =>
    freshMigration(sql, s, s.propolisId, id).catch((error: unknown) => error);

  it("waits for unwind_start of its destination, then is refused as VM102", async () => {
    const s = await running(sessions.sql);
    const id = await freshVmm(sessions.sql, s);
    const { first, second } = await race(unwind(s, id), insert(s, id));
    expect(first).toMatchObject({ outcome: "applied" });
    expect(second).toMatchObject({
      code: "VM102",
      detail: expect.stringContaining("saga_unwound") as string,
    });
  });

  it("makes unwind_start of its destination wait, then be a conflict", async () => {
    const s = await running(sessions.sql);
    const id = await freshVmm(sessions.sql, s);
    const { first, second, waited } = await race(insert(s, id), unwind(s, id));
    expect(first).toEqual(expect.any(String));
    expect(waited).toBe("vmm");
    expect(second).toMatchObject({ outcome: "conflict", reason: "migration_destination" });
    expect(await vmm(sessions.sql, id)).toMatchObject({ state: "creating" });
  });
});
