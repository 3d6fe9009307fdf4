import type postgres from "postgres";
import { describe, expect, it } from "vitest";
import { withDatabase } from "../../support/database.js";
import { attempt } from "./attempt.js";
import { VERB } from "./refusal.js";

const db = withDatabase();

describe("guard_truncate", () => {
  const TABLES = ["instance", "vmm", "migration"];
  const without = (tables: string[], truncated: string): Promise<postgres.PostgresError | undefined> =>
    attempt(db.sql, async (sql) => {
      for (const table of tables)
        await sql.unsafe(`alter table vmstate.${table} disable trigger guard_truncate`);
      await sql.unsafe(`truncate vmstate.${truncated} cascade`);
    });

  it.each(TABLES)(
    "refuses TRUNCATE of %s as VM104, with the triggers of the other tables disabled",
    async (table) => {
      const error = await without(
        TABLES.filter((other) => other !== table),
        table,
      );
      expect(error).toMatchObject({ code: "VM104" });
      expect(error?.message).toContain(`vmstate.${table}`);
      expect(error?.detail).toContain("TRUNCATE");
      expect(error?.hint).toMatch(VERB);
    },
  );

  it.each(TABLES)(
    "is all that refuses TRUNCATE of %s: with all three triggers disabled, TRUNCATE passes",
    async (table) => {
      expect(await without(TABLES, table)).toBeUndefined();
    },
  );
});
