import { describe, expect, it } from "vitest";
import { withDatabase } from "../../support/database.js";
import { running } from "../scenario.js";
import { attempt } from "./attempt.js";
import { INSTANCE_REFUSALS } from "./instance-refusals.js";
import { MIGRATION_REFUSALS } from "./migration-refusals.js";
import { type Refusal, VERB } from "./refusal.js";
import { VMM_REFUSALS } from "./vmm-refusals.js";
import { active, OTHER } from "./writes.js";

const db = withDatabase();

const REFUSALS = [...INSTANCE_REFUSALS, ...VMM_REFUSALS, ...MIGRATION_REFUSALS];

describe("with the trigger disabled, the write passes:", () => {
  const titled = REFUSALS.map((refusal): [string, Refusal] => [
    `${refusal.trigger} refuses as ${refusal.code}: ${refusal.title}`,
    refusal,
  ]);

  it.each(titled)("%s", async (_, { trigger, code, given, write, detail }) => {
    const s = await given(db.sql);
    const error = await attempt(db.sql, (sql) => write(sql, s));
    expect(error).toMatchObject({ code });
    expect(error?.hint).toMatch(VERB);
    for (const word of detail(s)) expect(error?.detail).toContain(word);

    const [names = "", table] = trigger.split(" on ");
    expect(
      await attempt(db.sql, async (sql) => {
        for (const name of names.split(" and "))
          await sql.unsafe(`alter table vmstate.${table} disable trigger "${name}"`);
        await write(sql, s);
      }),
    ).toBeUndefined();
  });

  it("VM103 for another id of a linked VMM, before its foreign key is checked", async () => {
    const s = await running(db.sql);
    const error = await attempt(db.sql, (sql) => active(`id = '${OTHER}'`)(sql, s));
    expect(error).toMatchObject({ code: "VM103" });
  });
});

it("every trigger has a refusal here", async () => {
  const alone = REFUSALS.map(({ trigger }) => trigger).filter((trigger) => !trigger.includes(" and "));
  const tested = new Set(alone);
  for (const table of ["instance", "vmm", "migration"]) tested.add(`guard_truncate on ${table}`);
  tested.add("mark_links on instance");
  const triggers = await db.sql<{ name: string }[]>`
    select format('%s on %s', tgname, relname) as name
      from pg_trigger join pg_class as c on c.oid = tgrelid
      where relnamespace = 'vmstate'::regnamespace and not tgisinternal
        -- those that record, and those of the history, are tested in test/sql/history
        and tgname !~ '^record_' and relname !~ '^history'`;
  expect(triggers.map(({ name }) => name).sort()).toEqual([...tested].sort());
});
