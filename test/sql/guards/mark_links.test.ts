import { describe, expect, it } from "vitest";
import { beginStart, invariantViolations } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { anotherStart, applied, migrating, say, saying, update, vmm } from "../scenario.js";
import { attempt } from "./attempt.js";
import { links } from "./writes.js";

const db = withDatabase();

describe("mark_links", () => {
  const unlink = links("state = 'no_vmm', active_propolis_id = null");

  it("sets time_unlinked when the owner removes a link", async () => {
    const s = await saying(db.sql, "destroyed");
    await unlink(db.sql, s);
    const [row] =
      await db.sql`select time_unlinked is not null as unlinked from vmstate.vmm where id = ${s.propolisId}`;
    expect(row).toEqual({ unlinked: true });
  });

  it("marks both VMMs when a migration ends together with its source", async () => {
    const s = await migrating(db.sql);
    await say(db.sql, s, "destination", "failed", "failed");
    await say(db.sql, s, "active", "failed");
    await update(db.sql, s);
    for (const id of [s.propolisId, s.destinationId])
      expect(await vmm(db.sql, id)).toMatchObject({ time_unlinked: expect.any(String) as unknown });
  });

  it("unmarks the VMM that a start links, and leaves the time of those before it", async () => {
    const s = await saying(db.sql, "destroyed");
    await update(db.sql, s);
    const before = await vmm(db.sql, s.propolisId);
    const start = anotherStart(s);
    await applied(beginStart(db.sql, start));
    expect(await vmm(db.sql, start.propolisId)).toMatchObject({ time_unlinked: null });
    expect(await vmm(db.sql, s.propolisId)).toEqual(before);
  });

  it("alone sets time_unlinked: with the trigger disabled, an invariant is violated", async () => {
    const s = await saying(db.sql, "destroyed");
    const error = await attempt(db.sql, async (sql) => {
      await sql`alter table vmstate.instance disable trigger mark_links`;
      await unlink(sql, s);
      expect(await invariantViolations(sql)).toMatchObject([{ invariant: "time_unlinked_iff_unlinked" }]);
    });
    expect(error).toBeUndefined();
  });
});
