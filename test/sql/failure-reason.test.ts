import { afterAll, beforeAll, expect, it } from "vitest";
import { failVmm, invariantViolations } from "../../src/index.js";
import { withDatabase } from "../support/database.js";
import { applied, running, saying, type Scenario, vmm } from "./scenario.js";

// A VMM has a failure reason if and only if it failed, also when the owner writes the row.

const db = withDatabase();
let live: Scenario;
beforeAll(async () => {
  live = await running(db.sql);
});
afterAll(async () => {
  expect(await invariantViolations(db.sql)).toEqual([]);
});

it.each([
  ["state = 'failed'", "state failed without a reason"],
  ["failure_reason = 'operator'", "a reason without state failed"],
  ["state = 'stopping', failure_reason = 'operator'", "a state other than failed, with a reason"],
])("refuses %s: %s", async (columns) => {
  const before = await vmm(db.sql, live.propolisId);
  const write = db.sql`
    update vmstate.vmm set ${db.sql.unsafe(columns)}, state_generation = state_generation + 1 where id = ${live.propolisId}`;
  await expect(write).rejects.toMatchObject({
    code: "23514",
    constraint_name: "failure_reason_iff_failed",
    table_name: "vmm",
  });
  expect(await vmm(db.sql, live.propolisId)).toEqual(before);
});

it("refuses a change of a dead VMM from destroyed to failed", async () => {
  const dead = await saying(db.sql, "destroyed");
  const write = db.sql`
    update vmstate.vmm set state = 'failed', state_generation = state_generation + 1 where id = ${dead.propolisId}`;
  await expect(write).rejects.toMatchObject({ code: "VM102" });
});

it.each(["running", "destroyed"])("refuses a change of a failed VMM to %s", async (state) => {
  const failed = await running(db.sql);
  await applied(failVmm(db.sql, { ...failed, reason: "operator" }));
  const write = db.sql`
    update vmstate.vmm set state = ${state}, state_generation = state_generation + 1 where id = ${failed.propolisId}`;
  await expect(write).rejects.toMatchObject({ code: "VM102" });
});

it("refuses a new VMM with a reason", async () => {
  const { propolisId } = live;
  const insert = db.sql`
    insert into vmstate.vmm (instance_id, id, sled_id, propolis_ip, saga_id, failure_reason)
    select instance_id, gen_random_uuid(), sled_id, propolis_ip, saga_id, 'operator' from vmstate.vmm where id = ${propolisId}`;
  await expect(insert).rejects.toMatchObject({ code: "VM102" });
});
