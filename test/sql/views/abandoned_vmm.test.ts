import { describe, expect, test } from "vitest";
import { abandonedVmms, beginStart, deleteInstance, deleteVmm } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import {
  anotherStart,
  applied,
  migrated,
  running,
  saying,
  starting,
  unwound,
  update,
  type Scenario,
} from "../scenario.js";
import { ofInstance } from "./arrange.js";

const { sql } = withDatabase();

describe("abandoned_vmm", () => {
  const dead: [string, () => Promise<Scenario>][] = [
    ["failed", () => saying(sql, "failed")],
    ["destroyed", () => saying(sql, "destroyed")],
    ["saga_unwound", () => unwound(sql)],
  ];
  test.each(dead)(
    "lists a VMM that is %s once it is unlinked and until it is deleted",
    async (state, reach) => {
      const s = await reach();
      expect(await ofInstance(s, abandonedVmms(sql))).toEqual([]);
      await update(sql, s);
      expect(await ofInstance(s, abandonedVmms(sql))).toEqual([
        {
          instanceId: s.instanceId,
          propolisId: s.propolisId,
          sledId: s.start.sledId,
          state,
          timeUnlinked: expect.any(Date) as unknown,
          since: expect.any(Date) as unknown,
        },
      ]);
      await applied(deleteVmm(sql, s));
      expect(await ofInstance(s, abandonedVmms(sql))).toEqual([]);
    },
  );

  test("lists an unwound VMM that another one replaced", async () => {
    const s = await unwound(sql);
    await applied(beginStart(sql, anotherStart(s)));
    expect(await ofInstance(s, abandonedVmms(sql))).toMatchObject([{ propolisId: s.propolisId }]);
  });

  test("lists the VMMs of a deleted instance", async () => {
    const s = await unwound(sql);
    await applied(deleteInstance(sql, s));
    expect(await ofInstance(s, abandonedVmms(sql))).toMatchObject([{ propolisId: s.propolisId }]);
  });

  test("lists no VMM that is alive", async () => {
    for (const s of [await starting(sql), await running(sql), await migrated(sql)]) {
      expect(await ofInstance(s, abandonedVmms(sql))).toEqual([]);
    }
  });
});
