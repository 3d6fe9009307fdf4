import { describe, expect, it } from "vitest";
import { deleteVmm, reportVmms, unwindMigration } from "../../../src/index.js";
import { applied, migrating, migration, say, saying, update } from "../scenario.js";
import { completing, report, reporting, updating } from "./calls.js";
import { newSessions, type Act } from "./sessions.js";

const sessions = newSessions();
const { overtake, race } = sessions;

describe("delete_vmm holds its VMM, then its migrations, and", () => {
  it("a report does not wait for it, as it writes nothing, and is terminal", async () => {
    const s = await saying(sessions.sql, "destroyed");
    await update(sessions.sql, s);
    expect(await overtake((sql) => deleteVmm(sql, s), reporting(s, "running", 9))).toMatchObject({
      first: { outcome: "applied" },
      second: { vmmOutcome: "terminal", state: "destroyed" },
    });
  });

  it("waits for a late report of a migration of its VMM, and applies to both", async () => {
    const s = await migrating(sessions.sql);
    await applied(unwindMigration(sessions.sql, s.migration));
    await update(sessions.sql, s);
    const { instanceId, destinationId: propolisId } = s;
    expect(
      await race(completing(s, "in"), (sql) => deleteVmm(sql, { instanceId, propolisId })),
    ).toMatchObject({
      first: { vmmOutcome: "terminal", migrationInOutcome: "terminal" },
      second: { outcome: "applied" },
      waited: "migration",
    });
    expect(await migration(sessions.sql, s.migrationId)).toMatchObject({
      time_deleted: expect.any(String) as string,
    });
  });

  it.each(["delete_vmm", "the update"])(
    "an update that unlinks a migration of its VMM deletes it with it, when %s comes first",
    async (first) => {
      const s = await migrating(sessions.sql);
      await say(sessions.sql, s, "active", "destroyed", "completed");
      await update(sessions.sql, s); // handed over: only the migration still names the source
      await say(sessions.sql, s, "destination", "running", "completed");
      const commit = await updating(sessions.sql, s);
      const deleting: Act<unknown> = (sql) => deleteVmm(sql, s);
      const raced = first === "delete_vmm" ? await race(deleting, commit) : await race(commit, deleting);
      const expected = { first: { outcome: "applied" }, second: { outcome: "applied" }, waited: "migration" };
      expect(raced).toMatchObject(expected);
      expect(await migration(sessions.sql, s.migrationId)).toMatchObject({
        time_deleted: expect.any(String) as string,
      });
    },
  );

  it("a batch waits for it, as it locks before it judges, and is gone", async () => {
    const s = await saying(sessions.sql, "destroyed");
    await update(sessions.sql, s);
    expect(
      await race(
        (sql) => deleteVmm(sql, s),
        (sql) => reportVmms(sql, [report(s, s.propolisId, "running", 9)]),
      ),
    ).toMatchObject({ first: { outcome: "applied" }, second: [{ vmmOutcome: "gone" }], waited: "vmm" });
  });

  it("a second delete_vmm waits for it and is unchanged", async () => {
    const s = await saying(sessions.sql, "destroyed");
    await update(sessions.sql, s);
    const act: Act<unknown> = (sql) => deleteVmm(sql, s);
    expect(await race(act, act)).toMatchObject({ second: { outcome: "unchanged" }, waited: "vmm" });
  });
});
