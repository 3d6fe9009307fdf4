import { describe, expect, it } from "vitest";
import { beginMigration, unwindStart } from "../../../src/index.js";
import { anotherMigration, running, vmm } from "../scenario.js";
import { newSessions } from "./sessions.js";

const sessions = newSessions();
const { race } = sessions;

describe("begin_migration holds the instance and the source, and", () => {
  it("unwind_start of the source waits for it and applies: the instance shows stopped", async () => {
    const s = await running(sessions.sql);
    expect(
      await race(
        (sql) => beginMigration(sql, s.migration),
        (sql) => unwindStart(sql, s.start),
      ),
    ).toMatchObject({
      first: { outcome: "applied", apiState: "migrating" },
      second: { outcome: "applied" },
      waited: "vmm",
    });
    const [row] = await sessions.sql`select state from vmstate.api_instance where id = ${s.instanceId}`;
    expect(row).toEqual({ state: "stopped" });
  });

  it("another begin_migration waits for it and is told migration_in_progress", async () => {
    const s = await running(sessions.sql);
    expect(
      await race(
        (sql) => beginMigration(sql, s.migration),
        (sql) => beginMigration(sql, anotherMigration(s)),
      ),
    ).toMatchObject({ second: { outcome: "conflict", reason: "migration_in_progress" }, waited: "instance" });
  });

  it("a migration id that it inserts is taken for one of another instance, which keeps nothing", async () => {
    const s = await running(sessions.sql);
    const other = await running(sessions.sql);
    expect(
      await race(
        (sql) => beginMigration(sql, s.migration),
        (sql) => beginMigration(sql, { ...other.migration, migrationId: s.migrationId }),
      ),
    ).toMatchObject({
      second: { outcome: "conflict", reason: "migration_id_taken", destinationPropolisId: null },
      waited: null,
    });
    expect(await vmm(sessions.sql, other.destinationId)).toEqual({});
  });

  it("a VMM id that it inserts is taken for a migration of another instance", async () => {
    const s = await running(sessions.sql);
    const other = await running(sessions.sql);
    expect(
      await race(
        (sql) => beginMigration(sql, s.migration),
        (sql) => beginMigration(sql, { ...other.migration, destinationPropolisId: s.destinationId }),
      ),
    ).toMatchObject({ second: { outcome: "conflict", reason: "propolis_id_taken" }, waited: null });
  });
});
