import { describe, expect, test } from "vitest";
import { reportVmm, type ReportVmmArguments } from "../../../src/index.js";
import { withDatabase } from "../../support/database.js";
import { expectInvalid, migrating, running, writingNothing, type Scenario } from "../scenario.js";
import { reportOf } from "./report.js";

const { sql } = withDatabase();

describe("misuse", () => {
  const required = (s: Scenario): Record<string, string | number | null> => ({
    p_instance_id: s.instanceId,
    p_propolis_id: s.propolisId,
    p_state: "running",
    p_generation: 9,
    p_time: "2024-01-01T00:00:00Z",
  });
  const side = (which: "in" | "out", s: Scenario): Record<string, string | number | null> => ({
    [`p_migration_${which}_id`]: s.migrationId,
    [`p_migration_${which}_state`]: "completed",
    [`p_migration_${which}_generation`]: 9,
    [`p_migration_${which}_time`]: "2024-01-01T00:00:00Z",
  });

  test.each([
    ["p_instance_id", null, /null/],
    ["p_propolis_id", null, /null/],
    ["p_state", null, /null/],
    ["p_generation", null, /null/],
    ["p_generation", 0, /\b0\b/],
    ["p_generation", -1, /-1/],
    ["p_generation", "9007199254740992", /9007199254740992/],
    ["p_time", null, /null/],
  ])("VM001 for %s %s, with and without a migration", async (argument, value, detail) => {
    const s = await migrating(sql);
    await expectInvalid(sql, "report_vmm", { ...required(s), [argument]: value }, argument, detail);
    await expectInvalid(
      sql,
      "report_vmm",
      { ...required(s), ...side("out", s), [argument]: value },
      argument,
      detail,
    );
  });

  const parts = ["in", "out"].flatMap((which) =>
    ["id", "state", "generation", "time"].map((part) => [which, part] as ["in" | "out", string]),
  );
  test.each(parts)("VM001 for migration_%s without its %s", async (which, part) => {
    const s = await migrating(sql);
    await expectInvalid(
      sql,
      "report_vmm",
      { ...required(s), ...side(which, s), [`p_migration_${which}_${part}`]: null },
      `p_migration_${which}_`,
      /together/,
    );
  });

  test.each(["in", "out"] as const)(
    "VM001 for a generation of migration_%s that is out of range",
    async (which) => {
      const s = await migrating(sql);
      for (const generation of [0, "9007199254740992"]) {
        const argument = `p_migration_${which}_generation`;
        const given = { ...required(s), ...side(which, s), [argument]: generation };
        await expectInvalid(sql, "report_vmm", given, argument, new RegExp(`\\b${generation}\\b`));
      }
    },
  );

  test("VM001 for a time that is infinite", async () => {
    const s = await migrating(sql);
    const infinite = (which: "" | "migration_in_" | "migration_out_"): Promise<unknown> =>
      writingNothing(sql, () =>
        sql`select vmstate.report_vmm(${s.instanceId}, ${s.propolisId}, 'running', 9,
          ${which === "" ? sql`'infinity'` : sql`now()`},
          ${s.migrationId}, 'completed', 9, ${which === "migration_in_" ? sql`'infinity'` : sql`now()`},
          ${s.propolisId}, 'completed', 9, ${which === "migration_out_" ? sql`'-infinity'` : sql`now()`})`.then(
          () => undefined,
          (error: unknown) => error,
        ),
      );
    for (const which of ["", "migration_in_", "migration_out_"] as const) {
      expect(await infinite(which)).toMatchObject({
        code: "VM001",
        message: expect.stringContaining(`p_${which}time`) as unknown,
        detail: expect.stringContaining("must be within the years 1970 to 9999") as unknown,
      });
    }
  });

  test("VM001 for one migration in and out", async () => {
    const s = await migrating(sql);
    const both = { ...required(s), ...side("in", s), ...side("out", s) };
    await expectInvalid(sql, "report_vmm", both, "p_migration_out_id", /migration_in_id/);
  });

  test.each(["creating", "saga_unwound"])(
    "22P02 for p_state %s: the type does not have the label",
    async (state) => {
      const s = await running(sql);
      const said = { ...reportOf(s, "running", 3), state } as ReportVmmArguments;
      await expect(reportVmm(sql, said)).rejects.toMatchObject({ code: "22P02" });
    },
  );
});
