import { describe, expect, it } from "vitest";
import { invariantViolations } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { saying } from "../scenario.js";
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
