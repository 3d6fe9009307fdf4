import { describe, expect, it } from "vitest";
import { beginMigration, beginStart, reportVmms, type ReportVmmArguments } from "../../../src/index.js";
import { untilWaiting } from "../../support/waiting.js";
import { applied, migrating, migration, running, stopped, vmm, type Scenario } from "../scenario.js";
import { report } from "./calls.js";
import { newSessions, type Session } from "./sessions.js";

const sessions = newSessions();
const { session } = sessions;

const arriving = (s: Scenario): ReportVmmArguments => ({
  ...report(s, s.destinationId, "migrating", 9),
  migrationInId: s.migrationId,
  migrationInState: "in_progress",
  migrationInGeneration: 9,
  migrationInTime: new Date(),
});

const holding = async ({ sql }: Session, table: "vmm" | "migration", id: string): Promise<unknown> =>
  await sql`select from ${sessions.sql(`vmstate.${table}`)} where id = ${id} for no key update`;

describe("report_vmms has locked the VMMs of its batch and waits for a migration; begin_start or begin_migration then inserts a VMM of the batch:", () => {
  it("not_found: the inserted VMM; a session that locks it and waits for the batch does not deadlock", async () => {
    const old = await migrating(sessions.sql);
    const late = await stopped(sessions.sql);
    await using holder = await session();
    await holder.sql`begin`;
    await holding(holder, "migration", old.migrationId);

    await using agent = await session();
    const batch = [arriving(old), report(late, late.propolisId, "running", 9)];
    const answer = reportVmms(agent.sql, batch);
    await untilWaiting(sessions.sql, agent.pid);

    await applied(beginStart(sessions.sql, late.start));
    await using other = await session();
    await other.sql`begin`;
    await holding(other, "vmm", late.propolisId);
    const both = holding(other, "vmm", old.destinationId);
    await untilWaiting(sessions.sql, other.pid);

    await holder.sql`commit`;
    expect(await answer).toMatchObject([
      { vmmOutcome: "applied", migrationInOutcome: "applied" },
      { vmmOutcome: "not_found", migrationInOutcome: null, updateNeeded: false, state: null },
    ]);
    await both;
    await other.sql`commit`;
    expect(await vmm(sessions.sql, late.propolisId)).toMatchObject({ state: "creating" });
  });

  it("not_found: the inserted migration, which stays pending", async () => {
    const old = await migrating(sessions.sql);
    const late = await running(sessions.sql);
    await using holder = await session();
    await holder.sql`begin`;
    await holding(holder, "migration", old.migrationId);

    await using agent = await session();
    const answer = reportVmms(agent.sql, [arriving(old), arriving(late)]);
    await untilWaiting(sessions.sql, agent.pid);
    await applied(beginMigration(sessions.sql, late.migration));

    await holder.sql`commit`;
    expect(await answer).toMatchObject([
      { vmmOutcome: "applied", migrationInOutcome: "applied" },
      { vmmOutcome: "not_found", migrationInOutcome: "not_found", updateNeeded: false },
    ]);
    expect(await migration(sessions.sql, late.migrationId)).toMatchObject({ destination_state: "pending" });
  });
});
