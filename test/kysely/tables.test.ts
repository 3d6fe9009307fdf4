import { Kysely, PostgresDialect, type Selectable } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import { fromKysely, vmstate } from "../../src/index.js";
import type {
  ApiInstanceView,
  DB,
  InstanceTable,
  PgInterval,
  PostgresTypes,
} from "../../src/kysely/index.js";
import { running, type Scenario } from "../sql/scenario.js";
import { createDatabase, type TestDatabase } from "../support/database.js";

interface Note {
  id: string;
}

let db: TestDatabase;
let kysely: Kysely<DB & { note: Note }>;
let scenario: Scenario;
beforeAll(async () => {
  db = await createDatabase();
  scenario = await running(db.sql);
  kysely = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: db.url }) }) });
  const autoRestartCooldown = "1 day 00:02:03";
  const { instanceId } = scenario;
  await vmstate(fromKysely(kysely)).configureInstance({ instanceId, autoRestartCooldown });
});
afterAll(async () => {
  await kysely.destroy();
  await db.drop();
});

describe("a query of Kysely", () => {
  it("reads a table as its type says", async () => {
    const row = await kysely
      .selectFrom("vmstate.instance")
      .selectAll()
      .where("id", "=", scenario.instanceId)
      .executeTakeFirstOrThrow();
    expectTypeOf(row).toEqualTypeOf<Selectable<DB["vmstate.instance"]>>();
    expectTypeOf(row.auto_restart_cooldown).toEqualTypeOf<PgInterval | null>();
    expectTypeOf<InstanceTable>().toExtend<typeof row>();
    expect(row.state_generation).toBeTypeOf("string");
    expect(row.time_created).toBeInstanceOf(Date);
    expect({ ...row.auto_restart_cooldown }).toEqual({ days: 1, minutes: 2, seconds: 3 });
    expect(row.state).toBe("vmm");
  });

  it("reads a view, beside a table of one's own", async () => {
    const rows = await kysely.selectFrom("vmstate.api_instance").select(["id", "state"]).execute();
    expectTypeOf(rows).toEqualTypeOf<Pick<ApiInstanceView, "id" | "state">[]>();
    expect(rows).toEqual([{ id: scenario.instanceId, state: "running" }]);
  });

  it("cannot write", () => {
    // @ts-expect-error: no column of vmstate may be set
    kysely.updateTable("vmstate.instance").set({ name: "other" });
    // @ts-expect-error: no column of vmstate may be inserted
    kysely.insertInto("vmstate.vmm").values({ id: scenario.propolisId });
    expect(kysely.insertInto("note").values({ id: "" }).compile().sql).toContain("insert into");
  });
});

it("the types of another client take the place of those of pg", () => {
  expectTypeOf<InstanceTable<PostgresTypes>["auto_restart_cooldown"]>().toEqualTypeOf<string | null>();
  type Numbers = DB<{ bigint: number; interval: string; timestamptz: Date }>;
  expectTypeOf<Selectable<Numbers["vmstate.vmm"]>["state_generation"]>().toEqualTypeOf<number>();
});
