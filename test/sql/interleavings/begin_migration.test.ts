import { describe, expect, it } from "vitest";
import { beginMigration, unwindStart } from "../../../src/index.js";
import { anotherMigration, running, vmm } from "../scenario.js";
import { newSessions } from "./sessions.js";

const sessions = newSessions();
const { race } = sessions;

describe("begin_migration holds the instance and the source VMM:", () => {
  it("unwind_start of the source waits, then applies: the instance shows stopped", async () => {
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

  it("another begin_migration waits, then is migration_in_progress", async () => {
    const s = await running(sessions.sql);
    expect(
      await race(
        (sql) => beginMigration(sql, s.migration),
        (sql) => beginMigration(sql, anotherMigration(s)),
      ),
    ).toMatchObject({ second: { outcome: "conflict", reason: "migration_in_progress" }, waited: "instance" });
  });

  it("a begin_migration of another instance with the same migration id is migration_id_taken, and inserts no VMM", async () => {
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

  it("a begin_migration of another instance with the same VMM id is propolis_id_taken", async () => {
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
