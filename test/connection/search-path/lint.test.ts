import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { leftToSearchPath } from "./lint.js";
import { filesOf, foreignStatements, statementsOf } from "./statements.js";

describe("CVE-2018-1058: every statement in an application's session names the schema of every object", () => {
  const statements = foreignStatements();

  it("sessions are opened only by src/connection/", () => {
    const opens = /(=|return) (await )?postgres\(|new (pg\.)?(Client|Pool)\(/;
    const files = filesOf("src").filter((file) => opens.test(readFileSync(file, "utf8")));
    expect(files).toEqual(["src/connection/connect.ts", "src/connection/pool.ts"]);
  });

  it("more than 30 statements are found", () => {
    expect(statements.length).toBeGreaterThan(30);
  });

  it.each(statements)("$file: $text", async ({ text }) => {
    expect(await leftToSearchPath(text)).toEqual([]);
  });
});

describe("the lint finds names without a schema:", () => {
  it.each([
    ["select to_json(r)::text from vmstate.api_instance as r", ["function to_json", "type text"]],
    ["select from vmstate.vmm as v where v.id = $1", ["operator ="]],
    ["select from vmstate.vmm as v where v.id operator(pg_catalog.=) any ($1)", []],
    ["select from vmstate.vmm as v where v.id = any ($1)", ["operator ="]],
    ["select from vmstate.vmm as v where v.id in ($1, $2)", ["operator ="]],
    ["select from vmstate.vmm as v where v.id in (select m.id from vmstate.migration as m)", ["operator ="]],
    ["select from vmstate.vmm as v where v.id is distinct from $1", ["operator ="]],
    ["select nullif($1, $2), case $1 when $2 then 1 end", ["operator ="]],
    ["select from vmstate.vmm as v join vmstate.migration as m using (id)", ["operator ="]],
    ["select from vmstate.vmm as v natural join vmstate.migration as m", ["operator ="]],
    ["select from vmstate.vmm as v order by v.id using <", ["operator <"]],
    ["select $1 collate c", ["collation c"]],
    ["with w as (select 1) select from w, pg_class", ["relation pg_class"]],
    ["select exists (select from vmstate.vmm), coalesce($1, 1), current_user, extract(epoch from $1)", []],
    ["select $1::integer, $1::pg_catalog.text", []],
  ])("%s", async (sql, found) => {
    expect(await leftToSearchPath(sql)).toEqual(found);
  });

  it("statements in templates and in strings", () => {
    const source =
      "sql<Row[]>`select ${a} from ${sql(b)}`; admin`select 1`; client.query('select 2'); statement`select 3`; other`no`";
    expect(statementsOf("file", source).map(({ text }) => text)).toEqual([
      "select $1 from name",
      "select 1",
      "client.query('select 2')",
      "select 3",
    ]);
  });
});
