import { describe, expect, test } from "vitest";
import { apiVmms, deleteVmm } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { applied, failed, unwound } from "../scenario.js";
import { migratingTo } from "./arrange.js";

const { sql } = withDatabase();

describe("api_vmm", () => {
  test("has the columns that the API shows, oldest VMM first", async () => {
    const s = await migratingTo(sql, "failed");
    const common = {
      instanceId: s.instanceId,
      propolisPort: 12400,
      timeStateUpdated: expect.any(Date) as unknown,
      timeCreated: expect.any(Date) as unknown,
    };
    expect(await apiVmms(sql, s)).toEqual([
      {
        id: s.propolisId,
        propolisId: s.propolisId,
        state: "running",
        sledId: s.start.sledId,
        propolisIp: "fd00::1",
        failureReason: null,
        ...common,
      },
      {
        id: s.destinationId,
        propolisId: s.destinationId,
        state: "failed",
        sledId: s.migration.sledId,
        propolisIp: "fd00::2",
        failureReason: "sled_agent_report",
        ...common,
      },
    ]);
  });

  test("shows an unwound VMM as destroyed", async () => {
    const s = await unwound(sql);
    expect(await apiVmms(sql, s)).toMatchObject([{ id: s.propolisId, state: "destroyed" }]);
  });

  test("hides deleted VMMs", async () => {
    const s = await failed(sql);
    expect(await apiVmms(sql, s)).toHaveLength(1);
    await applied(deleteVmm(sql, s));
    expect(await apiVmms(sql, s)).toEqual([]);
  });
});

test("no column of an API view has a type with the label saga_unwound", async () => {
  const columns = await sql`
    select a.attrelid::regclass::text as view, t.typname, array_agg(e.enumlabel::text) as labels
    from pg_attribute as a
    join pg_type as t on t.oid = a.atttypid
    join pg_enum as e on e.enumtypid = t.oid
    where a.attrelid in ('vmstate.api_instance'::regclass, 'vmstate.api_vmm'::regclass)
    group by 1, 2`;
  expect(columns.length).toBeGreaterThanOrEqual(2);
  for (const { labels } of columns) expect(labels).not.toContain("saga_unwound");
});
