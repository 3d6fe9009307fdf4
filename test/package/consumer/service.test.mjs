import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { apiInstance, createInstance } from "vmstate";
import { createTestDatabase } from "vmstate/testing";

let db;
before(async () => {
  db = await createTestDatabase();
});
after(() => db.close());

test("an instance begins as creating", async () => {
  const id = crypto.randomUUID();
  await createInstance(db.sql, { id, projectId: crypto.randomUUID(), name: "web", intendedState: "running" });
  assert.equal((await apiInstance(db.sql, { instanceId: id })).state, "creating");
});
