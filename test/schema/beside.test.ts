import { expect, it } from "vitest";
import { withSecondSchema, makeIn } from "../../src/schema/drift/beside.js";
import { readCatalog } from "../../src/schema/drift/read.js";
import { createDatabase } from "../support/database.js";

it("a PostgreSQL error in the text of the comparison schema is thrown unchanged", async () => {
  await using db = await createDatabase();
  const made = withSecondSchema(db.sql, (sql, schema) =>
    makeIn(sql, schema, "select nonsense from vmstate.vmm"),
  );
  await expect(made).rejects.toMatchObject({ code: "42P01" });
});

it("a schema of another name is renamed to vmstate in its text, also where a comment's line begins with the name", async () => {
  await using db = await createDatabase();
  for (const name of ["vmstate", "other"])
    await db.sql.unsafe(`
      create schema if not exists ${name};
      create type ${name}.extra as enum ('a');
      comment on type ${name}.extra is E'${name}.a\\n${name}.b\\n\\t${name}.c of another'`);
  const [live, copy] = (await Promise.all([readCatalog(db.sql), readCatalog(db.sql, "other")])).map(
    (objects) => objects.find(({ name }) => name === "vmstate.extra"),
  );
  expect(copy?.properties["comment"]).toBe("vmstate.a\nvmstate.b\n\tvmstate.c of another");
  expect(copy).toEqual(live);
});
