import { expect, it } from "vitest";
import { beside, make } from "../../src/schema/drift/beside.js";
import { createDatabase } from "../support/database.js";

it("a PostgreSQL error in the text of the comparison schema is thrown unchanged", async () => {
  await using db = await createDatabase();
  const made = beside(db.sql, (sql, schema) => make(sql, schema, "select nonsense from vmstate.vmm"));
  await expect(made).rejects.toMatchObject({ code: "42P01" });
});
