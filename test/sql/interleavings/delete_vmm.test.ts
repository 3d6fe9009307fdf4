import { describe, expect, it } from "vitest";
import { deleteVmm, reportVmms, unwindMigration } from "../../../src/index.js";
import { applied, migrating, migration, say, saying, update } from "../scenario.js";
import { completing, report, reporting, updating } from "./calls.js";
import { newSessions, type Act } from "./sessions.js";

const sessions = newSessions();
const { overtake, race } = sessions;

describe("delete_vmm holds the VMM, then the migrations that name it:", () => {
  it("a report of the dead VMM does not wait and is terminal: it writes nothing", async () => {
    const s = await saying(sessions.sql, "destroyed");
    await update(sessions.sql, s);
    expect(await overtake((sql) => deleteVmm(sql, s), reporting(s, "running", 9))).toMatchObject({
      first: { outcome: "applied" },
      second: { vmmOutcome: "terminal", state: "destroyed" },
    });
  });

  it("delete_vmm waits for a late report of the VMM's migration, then deletes both", async () => {
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
    "commit_update unlinks the VMM's migration and delete_vmm deletes both, whichever is first: %s",
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

  it("a batch of reports does not wait: the report is terminal, as it was before the deletion", async () => {
    const s = await saying(sessions.sql, "destroyed");
    await update(sessions.sql, s);
    expect(
      await overtake(
        (sql) => deleteVmm(sql, s),
        (sql) => reportVmms(sql, [report(s, s.propolisId, "running", 9)]),
      ),
    ).toMatchObject({ first: { outcome: "applied" }, second: [{ vmmOutcome: "terminal" }] });
  });

  it("a second delete_vmm waits, then is unchanged", async () => {
    const s = await saying(sessions.sql, "destroyed");
    await update(sessions.sql, s);
    const act: Act<unknown> = (sql) => deleteVmm(sql, s);
    expect(await race(act, act)).toMatchObject({ second: { outcome: "unchanged" }, waited: "vmm" });
  });
});
