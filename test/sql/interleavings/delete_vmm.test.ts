import { describe, expect, it } from "vitest";
import { deleteVmm, reportVmms, unwindMigration } from "../../../src/index.js";
import { applied, migrating, migration, saying, update } from "../scenario.js";
import { completing, report, reporting } from "./calls.js";
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
